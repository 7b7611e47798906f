//! The ways that a request can take through the layer, each to be driven alone.
//!
//! `.ci/paths` counts the instructions and the allocations of each under valgrind, and compares them with what
//! `counts.json` and its own table of budgets say. Nothing here takes a time.
//!
//! In this directory, `cargo run --release` drives all of them a few times, and so shows that each ends as it should;
//! `cargo run --release -- NAME REQUESTS` drives one.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    reason = "a benchmark may stop at the first thing that is not as it says"
)]

mod guess;
mod issuer;
mod path;
mod server;

use std::env;
use std::hint::black_box;

use path::PATHS;

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => {
            for path in &PATHS {
                println!("{}", path.name);
                path.prepare(8)();
            }
        }
        [name, requests] => {
            let path = PATHS.iter().find(|path| path.name == name).expect("a path of this name");
            let mut work = path.prepare(requests.parse().expect("a number of requests"));
            measured(&mut work);
        }
        _ => panic!("a path and a number of requests, or nothing"),
    }
}

/// All that is counted happens in here: `.ci/paths` knows this function by its name.
#[inline(never)]
fn measured(work: &mut dyn FnMut()) {
    work();
    black_box(());
}
