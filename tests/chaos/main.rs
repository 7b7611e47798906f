//! Chaos: whatever happens to a provider, a clock and the callers, in any order, some things hold.
//!
//! A schedule is made from a seed, and happens to a layer under paused time, where days take milliseconds and all answers
//! come from memory, or in real time, over HTTP. After each step everything that must hold is checked against a model that
//! shares nothing with the cache, the key set and the gate of the crate. A seed that fails is made as small as it can be.
//!
//! `CHAOS_SCHEDULES` says how many there are under paused time, `CHAOS_SECONDS` for how long they run in real time, and
//! `CHAOS_SEED` which is the first. The crate's own pauses are random: a seed that failed may have to be tried some times.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    reason = "a test may stop at the first thing that is not as it says"
)]

mod budget;
mod callers;
mod contract;
mod follower;
mod history;
mod inspector;
mod judge;
mod oracle;
mod paused;
mod promise;
mod provider;
mod pulse;
mod random;
mod real;
mod report;
mod rule;
mod schedule;
mod shrink;
mod step;
mod tally;
mod tap;
mod time;
mod world;

/// A number from the environment.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect("a number"))
}
