//! The metrics by name and label, as `manual::operations` lists them.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    dead_code,
    unreachable_pub,
    reason = "a test may stop at the first thing that is not as it says"
)]

#[path = "integration/support/record.rs"]
mod record;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use aws_lc_rs::hmac;
use http::{Request, Response, header};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use tower::{Layer, ServiceExt};
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::fetch::{Fetch, FetchFuture, FetchRequest};
use tower_jwt_auth::jwks::SharedSecret;
use tower_jwt_auth::replay::{
    Mark, MemoryReplayStore, ReplayRule, ReplayStore, StoreError, StoreFuture, TokenId,
};
use tower_jwt_auth::test_util::Issuer;
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::verify::{Tenants, Verifiers};
use tower_jwt_auth::{Jwks, JwtAuthLayer, Verifier};

/// A token of the vectors that PyJWT minted, and when it is good.
const VECTORS: &str = include_str!("vectors/pyjwt.json");

#[test]
fn requests_are_counted_by_outcome_and_source_and_the_cache_by_result() {
    let counted = recorded(async {
        let layer = JwtAuthLayer::new(verifier());
        for _ in 0..2 {
            knock(&layer, Some(&good_token())).await;
        }
        knock(&layer, Some("not.a.token")).await;
        knock(&layer, None).await;
        knock(&layer.optional(), None).await;
    });
    let requests = |outcome, source| {
        counted.get(&format!("jwt_auth_requests_total outcome={outcome} source={source}")).copied()
    };
    assert_eq!(requests("accepted", "bearer"), Some(2.0), "{counted:?}");
    assert_eq!(requests("token_malformed", "bearer"), Some(1.0), "{counted:?}");
    assert_eq!(requests("token_missing", "none"), Some(1.0), "{counted:?}");
    assert_eq!(requests("anonymous", "none"), Some(1.0), "{counted:?}");
    assert_eq!(counted.get("jwt_auth_token_cache_total result=hit"), Some(&1.0), "{counted:?}");
    assert_eq!(counted.get("jwt_auth_token_cache_total result=miss"), Some(&1.0), "{counted:?}");
    assert_eq!(counted.get("jwt_auth_verify_seconds"), Some(&2.0), "the good token once, the bad one once");
}

#[test]
fn a_link_that_becomes_a_session_is_counted_as_handed_over() {
    let counted = recorded(async {
        let layer = JwtAuthLayer::new(verifier()).hand_off().expect("query and cookie are read");
        for token in [&*token_with_jti(), "not.a.token"] {
            let request = Request::get(format!("/?jwt={token}")).body(()).expect("a request");
            send(&layer, request).await;
        }
    });
    for (name, want) in [
        ("jwt_auth_requests_total outcome=handed_over source=query", Some(&1.0)),
        ("jwt_auth_requests_total outcome=token_malformed source=query", Some(&1.0)),
        ("jwt_auth_requests_total outcome=accepted source=query", None),
    ] {
        assert_eq!(counted.get(name), want, "{name} in {counted:?}");
    }
}

#[test]
fn refreshes_are_counted_by_result_and_the_state_and_the_keys_are_gauges() {
    let counted = recorded(async {
        let jwks = Jwks::builder("https://issuer.example/jwks.json").expect("a URL").with_fetch(Canned);
        let jwks = jwks.spawn().expect("a runtime");
        jwks.ready().await.expect("a key set");
        jwks.refresh_now().await.expect("the same key set");
    });
    let endpoint = "endpoint=https://issuer.example/jwks.json";
    for (name, want) in [
        ("jwt_auth_jwks_refresh_total result=changed", 1.0),
        ("jwt_auth_jwks_refresh_total result=unchanged", 1.0),
        ("jwt_auth_jwks_refresh_seconds", 2.0),
        ("jwt_auth_jwks_keys", 1.0),
        ("jwt_auth_jwks_failures", 0.0),
        ("jwt_auth_jwks_keys_skipped", 1.0),
        ("jwt_auth_jwks_generation", 1.0),
        ("jwt_auth_jwks_state state=fresh", 1.0),
        ("jwt_auth_jwks_state state=cold", 0.0),
    ] {
        let name = match name.split_once(' ') {
            Some((name, labels)) => format!("{name} {endpoint} {labels}"),
            None => format!("{name} {endpoint}"),
        };
        assert_eq!(counted.get(&name), Some(&want), "{name} in {counted:?}");
    }
}

