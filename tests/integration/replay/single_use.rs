//! One token, one use.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::Method;
use serde_json::{Value, json};
use tower_jwt_auth::clock::{Clock, FixedClock};
use tower_jwt_auth::jwks::Jwks;
use tower_jwt_auth::replay::{
    Mark, MemoryReplayStore, NonceRule, ReplayRule, ReplayStore, StoreFuture, TokenId,
};
use tower_jwt_auth::{JwtAuthLayer, Verifier};

use super::{layer, layer_over, named, site, store};
use crate::support::app::{Place, get, request, verifier};
use crate::support::issuer::{AUDIENCE, ISSUER, NOW, SigningKey, good_claims, jwks_of, shared_key};
use crate::support::site::{Site, good, refused, token_with};

fn replayed() -> (u16, String) {
    refused(401, "token_replayed")
}

#[tokio::test]
async fn a_token_counts_once_wherever_it_is_presented() {
    for first in Place::ALL {
        for second in Place::ALL {
            let site = site();
            let token = named("1");
            let answer = site.answer(first.carry(Method::GET, &token)).await;
            assert_eq!((answer.status, answer.code), good(), "{first:?} first");
            let answer = site.answer(second.carry(Method::GET, &token)).await;
            assert_eq!((answer.status, answer.code), replayed(), "{first:?}, then {second:?}");
            assert_eq!(site.inside(), 1, "{first:?}, then {second:?}");
            assert_eq!(site.bear(&named("2")).await, good(), "another token");
        }
    }
}

#[tokio::test]
async fn a_token_is_its_issuer_and_its_jti_and_not_its_text() {
    let site = site();
    let (one, other) = (named("1"), named("1"));
    assert_ne!(one, other, "each signature is another");
    assert_eq!(site.bear(&one).await, good());
    for (name, token) in [
        ("the same text", one),
        ("the same claims, signed again", other),
        ("other claims", token_with(json!({ "jti": "1", "sub": "bob", "exp": NOW + 9 }))),
        (
            "the jti in escapes",
            shared_key().token_of(
                shared_key().header().to_string(),
                token_payload("1").replace("\"jti\":\"1\"", "\"\\u006ati\":\"\\u0031\""),
            ),
        ),
        (
            "the claims in another order, with blanks",
            shared_key().token_of(shared_key().header().to_string(), format!(" {} ", token_payload("1"))),
        ),
    ] {
        assert_eq!(site.bear(&token).await, replayed(), "{name}");
    }
    for jti in ["2", "1 ", " 1", "01", "1\u{0}", "１"] {
        assert_eq!(site.bear(&named(jti)).await, good(), "another jti: {jti:?}");
    }
}

fn token_payload(jti: &str) -> String {
    let mut claims = good_claims();
    claims["jti"] = jti.into();
    claims.to_string()
}

/// A verifier of another issuer, and its key.
fn other_issuer() -> (SigningKey, Verifier) {
    let key = SigningKey::generate(shared_key().algorithm(), "other-1");
    let keys = Jwks::from_json(jwks_of([&key])).expect("a key set");
    let verifier = Verifier::new("https://other.example", AUDIENCE, keys).expect("a policy");
    (key, verifier.with_clock(FixedClock::at_unix(NOW)))
}

#[tokio::test]
async fn the_same_jti_of_another_issuer_is_another_token_where_both_share_a_store() {
    let store = store();
    let (key, other) = other_issuer();
    let others = JwtAuthLayer::new(other).with_replay_rule(ReplayRule::single_use(Arc::clone(&store)));
    let either = JwtAuthLayer::any_of([layer_over(&store), others.clone()]).expect("two issuers");
    let (ours, theirs, both) = (Site::behind(layer_over(&store)), Site::behind(others), Site::behind(either));
    let mut claims = good_claims();
    claims["iss"] = "https://other.example".into();
    claims["jti"] = "1".into();
    let their_token = key.token(&claims);
    assert_eq!(ours.bear(&named("1")).await, good());
    assert_eq!(theirs.bear(&their_token).await, good(), "no replay of the other issuer's");
    for (name, token) in [("ours", named("1")), ("theirs", their_token)] {
        assert_eq!(both.bear(&token).await, replayed(), "{name}: through another door to the same store");
    }
}

