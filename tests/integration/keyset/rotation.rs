//! Keys come and go, and no good token suffers.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Mutex;
use std::task::Poll;

use tower_jwt_auth::error::AuthErrorKind::{KeyUnknown, KeysUnavailable, SignatureInvalid};

use super::*;
use crate::support::issuer::claims_with;

#[tokio::test(start_paused = true)]
async fn a_rotation_right_after_boot_heals_at_once() {
    let (one, two) = (key("one"), key("two"));
    let provider = provider_of(&one);
    let verifier = verifier(&loaded(&provider).await);
    provider.serve(set_of([&two]));
    let (answer, took) = timed(outcome(&verifier, &two.token(&good_claims()))).await;
    assert_eq!((answer, took), (Ok(()), Duration::ZERO));
    assert_eq!(provider.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_between_the_first_set_and_the_first_request_heals_while_that_waits() {
    let (one, two) = (key("one"), key("two"));
    let provider = in_memory(set_of([&two]).after(SECOND / 2));
    provider.serve_once(set_of([&one]).after(SECOND / 2));
    let verifier = verifier(&remote(&provider));
    let (answer, took) = timed(outcome(&verifier, &two.token(&good_claims()))).await;
    assert_eq!(answer, Ok(()));
    assert!(took <= SECOND * 11 / 10, "{took:?}");
    assert_eq!(provider.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn ten_rotations_under_200_concurrent_callers_refuse_no_good_token() {
    let keys: Vec<_> = (0..=10).map(|n| key(&format!("key-{n}"))).collect();
    let tokens = |key: &SigningKey| -> Vec<_> {
        let claims = |n| claims_with(json!({ "jti": format!("{n}") }));
        (0..200).map(|n| key.token(&claims(n))).collect()
    };
    let provider = in_memory(set_of([&keys[0]]).after(SECOND / 20));
    let verifier = verifier(&loaded(&provider).await);
    let current = Arc::new(Mutex::new(tokens(&keys[0])));
    let started = Instant::now();
    let callers: Vec<_> = (0..200_u32)
        .map(|n| {
            let (verifier, current) = (Arc::clone(&verifier), Arc::clone(&current));
            tokio::spawn(async move {
                while started.elapsed() < 11 * 41 * SECOND {
                    let token = current.lock().expect("a token")[n as usize].clone();
                    assert_eq!(outcome(&verifier, &token).await, Ok(()), "caller {n}");
                    pass(2 * SECOND + SECOND * n / 400).await;
                }
            })
        })
        .collect();
    for next in &keys[1..] {
        pass(31 * SECOND).await;
        let old = current.lock().expect("a token")[0].clone();
        provider.serve(set_of([next]).after(SECOND / 20));
        *current.lock().expect("a token") = tokens(next);
        pass(10 * SECOND).await;
        assert_eq!(outcome(&verifier, &old).await, refused(KeyUnknown), "before {}", next.kid());
    }
    for caller in callers {
        caller.await.expect("no good token was refused");
    }
    let attempts = provider.requests();
    assert!(attempts <= 10 + 1, "{attempts} fetches for 10 rotations and a first set");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_removed_takes_its_tokens_out_of_the_cache_at_once() {
    let (one, two) = (key("one"), key("two"));
    let provider = in_memory(set_of([&one, &two]));
    let jwks = loaded(&provider).await;
    let verifier = verifier(&jwks);
    let (old, new) = (one.token(&good_claims()), two.token(&good_claims()));
    for token in [&old, &new, &old, &new] {
        assert_eq!(outcome(&verifier, token).await, Ok(()));
    }
    provider.serve(set_of([&two]));
    jwks.refresh_now().await.expect("a good refresh");
    assert_eq!(verifier.verify(&old).map(|_| ()).map_err(|error| error.kind()), refused(KeyUnknown));
    assert_eq!(outcome(&verifier, &old).await, refused(KeyUnknown));
    assert_eq!(outcome(&verifier, &new).await, Ok(()), "the other one stays");
}

#[tokio::test(start_paused = true)]
async fn a_kid_given_to_a_new_key_heals_once_the_set_is_a_minute_old() {
    for (age, want, fetches) in [(59 * SECOND, refused(SignatureInvalid), 1), (60 * SECOND, Ok(()), 2)] {
        let (old, new) = (key("same"), key("same"));
        let provider = provider_of(&old);
        let verifier = verifier(&loaded(&provider).await);
        provider.serve(set_of([&new]));
        pass(age).await;
        assert_eq!(outcome(&verifier, &new.token(&good_claims())).await, want, "{age:?}");
        assert_eq!(provider.requests(), fetches, "{age:?}");
        let old_fares = outcome(&verifier, &old.token(&good_claims())).await;
        assert_eq!(old_fares.is_ok(), want.is_err(), "{age:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn forged_tokens_of_a_known_kid_cost_no_more_than_unknown_kids() {
    let (one, stranger) = (key("one"), key("one"));
    let provider = provider_of(&one);
    let verifier = verifier(&loaded(&provider).await);
    pass(2 * MINUTE).await;
    for n in 0..1000 {
        let forged = stranger.token(&claims_with(json!({ "jti": format!("{n}") })));
        assert_eq!(outcome(&verifier, &forged).await, refused(SignatureInvalid));
    }
    assert_eq!(provider.requests(), 2, "the first set and one attempt");
    assert_eq!(outcome(&verifier, &one.token(&good_claims())).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_forged_token_of_a_known_kid_does_not_keep_its_next_key_out() {
    let (old, new, stranger) = (key("same"), key("same"), key("same"));
    let provider = provider_of(&old);
    let verifier = verifier(&loaded(&provider).await);
    pass(2 * MINUTE).await;
    assert_eq!(outcome(&verifier, &stranger.token(&good_claims())).await, refused(SignatureInvalid));
    provider.serve(set_of([&new]));
    pass(MINUTE).await;
    assert_eq!(outcome(&verifier, &new.token(&good_claims())).await, Ok(()));
    assert_eq!(provider.requests(), 3, "the first set and two attempts");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_could_not_be_looked_for_is_looked_for_again_and_not_taken_as_unknown() {
    let (one, two) = (key("one"), key("two"));
    let provider = provider_of(&one);
    let verifier = verifier(&loaded(&provider).await);
    provider.serve(Answer::broken());
    assert_eq!(outcome(&verifier, &two.token(&good_claims())).await, refused(KeysUnavailable));
    pass(2 * MINUTE).await;
    provider.serve(set_of([&one, &two]));
    assert_eq!(outcome(&verifier, &two.token(&good_claims())).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_goes_away_leaves_the_fetch_to_those_who_wait() {
    let (one, two) = (key("one"), key("two"));
    let provider = provider_of(&one);
    let verifier = verifier(&loaded(&provider).await);
    provider.serve(set_of([&two]).after(SECOND));
    let token = two.token(&good_claims());
    let leader = knock(&verifier, &token);
    pass(SECOND / 10).await;
    assert_eq!(provider.requests(), 2, "the leader's");
    let followers: Vec<_> = (0..10).map(|_| knock(&verifier, &token)).collect();
    pass(SECOND / 10).await;
    leader.abort();
    assert!(leader.await.expect_err("it was aborted").is_cancelled());
    for follower in followers {
        assert_eq!(follower.await.expect("an answer"), Ok(()));
    }
    assert_eq!(provider.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_slower_and_older_answer_does_not_replace_a_newer_set() {
    let (one, two) = (key("one"), key("two"));
    let provider = provider_of(&one);
    let jwks = loaded(&provider).await;
    let verifier = verifier(&jwks);
    provider.serve_once(set_of([&one]).after(4 * SECOND));
    let slow = tokio::spawn({
        let jwks = jwks.clone();
        async move { jwks.refresh_now().await }
    });
    pass(SECOND).await;
    provider.serve(set_of([&two]));
    let newer = jwks.refresh_now().await.expect("a good refresh");
    assert!(slow.await.expect("an answer").is_ok());
    assert_eq!(newer.generation, 2, "what was under way is not taken for the answer");
    pass(10 * MINUTE).await;
    assert_eq!(jwks.status().generation, 2);
    assert_eq!(outcome(&verifier, &two.token(&good_claims())).await, Ok(()));
    assert_eq!(outcome(&verifier, &one.token(&good_claims())).await, refused(KeyUnknown));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_under_way_that_does_not_bring_the_key_does_not_use_up_the_attempt() {
    let (one, two) = (key("one"), key("two"));
    let provider = provider_of(&one);
    let jwks = loaded(&provider).await;
    let verifier = verifier(&jwks);
    provider.serve_once(set_of([&one]).after(SECOND));
    tokio::spawn(async move { jwks.refresh_now().await });
    pass(SECOND / 10).await;
    provider.serve(set_of([&two]));
    let (answer, took) = timed(outcome(&verifier, &two.token(&good_claims()))).await;
    assert_eq!(answer, Ok(()));
    assert!(took <= SECOND, "{took:?}");
    assert_eq!(provider.requests(), 3);
}

/// On a busy runtime a request may be polled long after what it waits for has happened.
#[tokio::test(start_paused = true)]
async fn a_request_that_wakes_up_late_joins_the_fetch_that_is_under_way() {
    let (one, two) = (key("one"), key("two"));
    let provider = provider_of(&one);
    let jwks = loaded(&provider).await;
    let verifier = verifier(&jwks);
    let token = two.token(&good_claims());
    provider.serve(set_of([&two]).after(SECOND / 2));
    provider.serve_once(set_of([&one]).after(SECOND / 2));
    tokio::spawn(async move { jwks.refresh_now().await });
    pass(SECOND / 10).await;

    let started = Instant::now();
    let leader = knock(&verifier, &token);
    let mut late = pin!(outcome(&verifier, &token));
    poll_fn(|context| {
        assert!(late.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
    pass(SECOND * 6 / 10).await;
    assert_eq!(provider.requests(), 3, "the leader's attempt is under way");
    assert_eq!(late.await, Ok(()));
    let took = started.elapsed();
    assert_eq!(leader.await.expect("an answer"), Ok(()));
    assert!(took < SECOND, "the key was there after 0.9 s, the answer after {took:?}");
}

/// The set may be swapped while a token is looked at with the old one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_comes_while_its_key_is_being_fetched_is_not_refused() {
    let provider = provider_of(&key("first"));
    let jwks = loaded(&provider).await;
    let verifier = verifier(&jwks);
    let attempt = outcome(&verifier, &stray_token("stray")).await;
    assert_eq!(attempt, refused(KeyUnknown), "from here on there is no attempt for 30 s");
    for rotation in 0..100 {
        let next = key(&format!("key-{rotation}"));
        let token = next.token(&good_claims());
        provider.serve(set_of([&next]).after(SECOND / 1000));
        let before = provider.requests();
        let jwks = jwks.clone();
        let refresh = tokio::spawn(async move { jwks.refresh_now().await });
        while provider.requests() == before {
            tokio::task::yield_now().await;
        }
        loop {
            let mut arrival = pin!(outcome(&verifier, &token));
            let answer = poll_fn(|context| Poll::Ready(arrival.as_mut().poll(context))).await;
            match answer {
                Poll::Pending => {}
                Poll::Ready(answer) => {
                    assert_eq!(answer, Ok(()), "rotation {rotation}");
                    break;
                }
            }
        }
        assert!(refresh.await.expect("an answer").is_ok());
    }
}
