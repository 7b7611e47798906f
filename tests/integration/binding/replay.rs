//! A proof counts once, and is used up by nothing but what would have been let in.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::routing::any;
use serde_json::json;
use tokio::task::JoinSet;
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::clock::{Clock, FixedClock};
use tower_jwt_auth::replay::{Mark, MemoryReplayStore, ReplayRule, ReplayStore, StoreFuture, TokenId};

use super::{app, bound_to, client, dpop, get_with, layer_with, proof_for, verdict};
use tower_jwt_auth::test_util::TestClock;

use crate::support::app::{ACCEPTED, App, verifier};
use crate::support::issuer::{ISSUER, NOW};
use crate::support::site::token_with;

const REPLAYED: &str = "dpop_proof_replayed";

#[tokio::test]
async fn the_same_proof_counts_once_and_another_of_the_same_id_is_the_same() {
    let (app, client, other) = (app(), client(), client());
    let (token, others) = (bound_to(&client), bound_to(&other));
    let proof = proof_for(&client, &token).claim("jti", "1").sign();
    for (name, token, proof, want) in [
        ("first", &token, proof.clone(), ACCEPTED),
        ("again", &token, proof.clone(), REPLAYED),
        ("and again", &token, proof, REPLAYED),
        ("its id in another", &token, proof_for(&client, &token).claim("jti", "1").sign(), REPLAYED),
        ("another id", &token, proof_for(&client, &token).claim("jti", "2").sign(), ACCEPTED),
        ("its id, of another key", &others, proof_for(&other, &others).claim("jti", "1").sign(), ACCEPTED),
    ] {
        assert_eq!(verdict(&app, token, &proof).await, want, "{name}");
    }
}

#[tokio::test]
async fn what_is_refused_uses_up_no_proof() {
    let (app, client, thief) = (app(), client(), client());
    let token = bound_to(&client);
    let id = |proof: tower_jwt_auth::test_util::ProofBuilder| proof.claim("jti", "once");
    // Of the same key and the same id.
    for refused in [
        id(proof_for(&client, &token)).claim("htm", "POST").sign(),
        id(proof_for(&client, &token)).claim("iat", 1).sign(),
        id(proof_for(&thief, &token)).sign(),
    ] {
        assert_ne!(verdict(&app, &token, &refused).await, ACCEPTED);
    }
    let expired = token_with(json!({ "cnf": { "jkt": client.thumbprint() }, "exp": 1 }));
    assert_eq!(verdict(&app, &expired, &id(proof_for(&client, &expired)).sign()).await, "token_expired");
    assert_eq!(verdict(&app, &token, &id(proof_for(&client, &token)).sign()).await, ACCEPTED);
}

#[tokio::test]
async fn a_token_that_counts_once_is_not_used_up_by_a_proof_that_came_before() {
    let app = App::behind(layer_with(dpop()).single_use());
    let client = client();
    let [one, other] =
        ["1", "2"].map(|jti| token_with(json!({ "jti": jti, "cnf": { "jkt": client.thumbprint() } })));
    let proof = |token: &str| proof_for(&client, token).claim("jti", "same").sign();
    assert_eq!(verdict(&app, &one, &proof(&one)).await, ACCEPTED);
    assert_eq!(verdict(&app, &other, &proof(&other)).await, REPLAYED);
    assert_eq!(verdict(&app, &other, &proof_for(&client, &other).sign()).await, ACCEPTED);
    assert_eq!(verdict(&app, &other, &proof_for(&client, &other).sign()).await, "token_replayed");
}

