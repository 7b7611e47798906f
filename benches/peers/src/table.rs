//! The one table: a row for each subject, a column for each algorithm, all relative to the raw verification.

use crate::support::issuer::Algorithm;
use crate::support::subjects::{
    BARE, EXPIRED, FORGED, GARBAGE, LEAST, NEW, NEW_UNCACHED, NOTHING, NOTHING_10K, RAW, REPEATED,
    REPEATED_10K, Run, UNKNOWN_KID, WRONG_AUD, WRONG_ISS,
};
use crate::support::targets::{Bound, Target, Unit};
use crate::trial::Trial;

/// Not in the table: they are refusals, which are among the targets.
const LEFT_OUT: [&str; 6] = [FORGED, GARBAGE, UNKNOWN_KID, EXPIRED, WRONG_ISS, WRONG_AUD];

const OWN: [&str; 9] = [RAW, BARE, NOTHING, LEAST, NOTHING_10K, NEW, NEW_UNCACHED, REPEATED, REPEATED_10K];

/// What separates the figures that one process tells the other.
const SEPARATOR: char = '\t';

#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
}

struct Row {
    name: String,
    cells: [Option<String>; 3],
    accepted: Vec<String>,
}

impl Table {
    pub fn add(&mut self, run: &Run, trials: &[Trial]) {
        for name in run.names().filter(|name| !LEFT_OUT.contains(name)) {
            let accepted =
                trials.iter().find(|trial| trial.name == name).map(|trial| trial.accepted.join(", "));
            self.fill(name, run.algorithm, cell(run, name), &accepted.unwrap_or_default());
        }
    }

    pub fn add_what_is_told(&mut self, text: &str) {
        for line in text.lines() {
            let parts: Vec<_> = line.split(SEPARATOR).collect();
            let [algorithm, name, cell, accepted] = parts[..] else { panic!("not a row: {line}") };
            let algorithm = Algorithm::ALL.into_iter().find(|other| other.name() == algorithm);
            self.fill(name, algorithm.expect("an algorithm"), cell.to_owned(), accepted);
        }
    }

    fn fill(&mut self, name: &str, algorithm: Algorithm, cell: String, accepted: &str) {
        let index = self.rows.iter().position(|row| row.name == name).unwrap_or_else(|| {
            self.rows.push(Row { name: name.to_owned(), cells: Default::default(), accepted: Vec::new() });
            self.rows.len() - 1
        });
        let row = &mut self.rows[index];
        row.cells[algorithm as usize] = Some(cell);
        if !row.accepted.iter().any(|other| other == accepted) {
            row.accepted.push(accepted.to_owned());
        }
    }

    pub fn print(mut self) {
        // This crate and what it is measured by first; then the peers, the rows of each together.
        self.rows.sort_by_key(|row| match OWN.iter().position(|own| *own == row.name) {
            Some(position) => (position, String::new()),
            None => (OWN.len(), row.name.clone()),
        });
        println!("| request with a valid token | RS256 | ES256 | EdDSA | accepts nevertheless |");
        println!("|---|--:|--:|--:|---|");
        for row in self.rows {
            let [rs256, es256, eddsa] = row.cells.map(|cell| cell.unwrap_or_else(|| "–".to_owned()));
            println!("| {} | {rs256} | {es256} | {eddsa} | {} |", row.name, row.accepted.join(" / "));
        }
    }
}

/// For the other process to read.
pub fn tell(run: &Run, trials: &[Trial]) {
    for trial in trials {
        let (algorithm, cell) = (run.algorithm.name(), cell(run, &trial.name));
        let parts = [algorithm, &trial.name, &cell, &trial.accepted.join(", ")];
        println!("{}", parts.join(&SEPARATOR.to_string()));
    }
}

fn cell(run: &Run, name: &str) -> String {
    let ratio = run.ratio(name, RAW).unwrap_or(f64::NAN);
    let time = run.samples(name).map_or(f64::NAN, |samples| samples.median() / 1e3);
    match time {
        time if name == RAW || time < 10.0 => format!("{ratio:.3} ({time:.2} µs)"),
        _ => format!("{ratio:.2}"),
    }
}

/// The targets that need a peer. All peers here are tuned: what is slower as installed is in the other process.
pub fn against_peers(run: &Run) -> Vec<Target> {
    let peers: Vec<_> = run.names().filter(|name| !OWN.contains(name) && !LEFT_OUT.contains(name)).collect();
    let times = |peer: &str, own| run.ratio(peer, own).unwrap_or(f64::NAN);
    let best =
        |own| peers.iter().copied().min_by(|a, b| times(a, own).total_cmp(&times(b, own))).expect("a peer");
    let algorithm = run.algorithm.name();
    let least = match run.algorithm {
        Algorithm::Rs256 => 23.0,
        Algorithm::Es256 => 50.0,
        Algorithm::EdDsa => 38.0,
    };
    let new = Target::new(
        format!("{algorithm}: the fastest peer ÷ new token"),
        times(best(NEW), NEW),
        Bound::AtLeast(1.0),
        Unit::Times,
    );
    let repeated = Target::new(
        format!("{algorithm}: the fastest peer ÷ repeated token"),
        times(best(REPEATED), REPEATED),
        Bound::AtLeast(least),
        Unit::Times,
    );
    vec![new.with_note(best(NEW)), repeated.with_note(best(REPEATED))]
}