#[test]
fn failures_in_a_row_are_a_gauge() {
    let counted = recorded(async {
        let jwks = Jwks::builder("https://issuer.example/jwks.json").expect("a URL").with_fetch(Nothing);
        let jwks = jwks.spawn().expect("a runtime");
        for _ in 0..2 {
            jwks.refresh_now().await.expect_err("nothing to read");
        }
    });
    let failures = counted.get("jwt_auth_jwks_failures endpoint=https://issuer.example/jwks.json");
    assert!(failures.is_some_and(|failures| *failures >= 2.0), "{counted:?}");
}

#[test]
fn a_replay_store_without_an_answer_is_counted_by_why_and_by_what_became_of_the_token() {
    let counted = recorded(async {
        let full = || MemoryReplayStore::new().with_capacity(0);
        for rule in
            [ReplayRule::single_use(Failing), ReplayRule::deny_list(Failing), ReplayRule::single_use(full())]
        {
            for rule in [rule.clone(), rule.insecure_accept_when_the_store_fails()] {
                knock(&JwtAuthLayer::new(verifier()).with_replay_rule(rule), Some(&token_with_jti())).await;
            }
        }
    });
    for (name, want) in [
        ("jwt_auth_replay_store_failures_total code=failed outcome=refused", 2.0),
        ("jwt_auth_replay_store_failures_total code=failed outcome=accepted", 2.0),
        ("jwt_auth_replay_store_failures_total code=full outcome=refused", 2.0),
        ("jwt_auth_requests_total outcome=replay_unavailable source=bearer", 4.0),
        ("jwt_auth_requests_total outcome=accepted source=bearer", 2.0),
    ] {
        assert_eq!(counted.get(name), Some(&want), "{name} in {counted:?}");
    }
    assert_eq!(counted.get("jwt_auth_replay_store_failures_total code=full outcome=accepted"), None);
}

#[test]
fn tenants_are_counted_by_what_happens_to_their_keys_and_a_gauge_says_how_many_are_here() {
    let counted = recorded(async {
        let issuer = |tenant: &str| Issuer::new(format!("https://{tenant}.login.example"), "api");
        let tenants = Tenants::new("https://{tenant}.login.example", "api", |tenant| tenant != "stranger")
            .expect("a pattern")
            .with_capacity(2)
            .expect("a number")
            .with_keys(move |tenant| match tenant {
                "broken" => Jwks::from_json("{}"),
                _ => Jwks::from_json(issuer(tenant).jwks()),
            });
        let verifiers = Verifiers::from(tenants);
        for tenant in ["acme", "broken", "globex", "globex", "stranger"] {
            assert!(verifiers.verify(&issuer(tenant).good()).is_err(), "it is signed by no key that is here");
        }
        // Kept until the metrics are read.
        std::mem::forget(verifiers);
    });
    for (name, want) in [
        ("jwt_auth_tenants_total event=added", Some(&1.0)),
        ("jwt_auth_tenants_total event=failed", Some(&1.0)),
        ("jwt_auth_tenants_total event=postponed", Some(&2.0)),
        ("jwt_auth_tenants_total event=dropped", None),
        ("jwt_auth_tenants", Some(&1.0)),
    ] {
        assert_eq!(counted.get(name), want, "{name} in {counted:?}");
    }
    assert!(!counted.keys().any(|name| name.contains("acme") || name.contains("stranger")), "{counted:?}");
}

/// A replay store that is down.
struct Failing;

impl ReplayStore for Failing {
    fn insert(&self, _id: TokenId, _mark: Mark, _until: SystemTime) -> StoreFuture<'_, Option<Mark>> {
        Box::pin(ready(Err(StoreError::Failed("connection refused".into()))))
    }

    fn find(&self, _id: TokenId) -> StoreFuture<'_, Option<Mark>> {
        Box::pin(ready(Err(StoreError::Failed("connection refused".into()))))
    }

    fn deny(&self, _id: TokenId, _until: SystemTime) -> StoreFuture<'_, ()> {
        Box::pin(ready(Err(StoreError::Failed("connection refused".into()))))
    }
}

/// Runs `work` on one thread and returns every metric by name and labels; a histogram counts its samples.
fn recorded(work: impl Future<Output = ()>) -> BTreeMap<String, f64> {
    let ledger = Ledger::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    metrics::with_local_recorder(&ledger, || runtime.block_on(work));
    let accounts = ledger.0.lock().expect("nobody panicked").clone();
    for name in accounts.keys() {
        record::shown("a metric", name);
    }
    accounts.into_iter().map(|(name, account)| (name, account.value())).collect()
}

/// A recorder that keeps an account for each metric with its labels.
#[derive(Default)]
struct Ledger(Mutex<BTreeMap<String, Arc<Account>>>);