/// A memory for three is full after three who were let in, and not after any number who were not.
#[tokio::test]
async fn whose_token_does_not_count_any_more_fills_no_memory_of_proofs() {
    let clock = || FixedClock::at_unix(NOW);
    let denied = Arc::new(MemoryReplayStore::new().with_clock(clock()));
    let until = clock().now() + Duration::from_secs(9_000);
    denied.revoke(ISSUER, "revoked", until).await.expect("room");
    for (name, rule, first, then) in [
        ("a deny list", ReplayRule::deny_list(Arc::clone(&denied)), "token_revoked", "token_revoked"),
        ("single use", ReplayRule::single_use(denied), "token_revoked", "token_revoked"),
        (
            "single use, used",
            ReplayRule::single_use(MemoryReplayStore::new().with_clock(clock())),
            ACCEPTED,
            "token_replayed",
        ),
    ] {
        let proofs = MemoryReplayStore::new().with_clock(clock()).with_capacity(3);
        let app = App::behind(layer_with(dpop().with_replay_store(proofs)).with_replay_rule(rule));
        let client = client();
        let token = |jti: &str| token_with(json!({ "jti": jti, "cnf": { "jkt": client.thumbprint() } }));
        let send = async |token: &str| verdict(&app, token, &proof_for(&client, token).sign()).await;
        let bad = token("revoked");
        assert_eq!(send(&bad).await, first, "{name}");
        for _ in 0..5 {
            assert_eq!(send(&bad).await, then, "{name}");
        }
        for jti in ["1", "2", "3"].iter().skip((first == ACCEPTED).into()) {
            assert_eq!(send(&token(jti)).await, ACCEPTED, "{name}: {jti}");
        }
        assert_eq!(send(&token("4")).await, "replay_unavailable", "{name}");
    }
}

/// Where tokens count once, one without an end or a name never counts, whatever the verifier makes of it.
#[tokio::test]
async fn a_token_that_cannot_count_once_fills_no_memory_of_proofs() {
    let clock = || FixedClock::at_unix(NOW);
    let proofs = MemoryReplayStore::new().with_clock(clock()).with_capacity(1);
    let layer = JwtAuthLayer::new(verifier().insecure_accept_without_expiry());
    let rule = ReplayRule::single_use(MemoryReplayStore::new().with_clock(clock()));
    let app = App::behind(layer.with_dpop(dpop().with_replay_store(proofs)).with_replay_rule(rule));
    let client = client();
    let send = async |token: &str| verdict(&app, token, &proof_for(&client, token).sign()).await;
    let jkt = client.thumbprint();
    let token = |jti: &str| token_with(json!({ "jti": jti, "cnf": { "jkt": jkt } }));
    let endless = token_with(json!({ "jti": "1", "exp": null, "cnf": { "jkt": jkt } }));
    let nameless = token_with(json!({ "cnf": { "jkt": jkt } }));
    for bad in [&endless, &nameless, &endless] {
        assert_eq!(send(bad).await, "claim_missing");
    }
    assert_eq!(send(&token("2")).await, ACCEPTED);
    assert_eq!(send(&token("3")).await, "replay_unavailable", "full");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_50_at_a_time_over_two_replicas_with_one_store_exactly_one_passes() {
    let store = Arc::new(MemoryReplayStore::new().with_clock(FixedClock::at_unix(NOW)));
    let replicas =
        [(); 2].map(|()| Arc::new(App::behind(layer_with(dpop().with_replay_store(store.clone())))));
    let client = client();
    let token = bound_to(&client);
    let proof = proof_for(&client, &token).sign();
    let mut requests = JoinSet::new();
    for number in 0..50 {
        let (replica, token, proof) = (Arc::clone(&replicas[number % 2]), token.clone(), proof.clone());
        requests.spawn(async move { verdict(&replica, &token, &proof).await });
    }
    let codes = requests.join_all().await;
    assert!(codes.iter().all(|code| code == ACCEPTED || code == REPLAYED), "{codes:?}");
    assert_eq!(codes.iter().filter(|code| *code == ACCEPTED).count(), 1);
}

/// Answers as it is told to, and counts what it is asked.
struct Store {
    answer: fn() -> Result<Option<Mark>, tower_jwt_auth::replay::StoreError>,
    asked: Arc<AtomicUsize>,
    until: Arc<std::sync::Mutex<Option<SystemTime>>>,
}

impl ReplayStore for Store {
    fn insert(&self, _id: TokenId, _mark: Mark, until: SystemTime) -> StoreFuture<'_, Option<Mark>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        *self.until.lock().unwrap() = Some(until);
        Box::pin(std::future::ready((self.answer)()))
    }

    fn find(&self, _id: TokenId) -> StoreFuture<'_, Option<Mark>> {
        unreachable!("nobody asks for a proof")
    }

    fn deny(&self, _id: TokenId, _until: SystemTime) -> StoreFuture<'_, ()> {
        unreachable!("nobody revokes a proof")
    }
}

