//! Keeps the example `protected` under full load while its provider rotates keys and fails, and judges every answer.
//!
//! ```sh
//! cargo bench --bench soak -- --minutes 15          # prints tables, and exits with 1 if anything was not as promised
//! cargo bench --bench soak -- --seconds 20          # the same, with everything happening sooner
//! cargo bench --bench soak -- --minutes 15 --plot   # draws src/manual/operations/soak.svg too
//! cargo bench --bench soak -- --seconds 20 --plant verdict   # shows that it can fail; others: memory, descriptors, death
//! ```
//!
//! The example is built, and started as a process of its own. This program is its provider and all its clients, and what it
//! holds every answer against is in [`verdict`]: what each token must come to, given the documents that the provider has
//! answered with. Figures of speed are those of two programs that share a machine, and say little about either.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a bench may stop at the first thing that is not as it says, and rounds what it prints"
)]

mod chart;
mod child;
mod client;
mod key;
mod options;
mod plant;
mod prober;
mod provider;
#[path = "../fleet/random.rs"]
mod random;
mod record;
mod report;
mod request;
mod rude;
mod schedule;
mod site;
mod tally;
mod verdict;
mod wire;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use child::{Child, Vitals};
use options::Options;
use plant::Plant;
use provider::Provider;
use record::{Record, Second};
use schedule::Schedule;
use site::Site;

/// Clients that wait for each answer before they ask again, and so make the load.
const POLITE: u64 = 32;

/// Clients whose tokens have a key that the server may not have, and so may have to wait.
const PROBERS: u64 = 8;

/// Clients that leave in the middle of something.
const RUDE: u64 = 8;

/// How long the server may take to let go of what it had for its clients.
const PATIENCE: Duration = Duration::from_secs(15);

fn main() -> ExitCode {
    // `cargo test --all-targets` starts benches too, to see whether they run at all.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let options = match Options::from_arguments(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = soak(&options) => outcome,
            () = interrupted() => Err("interrupted".to_owned()),
        }
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all was as promised.
async fn soak(options: &Options) -> Result<bool, String> {
    child::build().await?;
    let schedule = Schedule::of(options.duration);
    let provider = Arc::new(Provider::start(schedule).await);
    let mut child = Child::start(provider.issuer(), provider.audience()).await?;
    let site = Arc::new(Site::new(child.port, Arc::clone(&provider), options.plant));
    site.wait_until_ready(PATIENCE).await?;
    let idle =
        child.vitals().ok_or("what a process takes of the machine is read from /proc, as Linux has it")?;

    let mut events = JoinSet::new();
    events.spawn(Arc::clone(&provider).rotate_keys());
    events.spawn(Arc::clone(&provider).have_outages());
    let mut clients = JoinSet::new();
    for number in 0..POLITE {
        clients.spawn(client::go_on(Arc::clone(&site), number));
    }
    for number in 0..PROBERS {
        clients.spawn(prober::go_on(Arc::clone(&site), POLITE + number));
    }
    for number in 0..RUDE {
        clients.spawn(rude::go_on(Arc::clone(&site), POLITE + PROBERS + number));
    }
    let planted = tokio::spawn(plant::grow(Arc::clone(&site)));

    let mut record = Record::new(idle);
    watch(&mut child, &site, &mut record, options.duration).await;
    site.close();
    if timeout(PATIENCE, clients.join_all()).await.is_err() {
        site.complain("clients had no answer for 15 s".to_owned());
    }
    events.shutdown().await;
    if options.plant == Some(Plant::Memory) {
        planted.abort();
    }
    record.end = let_go(&child, idle).await;
    child.end().await.unwrap_or_else(|why| site.complain(why));
    planted.abort();

    record.complaints().into_iter().for_each(|complaint| site.complain(complaint));
    println!("{}", report::tables(&site, &record));
    if options.plots {
        let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manual/operations/soak.svg");
        std::fs::create_dir_all(picture.parent().expect("a directory")).expect("a place for the picture");
        std::fs::write(&picture, chart::svg(&record, &provider)).expect("a place for the picture");
        println!("drawn: {}", picture.display());
    }
    Ok(site.is_content())
}

/// Looks at the server once a second.
async fn watch(child: &mut Child, site: &Site, record: &mut Record, duration: Duration) {
    let start = Instant::now();
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    while start.elapsed() < duration {
        ticks.tick().await;
        let Some(vitals) = child.vitals() else {
            site.complain("the server has died under load".to_owned());
            return;
        };
        record.seconds.push(Second { at: start.elapsed(), vitals, answers: site.take_window() });
        if let Some(late) = site.provider.overdue() {
            site.complain(late);
        }
        if site.plant == Some(Plant::Death) && start.elapsed() * 2 > duration {
            child.kill();
        }
    }
}

/// What the server takes when nobody asks it anything any more.
async fn let_go(child: &Child, idle: Vitals) -> Option<Vitals> {
    let start = Instant::now();
    loop {
        let vitals = child.vitals()?;
        let is_as_before = vitals.descriptors <= idle.descriptors && vitals.threads <= idle.threads;
        if is_as_before || start.elapsed() > PATIENCE {
            return Some(vitals);
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// Waits for somebody who wants this to end.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).expect("a handler");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
