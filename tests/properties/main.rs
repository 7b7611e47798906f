//! What holds of every token, whoever wrote it: properties, each held against many values that are made up at random.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first thing that is not as it says"
)]

mod cache;
mod signing;
mod times;
mod token;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

/// Holds `property` against 256 values of `strategy`, or as many as `PROPTEST_CASES` says, and shows the simplest that it
/// does not hold for.
#[track_caller]
fn for_all<S: Strategy>(strategy: S, property: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config { failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&strategy, property);
    assert!(outcome.is_ok(), "{}", outcome.expect_err("a failure"));
}