#[tokio::test]
async fn a_store_that_is_full_or_down_lets_nobody_in_who_has_to_prove_a_key() {
    use tower_jwt_auth::replay::StoreError;
    for (name, answer, want) in [
        ("full", (|| Err(StoreError::Full)) as fn() -> _, (503, "replay_unavailable")),
        ("down", || Err(StoreError::Failed("no route".into())), (503, "replay_unavailable")),
        ("used", || Ok(Some(Mark::Used)), (401, REPLAYED)),
        ("good", || Ok(None), (200, ACCEPTED)),
    ] {
        let (asked, until) = (Arc::default(), Arc::default());
        let store = Store { answer, asked: Arc::clone(&asked), until: Arc::clone(&until) };
        let app = App::behind(layer_with(dpop().with_replay_store(store)));
        let client = client();
        let token = bound_to(&client);
        let answer = app.answer(get_with("DPoP", &token, &[&proof_for(&client, &token).sign()])).await;
        assert_eq!((answer.status, &*answer.code), want, "{name}");
        assert_eq!(answer.headers.contains_key("retry-after"), want.0 == 503, "{name}");
        // As long as any proof counts, 10 min and 30 s of leeway, and a minute.
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(NOW) + 690);
        assert_eq!(*until.lock().unwrap(), Some(end), "{name}");
        // Who has nothing to prove is not asked about.
        assert_eq!(app.verdict(get_with("Bearer", &token_with(json!({})), &[])).await.1, ACCEPTED, "{name}");
        assert_ne!(verdict(&app, &token, "x").await, ACCEPTED);
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{name}");
    }
}

#[tokio::test]
async fn a_full_memory_refuses_and_forgets_nothing() {
    let store = MemoryReplayStore::new().with_clock(FixedClock::at_unix(NOW)).with_capacity(1);
    let app = App::behind(layer_with(dpop().with_replay_store(store)));
    let client = client();
    let token = bound_to(&client);
    let first = proof_for(&client, &token).sign();
    assert_eq!(verdict(&app, &token, &first).await, ACCEPTED);
    assert_eq!(verdict(&app, &token, &proof_for(&client, &token).sign()).await, "replay_unavailable");
    assert_eq!(verdict(&app, &token, &first).await, REPLAYED);
}

#[tokio::test]
async fn a_proof_counts_more_than_once_only_where_that_is_asked_for() {
    let client = client();
    let token = bound_to(&client);
    for (layer, want) in
        [(layer_with(dpop()), REPLAYED), (layer_with(dpop().insecure_accept_repeated_proofs()), ACCEPTED)]
    {
        let app = App::behind(layer);
        let proof = proof_for(&client, &token).sign();
        assert_eq!(verdict(&app, &token, &proof).await, ACCEPTED);
        assert_eq!(verdict(&app, &token, &proof).await, want);
    }
}

