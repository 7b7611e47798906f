//! How the cost of a request grows: `cargo bench --bench scale`, with the names of dimensions to see only those, prints a
//! table of each and draws it into `src/manual/performance/`.
//!
//! A cost is a multiple of a request behind a layer that does nothing, which carries over from machine to machine. All
//! points of a dimension take turns, and what is shown is the median over the rounds, so that a clock that drifts shows as
//! noise and not as growth. *New* and *repeated* tokens are as in `verify`.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    reason = "a measurement may stop at the first thing that is not as it says"
)]

mod support {
    pub mod app;
    pub mod crew;
    pub mod dimension;
    pub mod dimensions;
    pub mod growth;
    #[expect(dead_code, reason = "other measurements need more of it")]
    pub mod interleave;
    pub mod plot;
    pub mod stopwatch;
    #[expect(dead_code, reason = "other measurements need more of it")]
    pub mod tokens;
}

use std::fs;
use std::path::Path;

use support::dimensions::ALL;

/// How often each point has its turn.
const ROUNDS: usize = 101;

/// Beside the page that shows them.
const PLOTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/manual/performance");

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    // Cargo says so for `cargo bench`; for `cargo test --benches` it is enough that all of it runs.
    let measuring = arguments.iter().any(|argument| argument == "--bench");
    let wanted: Vec<_> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    for (name, make) in ALL {
        if !wanted.is_empty() && !wanted.iter().any(|wanted| *wanted == name) {
            continue;
        }
        let measured = make().measure(if measuring { ROUNDS } else { 1 });
        println!("{}", measured.to_markdown());
        if measuring {
            let svg = measured.to_plot().to_svg();
            fs::create_dir_all(PLOTS).expect("a directory");
            fs::write(Path::new(PLOTS).join(format!("{name}.svg")), svg).expect("a file");
        }
    }
}
