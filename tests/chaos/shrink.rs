//! Makes a schedule that fails as small as it can be.

use crate::schedule::simpler;
use crate::step::Step;

/// The smallest schedule that was found to fail still, by leaving steps out and by making them simpler (delta debugging).
pub fn shrink(schedule: &[Step], fails: impl Fn(&[Step]) -> bool) -> Vec<Step> {
    let mut smallest = schedule.to_vec();
    loop {
        let before = smallest.clone();
        leave_out(&mut smallest, &fails);
        simplify(&mut smallest, &fails);
        if smallest == before {
            return smallest;
        }
    }
}

fn leave_out(schedule: &mut Vec<Step>, fails: &impl Fn(&[Step]) -> bool) {
    let mut length = schedule.len().div_ceil(2);
    while length > 0 {
        let mut start = 0;
        while start < schedule.len() {
            let end = (start + length).min(schedule.len());
            let shorter = [&schedule[..start], &schedule[end..]].concat();
            if fails(&shorter) {
                *schedule = shorter;
            } else {
                start = end;
            }
        }
        length /= 2;
    }
}

fn simplify(schedule: &mut Vec<Step>, fails: &impl Fn(&[Step]) -> bool) {
    for index in 0..schedule.len() {
        while let Some(simpler) = simpler(&schedule[index]).into_iter().find_map(|step| {
            let mut other = schedule.clone();
            other[index] = step;
            fails(&other).then_some(other)
        }) {
            *schedule = simpler;
        }
    }
}

#[test]
fn what_has_nothing_to_do_with_a_failure_is_left_out() {
    let schedule = crate::schedule::of_seed(7);
    assert!(schedule.len() > 4);
    let mut schedule = [schedule, vec![Step::Rotate, Step::Wait(90_000), Step::Withdraw]].concat();
    schedule.push(Step::Wait(5));
    let rotates_and_waits = |steps: &[Step]| {
        let rotation = steps.iter().position(|step| *step == Step::Rotate);
        let after = rotation.map_or(&[][..], |rotation| &steps[rotation..]);
        after.iter().any(|step| matches!(step, Step::Wait(ms) if *ms >= 1_000))
    };
    assert_eq!(shrink(&schedule, rotates_and_waits), [Step::Rotate, Step::Wait(1_000)]);
}
