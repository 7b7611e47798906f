//! What the provider is spared, and how long a caller waits at most.

use std::sync::atomic::{AtomicUsize, Ordering};

use http::Response;
use tokio::time::Instant;
use tower_jwt_auth::fetch::{Fetch, FetchFuture, FetchRequest};

use super::*;
use crate::support::issuer::good_claims;
use crate::support::log::Log;

/// The refusal's code, and after how many seconds it says to come back.
async fn refusal(verifier: &Verifier, token: &str) -> (&'static str, Option<u64>) {
    let error = verifier.verify_or_ask(token).await.expect_err("a refusal");
    (error.code(), error.retry_after().map(|after| after.as_secs()))
}

fn throttling(status: u16, retry_after: Option<&str>) -> Answer {
    let answer = Answer::status(status);
    match retry_after {
        Some(after) => answer.with(http::header::RETRY_AFTER, after),
        None => answer,
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_asks_for_patience_is_left_alone_for_all_tokens() {
    for (status, retry_after, want) in [
        (429, Some("30"), 30),
        (429, None, 5),
        (429, Some("soon"), 5),
        (429, Some("999999999"), 3600),
        (503, Some("7"), 7),
    ] {
        for form in Form::ALL {
            let name = format!("{form:?}, {status} {retry_after:?}");
            let good = token("good");
            let provider = in_memory(Answer::of(form.yes(&good)));
            provider.serve_once(throttling(status, retry_after));
            let verifier = verifier_with(form.over(&provider));
            let first = token("first");
            assert_eq!(refusal(&verifier, &first).await, ("verifier_unavailable", Some(want)), "{name}");
            let nearly = Duration::from_millis(want * 1000 - 500);
            tokio::time::sleep(nearly).await;
            // Rounded up: who comes back then is let in.
            assert_eq!(refusal(&verifier, &good).await, ("verifier_unavailable", Some(1)), "{name}");
            assert_eq!(refusal(&verifier, &first).await.0, "verifier_unavailable", "{name}");
            assert_eq!(provider.requests(), 1, "{name}: nobody was asked again");
            tokio::time::sleep(SECOND + SECOND / 10).await;
            assert_eq!(outcome(&verifier, &good).await, ACCEPTED, "{name}: afterwards");
            assert_eq!(provider.requests(), 2, "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_date_to_come_back_at_is_kept() {
    let good = token("good");
    let date =
        |seconds: u64| httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_secs(seconds));
    let provider = in_memory(Answer::of(Form::PasskeyMe.yes(&good)));
    let verifier = verifier_with(Form::PasskeyMe.over(&provider));
    provider.serve_once(throttling(429, Some(&date(60))));
    let (code, after) = refusal(&verifier, &token("first")).await;
    assert_eq!(code, "verifier_unavailable");
    assert!(after.is_some_and(|after| (58..=60).contains(&after)), "{after:?}");
    tokio::time::sleep(50 * SECOND).await;
    assert_eq!(refusal(&verifier, &good).await.0, "verifier_unavailable");
    assert_eq!(provider.requests(), 1);
    tokio::time::sleep(12 * SECOND).await;
    assert_eq!(outcome(&verifier, &good).await, ACCEPTED);
    // A date that is past asks for nothing, and the token was not judged.
    provider.serve_once(throttling(429, Some("Sun, 06 Nov 1994 08:49:37 GMT")));
    assert_eq!(refusal(&verifier, &token("second")).await.0, "verifier_unavailable");
    assert_eq!(outcome(&verifier, &token("third")).await, ACCEPTED);
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_still_counts_while_the_provider_wants_to_be_left_alone() {
    let good = token("good");
    let provider = in_memory(Answer::of(Form::Introspection.yes(&good)));
    let verifier = verifier_with(Form::Introspection.over(&provider));
    assert_eq!(outcome(&verifier, &good).await, ACCEPTED);
    provider.serve(throttling(429, Some("3600")));
    assert_eq!(outcome(&verifier, &token("other")).await, "verifier_unavailable");
    assert_eq!(outcome(&verifier, &good).await, ACCEPTED, "its answer is here");
    tokio::time::sleep(61 * SECOND).await;
    assert_eq!(
        outcome(&verifier, &good).await,
        "verifier_unavailable",
        "it is too old, and nobody may be asked"
    );
    assert_eq!(provider.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_shorter_pause_does_not_end_a_longer_one() {
    for (name, first, second) in [("then shorter", "30", "3"), ("then longer", "3", "30")] {
        let good = token("good");
        let provider = in_memory(Answer::of(Form::Introspection.yes(&good)));
        provider.serve_once(throttling(429, Some(second)).after(SECOND));
        provider.serve_once(throttling(429, Some(first)));
        let verifier = shared(&Form::Introspection.over(&provider));
        let slow = knock(&verifier, &token("slow"));
        tokio::time::sleep(SECOND / 10).await;
        assert_eq!(refusal(&verifier, &token("quick")).await.0, "verifier_unavailable", "{name}");
        assert_eq!(slow.await.expect("an end"), "verifier_unavailable", "{name}");
        tokio::time::sleep(10 * SECOND).await;
        assert_eq!(outcome(&verifier, &good).await, "verifier_unavailable", "{name}");
        assert_eq!(provider.requests(), 2, "{name}: it is left alone");
        tokio::time::sleep(21 * SECOND).await;
        assert_eq!(outcome(&verifier, &good).await, ACCEPTED, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_plain_503_asks_for_no_patience_and_names_a_time_all_the_same() {
    let good = token("good");
    let provider = in_memory(Answer::of(Form::Introspection.yes(&good)));
    let verifier = verifier_with(Form::Introspection.over(&provider));
    provider.serve_once(throttling(503, None));
    assert_eq!(refusal(&verifier, &token("first")).await, ("verifier_unavailable", Some(5)));
    assert_eq!(outcome(&verifier, &good).await, ACCEPTED);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_longer_than_six_seconds_and_nothing_is_asked_twice() {
    for form in Form::ALL {
        let provider = in_memory(Answer::hanging());
        let verifier = shared(&form.over(&provider));
        let started = Instant::now();
        // Ten times as many as may be under way at a time, each with a token of its own.
        let callers = join_all((0..320).map(|n| knock(&verifier, &token(&n.to_string())))).await;
        assert!(callers.iter().all(|outcome| *outcome == "verifier_unavailable"), "{form:?}");
        assert!(started.elapsed() <= 6 * SECOND, "{form:?}: {:?}", started.elapsed());
        assert!(provider.requests() <= 320, "{form:?}: {} calls", provider.requests());
        // Who gives up does not wait longer by waiting for somebody else's answer.
        let shared = token("shared");
        let leader = knock(&verifier, &shared);
        tokio::time::sleep(4 * SECOND).await;
        let started = Instant::now();
        let follower = knock(&verifier, &shared);
        leader.abort();
        assert_eq!(follower.await.expect("an end"), "verifier_unavailable", "{form:?}");
        assert!(started.elapsed() <= 6 * SECOND, "{form:?}: {:?}", started.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_not_asked_again_for_the_same_request() {
    for form in Form::ALL {
        for (name, answer) in [
            ("a fault", Answer::status(500)),
            ("a bad gateway", Answer::status(502)),
            ("a broken connection", Answer::broken()),
            ("no answer", Answer::hanging()),
            ("rubbish", Answer::of("<html>")),
            ("a no", form.no()),
        ] {
            let provider = in_memory(answer);
            let verifier = verifier_with(form.over(&provider));
            assert_ne!(outcome(&verifier, &token("once")).await, ACCEPTED, "{form:?}: {name}");
            assert_eq!(provider.requests(), 1, "{form:?}: {name}");
        }
    }
}

/// Says no after a second, and counts how many are asking at a time.
#[derive(Clone, Default)]
struct Turnstile {
    inside: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    in_all: Arc<AtomicUsize>,
}

impl Fetch for Turnstile {
    fn fetch(&self, _request: FetchRequest) -> FetchFuture<'_> {
        struct Leave<'t>(&'t AtomicUsize);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        Box::pin(async move {
            self.in_all.fetch_add(1, Ordering::SeqCst);
            self.most.fetch_max(self.inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let _leave = Leave(&self.inside);
            tokio::time::sleep(SECOND).await;
            Ok(http::Response::new(br#"{"active":false}"#.to_vec()))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_than_32_calls_are_under_way_at_a_time() {
    let turnstile = Turnstile::default();
    let endpoint = Form::Introspection.endpoint(URL).with_fetch(turnstile.clone());
    // Two verifiers over one endpoint, and a clone of it: the limit is the provider's.
    let verifiers = [shared(&endpoint), shared(&endpoint.clone())];
    let callers: Vec<_> = (0..100).map(|n| knock(&verifiers[n % 2], &token(&n.to_string()))).collect();
    let gone = knock(&verifiers[0], &token("gone"));
    tokio::time::sleep(SECOND / 2).await;
    gone.abort();
    let callers = join_all(callers).await;
    assert!(callers.iter().all(|outcome| *outcome == "token_refused"), "each gets a turn in time");
    assert_eq!(turnstile.most.load(Ordering::SeqCst), 32);
    assert_eq!(turnstile.in_all.load(Ordering::SeqCst), 100);
    assert_eq!(turnstile.inside.load(Ordering::SeqCst), 0);
    assert_eq!(tower_jwt_auth::remote::MAX_CALLS, 32);
    // Those who gave up have left no turn taken: 32 more go at once.
    let callers = join_all((0..32).map(|n| knock(&verifiers[0], &token(&format!("later {n}"))))).await;
    assert_eq!(callers.len(), 32);
    assert_eq!(good_claims()["aud"], "api");
}

/// A client that knows no limits and follows whatever it is told to.
#[derive(Clone)]
struct Careless {
    status: u16,
    encoding: &'static str,
    body: String,
}

impl Fetch for Careless {
    fn fetch(&self, _request: FetchRequest) -> FetchFuture<'_> {
        let response = Response::builder().status(self.status).header("content-encoding", self.encoding);
        let response = response.body(self.body.clone().into_bytes()).expect("a response");
        Box::pin(std::future::ready(Ok(response)))
    }
}

#[tokio::test]
async fn a_careless_client_of_ones_own_does_not_lift_the_limits() {
    let (log, _guard) = Log::at_trace_level();
    for form in Form::ALL {
        let token = token("good");
        let yes = form.yes(&token);
        let padded = |length: usize| format!("{yes}{}", " ".repeat(length - yes.len()));
        let careless = |status, encoding, body| Careless { status, encoding, body };
        for (name, client, want, told) in [
            ("a yes", careless(200, "identity", padded(64 * 1024)), ACCEPTED, "accepted"),
            (
                "one byte more",
                careless(200, "identity", padded(64 * 1024 + 1)),
                "verifier_unavailable",
                "too_large",
            ),
            ("another coding", careless(200, "gzip", yes.clone()), "verifier_unavailable", "encoded"),
            ("a redirect", careless(302, "identity", yes.clone()), "verifier_unavailable", "redirected"),
        ] {
            let verifier = verifier_with(form.endpoint(URL).with_fetch(client));
            assert_eq!(outcome(&verifier, &token).await, want, "{form:?}: {name}");
            let log = log.take();
            assert!(log.contains(&format!("result=\"{told}\"")), "{form:?}: {name}: {log}");
        }
    }
}
