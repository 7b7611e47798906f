//! The same over HTTP, in real time: many worlds at once, as most of what they do is wait.

use std::time::{Duration, Instant};

use tokio::task::LocalSet;

use crate::report::report;
use crate::rule::Violation;
use crate::step::Step;
use crate::tally::Tally;
use crate::time::Time;
use crate::{schedule, setting, world};

/// How many schedules happen at a time.
const AT_ONCE: u64 = 24;

/// In real time a schedule has to come to an end.
const MOST_STEPS: usize = 16;

/// How much more memory the process may take after many rounds than after a few: what is lost shows in the long run.
const MOST_GROWTH_KB: u64 = 48 * 1024;

#[test]
#[expect(clippy::disallowed_methods, reason = "the time of the test itself is real")]
fn whatever_happens_over_http_all_that_must_hold_holds() {
    let first = setting("CHAOS_SEED", 0);
    let end = Instant::now() + Duration::from_secs(setting("CHAOS_SECONDS", 0));
    let mut sum = Tally::default();
    let mut memory = Vec::new();
    for round in 0.. {
        let seeds = (first + round * AT_ONCE..).take(usize::try_from(AT_ONCE).expect("a number"));
        let schedules: Vec<_> = seeds.map(|seed| (seed, schedule_of(seed))).collect();
        let all: Vec<_> = schedules.iter().map(|(_, schedule)| schedule.clone()).collect();
        for ((seed, schedule), outcome) in schedules.iter().zip(happen(all)) {
            match outcome {
                Ok(tally) => sum.add(&tally),
                Err(violation) => panic!("{}", report(*seed, schedule, &violation, again(end))),
            }
        }
        memory.extend(resident_kb());
        if Instant::now() >= end {
            break;
        }
    }
    println!("{sum}");
    println!("memory after each round, in KiB: {memory:?}");
    let (early, late) = memory.split_at(memory.len().min(3));
    if let (Some(early), Some(late)) = (early.iter().max(), late.iter().max()) {
        assert!(*late <= early + MOST_GROWTH_KB, "memory grows: {memory:?}");
    }
}

fn schedule_of(seed: u64) -> Vec<Step> {
    let mut schedule = schedule::of_seed(seed);
    schedule.truncate(MOST_STEPS);
    schedule
}

/// Each in a world of its own, all at the same time.
fn happen(schedules: Vec<Vec<Step>>) -> Vec<Result<Tally, Violation>> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().expect("a runtime");
    let worlds = LocalSet::new();
    worlds.block_on(&runtime, async {
        let begun: Vec<_> = schedules
            .into_iter()
            .map(|schedule| {
                tokio::task::spawn_local(async move {
                    world::run(&schedule, Time::Real).await.map(|(tally, ..)| tally)
                })
            })
            .collect();
        let mut outcomes = Vec::new();
        for world in begun {
            outcomes.push(world.await.expect("an outcome"));
        }
        outcomes
    })
}

/// Tries a schedule again, for a minute at most in all.
#[expect(clippy::disallowed_methods, reason = "the time of the test itself is real")]
fn again(now: Instant) -> impl Fn(&[Step]) -> Option<Violation> {
    let end = Instant::now().max(now) + Duration::from_secs(60);
    move |schedule| {
        let is_time_left = Instant::now() < end;
        is_time_left.then(|| happen(vec![schedule.to_vec()]).pop()?.err()).flatten()
    }
}

/// Of this process; nothing where the system does not tell it so.
fn resident_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}
