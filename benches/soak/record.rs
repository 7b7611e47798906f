//! The server from second to second, and what may not grow in it.

use std::time::Duration;

use crate::child::Vitals;
use crate::tally::Latencies;
use crate::{POLITE, PROBERS, RUDE};

/// What the memory of the last fifth may be above that of the second one, in MiB: an allocator that has not found its
/// level yet, and no more. A part of the memory of a request that stays would be more than that within a minute.
const GROWTH: f64 = 3.0;

/// Connections that the server has not let go of yet, and those to its provider.
const PASSING: usize = 64;

pub struct Record {
    /// Before anybody asked.
    pub idle: Vitals,
    pub seconds: Vec<Second>,
    /// When nobody asked any more.
    pub end: Option<Vitals>,
}

pub struct Second {
    pub at: Duration,
    pub vitals: Vitals,
    pub answers: Latencies,
}

impl Record {
    pub fn new(idle: Vitals) -> Self {
        Self { idle, seconds: Vec::new(), end: None }
    }

    /// The mean of its memory in one fifth of the time.
    pub fn memory(&self, fifth: usize) -> f64 {
        let length = self.seconds.len();
        let seconds = &self.seconds[length * fifth / 5..length * (fifth + 1) / 5];
        seconds.iter().map(|second| second.vitals.memory).sum::<f64>() / seconds.len().max(1) as f64
    }

    pub fn most(&self, of: impl Fn(&Vitals) -> f64) -> f64 {
        self.seconds.iter().map(|second| of(&second.vitals)).fold(0.0, f64::max)
    }

    /// What it has kept, or taken more and more of.
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let (early, late) = (self.memory(1), self.memory(4));
        if late > early + GROWTH {
            complaints
                .push(format!("memory grows: {early:.1} MiB in the second fifth, {late:.1} MiB in the last"));
        }
        let most = self.most(|vitals| vitals.descriptors as f64) as usize;
        let expected = self.idle.descriptors + (POLITE + PROBERS + RUDE) as usize + PASSING;
        if most > expected {
            complaints.push(format!("{most} descriptors, and {expected} is what its clients explain"));
        }
        let Some(end) = self.end else {
            complaints.push("the server was not there at the end".to_owned());
            return complaints;
        };
        if end.descriptors > self.idle.descriptors {
            let Vitals { descriptors, .. } = self.idle;
            complaints.push(format!("{} descriptors at the end, {descriptors} before", end.descriptors));
        }
        if end.threads > self.idle.threads {
            complaints.push(format!("{} threads at the end, {} before", end.threads, self.idle.threads));
        }
        if end.memory > early + GROWTH {
            complaints.push(format!("{:.1} MiB at the end, {early:.1} MiB in the second fifth", end.memory));
        }
        complaints
    }
}
