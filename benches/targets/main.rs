//! What this crate is to reach, and whether it does on this machine: one table, a line for each target.
//!
//! ```sh
//! cargo bench --bench targets
//! ```
//!
//! No time is asserted anywhere. How it stands beside other crates is measured in `benches/peers`.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    reason = "a bench may stop at the first thing that is not as it says"
)]

mod memory;
#[path = "../support/mod.rs"]
mod support;
mod swaps;

use support::issuer::{Algorithm, Issuer};
use support::routers::verifier;
use support::subjects::Run;
use support::targets;
use support::threads::Scaling;

fn main() {
    eprintln!("measuring memory ...");
    // First of all: what has been freed before would hide what is taken.
    let memory = memory::targets();
    let (mut reached, mut scale) = (Vec::new(), String::new());
    for algorithm in Algorithm::ALL {
        eprintln!("measuring {} ...", algorithm.name());
        let issuer = Issuer::new("https://login.example.com", algorithm);
        let run = Run::of(&issuer, || verifier(&issuer), Vec::new());
        reached.extend(targets::of_run(&run));
        if algorithm == Algorithm::Rs256 {
            reached.push(targets::of_scaling(&Scaling::of(verifier(&issuer), &issuer.token(0))));
            scale = targets::scale(&run);
        }
    }
    eprintln!("measuring key-set swaps ...");
    reached.extend(swaps::targets());
    reached.extend(memory);
    println!("{scale}\n");
    targets::print(&reached);
}
