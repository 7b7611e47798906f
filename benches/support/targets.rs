//! What this crate is to reach, and whether it did.

use std::fmt;

use super::interleave::Samples;
use super::issuer::Algorithm;
use super::subjects::{
    EXPIRED, FORGED, GARBAGE, NEW, NOTHING, NOTHING_10K, RAW, REPEATED, REPEATED_10K, Run, UNKNOWN_KID,
    WRONG_AUD, WRONG_ISS,
};
use super::threads::Scaling;

/// One RS256 verification on the machine that the absolute targets were set on, in microseconds. Ratios carry over from
/// machine to machine, so a time counts as the ratio to this machine's, times this.
pub const REFERENCE_RAW: f64 = 20.7;

/// Why a target is missed, where it is: how the name ends, and the reason. The profiles are in `manual::performance`.
const WHY: &[(&str, &str)] = &[
    ("new token ÷ raw", "a third of what is above 1 is the router and the handler's own type, by serde"),
    (
        "bad signature ÷ raw",
        "a refusal through the router costs what garbage does: with RS256, that is more than the margin",
    ),
    (
        "repeated token ÷ do-nothing layer",
        "the do-nothing layer with one entry in the request and two looks at a clock is beyond it already",
    ),
    (
        "10,000 live tokens ÷ do-nothing layer",
        "as for one token; what comes on top is memory far from the processor",
    ),
    (
        "garbage refused",
        "a request that no layer refuses takes two thirds of that here, and a refusal is a response with a body",
    ),
    (
        "unknown `kid` refused",
        "its claims have to be read first, so that only a plausible token can cause a fetch",
    ),
    ("expired refused", READ_FIRST),
    ("another `iss` refused", READ_FIRST),
    ("another `aud` refused", READ_FIRST),
    ("p99.9 with swaps ÷ without", "so few samples show whatever else the machine does"),
];

const READ_FIRST: &str =
    "within the noise of a run: beyond garbage it costs base64 and the reading of its claims";

const REACHED: &str = "reached";

/// One target.
pub struct Target {
    pub name: String,
    pub measured: f64,
    pub bound: Bound,
    pub unit: Unit,
    /// What else should be known about the figure.
    pub note: String,
}

#[derive(Clone, Copy)]
pub enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

#[derive(Clone, Copy)]
pub enum Unit {
    Times,
    Microseconds,
    Mebibytes,
}

impl Target {
    pub fn new(name: impl Into<String>, measured: f64, bound: Bound, unit: Unit) -> Self {
        Self { name: name.into(), measured, bound, unit, note: String::new() }
    }

    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    fn verdict(&self) -> String {
        let (reached, by) = match self.bound {
            Bound::AtMost(most) => (self.measured <= most, self.measured / most - 1.0),
            Bound::AtLeast(least) => (self.measured >= least, 1.0 - self.measured / least),
        };
        if reached { REACHED.to_owned() } else { format!("missed by {:.0} %", (by * 100.0).max(1.0)) }
    }
}

/// Of a table in Markdown, one row.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figure = |value| match self.unit {
            Unit::Times if value >= 10.0 => format!("{value:.0} ×"),
            Unit::Times => format!("{value:.2} ×"),
            Unit::Microseconds => format!("{value:.2} µs"),
            Unit::Mebibytes => format!("{value:.2} MiB"),
        };
        let target = match self.bound {
            Bound::AtMost(most) => format!("≤ {}", figure(most)),
            Bound::AtLeast(least) => format!("≥ {}", figure(least)),
        };
        let is_missed = self.verdict() != REACHED;
        let why =
            WHY.iter().find(|(end, _)| is_missed && self.name.ends_with(end)).map_or("", |(_, why)| *why);
        let note = [self.note.as_str(), why].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>();
        write!(
            f,
            "| {} | {} | {target} | {} | {} |",
            self.name,
            figure(self.measured),
            self.verdict(),
            note.join("; ")
        )
    }
}

pub fn print(targets: &[Target]) {
    println!("| target | measured | to reach | verdict | note |");
    println!("|---|--:|--:|---|---|");
    for target in targets {
        println!("{target}");
    }
    let reached = targets.iter().filter(|target| target.verdict() == REACHED).count();
    println!("\n{reached} of {} targets reached.", targets.len());
}

/// The targets that the run of one algorithm can tell of.
pub fn of_run(run: &Run) -> Vec<Target> {
    let algorithm = run.algorithm.name();
    let new = match run.algorithm {
        Algorithm::Rs256 => 1.15,
        Algorithm::Es256 => 1.05,
        Algorithm::EdDsa => 1.06,
    };
    let ratio = |name, other| run.ratio(name, other).unwrap_or(f64::NAN);
    let times = |name: &str, what, other, most| {
        Target::new(format!("{algorithm}: {name}"), ratio(what, other), Bound::AtMost(most), Unit::Times)
            .with_note(middle_half(run, what, other))
    };
    let above = |name, other| {
        let median = |name| run.samples(name).map_or(f64::NAN, Samples::median);
        format!("{}; {:.0} ns above it", middle_half(run, name, other), median(name) - median(other))
    };
    let mut targets = vec![
        times("new token ÷ raw", NEW, RAW, new),
        times("bad signature ÷ raw", FORGED, RAW, 1.05),
        times("repeated token ÷ do-nothing layer", REPEATED, NOTHING, 1.12)
            .with_note(above(REPEATED, NOTHING)),
        times("one of 10,000 live tokens ÷ do-nothing layer", REPEATED_10K, NOTHING_10K, 1.35)
            .with_note(above(REPEATED_10K, NOTHING_10K)),
    ];
    if run.algorithm == Algorithm::Rs256 {
        for (what, name, most) in [
            ("garbage refused", GARBAGE, 1.0),
            ("unknown `kid` refused", UNKNOWN_KID, 1.4),
            ("expired refused", EXPIRED, 2.0),
            ("another `iss` refused", WRONG_ISS, 2.0),
            ("another `aud` refused", WRONG_AUD, 2.0),
        ] {
            let here = run.samples(name).map_or(f64::NAN, |samples| samples.median() / 1e3);
            let scaled = ratio(name, RAW) * REFERENCE_RAW;
            let target = Target::new(what, scaled, Bound::AtMost(most), Unit::Microseconds);
            targets.push(target.with_note(format!("{here:.2} µs on this machine")));
        }
    }
    targets
}

/// How far apart the rounds are.
fn middle_half(run: &Run, name: &str, other: &str) -> String {
    let quartiles = run.samples(name).zip(run.samples(other));
    let (low, high) = quartiles.map_or((f64::NAN, f64::NAN), |(own, other)| own.ratio_quartiles_to(other));
    format!("middle half {low:.2}–{high:.2}")
}

pub fn of_scaling(scaling: &Scaling) -> Target {
    let alone = format!(
        "{:.2} and {:.2} of perfect; needs two processors that are free",
        scaling.repeated_token, scaling.layer_that_does_nothing
    );
    let name = "repeated token on 2 threads, scaling ÷ that of the do-nothing layer";
    Target::new(name, scaling.relative(), Bound::AtLeast(0.9), Unit::Times).with_note(alone)
}

/// How a time on this machine became one to judge.
pub fn scale(rs256: &Run) -> String {
    let raw = rs256.samples(RAW).map_or(f64::NAN, |samples| samples.median() / 1e3);
    format!(
        "Raw RS256 takes {raw:.1} µs on this machine. Times are judged as the median of the rounds' ratios to that, times the {REFERENCE_RAW} µs of \
         the machine that the targets were set on."
    )
}
