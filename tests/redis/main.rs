//! `RedisReplayStore` against a real server, which each test starts for itself, stops, freezes and starts again.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "a test may stop at the first thing that is not as it says, and needs not all that others share"
)]

mod outage;
mod server;
#[path = "../integration/support/mod.rs"]
mod support;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::Method;
use serde_json::json;
use tokio::task::JoinSet;
use tower_jwt_auth::clock::SystemClock;
use tower_jwt_auth::jwks::Jwks;
use tower_jwt_auth::replay::{RedisReplayStore, ReplayRule, ReplayStore, TokenId};
use tower_jwt_auth::{JwtAuthLayer, Verifier};

use server::Server;
use support::app::{App, Place, request};
use support::issuer::{AUDIENCE, ISSUER, jwks_of, shared_key};
use support::site::{Site, cookies_of, good, refused, session_of};

/// Redis goes by the machine's clock, and so does all of this.
fn verifier() -> Verifier {
    let keys = Jwks::from_json(jwks_of([shared_key()])).expect("a key set");
    Verifier::new(ISSUER, AUDIENCE, keys).expect("a policy").with_clock(SystemClock)
}

fn layer(rule: ReplayRule) -> JwtAuthLayer {
    JwtAuthLayer::new(verifier()).with_replay_rule(rule)
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs()
}

/// A token of the name `jti`, good for five minutes.
fn named(jti: &str) -> String {
    let claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "jti": jti, "exp": now() + 300,
    });
    shared_key().token(&claims)
}

fn replayed() -> (u16, String) {
    refused(401, "token_replayed")
}

fn unavailable() -> (u16, String) {
    refused(503, "replay_unavailable")
}

fn revoked() -> (u16, String) {
    refused(401, "token_revoked")
}

