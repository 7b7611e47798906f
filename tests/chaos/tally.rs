//! What has been tried.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

#[derive(Debug, Default)]
pub struct Tally {
    pub schedules: u64,
    pub steps: u64,
    pub faults: u64,
    pub fetches: u64,
    /// By what was said: `accepted`, `left`, or the code of the refusal.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// In the time of the schedules.
    pub lasted: Duration,
    /// The most bytes that a layer had kept at the end.
    pub most_kept: i64,
}

impl Tally {
    pub fn add(&mut self, other: &Self) {
        self.schedules += other.schedules;
        self.steps += other.steps;
        self.faults += other.faults;
        self.fetches += other.fetches;
        for (verdict, count) in &other.verdicts {
            *self.verdicts.entry(verdict).or_default() += count;
        }
        self.lasted += other.lasted;
        self.most_kept = self.most_kept.max(other.most_kept);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { schedules, steps, faults, fetches, verdicts, lasted, most_kept } = self;
        let judged: u64 = verdicts.values().sum();
        writeln!(f, "{schedules} schedules, {steps} steps, {faults} of them faults, {fetches} fetches")?;
        if *most_kept > 0 {
            writeln!(f, "{most_kept} bytes kept by a layer at most")?;
        }
        write!(f, "{judged} verdicts in {} h:", lasted.as_secs() / 3_600)?;
        verdicts.iter().try_for_each(|(verdict, count)| write!(f, " {verdict} {count},"))
    }
}
