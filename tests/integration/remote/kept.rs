//! For how long an answer is kept, and what it cannot outlast.

use std::time::SystemTime;

use tower_jwt_auth::clock::FixedClock;

use super::*;
use crate::support::app::outcome as outcome_without_asking;
use crate::support::issuer::NOW;

async fn pass(duration: Duration) {
    tokio::time::sleep(duration).await;
}

#[tokio::test(start_paused = true)]
async fn a_yes_is_kept_for_a_minute_and_then_asked_for_again() {
    for form in Form::ALL {
        let token = token("kept");
        let provider = in_memory(Answer::of(form.yes(&token)));
        let verifier = verifier_with(form.over(&provider));
        assert_eq!(outcome(&verifier, &token).await, ACCEPTED, "{form:?}");
        provider.serve(form.no());
        pass(59 * SECOND).await;
        assert_eq!(outcome(&verifier, &token).await, ACCEPTED, "{form:?}: kept");
        assert_eq!(outcome_without_asking(&verifier, &token), ACCEPTED, "{form:?}: kept");
        assert_eq!(provider.requests(), 1, "{form:?}");
        // Using it does not keep it longer: revoked means revoked after a minute.
        pass(SECOND + SECOND / 10).await;
        assert_eq!(outcome_without_asking(&verifier, &token), "verifier_unavailable", "{form:?}: too old");
        assert_eq!(outcome(&verifier, &token).await, form.refusal(), "{form:?}: asked again");
        assert_eq!(provider.requests(), 2, "{form:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_no_is_kept_for_five_seconds_and_then_asked_for_again() {
    for form in Form::ALL {
        let token = token("kept");
        let provider = in_memory(form.no());
        let verifier = verifier_with(form.over(&provider));
        assert_eq!(outcome(&verifier, &token).await, form.refusal(), "{form:?}");
        provider.serve(Answer::of(form.yes(&token)));
        pass(SECOND * 49 / 10).await;
        assert_eq!(outcome(&verifier, &token).await, form.refusal(), "{form:?}: kept");
        assert_eq!(outcome_without_asking(&verifier, &token), form.refusal(), "{form:?}: kept");
        assert_eq!(provider.requests(), 1, "{form:?}");
        pass(SECOND / 5).await;
        assert_eq!(outcome(&verifier, &token).await, ACCEPTED, "{form:?}: asked again");
        assert_eq!(provider.requests(), 2, "{form:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn that_there_was_no_answer_is_kept_for_a_second() {
    let token = token("kept");
    let provider = in_memory(Answer::status(500));
    let verifier = verifier_with(Form::Introspection.over(&provider));
    for _ in 0..20 {
        assert_eq!(outcome(&verifier, &token).await, "verifier_unavailable");
        pass(SECOND / 10).await;
    }
    let calls = provider.requests();
    assert!((2..=3).contains(&calls), "{calls} calls in two seconds");
    provider.serve(Answer::of(Form::Introspection.yes(&token)));
    pass(SECOND).await;
    assert_eq!(outcome(&verifier, &token).await, ACCEPTED);
}

#[tokio::test(start_paused = true)]
async fn a_kept_yes_does_not_outlast_its_token() {
    let clock = FixedClock::at_unix(NOW);
    let at = |seconds: u32| SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(seconds));
    for form in Form::ALL {
        clock.set(at(NOW));
        let token = shared_key().token(&claims_with(json!({ "jti": "brief", "exp": NOW + 10 })));
        let provider = in_memory(Answer::of(form.yes(&token)));
        let verifier = verifier_with(form.over(&provider)).with_clock(clock.clone());
        assert_eq!(outcome(&verifier, &token).await, ACCEPTED, "{form:?}");
        clock.set(at(NOW + 39));
        assert_eq!(outcome(&verifier, &token).await, ACCEPTED, "{form:?}: within the leeway");
        clock.set(at(NOW + 40));
        assert_eq!(outcome(&verifier, &token).await, "token_expired", "{form:?}");
        assert_eq!(outcome_without_asking(&verifier, &token), "token_expired", "{form:?}");
        // Nor does a clock that was set back make it count before its time.
        clock.set(at(NOW - 31));
        assert_eq!(outcome(&verifier, &token).await, "token_not_yet_valid", "{form:?}");
        assert_eq!(provider.requests(), 1, "{form:?}: none of that was asked");
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_ask_gets_in_only_by_an_answer_that_is_here() {
    for form in Form::ALL {
        let (token, other) = (token("kept"), token("other"));
        let provider = in_memory(Answer::of(form.yes(&token)));
        let verifier = verifier_with(form.over(&provider));
        let error = verifier.verify(&token).expect_err("nobody was asked");
        assert_eq!((error.code(), error.status().as_u16()), ("verifier_unavailable", 503), "{form:?}");
        assert_eq!(provider.requests(), 0, "{form:?}: to verify asks nobody");
        assert_eq!(outcome(&verifier, &token).await, ACCEPTED, "{form:?}");
        assert_eq!(outcome_without_asking(&verifier, &token), ACCEPTED, "{form:?}");
        assert_eq!(outcome_without_asking(&verifier, &other), "verifier_unavailable", "{form:?}: another's");
        assert_eq!(provider.requests(), 1, "{form:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_yes_is_for_the_text_that_was_asked_about_and_for_no_other_with_its_claims() {
    let good = token("one");
    let (input, _) = good.rsplit_once('.').expect("a signature");
    let provider = in_memory(Answer::of(Form::Introspection.yes(&good)));
    let verifier = verifier_with(Form::Introspection.over(&provider));
    assert_eq!(outcome(&verifier, &good).await, ACCEPTED);
    provider.serve(Form::Introspection.no());
    let forged = format!("{input}.{}", crate::support::issuer::encode([7; 64]));
    for (name, forged) in [("another signature", forged), ("none", format!("{input}."))] {
        assert_ne!(outcome_without_asking(&verifier, &forged), ACCEPTED, "{name}");
        assert_ne!(outcome(&verifier, &forged).await, ACCEPTED, "{name}");
    }
    assert_eq!(outcome(&verifier, &good).await, ACCEPTED);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_came_while_somebody_waited_is_theirs_however_short_it_is_kept() {
    let token = token("shared");
    let provider = in_memory(Answer::status(500).after(SECOND));
    let verifier = shared(&Form::Introspection.over(&provider));
    let leader = knock(&verifier, &token);
    pass(SECOND / 10).await;
    assert_eq!(provider.requests(), 1, "the leader's call is under way");
    let mut follower = std::pin::pin!(outcome(&verifier, &token));
    let first = std::future::poll_fn(|context| std::task::Poll::Ready(follower.as_mut().poll(context))).await;
    assert!(first.is_pending());
    assert_eq!(leader.await.expect("an end"), "verifier_unavailable");
    // The follower gets its turn only when the answer is too old for anybody who asks anew.
    tokio::time::advance(2 * SECOND).await;
    assert_eq!(follower.await, "verifier_unavailable");
    assert_eq!(provider.requests(), 1, "nobody was asked again");
    assert_eq!(outcome(&verifier, &token).await, "verifier_unavailable");
    assert_eq!(provider.requests(), 2, "for who came later");
}