impl Ledger {
    fn account(&self, key: &Key) -> Arc<Account> {
        let labels = key.labels().map(|label| format!(" {}={}", label.key(), label.value()));
        let name = key.name().to_owned() + &labels.collect::<String>();
        Arc::clone(self.0.lock().expect("nobody panicked").entry(name).or_default())
    }
}

impl Recorder for Ledger {
    fn describe_counter(&self, _key: KeyName, _unit: Option<Unit>, _description: SharedString) {}
    fn describe_gauge(&self, _key: KeyName, _unit: Option<Unit>, _description: SharedString) {}
    fn describe_histogram(&self, _key: KeyName, _unit: Option<Unit>, _description: SharedString) {}

    fn register_counter(&self, key: &Key, _metadata: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.account(key))
    }

    fn register_gauge(&self, key: &Key, _metadata: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.account(key))
    }

    fn register_histogram(&self, key: &Key, _metadata: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.account(key))
    }
}

#[derive(Default)]
struct Account(Mutex<f64>);

impl Account {
    fn value(&self) -> f64 {
        *self.0.lock().expect("nobody panicked")
    }

    fn change(&self, change: impl FnOnce(f64) -> f64) {
        let mut value = self.0.lock().expect("nobody panicked");
        *value = change(*value);
    }
}

#[expect(clippy::cast_precision_loss, reason = "the counts of a test are small")]
impl CounterFn for Account {
    fn increment(&self, by: u64) {
        self.change(|value| value + by as f64);
    }

    fn absolute(&self, value: u64) {
        self.change(|_| value as f64);
    }
}

impl GaugeFn for Account {
    fn increment(&self, by: f64) {
        self.change(|value| value + by);
    }

    fn decrement(&self, by: f64) {
        self.change(|value| value - by);
    }

    fn set(&self, value: f64) {
        self.change(|_| value);
    }
}

impl HistogramFn for Account {
    fn record(&self, _sample: f64) {
        self.change(|samples| samples + 1.0);
    }
}

async fn knock(layer: &JwtAuthLayer, token: Option<&str>) {
    let mut request = Request::new(());
    if let Some(token) = token {
        let value = format!("Bearer {token}").parse().expect("a header value");
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    send(layer, request).await;
}

async fn send(layer: &JwtAuthLayer, request: Request<()>) {
    record::sent(&request);
    let service = layer
        .layer(tower::service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(Response::new(String::new())))));
    _ = service.oneshot(request).await;
}

fn vectors() -> serde_json::Value {
    serde_json::from_str(VECTORS).expect("the vectors")
}

fn good_token() -> String {
    let vectors = vectors();
    let mut cases = vectors["cases"].as_array().expect("cases").iter();
    let good =
        cases.find(|case| case["alg"] == "HS256" && case["verdict"] == "accepted").expect("a good one");
    good["token"].as_str().expect("a token").to_owned()
}

/// One that a replay store can remember.
fn token_with_jti() -> String {
    let part = |json: &str| base64_simd::URL_SAFE_NO_PAD.encode_to_string(json);
    let claims = r#"{"iss":"https://issuer.example","aud":"api","exp":1800000300,"jti":"1"}"#;
    let input = format!("{}.{}", part(r#"{"alg":"HS256"}"#), part(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret()), input.as_bytes());
    format!("{input}.{}", base64_simd::URL_SAFE_NO_PAD.encode_to_string(tag))
}

fn secret() -> Vec<u8> {
    let vectors = vectors();
    let mut secrets = vectors["secrets"].as_array().expect("secrets").iter();
    let secret = secrets.find(|secret| secret["alg"] == "HS256").and_then(|secret| secret["k"].as_str());
    base64_simd::URL_SAFE_NO_PAD.decode_to_vec(secret.expect("a secret")).expect("base64url")
}

fn verifier() -> Verifier {
    let secret = SharedSecret::new(Algorithm::Hs256, secret()).expect("long enough");
    Verifier::new("https://issuer.example", "api", secret)
        .expect("a verifier")
        .with_clock(FixedClock::at_unix(1_800_000_000))
}

struct Canned;

/// Answers with nothing.
struct Nothing;

impl Fetch for Nothing {
    fn fetch(&self, _request: FetchRequest) -> FetchFuture<'_> {
        Box::pin(async { Ok(http::Response::new(Vec::new())) })
    }
}

impl Fetch for Canned {
    fn fetch(&self, _request: FetchRequest) -> FetchFuture<'_> {
        const KEYS: &str = r#"{"keys":[
            {"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
            {"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}
        ]}"#;
        Box::pin(ready(Ok(Response::new(KEYS.as_bytes().to_vec()))))
    }
}