#[tokio::test]
async fn a_token_without_a_name_or_without_an_end_cannot_count_once() {
    let without_end = verifier().insecure_accept_without_expiry();
    let site = Site::behind(JwtAuthLayer::new(without_end).single_use());
    for (name, changes, code) in [
        ("no jti", json!({}), "claim_missing"),
        ("an empty jti", json!({ "jti": "" }), "claim_missing"),
        ("no exp", json!({ "jti": "1", "exp": null }), "claim_missing"),
        ("a number", json!({ "jti": 1 }), "claim_invalid"),
        ("an array", json!({ "jti": ["1"] }), "claim_invalid"),
        ("an object", json!({ "jti": { "1": 1 } }), "claim_invalid"),
        ("true", json!({ "jti": true }), "claim_invalid"),
    ] {
        for _ in 0..2 {
            let (status, said) = site.bear(&token_with(changes.clone())).await;
            assert_eq!(status, 401, "{name}: {said}");
            assert!(said == code || said == "claims_mismatch", "{name}: {said}");
        }
    }
    let mut claims = good_claims();
    claims["jti"] = Value::Null;
    let (status, _) = site.bear(&shared_key().token(&claims)).await;
    assert_eq!(status, 401, "null");
    assert_eq!(site.inside(), 0);
    assert_eq!(site.bear(&named("1")).await, good());
}

