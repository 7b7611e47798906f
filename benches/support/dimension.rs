//! One quantity that grows, and what is measured at each of its points.

use std::fmt::Write as _;
use std::time::Duration;

use axum::Router;
use http::{HeaderValue, StatusCode};

use super::app::{self, request};
use super::growth::Growth;
use super::interleave::{Subject, interleave};
use super::plot::{Line, Plot, in_groups};
use super::stopwatch::Stopwatch;
use super::tokens::MOST_TAKEN;

/// A quantity, its points, and the rows of subjects that are measured at each.
pub struct Dimension {
    /// Of its table and its file.
    pub name: &'static str,
    pub count: Count,
    pub points: Vec<f64>,
    pub rows: Vec<Row>,
    /// What costs 1.
    pub unit: Unit,
    /// What one has to know to read the table.
    pub note: Option<String>,
}

/// What is counted.
#[derive(Clone, Copy)]
pub struct Count {
    /// Over a column and beside an axis.
    pub name: &'static str,
    /// In a sentence.
    pub phrase: &'static str,
    /// Growth is told for so many at a time, with their name.
    pub step: (f64, &'static str),
}

/// Subjects of one kind, one for each point.
pub struct Row {
    pub name: &'static str,
    pub subjects: Vec<Subject>,
    /// The last point of which the verdict is, where the cost makes a step after it.
    pub up_to: Option<f64>,
}

/// What costs are told in.
pub struct Unit {
    pub name: &'static str,
    /// One for all points, or one for each.
    pub subjects: Vec<Subject>,
}

impl Unit {
    /// A request behind a layer that does nothing.
    pub fn nothing() -> Self {
        let authorization = HeaderValue::from_static("Bearer of.no.consequence");
        let subject = handling(app::unguarded(), StatusCode::NO_CONTENT, move || authorization.clone());
        Self { name: "a request behind a layer that does nothing", subjects: vec![subject] }
    }
}

/// A subject that sends requests with these headers to `app`.
pub fn handling(
    app: Router,
    answer: StatusCode,
    authorization: impl FnMut() -> HeaderValue + 'static,
) -> Subject {
    Subject::timed(answer.as_str(), in_batches(app, answer, authorization))
}

/// Sends so many requests to `app`, and says how long it took to handle them; to make them does not count.
pub fn in_batches(
    mut app: Router,
    answer: StatusCode,
    mut authorization: impl FnMut() -> HeaderValue,
) -> impl FnMut(usize) -> Duration {
    move |requests| {
        let mut took = Duration::ZERO;
        let mut left = requests;
        while left > 0 {
            let batch = left.min(MOST_TAKEN);
            left -= batch;
            let batch: Vec<_> = (0..batch).map(|_| request(authorization())).collect();
            let stopwatch = Stopwatch::start();
            let others = batch.into_iter().map(|request| app::status(&mut app, request));
            let others = others.filter(|status| *status != answer).count();
            took += stopwatch.stop();
            assert_eq!(others, 0, "answers other than {answer}");
        }
        took
    }
}

/// What the rows of a dimension cost at each point, as multiples of its unit.
pub struct Measured {
    name: &'static str,
    count: Count,
    unit: &'static str,
    note: Option<String>,
    unit_nanoseconds: f64,
    points: Vec<f64>,
    rows: Vec<Costs>,
}

/// What one row costs at each point.
struct Costs {
    name: &'static str,
    up_to: Option<f64>,
    each: Vec<f64>,
}

impl Dimension {
    /// Lets all subjects take turns, and compares each with the unit in the same round.
    pub fn measure(self, rounds: usize) -> Measured {
        let count = self.points.len();
        let names: Vec<_> = self.rows.iter().map(|row| (row.name, row.up_to)).collect();
        let units = self.unit.subjects.len();
        let mut subjects = self.unit.subjects;
        subjects.extend(self.rows.into_iter().flat_map(|row| row.subjects));
        assert_eq!(subjects.len(), units + names.len() * count, "a subject for each point");
        let samples = interleave(&mut subjects, rounds);
        let (units, samples) = samples.split_at(units);
        let row = |row: &[_]| {
            let points = row.iter().enumerate();
            let ratio = |(at, own): (usize, &super::interleave::Samples)| {
                own.median_ratio_to(units.get(at).unwrap_or(&units[0]))
            };
            points.map(ratio).collect()
        };
        Measured {
            name: self.name,
            count: self.count,
            unit: self.unit.name,
            note: self.note,
            unit_nanoseconds: units[0].median(),
            points: self.points,
            rows: (names.into_iter().zip(samples.chunks(count)))
                .map(|((name, up_to), samples)| Costs { name, up_to, each: row(samples) })
                .collect(),
        }
    }
}

impl Measured {
    /// A table, and a verdict on each of its columns.
    pub fn to_markdown(&self) -> String {
        let Self { name, count, unit, note, unit_nanoseconds, points, rows } = self;
        let mut text = format!("### {name}\n\n1 is {unit}: {:.2} µs.", unit_nanoseconds / 1_000.0);
        if let Some(note) = note {
            _ = write!(text, " {note}");
        }
        _ = write!(text, "\n\n| {} |", count.name);
        for row in rows {
            _ = write!(text, " {} |", row.name);
        }
        _ = writeln!(text, "\n|--:|{}", "--:|".repeat(rows.len()));
        for (at, point) in points.iter().enumerate() {
            _ = write!(text, "| {} |", in_groups(*point));
            for row in rows {
                _ = write!(text, " {:.2} |", row.each[at]);
            }
            text += "\n";
        }
        text += "\n";
        for row in rows {
            let limit = row.up_to.unwrap_or(f64::INFINITY);
            let judged: Vec<_> = self.along(row).into_iter().filter(|point| point.0 <= limit).collect();
            let verdict = Growth::of(&judged).in_words(count.phrase, count.step.0, count.step.1);
            let scope = row.up_to.map(|limit| format!(", up to {}", in_groups(limit))).unwrap_or_default();
            _ = writeln!(text, "- {}{scope}: {verdict}", row.name);
        }
        text
    }

    pub fn to_plot(&self) -> Plot {
        let line = |row: &Costs| Line { name: row.name.to_owned(), points: self.along(row) };
        Plot {
            title: format!("What a request costs over {}", self.count.phrase),
            x_label: self.count.name.to_owned(),
            y_label: format!("cost; 1 is {}", self.unit),
            lines: self.rows.iter().map(line).collect(),
        }
    }

    fn along(&self, row: &Costs) -> Vec<(f64, f64)> {
        self.points.iter().copied().zip(row.each.iter().copied()).collect()
    }
}
