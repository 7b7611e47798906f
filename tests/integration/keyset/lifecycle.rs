//! The end, and what operators see and do.

use std::sync::Weak;

use tower_jwt_auth::error::AuthErrorKind::{KeysPending, KeysUnavailable};
use tower_jwt_auth::error::JwksErrorKind;
use tower_jwt_auth::fetch::{Fetch, FetchFuture, FetchRequest};
use tower_jwt_auth::jwks::VerifyingKey;

use super::*;

/// A client that knows how long it lives: as long as the task that owns it.
struct Guarded(Idp, #[expect(dead_code, reason = "it only has to be dropped")] Arc<()>);

impl Fetch for Guarded {
    fn fetch(&self, request: FetchRequest) -> FetchFuture<'_> {
        self.0.fetch(request)
    }
}

fn guarded(provider: &Idp) -> (Jwks, Weak<()>) {
    let life = Arc::new(());
    let watch = Arc::downgrade(&life);
    let builder = Jwks::builder(URL).expect("a good URL");
    let jwks = builder.with_fetch(Guarded(provider.clone(), life)).spawn();
    (jwks.expect("a runtime"), watch)
}

#[tokio::test(start_paused = true)]
async fn the_task_ends_with_its_last_handle_and_not_before() {
    let one = key("one");
    for (name, answer) in
        [("idle", set_of([&one])), ("fetching", Answer::hanging()), ("failing", Answer::broken())]
    {
        let provider = in_memory(answer);
        let (jwks, task) = guarded(&provider);
        let mut changes = jwks.changes();
        let verifier = verifier(&jwks);
        pass(SECOND).await;
        drop(jwks);
        pass(2 * HOUR).await;
        assert!(provider.requests() > 1, "{name}: the verifier keeps it alive");
        assert!(task.upgrade().is_some(), "{name}");

        while tokio::time::timeout(SECOND / 1000, changes.changed()).await.is_ok() {}
        drop(verifier);
        assert!(changes.changed().await.is_none(), "{name}: there will be no more");
        pass(SECOND / 1000).await;
        assert!(task.upgrade().is_none(), "{name}: a follower keeps nothing alive");
        let fetches = provider.requests();
        pass(2 * HOUR).await;
        assert_eq!(provider.requests(), fetches, "{name}");
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// What came of `future` in real time, which must not be much.
fn soon<T>(runtime: &tokio::runtime::Runtime, future: impl Future<Output = T>) -> T {
    let in_time = async { tokio::time::timeout(5 * SECOND, future).await };
    runtime.block_on(in_time).expect("it hangs")
}

#[test]
fn a_runtime_that_shuts_down_under_the_task_leaves_no_request_hanging() {
    let one = key("one");
    let (doomed, other) = (runtime(), runtime());
    let provider = provider_of(&one);
    let (cold, hanging, known) = doomed.block_on(async {
        let known = loaded(&provider).await;
        let hanging = loaded(&provider).await;
        let cold = remote(&in_memory(Answer::hanging()));
        (cold, hanging, known)
    });
    let token = one.token(&good_claims());
    provider.serve(Answer::hanging());
    let waiting = [knock_on(&other, &cold, &token), knock_on(&other, &hanging, &stray_token("x"))];
    other.block_on(async { pass(SECOND / 20).await });
    doomed.block_on(async { pass(SECOND / 20).await });
    drop(doomed);
    for request in waiting {
        assert!(soon(&other, request).expect("an answer").is_err(), "it waited already");
    }

    for (name, jwks) in [("cold", &cold), ("hanging", &hanging), ("known", &known)] {
        let stray = soon(&other, outcome(&verifier(jwks), &stray_token("stray")));
        let want = if name == "cold" { KeysPending } else { KeysUnavailable };
        assert_eq!(stray, refused(want), "{name}: nobody can look for its key");
        assert_eq!(jwks.status().last_error, Some("stopped"), "{name}");
        let error = soon(&other, jwks.refresh_now()).expect_err(name);
        assert_eq!(error.kind(), JwksErrorKind::Stopped, "{name}");
        let mut changes = jwks.changes();
        soon(&other, async { while changes.changed().await.is_some() {} });
    }
    let pending = soon(&other, outcome(&verifier(&cold), &token));
    assert_eq!(pending, refused(KeysPending));
    let error = soon(&other, cold.ready()).expect_err("there will never be a set");
    assert_eq!(error.kind(), JwksErrorKind::Stopped);
    assert_eq!(soon(&other, outcome(&verifier(&known), &token)), Ok(()), "the keys are here");
}

fn knock_on(
    runtime: &tokio::runtime::Runtime,
    jwks: &Jwks,
    token: &str,
) -> JoinHandle<Result<(), AuthErrorKind>> {
    let _inside = runtime.enter();
    knock(&verifier(jwks), token)
}

#[tokio::test(start_paused = true)]
async fn refresh_now_fetches_at_once_and_says_what_came_of_it() {
    let (one, two) = (key("one"), key("two"));
    let provider = provider_of(&one);
    let jwks = loaded(&provider).await;
    provider.serve(set_of([&one, &two]));
    let (status, took) = timed(jwks.refresh_now()).await;
    let status = status.expect("a good refresh");
    assert_eq!((status.keys, status.generation, took), (2, 2, Duration::ZERO));

    provider.serve(Answer::status(503));
    let error = jwks.refresh_now().await.expect_err("the provider is down");
    assert_eq!((error.kind(), error.code()), (JwksErrorKind::Status(503), "status"));
    assert_eq!(error.to_string(), "https://issuer.example/jwks.json answered 503");
    assert_eq!((jwks.status().keys, jwks.status().generation), (2, 2), "the good keys stay");
}

#[tokio::test(start_paused = true)]
async fn changes_tells_of_every_refresh_that_ended() {
    let (one, two) = (key("one"), key("two"));
    let provider = in_memory(set_of([&one, &two]));
    provider.serve_once(Answer::broken());
    provider.serve_once(set_of([&one]));
    let jwks = remote(&provider);
    let mut changes = jwks.changes();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let status = changes.changed().await.expect("a refresh");
        seen.push((status.state.code(), status.generation, status.failures));
    }
    assert_eq!(seen, [("cold", 0, 1), ("fresh", 1, 0), ("fresh", 2, 0)]);

    let mut late = jwks.changes();
    let early = tokio::time::timeout(MINUTE, late.changed()).await;
    assert!(early.is_err(), "what ended before is no next refresh");

    let fixed = Jwks::from_json(jwks_of([&one])).expect("a good set");
    assert!(fixed.changes().changed().await.is_none(), "given keys never change");
}

#[tokio::test(start_paused = true)]
async fn the_status_is_json_for_a_readiness_handler() {
    let one = key("one");
    let provider = in_memory(Answer::hanging());
    let jwks = remote(&provider);
    let status = || serde_json::to_value(jwks.status()).expect("JSON");
    assert_eq!(
        status(),
        json!({
            "state": "cold", "keys": 0, "skipped": {}, "generation": 0,
            "age_seconds": null, "failures": 0, "last_error": null
        })
    );
    let oct = json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "shared" });
    let document = json!({ "keys": [one.public_jwk(), oct] }).to_string();
    provider.serve(Answer::of(document));
    jwks.refresh_now().await.expect("a good refresh");
    pass(90 * SECOND).await;
    provider.serve(Answer::of("<html>"));
    _ = jwks.refresh_now().await;
    assert_eq!(
        status(),
        json!({
            "state": "fresh", "keys": 1, "skipped": { "secret_material": 1 }, "generation": 1,
            "age_seconds": 90, "failures": 1, "last_error": "unparsable"
        })
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_that_is_printed_shows_the_query_of_the_url_or_a_key() {
    let one = key("kid-of-one");
    let provider = provider_of(&one);
    let builder = Jwks::builder("https://issuer.example/jwks.json?tenant=hush").expect("a good URL");
    let builder = builder.with_fetch(provider.clone());
    let before = format!("{builder:?}");
    let jwks = builder.spawn().expect("a runtime");
    jwks.ready().await.expect("a first set");
    assert_eq!(provider.seen()[0].target, "https://issuer.example/jwks.json?tenant=hush");
    provider.serve(Answer::broken());
    let error = jwks.refresh_now().await.expect_err("the provider is down");
    let key = VerifyingKey::from_jwk_json(&one.public_jwk().to_string()).expect("a good key");
    let x = one.public_jwk()["x"].as_str().expect("text").to_owned();
    for text in [
        before,
        format!("{jwks} {jwks:?} {:?} {:?}", jwks.status(), jwks.changes()),
        format!("{error} {error:?} {key:?}"),
        serde_json::to_string(&jwks.status()).expect("JSON"),
    ] {
        assert!(!text.contains("hush") && !text.contains(&x), "{text}");
    }
    assert!(jwks.to_string().contains("issuer.example/jwks.json"), "{jwks}");
}
