//! The start: it does not block, it does not fail, and requests wait for a second at most.

use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::error::AuthErrorKind::{KeysPending, TokenExpired};
use tower_jwt_auth::jwks::{FIRST_SET_WAIT, JwksState};

use super::*;
use crate::support::app::{App, get};
use crate::support::issuer::claims_with;

#[tokio::test(start_paused = true)]
async fn a_request_waits_a_second_for_the_first_set_and_is_then_told_to_come_back() {
    let key = key("one");
    let token = key.token(&good_claims());
    for (name, answer, want, waited) in [
        ("never", Answer::hanging(), StatusCode::SERVICE_UNAVAILABLE, SECOND),
        ("broken", Answer::broken(), StatusCode::SERVICE_UNAVAILABLE, SECOND),
        ("in time", set_of([&key]).after(SECOND * 9 / 10), StatusCode::OK, SECOND * 9 / 10),
        ("too late", set_of([&key]).after(SECOND * 11 / 10), StatusCode::SERVICE_UNAVAILABLE, SECOND),
    ] {
        let jwks = remote(&in_memory(answer));
        let (response, took) = timed(request(&verifier(&jwks), &token)).await;
        assert_eq!(response.status(), want, "{name}");
        assert!(took.abs_diff(waited) < SECOND / 100, "{name}: {took:?}");
        if want == StatusCode::OK {
            assert_eq!(response.body(), "inside", "{name}");
            continue;
        }
        assert_eq!(response.headers()["retry-after"], "1", "{name}");
        assert!(response.body().contains("\"keys_pending\""), "{name}: {}", response.body());
        assert!(!response.headers().contains_key("www-authenticate"), "{name}");
    }
    assert_eq!(FIRST_SET_WAIT, SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_fails_anyway_waits_for_no_key() {
    let key = key("one");
    let verifier = verifier(&remote(&in_memory(Answer::hanging())));
    let expired = key.token(&claims_with(json!({ "exp": NOW - 31 })));
    assert_eq!(timed(outcome(&verifier, &expired)).await, (refused(TokenExpired), Duration::ZERO));
    let good = key.token(&claims_with(json!({ "exp": NOW - 29 })));
    let (answer, took) = timed(outcome(&verifier, &good)).await;
    assert_eq!(answer, refused(KeysPending));
    assert!(took >= SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn verify_without_waiting_does_not_wait_for_the_first_set() {
    let key = key("one");
    let token = key.token(&good_claims());
    let jwks = remote(&provider_of(&key));
    let verifier = verifier(&jwks);
    let (answer, took) = timed(async { verifier.verify(&token).map_err(|error| error.kind()) }).await;
    assert_eq!((answer.err(), took), (Some(KeysPending), Duration::ZERO));
    jwks.ready().await.expect("a first set");
    assert!(verifier.verify(&token).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_down_at_start_is_found_again_without_a_restart() {
    let key = key("one");
    let token = key.token(&good_claims());
    let provider = in_memory(Answer::broken());
    let jwks = remote(&provider);
    let verifier = verifier(&jwks);
    pass(10 * MINUTE).await;
    assert_eq!(status(&verifier, &token).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(jwks.status().state, JwksState::Cold);
    assert!(jwks.status().failures > 1);

    provider.serve(set_of([&key]));
    let (ready, took) = timed(jwks.ready()).await;
    assert!(ready.is_ok() && took <= MINUTE, "{ready:?} after {took:?}");
    assert_eq!(status(&verifier, &token).await, StatusCode::OK);
    assert_eq!(jwks.status().failures, 0);
}

#[tokio::test(start_paused = true)]
async fn ready_waits_for_as_long_as_it_takes_and_no_longer() {
    let key = key("one");
    let jwks = remote(&in_memory(set_of([&key]).after(4 * SECOND)));
    let early = tokio::time::timeout(SECOND * 39 / 10, jwks.ready()).await;
    assert!(early.is_err(), "there was no set yet");
    assert!(!jwks.status().state.is_ready());
    let (ready, took) = timed(jwks.ready()).await;
    assert!(ready.is_ok() && took <= SECOND / 5, "{took:?}");
    assert!(jwks.status().state.is_ready());
    assert_eq!(timed(jwks.ready()).await.1, Duration::ZERO, "ready once, ready always");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_concurrent_cold_requests_cost_one_fetch() {
    let key = key("one");
    let provider = in_memory(set_of([&key]).after(SECOND / 3));
    let verifier = verifier(&remote(&provider));
    let token = key.token(&good_claims());
    let requests: Vec<_> = (0..1000).map(|_| knock(&verifier, &token)).collect();
    for request in requests {
        assert_eq!(request.await.expect("an answer"), Ok(()));
    }
    assert_eq!(provider.requests(), 1);
}

#[test]
fn a_remote_set_outside_of_a_runtime_is_a_configuration_error() {
    let build = || {
        let provider = in_memory(Answer::broken());
        Jwks::builder(URL).expect("a good URL").with_fetch(provider).spawn()
    };
    let error = build().map(|_| ()).expect_err("there is no runtime");
    assert!(error.to_string().contains("tokio runtime"), "{error}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _inside = runtime.enter();
    assert!(build().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_no_b64token_is_malformed_also_before_the_first_set() {
    let key = key("one");
    let provider = in_memory(Answer::broken());
    let app = App::behind(JwtAuthLayer::new(verifier(&remote(&provider))));
    let token = key.token(&good_claims());
    for (line, want) in [
        (format!("Bearer {token}"), (503, "keys_pending")),
        (format!("Bearer {token},x"), (400, "credentials_malformed")),
        (format!("Bearer {token} x"), (400, "credentials_malformed")),
    ] {
        let (status, code) = app.verdict(get("/", &[("authorization", &line)])).await;
        assert_eq!((status, &*code), want, "{line}");
    }
}