/// Each path of a service may have a layer of its own, and a proof may be for a path of several.
#[tokio::test]
async fn the_clones_of_one_dpop_count_each_proof_once_in_however_many_layers() {
    let (settings, client) = (dpop(), client());
    let token = bound_to(&client);
    let of_one = || {
        let layer = layer_with(settings.clone());
        let both = JwtAuthLayer::any_of([JwtAuthLayer::new(verifier())]).expect("one issuer");
        [
            layer.clone().with_realm("another").expect("a realm"),
            layer,
            layer_with(settings.clone().required()),
            both.with_dpop(settings.clone()),
        ]
        .map(App::behind)
    };
    for (first, layer) in of_one().iter().enumerate() {
        let proof = proof_for(&client, &token).sign();
        assert_eq!(verdict(layer, &token, &proof).await, ACCEPTED, "{first}");
        for (second, layer) in of_one().iter().enumerate() {
            assert_eq!(verdict(layer, &token, &proof).await, REPLAYED, "{first}, {second}");
        }
    }
    // Another one remembers for itself, and so does a store, which knows nothing of before.
    let store = MemoryReplayStore::new().with_clock(FixedClock::at_unix(NOW));
    let proof = proof_for(&client, &token).sign();
    for (name, dpop) in
        [("one", settings.clone()), ("new", dpop()), ("store", settings.with_replay_store(store))]
    {
        let layer = App::behind(layer_with(dpop));
        assert_eq!(verdict(&layer, &token, &proof).await, ACCEPTED, "{name}");
        assert_eq!(verdict(&layer, &token, &proof).await, REPLAYED, "{name}");
    }
}

#[tokio::test]
async fn of_two_layers_around_one_service_each_needs_a_dpop_of_its_own() {
    let (settings, client) = (dpop(), client());
    let token = bound_to(&client);
    for (inner, want) in [(settings.clone(), REPLAYED), (dpop(), ACCEPTED)] {
        let page = Router::new().route("/", any(async || "in"));
        let app = App::of(page.layer(layer_with(inner)).layer(layer_with(settings.clone())));
        assert_eq!(verdict(&app, &token, &proof_for(&client, &token).sign()).await, want);
    }
}

#[tokio::test]
async fn a_store_may_be_shared_with_one_of_tokens() {
    let store = Arc::new(MemoryReplayStore::new().with_clock(FixedClock::at_unix(NOW)));
    let layer = JwtAuthLayer::new(verifier()).with_dpop(dpop().with_replay_store(store.clone()));
    let app = App::behind(layer.with_replay_rule(ReplayRule::single_use(store)));
    let client = client();
    let token = token_with(json!({ "jti": "same", "cnf": { "jkt": client.thumbprint() } }));
    let proof = proof_for(&client, &token).claim("jti", "same").sign();
    assert_eq!(verdict(&app, &token, &proof).await, ACCEPTED);
}

#[tokio::test(start_paused = true)]
async fn a_proof_counts_once_over_replicas_whose_clocks_are_right_within_the_leeway() {
    let start = FixedClock::at_unix(NOW).now();
    for leeway in [0, 30] {
        let leeway = Duration::from_secs(leeway);
        let right = TestClock::at(start);
        let store = Arc::new(MemoryReplayStore::new().with_clock(TestClock::at(start + leeway)));
        let replica = |clock| {
            let verifier = verifier().with_clock(clock).with_leeway(leeway).expect("no more than 5 min");
            let dpop = dpop().with_replay_store(Arc::clone(&store));
            App::behind(JwtAuthLayer::new(verifier).with_dpop(dpop))
        };
        let (here, there) = (replica(right.clone()), replica(TestClock::at(start - leeway)));
        let client = client();
        let token = token_with(json!({ "cnf": { "jkt": client.thumbprint() }, "exp": NOW + 9_000 }));
        let proof = proof_for(&client, &token).sign();
        assert_eq!(verdict(&here, &token, &proof).await, ACCEPTED, "{leeway:?}");
        // It is good for a minute, and `there` for two leeways more.
        while right.now() < start + Duration::from_secs(60) + 2 * leeway {
            assert_ne!(verdict(&there, &token, &proof).await, ACCEPTED, "{leeway:?}: {:?}", right.now());
            tokio::time::advance(Duration::from_secs(5)).await;
        }
    }
}

