//! What became of the requests, and the table of it all.

use std::fmt::Write as _;
use std::sync::Mutex;
use std::time::Duration;

use crate::provider::Counts;
use crate::scenario::{self, Phase};

/// A peak is the busiest minute, however it falls: single seconds are chance, which at 2.8 fetches a second on average
/// makes 12 of them now and then.
const WINDOW: usize = 60;

/// The most that the busiest minute may be, as a multiple of the mean.
const LIMIT: f64 = 3.0;

/// Fetches per second of a fleet in which every replica refreshes once an hour.
const HOURLY: f64 = scenario::REPLICAS as f64 / 3600.0;

/// How the requests to the replicas fared, phase by phase.
pub struct Tallies {
    phases: Vec<Phase>,
    tallies: Mutex<Vec<Tally>>,
}

#[derive(Clone, Default)]
struct Tally {
    accepted: u64,
    refused: u64,
    longest_wait: Duration,
    /// Of a key set, in seconds, when a token was verified with it.
    greatest_age: u64,
}

impl Tallies {
    pub fn new() -> Self {
        let phases = scenario::phases();
        let tallies = Mutex::new(vec![Tally::default(); phases.len()]);
        Self { phases, tallies }
    }

    /// One request, all of which carry a good token.
    pub fn note(&self, asked: Duration, is_accepted: bool, waited: Duration, age: Option<u64>) {
        let phase = self.phases.iter().position(|phase| phase.seconds.contains(&asked.as_secs()));
        let tally = &mut self.tallies.lock().expect("nobody panics while counting")[phase.expect("a phase")];
        if is_accepted {
            tally.accepted += 1;
        } else {
            tally.refused += 1;
        }
        tally.longest_wait = tally.longest_wait.max(waited);
        tally.greatest_age = tally.greatest_age.max(age.unwrap_or(0));
    }
}

/// The table, in Markdown.
pub fn table(counts: &Counts, tallies: &Tallies) -> String {
    let mut table = String::from(
        "| from | phase | fetches | failed | mean/s | busiest minute/s | ÷ mean | ≤ 3 | ÷ hourly rate | busiest second | \
         tokens | refused | longest wait | oldest key set |\n\
         |--:|---|--:|--:|--:|--:|--:|---|--:|--:|--:|--:|--:|--:|\n",
    );
    let kept = tallies.tallies.lock().expect("nobody panics while counting");
    for (phase, tally) in tallies.phases.iter().zip(&*kept) {
        let range = phase.seconds.start as usize..phase.seconds.end as usize;
        let asked = &counts.asked[range.clone()];
        let (mean, peak) = (mean(asked), busiest(asked));
        let verdict = match peak <= LIMIT * mean {
            _ if phase.is_wave => "a wave",
            true => "yes",
            false => "**no**",
        };
        _ = writeln!(
            table,
            "| {} | {} | {} | {} | {mean:.2} | {peak:.1} | {:.1} | {verdict} | {:.1} | {} | {} | {} | {} ms | {} |",
            clock(phase.seconds.start),
            phase.name,
            sum(asked),
            sum(&counts.failed[range]),
            peak / mean,
            peak / HOURLY,
            asked.iter().max().unwrap_or(&0),
            tally.accepted + tally.refused,
            tally.refused,
            tally.longest_wait.as_millis(),
            clock(tally.greatest_age),
        );
    }
    table
}

/// The busiest minute of these seconds, as fetches per second.
pub fn busiest(seconds: &[u32]) -> f64 {
    seconds.windows(WINDOW.min(seconds.len())).map(mean).fold(0.0, f64::max)
}

pub fn mean(seconds: &[u32]) -> f64 {
    f64::from(sum(seconds)) / seconds.len() as f64
}

fn sum(seconds: &[u32]) -> u32 {
    seconds.iter().sum()
}

/// Hours and minutes.
fn clock(seconds: u64) -> String {
    let minutes = seconds / 60;
    format!("{}:{:02}", minutes / 60, minutes % 60)
}