/// The key that a token is remembered under.
fn key(jti: &str) -> String {
    format!("jwt:{}", TokenId::new(ISSUER, jti))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_200_at_a_time_over_two_instances_exactly_one_passes() {
    let server = Server::start();
    let instances = [server.instance(), server.instance()];
    for round in 0..5 {
        let token = named(&format!("{round}"));
        let start = Arc::new(tokio::sync::Barrier::new(200));
        let mut visits = JoinSet::new();
        for visitor in 0..200 {
            let (site, start) = (instances[visitor % 2].clone(), Arc::clone(&start));
            let request = Place::ALL[visitor % 3].carry(Method::GET, &token);
            visits.spawn(async move {
                start.wait().await;
                let answer = site.answer(request).await;
                (answer.status, answer.code)
            });
        }
        let outcomes = visits.join_all().await;
        let count = |want| outcomes.iter().filter(|outcome| **outcome == want).count();
        assert_eq!((count(good()), count(replayed())), (1, 199), "round {round}: {outcomes:?}");
    }
    assert_eq!(instances.iter().map(Site::inside).sum::<usize>(), 5);
}

#[tokio::test]
async fn a_key_names_neither_issuer_nor_token_and_ends_15_minutes_after_the_token() {
    let server = Server::start();
    let token = named("jti-k4n4ry");
    assert_eq!(server.instance().bear(&token).await, good());
    let (key, left) = server.only_key();
    assert_eq!(key, self::key("jti-k4n4ry"));
    assert!(
        (1_198_000..=1_200_000).contains(&left),
        "{left}: exp is 300 s away, and 15 min are for leeways and clocks"
    );
    let everything = format!("{key} {}", server.ask(&["GET", &key]));
    assert!(!everything.contains("k4n4ry") && !everything.contains("issuer"), "{everything}");
    assert!(!token.split('.').any(|part| everything.contains(part)), "{everything}");
    let store = server.store().with_prefix("app:");
    assert_eq!(
        Site::behind(layer(ReplayRule::single_use(store))).bear(&token).await,
        good(),
        "an app of its own"
    );
    assert_eq!(server.ask(&["DBSIZE"]), "2");
}

#[tokio::test]
async fn each_question_is_one_command() {
    let server = Server::start();
    let once = server.instance();
    let many = Site::behind(layer(ReplayRule::deny_list(server.store())));
    for site in [&once, &many] {
        assert_eq!(site.bear(&named("first")).await, good(), "connected");
    }
    let calls = || {
        let mut calls: Vec<_> = server
            .ask(&["INFO", "commandstats"])
            .lines()
            .filter_map(|line| line.trim().strip_prefix("cmdstat_")?.split_once(":calls="))
            .map(|(command, rest)| format!("{command} {}", rest.split(',').next().unwrap_or_default()))
            .filter(|call| !call.starts_with("info ") && !call.starts_with("config"))
            .collect();
        calls.sort();
        calls
    };
    let reset = || assert_eq!(server.ask(&["CONFIG", "RESETSTAT"]), "OK");
    reset();
    for index in 0..10 {
        assert_eq!(once.bear(&named(&format!("{index}"))).await, good());
        assert_eq!(once.bear(&named(&format!("{index}"))).await, replayed());
    }
    assert_eq!(calls(), ["set 20"]);
    reset();
    for index in 0..10 {
        assert_eq!(many.bear(&named(&format!("{index}"))).await, good());
    }
    assert_eq!(calls(), ["get 10"]);
    reset();
    for token in ["x.y.z".to_owned(), named("1") + "x"] {
        assert_eq!(once.bear(&token).await.0, 401);
    }
    assert_eq!(calls(), [""; 0], "nobody asks about a bad token");
}

/// Requests share a connection: the answer to one that is gone must not become the answer to the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_visitor_who_hangs_up_leaves_no_answer_to_anybody_else() {
    let server = Server::start();
    let site = Site::behind(layer(ReplayRule::deny_list(server.store())));
    let (bad, fine) = (named("revoked"), named("fine"));
    let until = SystemTime::now() + Duration::from_secs(600);
    server.store().revoke(ISSUER, "revoked", until).await.expect("an answer");
    for round in 0..20_u64 {
        let mut visits = JoinSet::new();
        for visitor in 0..40_u64 {
            let (site, is_bad) = (site.clone(), visitor % 2 == 0);
            let token = if is_bad { bad.clone() } else { fine.clone() };
            // A third of them is gone before, or just when, the answer comes.
            let patience = if visitor % 3 == 0 { Duration::from_micros(round * 40) } else { Duration::MAX };
            visits.spawn(async move {
                let outcome = tokio::time::timeout(patience, site.bear(&token)).await;
                (is_bad, outcome.ok())
            });
        }
        for (is_bad, outcome) in visits.join_all().await {
            let want = if is_bad { revoked() } else { good() };
            assert!(outcome.as_ref().is_none_or(|outcome| *outcome == want), "round {round}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_token_that_lasts_for_ages_is_remembered_too() {
    let server = Server::start();
    let site = server.instance();
    for exp in [4_102_444_800_u64, 253_402_300_799, 1 << 40, 1 << 47] {
        let claims = json!({ "iss": ISSUER, "aud": AUDIENCE, "jti": exp.to_string(), "exp": exp });
        let token = shared_key().token(&claims);
        let (first, second) = (site.bear(&token).await, site.bear(&token).await);
        // Whatever cannot be remembered for long enough is refused, not forgotten.
        let remembered = first == good() && second == replayed();
        assert!(remembered || first != good() && second != good(), "{exp}: {first:?}, {second:?}");
        assert!(remembered || exp > 253_402_300_799, "{exp}: {first:?}");
    }
}

#[tokio::test]
async fn a_session_of_one_instance_is_one_at_another_and_ends_at_both() {
    let server = Server::start();
    let layers =
        [(); 2].map(|()| layer(ReplayRule::single_use(server.store())).hand_off().expect("both are read"));
    let [first, second] = layers.clone().map(Site::behind);
    let token = named("1");
    let session = session_of(&first.arrive(&token).await);
    for _ in 0..2 {
        assert_eq!((first.show(&session).await, second.show(&session).await), (good(), good()));
        assert_eq!((first.show(&token).await, second.show(&token).await), (replayed(), replayed()));
        assert_eq!(second.bear(&token).await, replayed());
        assert_eq!(second.arrive(&token).await.code, "token_replayed");
        let made_up = format!("{token}~0123456789abcdef0123456789abcdef");
        assert_eq!(second.show(&made_up).await, replayed());
    }
    let stored = server.ask(&["GET", &key("1")]);
    let receipt = session.split_once('~').expect("a receipt").1;
    assert!(!stored.contains(receipt), "what the server holds is no receipt");
    let (_, left) = server.only_key();
    assert!((1_198_000..=1_200_000).contains(&left), "visits prolong nothing: {left}");

    let out = App::of(axum::Router::new().route_service("/", layers[1].logout().expect("a cookie")));
    let cookie = format!("__Host-jwt={session}");
    let answer = out.answer(request(Method::POST, "/", &[("cookie", &cookie)])).await;
    assert_eq!((answer.status, cookies_of(&answer).len()), (303, 1));
    for site in [&first, &second] {
        assert_eq!(site.show(&session).await, revoked());
        assert_eq!(site.bear(&token).await, revoked());
    }
}

#[tokio::test]
async fn a_revocation_holds_at_each_instance_at_once_and_shortens_nothing() {
    let server = Server::start();
    let deny_list = || Site::behind(layer(ReplayRule::deny_list(server.store())));
    let [first, second] = [deny_list(), deny_list()];
    let in_seconds = |seconds| SystemTime::now() + Duration::from_secs(seconds);
    for site in [&first, &second, &first, &second] {
        assert_eq!(site.bear(&named("1")).await, good(), "cached");
    }
    server.store().revoke(ISSUER, "1", in_seconds(600)).await.expect("an answer");
    let (_, left) = server.only_key();
    assert!((598_000..=600_000).contains(&left), "{left}");
    server.store().revoke(ISSUER, "1", in_seconds(10)).await.expect("an answer");
    let (_, left) = server.only_key();
    assert!(left > 590_000, "a shorter one takes nothing away: {left}");
    for site in [&first, &second, &server.instance()] {
        assert_eq!(site.bear(&named("1")).await, revoked());
        assert_eq!(site.bear(&named("2")).await, good());
    }
    server.ask(&["FLUSHALL"]);
    assert_eq!(server.instance().bear(&named("1")).await, good());
    server.store().revoke(ISSUER, "1", in_seconds(10)).await.expect("an answer");
    let (_, left) = server.only_key();
    assert!(left > 380_000, "nor from the mark of a token that was used: {left}");
    assert_eq!(server.instance().bear(&named("1")).await, revoked());
    server.store().revoke(ISSUER, "1", in_seconds(0)).await.expect("an answer");
    assert_eq!(server.instance().bear(&named("1")).await, revoked(), "a revocation that is over");
}

#[test]
fn a_store_outside_of_a_runtime_is_a_mistake_that_is_told() {
    assert!(RedisReplayStore::connect("redis://127.0.0.1").is_err());
}