/// One takes proofs of 10 s, another of 10 min, and what the one has seen the other has not forgotten before it is too old there.
#[tokio::test(start_paused = true)]
async fn a_proof_counts_once_over_clones_that_take_proofs_of_different_ages() {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.into());
    let clock = TestClock::at(start);
    let store = Arc::new(MemoryReplayStore::new().with_clock(clock.clone()));
    let settings = dpop();
    for (name, settings) in
        [("memory", settings.clone()), ("store", settings.with_replay_store(Arc::clone(&store)))]
    {
        let layer = |age| {
            let dpop = settings.clone().with_proof_age(Duration::from_secs(age)).expect("an age");
            App::behind(JwtAuthLayer::new(verifier().with_clock(clock.clone())).with_dpop(dpop))
        };
        let (short, long) = (layer(10), layer(600));
        let client = client().with_clock(clock.clone());
        let token = token_with(json!({ "exp": NOW + 3_000, "cnf": { "jkt": client.thumbprint() } }));
        let proof = proof_for(&client, &token).sign();
        assert_eq!(verdict(&short, &token, &proof).await, ACCEPTED, "{name}");
        for age in (0..630).step_by(10) {
            assert_eq!(verdict(&long, &token, &proof).await, REPLAYED, "{name}: {age} s");
            tokio::time::advance(Duration::from_secs(10)).await;
        }
        assert_eq!(verdict(&long, &token, &proof).await, "dpop_proof_invalid", "{name}");
        // One that only the long one has seen is old enough for it from the start.
        let other = proof_for(&client, &token).sign();
        tokio::time::advance(Duration::from_secs(500)).await;
        assert_eq!(verdict(&long, &token, &other).await, ACCEPTED, "{name}");
        assert_eq!(verdict(&long, &token, &other).await, REPLAYED, "{name}");
    }
}

/// What counts is when it was made, not when it was put into a layer.
#[tokio::test(start_paused = true)]
async fn a_clone_that_was_made_in_time_knows_what_came_before_its_layer() {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.into());
    let clock = TestClock::at(start);
    let layer = |dpop| App::behind(JwtAuthLayer::new(verifier().with_clock(clock.clone())).with_dpop(dpop));
    let short = dpop();
    let long = short.clone().with_proof_age(Duration::from_secs(600)).expect("an age");
    let client = client().with_clock(clock.clone());
    let token = token_with(json!({ "exp": NOW + 3_000, "cnf": { "jkt": client.thumbprint() } }));
    let proof = proof_for(&client, &token).sign();
    assert_eq!(verdict(&layer(short), &token, &proof).await, ACCEPTED);
    let long = layer(long);
    tokio::time::advance(Duration::from_secs(200)).await;
    assert_eq!(verdict(&long, &token, &proof).await, REPLAYED);
    assert_eq!(verdict(&long, &token, &proof_for(&client, &token).sign()).await, ACCEPTED);
}

/// The memory goes by the clock of the first, which may be one for something else.
#[tokio::test(start_paused = true)]
async fn a_proof_counts_once_over_clones_whose_clocks_differ() {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.into());
    let settings = dpop();
    let layer = |clock: TestClock| {
        App::behind(JwtAuthLayer::new(verifier().with_clock(clock)).with_dpop(settings.clone()))
    };
    let hour = Duration::from_secs(3_600);
    let _ahead = layer(TestClock::at(start + hour));
    let (clock, behind) = (TestClock::at(start), TestClock::at(start - hour));
    for clock in [clock, behind] {
        let app = layer(clock.clone());
        let client = client().with_clock(clock.clone());
        let token = token_with(
            json!({ "exp": NOW + 7_200, "iat": NOW - 7_200, "nbf": NOW - 7_200, "cnf": { "jkt": client.thumbprint() } }),
        );
        let proof = proof_for(&client, &token).sign();
        assert_eq!(verdict(&app, &token, &proof).await, ACCEPTED);
        for age in (0..90).step_by(5) {
            assert_eq!(verdict(&app, &token, &proof).await, REPLAYED, "{age} s");
            tokio::time::advance(Duration::from_secs(5)).await;
        }
        assert_eq!(verdict(&app, &token, &proof).await, "dpop_proof_invalid");
    }
}
