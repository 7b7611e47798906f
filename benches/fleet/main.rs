//! What a fleet costs its provider: 10,000 replicas over 48 hours, simulated with the real key sets under a virtual clock.
//!
//! ```sh
//! cargo bench --bench fleet
//! ```
//!
//! Every replica is a [`Jwks`](tower_jwt_auth::Jwks) with its own refresh task and a
//! [`Verifier`](tower_jwt_auth::Verifier) that real signed tokens come to; only the provider and the clock are made up. The
//! run prints the table and draws the picture of the manual, `src/manual/performance/fleet.svg`. It takes some minutes.
//!
//! The script of the replicas and their requests is the same in every run; the jitter of the key sets is the operating
//! system's randomness, so that the figures differ from run to run by a few percent.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a simulation may stop at the first thing that is not as it says, and rounds what it prints"
)]

mod chart;
mod provider;
mod random;
mod replica;
mod report;
mod scenario;

use std::path::Path;
use std::sync::Arc;

use tokio::task::JoinSet;

use provider::Provider;
use report::Tallies;

fn main() {
    // `cargo test --all-targets` starts benches too, to see whether they run at all.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let (provider, tallies) = runtime.expect("a runtime").block_on(simulate());
    println!("{}", report::table(&provider.counts(), &tallies));
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manual/performance/fleet.svg");
    std::fs::write(&picture, chart::svg(&provider.counts())).expect("a place for the picture");
    println!("\ndrawn: {}", picture.display());
}

async fn simulate() -> (Arc<Provider>, Arc<Tallies>) {
    let provider = Arc::new(Provider::new());
    let tallies = Arc::new(Tallies::new());
    let mut fleet = JoinSet::new();
    for slot in 0..scenario::REPLICAS {
        fleet.spawn(replica::live(slot, Arc::clone(&provider), Arc::clone(&tallies)));
    }
    fleet.join_all().await;
    (provider, tallies)
}
