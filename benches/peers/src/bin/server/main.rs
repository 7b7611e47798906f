//! Puts load on whole HTTP servers, this crate's and others', and on this crate's while the provider of its keys misbehaves.
//!
//! ```sh
//! apt-get install wrk
//! cargo run --release --manifest-path benches/peers/Cargo.toml --bin server
//! ```
//!
//! Every server is a process of its own, this program once more, and serves a router with axum on loopback. wrk sends it
//! requests that each carry a token of RS256. The servers take turns of some seconds, round after round, and what is
//! reported are medians over the rounds; whoever has no turn is idle, but for its fetches. It takes less than three
//! minutes, and prints two tables in Markdown. It fails if a good token was refused, and never because of a time.
//!
//! The servers end with their input, and wrk ends by itself: no process outlives an interruption.

mod app;
#[allow(dead_code, reason = "only what makes a router is needed here")]
#[path = "../../peers/axum_jwt_auth.rs"]
mod axum_jwt_auth;
mod load;
#[allow(dead_code, reason = "only what makes a router is needed here")]
#[path = "../../peers/oauth_resource_server.rs"]
mod oauth_resource_server;
mod provider;
mod rounds;
mod server;
#[path = "../../../../support/mod.rs"]
mod support;
mod table;
mod tokens;

use std::process::ExitCode;

use app::App;
use provider::{Manner, Provider};
use rounds::{Outcome, Pace, Subject};
use server::Server;
use table::Fetches;
use tokens::TokenFile;

/// For the first table.
const APPS: Pace = Pace { rounds: 7, seconds: 2 };

/// For the second.
const PROVIDERS: Pace = Pace { rounds: 9, seconds: 2 };

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(server::SERVE) {
        let (app, issuer) = (arguments.next().unwrap_or_default(), arguments.next().unwrap_or_default());
        app::serve(App::of_name(&app), &issuer).await;
        return ExitCode::SUCCESS;
    }
    tokio::select! {
        outcome = measure() => match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{why}");
                ExitCode::FAILURE
            }
        },
        () = interrupted() => {
            eprintln!("interrupted");
            ExitCode::FAILURE
        }
    }
}

async fn measure() -> Result<(), String> {
    load::look_for_wrk().await?;
    eprintln!("load of the machine before the start: {}", load::of_the_machine());
    eprintln!("making keys and tokens ...");
    let healthy = Provider::start(Manner::Steady).await;
    let tokens = TokenFile::of(&healthy);
    let live = tokens.first(tokens::LIVE);

    let mut subjects = Vec::new();
    for app in App::ALL {
        let tokens = if app == App::Repeated { &live } else { &tokens };
        subjects.push(Subject { server: Server::start(app, &healthy).await, provider: &healthy, tokens });
    }
    let apps = rounds::take(&subjects, APPS).await?;
    drop(subjects);
    println!("{}", table::of_apps(&apps));

    let mut others = Vec::new();
    for manner in [Manner::Rotates, Manner::Down, Manner::Hangs] {
        let provider = Provider::start(manner).await;
        let tokens = TokenFile::of(&provider).first(tokens::LIVE);
        others.push((provider, tokens));
    }
    let server = Server::start(App::Repeated, &healthy).await;
    let mut subjects = vec![Subject { server, provider: &healthy, tokens: &live }];
    for (provider, tokens) in &mut others {
        let server = Server::start(App::Repeated, provider).await;
        provider.misbehave().await;
        subjects.push(Subject { server, provider, tokens });
    }
    let (providers, fetches) = while_refreshing(&mut subjects).await?;
    println!("{}", table::of_providers(&providers, &fetches));
    table::refused(&apps).or(table::refused(&providers)).map_or(Ok(()), Err)
}

/// The turns of servers that fetch their keys four times a second, all of them all the time.
async fn while_refreshing(subjects: &mut [Subject<'_>]) -> Result<(Vec<Outcome>, Vec<Fetches>), String> {
    let before: Vec<_> = subjects.iter().map(|subject| subject.provider.asked()).collect();
    for subject in &mut *subjects {
        subject.server.refresh().await;
    }
    let outcomes = rounds::take(subjects, PROVIDERS).await?;
    let mut fetches = Vec::new();
    for (subject, before) in subjects.iter_mut().zip(before) {
        let refreshes = subject.server.rest().await;
        fetches.push(Fetches { refreshes, asked: subject.provider.asked() - before });
    }
    Ok((outcomes, fetches))
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
