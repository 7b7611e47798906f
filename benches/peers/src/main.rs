//! Measures tower-jwt-auth and its peers in one interleaved run, and prints Markdown tables.
//!
//! ```sh
//! cargo run --release --manifest-path benches/peers/Cargo.toml
//! ```
//!
//! jsonwebtoken 10 and 11 keep one cryptography for the whole process, so the program runs itself once more for those
//! peers as they are installed, and measures them against the raw verification of that run.

mod backend;
mod peers;
mod provider;
#[path = "../../support/mod.rs"]
mod support;
mod table;
mod trial;

use tower_jwt_auth::{Jwks, Verifier};

use backend::Backend;
use peers::PEERS;
use provider::Provider;
use support::issuer::{AUDIENCE, Algorithm, Issuer};
use support::requests::Door;
use support::subjects::Run;
use support::targets;
use support::threads::Scaling;
use table::Table;
use trial::Trial;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    // The requests are polled by hand; what a peer spawns goes here.
    let _guard = runtime.enter();
    let backend = Backend::of_this_process();
    backend.install();
    let provider = runtime.block_on(Provider::start());
    match backend {
        Backend::RustCrypto => {
            for issuer in provider.issuers() {
                let (others, trials) = runtime.block_on(open(issuer, backend));
                table::tell(&Run::of_others(issuer, others), &trials);
            }
        }
        Backend::AwsLc => {
            let mut table = Table::default();
            let mut reached = Vec::new();
            let mut scale = None;
            for issuer in provider.issuers() {
                eprintln!("measuring {} ...", issuer.algorithm.name());
                let (others, trials) = runtime.block_on(open(issuer, backend));
                let jwks = runtime.block_on(keys(issuer));
                let verifier = || Verifier::new(&issuer.url, AUDIENCE, jwks.clone()).expect("a verifier");
                let run = Run::of(issuer, verifier, others);
                reached.extend(targets::of_run(&run));
                reached.extend(table::against_peers(&run));
                if issuer.algorithm == Algorithm::Rs256 {
                    reached.push(targets::of_scaling(&Scaling::of(verifier(), &issuer.token(0))));
                    scale = Some(targets::scale(&run));
                }
                table.add(&run, &trials);
            }
            eprintln!("measuring the peers as they are installed ...");
            table.add_what_is_told(&backend::other_process());
            table.print();
            println!("\n{}\n", scale.unwrap_or_default());
            targets::print(&reached);
        }
    }
}

async fn keys(issuer: &Issuer) -> Jwks {
    let jwks = Jwks::discover(&issuer.url).expect("a key set");
    jwks.ready().await.expect("keys");
    jwks
}

/// The peers that this process measures, and what they were found to accept.
async fn open(issuer: &Issuer, backend: Backend) -> (Vec<(String, Door)>, Vec<Trial>) {
    let (mut doors, mut trials) = (Vec::new(), Vec::new());
    for peer in PEERS {
        let Some(name) = backend.name_of(peer) else { continue };
        let Some(mut door) = (peer.open)(issuer).await else { continue };
        trials.push(Trial::of(&name, &mut door, issuer).await);
        doors.push((name, door));
    }
    (doors, trials)
}
