//! What all requests have come to.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::request::Kind;

#[derive(Default)]
pub struct Tally {
    /// How often a kind of request came to a verdict.
    pub verdicts: HashMap<(Kind, &'static str), u64>,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// How often clients left, and in the middle of what.
    pub departures: BTreeMap<&'static str, u64>,
    pub window: Latencies,
    pub all: Latencies,
    /// The longest that a request took whose token may have to wait for its key.
    pub longest_wait: Duration,
    /// What was not as promised, how often, and when first.
    pub complaints: BTreeMap<String, (u64, Duration)>,
}

/// How many answers took how long, to a part in thirty-two.
#[derive(Clone)]
pub struct Latencies {
    buckets: Vec<u64>,
    count: u64,
    pub longest: Duration,
}

/// Buckets for each doubling.
const FINENESS: f64 = 32.0;

/// Beyond the longest that anything can take: 2²⁶ µs are more than a minute.
const DOUBLINGS: usize = 26;

impl Default for Latencies {
    fn default() -> Self {
        Self { buckets: vec![0; FINENESS as usize * DOUBLINGS], count: 0, longest: Duration::ZERO }
    }
}

impl Latencies {
    pub fn note(&mut self, took: Duration) {
        let bucket = (took.as_micros().max(1) as f64).log2() * FINENESS;
        let last = self.buckets.len() - 1;
        self.buckets[(bucket as usize).min(last)] += 1;
        self.count += 1;
        self.longest = self.longest.max(took);
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn quantile(&self, part: f64) -> Duration {
        let rank = (self.count as f64 * part) as u64;
        let mut seen = 0;
        let bucket = self.buckets.iter().position(|bucket| {
            seen += bucket;
            seen > rank
        });
        let microseconds = ((bucket.unwrap_or(0) as f64 + 0.5) / FINENESS).exp2();
        Duration::from_secs_f64(microseconds / 1e6)
    }
}

impl Tally {
    pub fn note(&mut self, kind: Kind, status: u16, verdict: &'static str) {
        *self.verdicts.entry((kind, verdict)).or_default() += 1;
        *self.statuses.entry(status).or_default() += 1;
    }

    /// One of those that need nothing but what the server has.
    pub fn note_latency(&mut self, took: Duration) {
        self.window.note(took);
        self.all.note(took);
    }

    pub fn complain(&mut self, complaint: String, at: Duration) {
        self.complaints.entry(complaint).or_insert((0, at)).0 += 1;
    }
}
