//! What is said of a schedule that breaks a rule.

use crate::rule::Violation;
use crate::shrink::shrink;
use crate::step::Step;

/// How often a schedule has to hold before it counts as one that does: the crate's own pauses are random.
const TRIES: usize = 3;

/// The smallest schedule that breaks the same rule, as Rust, under what it breaks.
pub fn report(
    seed: u64,
    schedule: &[Step],
    violation: &Violation,
    happens: impl Fn(&[Step]) -> Option<Violation>,
) -> String {
    let breaks = |schedule: &[Step]| {
        let mut tries = (0..TRIES).filter_map(|_| happens(schedule));
        tries.find(|other| other.rule == violation.rule)
    };
    let smallest = shrink(schedule, |schedule| breaks(schedule).is_some());
    let says = breaks(&smallest).unwrap_or_else(|| violation.clone());
    let steps: Vec<_> = smallest.iter().map(|step| format!("    {step:?},\n")).collect();
    format!(
        "seed {seed} breaks {says}\n{} of {} steps are enough:\n[\n{}]",
        smallest.len(),
        schedule.len(),
        steps.concat()
    )
}
