//! The provider is away: what follows a failed refresh, when keys are stale, and who gets 401 or 503.

use std::sync::atomic::{AtomicBool, Ordering};

use tower_jwt_auth::error::AuthErrorKind::{KeyUnknown, KeysUnavailable};
use tower_jwt_auth::error::JwksErrorKind;
use tower_jwt_auth::fetch::{Fetch, FetchFuture, FetchRequest};
use tower_jwt_auth::jwks::{EXPIRED_AFTER, JwksState, MAX_BACKOFF, STALE_AFTER};

use super::*;
use crate::support::issuer::claims_with;
use crate::support::log::Log;

#[tokio::test(start_paused = true)]
async fn while_refreshes_fail_known_keys_count_and_unknown_ones_cannot_be_judged() {
    let one = key("one");
    let provider = provider_of(&one);
    let jwks = loaded(&provider).await;
    let verifier = verifier(&jwks);
    let (known, unknown) = (one.token(&good_claims()), stray_token("nobody's"));
    assert_eq!(status(&verifier, &known).await, StatusCode::OK);
    assert_eq!(status(&verifier, &unknown).await, StatusCode::UNAUTHORIZED);

    provider.serve(Answer::broken());
    pass(67 * MINUTE).await;
    assert!(jwks.status().failures > 0);
    assert_eq!(status(&verifier, &known).await, StatusCode::OK);
    let response = request(&verifier, &unknown).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key("retry-after"));
    assert!(response.body().contains("\"keys_unavailable\""), "{}", response.body());

    provider.serve(set_of([&one]));
    pass(MINUTE + SECOND).await;
    assert_eq!((jwks.status().failures, jwks.status().last_error), (0, None));
    assert_eq!(status(&verifier, &unknown).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_a_token_notices_first_is_503_from_then_on() {
    let one = key("one");
    let provider = provider_of(&one);
    let verifier = verifier(&loaded(&provider).await);
    provider.serve(Answer::broken());
    assert_eq!(outcome(&verifier, &stray_token("a")).await, refused(KeysUnavailable));
    assert_eq!(outcome(&verifier, &stray_token("b")).await, refused(KeysUnavailable));
    assert_eq!(provider.requests(), 2, "the first set and one attempt");
    assert_eq!(outcome(&verifier, &one.token(&good_claims())).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn failures_back_off_by_doubling_up_to_a_minute_with_full_jitter() {
    let provider = in_memory(Answer::broken());
    let jwks = remote(&provider);
    pass(20 * HOUR).await;
    let gaps = gaps(&provider);
    for (failures, gap) in gaps.iter().enumerate() {
        let longest = SECOND * (1 << failures.min(6));
        assert!(*gap <= longest.min(MAX_BACKOFF) + SECOND / 100, "{failures}: {gap:?}");
    }
    let average = 20 * HOUR / u32::try_from(gaps.len()).unwrap();
    assert!((25 * SECOND..35 * SECOND).contains(&average), "full jitter halves it: {average:?}");
    assert_eq!(jwks.status().failures as usize, provider.requests());
    assert_eq!(MAX_BACKOFF, MINUTE);
}

#[tokio::test(start_paused = true)]
async fn keys_are_stale_after_2_h_and_expire_24_h_after_the_last_good_refresh() {
    let one = key("one");
    let provider = provider_of(&one);
    let jwks = loaded(&provider).await;
    let verifier = verifier(&jwks);
    provider.serve(Answer::broken());
    let (cached, known) = (one.token(&good_claims()), one.token(&claims_with(json!({ "sub": "bob" }))));
    assert_eq!(outcome(&verifier, &cached).await, Ok(()));
    let mut last = Duration::ZERO;
    for (name, age, state, want) in [
        ("fresh", STALE_AFTER.abs_diff(SECOND), JwksState::Fresh, Ok(())),
        ("stale", STALE_AFTER, JwksState::Stale, Ok(())),
        ("still stale", EXPIRED_AFTER.abs_diff(SECOND), JwksState::Stale, Ok(())),
        ("expired", EXPIRED_AFTER, JwksState::Expired, refused(KeysUnavailable)),
        ("long gone", 7 * EXPIRED_AFTER, JwksState::Expired, refused(KeysUnavailable)),
    ] {
        pass(age.abs_diff(last)).await;
        last = age;
        let now = jwks.status();
        assert_eq!(now.state, state, "{name}");
        assert_eq!(now.state.is_ready(), want.is_ok(), "{name}");
        assert_eq!(now.age_seconds, Some(age.as_secs()), "{name}");
        assert_eq!(outcome(&verifier, &cached).await, want, "{name}: a token seen before");
        assert_eq!(outcome(&verifier, &known).await, want, "{name}: a token of a known key");
        let json = serde_json::to_value(&now).expect("JSON");
        assert_eq!(json["state"], state.code(), "{name}");
    }
    assert_eq!(status(&verifier, &cached).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(outcome(&verifier, &stray_token("nobody's")).await, refused(KeysUnavailable));

    provider.serve(set_of([&one]));
    pass(MINUTE + SECOND).await;
    assert_eq!(jwks.status().state, JwksState::Fresh);
    assert_eq!(jwks.status().generation, 1, "they are the same keys");
    assert_eq!(outcome(&verifier, &cached).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn each_change_of_state_is_in_the_log_once() {
    let (log, _guard) = Log::at_trace_level();
    let one = key("one");
    let provider = provider_of(&one);
    let jwks = loaded(&provider).await;
    let said = || log.take().matches("key set state").count();
    assert!(said() > 0, "it begins");
    jwks.refresh_now().await.expect("the same keys");
    assert_eq!(said(), 0, "fresh as before");
    provider.serve(Answer::broken());
    pass(STALE_AFTER + HOUR).await;
    assert_eq!(said(), 1, "stale");
    provider.serve(set_of([&one]));
    pass(2 * MINUTE).await;
    assert_eq!(said(), 1, "fresh again");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_hangs_is_given_up_after_5_s_and_tried_again() {
    let one = key("one");
    let provider = provider_of(&one);
    let jwks = loaded(&provider).await;
    provider.serve_once(Answer::hanging());
    let (answer, took) = timed(jwks.refresh_now()).await;
    assert_eq!(answer.expect_err("it hangs").kind(), JwksErrorKind::TimedOut);
    assert!(took.abs_diff(5 * SECOND) < SECOND / 100, "{took:?}");
    assert_eq!(jwks.status().keys, 1);
    pass(2 * SECOND).await;
    assert_eq!(jwks.status().failures, 0, "the next try, a second later, was good");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_panics_fails_one_refresh_and_not_all_that_follow() {
    let one = key("one");
    let client = Panicking { provider: provider_of(&one), next: Arc::default() };
    let jwks = Jwks::builder(URL).expect("a good URL").with_fetch(client.clone()).spawn().expect("a runtime");
    jwks.ready().await.expect("a first set");
    let verifier = verifier(&jwks);
    client.next.store(true, Ordering::SeqCst);
    let error = jwks.refresh_now().await.expect_err("it panicked");
    assert_eq!(error.kind(), JwksErrorKind::Unreachable);
    assert_eq!((jwks.status().keys, jwks.status().failures), (1, 1));
    assert_eq!(outcome(&verifier, &one.token(&good_claims())).await, Ok(()));
    pass(2 * SECOND).await;
    assert_eq!(jwks.status().failures, 0);
    assert_eq!(outcome(&verifier, &stray_token("nobody's")).await, refused(KeyUnknown));

    let always =
        Jwks::builder(URL).expect("a good URL").with_fetch(AlwaysPanicking).spawn().expect("a runtime");
    pass(HOUR).await;
    assert!(always.status().failures > 60, "from the very first on: {:?}", always.status());
}

/// A client that panics when it is told to, once.
#[derive(Clone)]
struct Panicking {
    provider: Idp,
    next: Arc<AtomicBool>,
}

impl Fetch for Panicking {
    fn fetch(&self, request: FetchRequest) -> FetchFuture<'_> {
        assert!(!self.next.swap(false, Ordering::SeqCst), "a client that panics, as it was told to");
        self.provider.fetch(request)
    }
}

struct AlwaysPanicking;

impl Fetch for AlwaysPanicking {
    fn fetch(&self, _request: FetchRequest) -> FetchFuture<'_> {
        panic!("a client that panics, as it always does")
    }
}