#[tokio::test]
async fn what_is_refused_for_another_reason_uses_no_token_up() {
    let layer = layer().with_nonce(NonceRule::from_header("x-nonce").expect("a name"));
    let site = Site::behind(layer);
    let good_token = token_with(json!({ "jti": "1", "nonce": "n" }));
    let (input, _) = good_token.rsplit_once('.').expect("a signature");
    let forged = format!("{input}.{}", crate::support::issuer::encode([7; 64]));
    let twin = |mut changes: Value| {
        let base = json!({ "jti": "1", "nonce": "n" });
        for (name, value) in base.as_object().expect("an object") {
            let changes = changes.as_object_mut().expect("an object");
            changes.entry(name.clone()).or_insert(value.clone());
        }
        format!("Bearer {}", token_with(changes))
    };
    let bearer = format!("Bearer {good_token}");
    let cookie = format!("__Host-jwt={good_token}");
    let nonce = ("x-nonce", "n");
    for (name, method, lines, code) in [
        ("another nonce", Method::GET, vec![("authorization", &*bearer), ("x-nonce", "m")], "nonce_mismatch"),
        ("no nonce", Method::GET, vec![("authorization", &bearer)], "nonce_missing"),
        (
            "a bad signature",
            Method::GET,
            vec![("authorization", &*format!("Bearer {forged}")), nonce],
            "signature_invalid",
        ),
        (
            "expired",
            Method::GET,
            vec![("authorization", &*twin(json!({ "exp": 1, "iat": null, "nbf": null }))), nonce],
            "token_expired",
        ),
        (
            "for another audience",
            Method::GET,
            vec![("authorization", &*twin(json!({ "aud": "x" }))), nonce],
            "audience_mismatch",
        ),
        (
            "not yet valid",
            Method::GET,
            vec![("authorization", &*twin(json!({ "nbf": NOW + 99 }))), nonce],
            "token_not_yet_valid",
        ),
        (
            "cross site",
            Method::POST,
            vec![("cookie", &*cookie), nonce, ("sec-fetch-site", "cross-site")],
            "cross_site_request",
        ),
        (
            "twice",
            Method::GET,
            vec![("authorization", &bearer), ("authorization", &bearer), nonce],
            "credentials_conflict",
        ),
    ] {
        let (_, said) = {
            let answer = site.answer(request(method, "/", &lines)).await;
            (answer.status, answer.code)
        };
        assert_eq!(said, code, "{name}");
    }
    let head = site.answer(request(Method::HEAD, &format!("/?jwt={good_token}"), &[nonce])).await;
    assert_eq!(head.error.map(|error| error.code()), Some("navigation_required"), "HEAD");
    assert_eq!(site.inside(), 0);
    let lines = [("authorization", &*bearer), nonce];
    let answer = site.answer(get("/", &lines)).await;
    assert_eq!((answer.status, answer.code), good(), "nothing was used up");
    let answer = site.answer(get("/", &lines)).await;
    assert_eq!((answer.status, answer.code), replayed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_200_at_a_time_over_two_layers_with_one_store_exactly_one_passes() {
    for round in 0..5 {
        let store = store();
        let sites = [Site::behind(layer_over(&store)), Site::behind(layer_over(&store))];
        let start = Arc::new(tokio::sync::Barrier::new(200));
        let mut visits = tokio::task::JoinSet::new();
        let token = named(&format!("{round}"));
        for visitor in 0..200 {
            let (site, start) = (sites[visitor % 2].clone(), Arc::clone(&start));
            let place = Place::ALL[visitor % 3];
            let request = place.carry(Method::GET, &token);
            visits.spawn(async move {
                start.wait().await;
                let answer = site.answer(request).await;
                (answer.status, answer.code)
            });
        }
        let outcomes = visits.join_all().await;
        let passed = outcomes.iter().filter(|outcome| **outcome == good()).count();
        let late = outcomes.iter().filter(|outcome| **outcome == replayed()).count();
        assert_eq!((passed, late), (1, 199), "round {round}");
        assert_eq!(sites.iter().map(Site::inside).sum::<usize>(), 1, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_200_browsers_that_follow_one_link_at_a_time_exactly_one_gets_the_session() {
    let store = store();
    let layer = layer_over(&store).hand_off().expect("both are read");
    let sites = [Site::behind(layer.clone()), Site::behind(layer)];
    let start = Arc::new(tokio::sync::Barrier::new(200));
    let mut visits = tokio::task::JoinSet::new();
    let token = named("1");
    for visitor in 0..200 {
        let (site, start, token) = (sites[visitor % 2].clone(), Arc::clone(&start), token.clone());
        visits.spawn(async move {
            start.wait().await;
            site.arrive(&token).await
        });
    }
    let answers = visits.join_all().await;
    let cookies = answers.iter().flat_map(|answer| crate::support::site::cookies_of(answer)).count();
    let sent_on = answers.iter().filter(|answer| answer.status == 303).count();
    assert_eq!((sent_on, cookies), (1, 1));
}

/// A site, and its clock and store: one wall clock for both.
fn timed(capacity: usize) -> (Site, FixedClock, Arc<MemoryReplayStore>) {
    let clock = FixedClock::at_unix(NOW);
    let store = Arc::new(MemoryReplayStore::new().with_capacity(capacity).with_clock(clock.clone()));
    let layer = JwtAuthLayer::new(verifier().with_clock(clock.clone()));
    let layer = layer.with_replay_rule(ReplayRule::single_use(Arc::clone(&store)));
    (Site::behind(layer), clock, store)
}

fn at(seconds: u32) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.into())
}

#[tokio::test(start_paused = true)]
async fn a_full_store_refuses_until_something_expires_and_forgets_nothing_before() {
    let (site, clock, store) = timed(2);
    let lasting = |jti: &str, seconds: u32| token_with(json!({ "jti": jti, "exp": NOW + seconds }));
    let full = refused(503, "replay_unavailable");
    assert_eq!(site.bear(&lasting("1", 10)).await, good());
    assert_eq!(site.bear(&lasting("2", 100)).await, good());
    assert_eq!(site.bear(&lasting("3", 500)).await, full);
    for _ in 0..3 {
        assert_eq!(site.bear(&lasting("1", 10)).await, replayed(), "what is in there is known");
    }
    let pass = async |seconds: u32, until: u32| {
        tokio::time::advance(Duration::from_secs(seconds.into())).await;
        clock.set(at(NOW + until));
    };
    pass(39, 39).await;
    assert_eq!(site.bear(&lasting("3", 500)).await, full, "the leeway counts");
    assert_eq!(site.bear(&lasting("1", 10)).await, replayed(), "and the token is refused in it");
    pass(870, 909).await;
    assert_eq!(site.bear(&lasting("1", 10)).await, refused(401, "token_expired"));
    assert_eq!(
        site.bear(&lasting("3", 1_500)).await,
        full,
        "15 min for the leeways and the clocks of others"
    );
    pass(1, 910).await;
    assert_eq!(site.bear(&lasting("3", 1_500)).await, good(), "there is room again");
    assert!(format!("{store:?}").contains("remembered: 2"), "{store:?}");
    assert_eq!(site.bear(&lasting("4", 1_500)).await, full);
    pass(1_490, 2_400).await;
    assert!(format!("{store:?}").contains("remembered: 0"), "{store:?}");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_an_hour_reopens_no_used_token() {
    const HOUR: u32 = 3_600;
    let token = token_with(json!({ "jti": "1", "iat": null, "nbf": null }));
    let expired = || refused(401, "token_expired");
    for (name, used_at, then) in [
        ("forwards and back", NOW, vec![(NOW + HOUR, expired()), (NOW, replayed())]),
        ("backwards and on", NOW, vec![(NOW - HOUR, replayed()), (NOW, replayed())]),
        ("used while it was behind", NOW - HOUR, vec![(NOW, replayed()), (NOW + 300, replayed())]),
        ("back, though it had expired", NOW + 329, vec![(NOW + 330, expired()), (NOW, replayed())]),
    ] {
        let (site, clock, _) = timed(9);
        clock.set(at(used_at));
        assert_eq!(site.bear(&token).await, good(), "{name}");
        for (now, want) in then {
            clock.set(at(now));
            // Others look, so that the store tidies up.
            let other = token_with(json!({ "jti": "2", "iat": null, "nbf": null, "exp": now }));
            _ = site.bear(&other).await;
            assert_eq!(site.bear(&token).await, want, "{name}: at {now}");
        }
    }
}

/// Passes questions on to a store, a while later.
struct Slow {
    store: Arc<MemoryReplayStore>,
    clock: FixedClock,
    by: Duration,
}

impl Slow {
    async fn wait(&self) {
        tokio::time::sleep(self.by).await;
        self.clock.set(self.clock.now() + self.by);
    }
}

impl ReplayStore for Slow {
    fn insert(&self, id: TokenId, mark: Mark, until: SystemTime) -> StoreFuture<'_, Option<Mark>> {
        Box::pin(async move {
            self.wait().await;
            self.store.insert(id, mark, until).await
        })
    }

    fn find(&self, id: TokenId) -> StoreFuture<'_, Option<Mark>> {
        Box::pin(async move {
            self.wait().await;
            self.store.find(id).await
        })
    }

    fn deny(&self, id: TokenId, until: SystemTime) -> StoreFuture<'_, ()> {
        self.store.deny(id, until)
    }
}

#[tokio::test(start_paused = true)]
async fn a_used_token_is_not_new_again_when_its_time_is_over_before_the_store_has_answered() {
    let clock = FixedClock::at_unix(NOW);
    let store = Arc::new(MemoryReplayStore::new().with_clock(clock.clone()));
    let slow = || Slow { store: Arc::clone(&store), clock: clock.clone(), by: Duration::from_millis(900) };
    let site = |rule: ReplayRule| {
        Site::behind(JwtAuthLayer::new(verifier().with_clock(clock.clone())).with_replay_rule(rule))
    };
    let (once, many) = (site(ReplayRule::single_use(slow())), site(ReplayRule::deny_list(slow())));
    let (used, revoked) = (named("used"), named("revoked"));
    let until = at(NOW + 330);
    assert_eq!(once.bear(&used).await, good());
    store.revoke(ISSUER, "revoked", until + Duration::from_secs(60)).await.expect("room");
    tokio::time::advance(until.duration_since(clock.now()).expect("later")).await;
    for (name, site, token, want) in
        [("used", &once, used, replayed()), ("revoked", &many, revoked, refused(401, "token_revoked"))]
    {
        clock.set(until - Duration::from_millis(100));
        assert_eq!(site.bear(&token).await, want, "{name}");
        assert!(clock.now() > until, "{name}: it was good when it was judged");
    }
}

#[tokio::test(start_paused = true)]
async fn a_used_token_is_not_new_again_at_a_replica_whose_clock_is_behind() {
    let clock = FixedClock::at_unix(NOW);
    let store = Arc::new(MemoryReplayStore::new().with_clock(clock.clone()));
    let behind = FixedClock::at_unix(NOW - 20);
    let replica = |clock: FixedClock| {
        let layer = JwtAuthLayer::new(verifier().with_clock(clock));
        Site::behind(layer.with_replay_rule(ReplayRule::single_use(Arc::clone(&store))))
    };
    let (one, other) = (replica(clock.clone()), replica(behind.clone()));
    assert_eq!(one.bear(&named("1")).await, good());
    tokio::time::advance(Duration::from_secs(331)).await;
    clock.set(at(NOW + 331));
    behind.set(at(NOW + 311));
    assert_eq!(one.bear(&named("1")).await, refused(401, "token_expired"));
    assert_eq!(other.bear(&named("1")).await, replayed());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_after_the_token_was_over_reopens_it_not_while_its_time_is_left() {
    let (site, clock, _) = timed(9);
    let token = token_with(json!({ "jti": "1", "iat": null, "nbf": null }));
    assert_eq!(site.bear(&token).await, good());
    tokio::time::advance(Duration::from_secs(400)).await;
    // The wall clock never saw these 400 seconds: the token is still good by it.
    clock.set(at(NOW + 10));
    assert_eq!(site.bear(&token).await, replayed());
}
