//! Key names that nobody knows: what strangers can make us fetch, and what they cannot.

use std::collections::HashSet;

use tower_jwt_auth::error::AuthErrorKind::{KeyUnknown, KeysUnavailable};
use tower_jwt_auth::jwks::REFETCH_WAIT;

use super::*;
use crate::support::issuer::claims_with;

/// Everybody's answer to `tokens`, that come in evenly over one second.
async fn flood(verifier: &Arc<Verifier>, tokens: Vec<String>) -> HashSet<Result<(), AuthErrorKind>> {
    let count = u32::try_from(tokens.len()).expect("a number");
    let requests: Vec<_> = tokens
        .into_iter()
        .zip(0..)
        .map(|(token, n)| {
            let verifier = Arc::clone(verifier);
            tokio::spawn(async move {
                tokio::time::sleep(SECOND * n / count).await;
                outcome(&verifier, &token).await
            })
        })
        .collect();
    let mut answers = HashSet::new();
    for request in requests {
        answers.insert(request.await.expect("an answer"));
    }
    answers
}

fn strays() -> Vec<String> {
    (0..10_000).map(|n| stray_token(&format!("stray-{n}"))).collect()
}

#[test]
fn ten_thousand_random_kids_in_a_second_cost_one_fetch_and_get_401() {
    unless_it_hangs(async {
        let one = key("one");
        // So quick that never more than 64 are waiting.
        let provider = in_memory(set_of([&one]).after(SECOND / 200));
        let verifier = verifier(&loaded(&provider).await);
        let known = knock(&verifier, &one.token(&good_claims()));
        assert_eq!(flood(&verifier, strays()).await, HashSet::from([refused(KeyUnknown)]));
        assert_eq!(provider.requests(), 1 + 1, "the first set and one attempt");
        assert_eq!(known.await.expect("an answer"), Ok(()));
    });
}

#[test]
fn ten_thousand_random_kids_at_one_instant_cost_one_fetch_and_get_401() {
    unless_it_hangs(async {
        let one = key("one");
        let provider = in_memory(set_of([&one]).after(SECOND / 20));
        let verifier = verifier(&loaded(&provider).await);
        let requests: Vec<_> = strays().iter().map(|token| knock(&verifier, token)).collect();
        for request in requests {
            assert_eq!(
                request.await.expect("an answer"),
                refused(KeyUnknown),
                "whether it found a place or not"
            );
        }
        assert_eq!(provider.requests(), 1 + 1);
        assert_eq!(outcome(&verifier, &stray_token("afterwards")).await, refused(KeyUnknown));
    });
}

#[test]
fn ten_thousand_random_kids_while_the_provider_is_down_cost_one_fetch_and_get_503() {
    unless_it_hangs(async {
        let one = key("one");
        let provider = provider_of(&one);
        let verifier = verifier(&loaded(&provider).await);
        provider.serve(Answer::broken());
        let known = one.token(&good_claims());
        let other = {
            let (verifier, known) = (Arc::clone(&verifier), known.clone());
            tokio::spawn(async move {
                tokio::time::sleep(SECOND / 2).await;
                timed(outcome(&verifier, &known)).await
            })
        };
        assert_eq!(flood(&verifier, strays()).await, HashSet::from([refused(KeysUnavailable)]));
        assert_eq!(provider.requests(), 1 + 1, "the first set and one attempt");
        assert_eq!(other.await.expect("an answer"), (Ok(()), Duration::ZERO));
    });
}

#[test]
fn ten_thousand_random_kids_during_a_known_outage_cost_one_fetch_and_get_503() {
    unless_it_hangs(async {
        let one = key("one");
        let provider = provider_of(&one);
        let jwks = loaded(&provider).await;
        let verifier = verifier(&jwks);
        provider.serve(Answer::broken());
        assert!(jwks.refresh_now().await.is_err());
        let before = provider.requests();
        let requests: Vec<_> = strays().iter().map(|token| knock(&verifier, token)).collect();
        for request in requests {
            assert_eq!(request.await.expect("an answer"), refused(KeysUnavailable));
        }
        assert!(provider.requests() <= before + 1, "{}", provider.requests() - before);
        assert_eq!(outcome(&verifier, &one.token(&good_claims())).await, Ok(()));
    });
}

#[tokio::test(start_paused = true)]
async fn tokens_that_the_policy_refuses_anyway_cost_no_fetch() {
    let stranger = key("stranger");
    let rsa = json!({ "alg": "RS256", "kid": "stranger" });
    let with = |changes| stranger.token(&claims_with(changes));
    let one = key("one");
    for (name, token, want, fetches) in [
        (
            "wrong iss",
            with(json!({ "iss": "https://issuer.example.evil" })),
            AuthErrorKind::IssuerMismatch,
            0,
        ),
        ("no iss", with(json!({ "iss": null })), AuthErrorKind::IssuerMismatch, 0),
        ("wrong aud", with(json!({ "aud": "ap" })), AuthErrorKind::AudienceMismatch, 0),
        ("no aud", with(json!({ "aud": null })), AuthErrorKind::AudienceMismatch, 0),
        ("expired", with(json!({ "exp": NOW - 30 })), AuthErrorKind::TokenExpired, 0),
        ("not expired", with(json!({ "exp": NOW - 29 })), KeyUnknown, 1),
        ("no exp", with(json!({ "exp": null })), AuthErrorKind::ClaimMissing, 0),
        ("not yet valid", with(json!({ "nbf": NOW + 31 })), AuthErrorKind::TokenNotYetValid, 0),
        (
            "wrong alg",
            stranger.token_with_header(&rsa, &good_claims()),
            AuthErrorKind::AlgorithmUnsupported,
            0,
        ),
        ("too large", with(json!({ "x": "x".repeat(16 * 1024) })), AuthErrorKind::TokenTooLarge, 0),
        ("large", with(json!({ "x": "x".repeat(11 * 1024) })), KeyUnknown, 1),
        ("good", with(json!({})), KeyUnknown, 1),
    ] {
        let provider = provider_of(&one);
        let jwks = loaded(&provider).await;
        let verifier = Verifier::new(ISSUER, AUDIENCE, jwks)
            .and_then(|verifier| verifier.with_algorithms([Algorithm::EdDsa]))
            .expect("good settings")
            .with_clock(FixedClock::at_unix(NOW));
        assert_eq!(outcome(&verifier, &token).await, refused(want), "{name}");
        assert_eq!(provider.requests() - 1, fetches, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_random_kids_of_another_issuer_cost_no_fetch() {
    let provider = provider_of(&key("one"));
    let verifier = verifier(&loaded(&provider).await);
    let claims = claims_with(json!({ "iss": "https://other.example" })).to_string();
    let tokens = (0..10_000).map(|n| {
        let header = json!({ "alg": "EdDSA", "kid": format!("stray-{n}") });
        format!("{}.{}.{}", encode(header.to_string()), encode(&claims), encode([7; 64]))
    });
    let answers = flood(&verifier, tokens.collect()).await;
    assert_eq!(answers, HashSet::from([refused(AuthErrorKind::IssuerMismatch)]));
    assert_eq!(provider.requests(), 1, "the first set");
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_verifications_that_do_not_wait_cost_one_fetch() {
    let provider = provider_of(&key("one"));
    let verifier = verifier(&loaded(&provider).await);
    for token in strays() {
        assert_eq!(verifier.verify(&token).map(|_| ()).map_err(|error| error.kind()), refused(KeyUnknown));
    }
    pass(SECOND).await;
    assert_eq!(provider.requests(), 1 + 1);
}

/// Asks in the name of a new stranger every second for `duration`.
async fn pester(verifier: &Verifier, name: &str, duration: Duration) {
    for n in 0..duration.as_secs() {
        assert_eq!(outcome(verifier, &stray_token(&format!("{name}-{n}"))).await, refused(KeyUnknown));
        pass(SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_are_30_s_apart_doubling_to_5_min_while_fruitless_and_reset_by_a_fruitful_one() {
    let (one, two) = (key("one"), key("two"));
    let provider = provider_of(&one);
    let jwks = loaded(&provider).await;
    let verifier = verifier(&jwks);
    // The first scheduled refresh may come soon; after it there is none for 54 minutes.
    while provider.requests() < 2 {
        pass(SECOND).await;
    }
    pester(&verifier, "fruitless", 25 * MINUTE).await;
    let near = |gaps: &[Duration], want: &[u64]| {
        let rounded: Vec<_> = gaps.iter().map(|gap| (*gap + SECOND / 2).as_secs()).collect();
        assert_eq!(rounded, want);
    };
    near(&gaps(&provider)[2..], &[30, 60, 120, 240, 300, 300, 300]);

    provider.serve(set_of([&one, &two]));
    let before = provider.requests();
    pester(&verifier, "fruitful", 5 * MINUTE).await;
    assert_eq!(jwks.status().generation, 2);
    near(&gaps(&provider)[before..], &[30, 30, 60]);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_fails_counts_as_one() {
    let provider = provider_of(&key("one"));
    let jwks = loaded(&provider).await;
    let verifier = verifier(&jwks);
    provider.serve_once(Answer::broken());
    let first = outcome(&verifier, &stray_token("first")).await;
    assert_eq!(first, refused(KeysUnavailable));
    assert_eq!(provider.requests(), 2, "the first set and one attempt");
    pass(11 * SECOND).await;
    assert_eq!((provider.requests(), jwks.status().failures), (3, 0), "it was made up for unasked");
    for (name, after, fetches) in [("soon", 0, 3), ("early", 18, 3), ("in time", 2, 4)] {
        pass(after * SECOND).await;
        assert_eq!(outcome(&verifier, &stray_token(name)).await, refused(KeyUnknown), "{name}");
        assert_eq!(provider.requests(), fetches, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_kid_that_a_good_fetch_did_not_bring_is_unknown_for_5_min() {
    let one = key("one");
    let provider = provider_of(&one);
    let jwks = loaded(&provider).await;
    let verifier = verifier(&jwks);
    let stray = stray_token("stray");
    assert_eq!(outcome(&verifier, &stray).await, refused(KeyUnknown));
    assert_eq!(provider.requests(), 2);
    pass(45 * SECOND).await;
    assert_eq!(timed(outcome(&verifier, &stray)).await, (refused(KeyUnknown), Duration::ZERO));
    assert_eq!(provider.requests(), 2, "it is known to be unknown");
    assert_eq!(outcome(&verifier, &stray_token("another")).await, refused(KeyUnknown));
    assert_eq!(provider.requests(), 3, "another one is not");
    pass(254 * SECOND).await;
    assert_eq!(outcome(&verifier, &stray).await, refused(KeyUnknown));
    assert_eq!(provider.requests(), 3, "not after 4 min 59 s");
    pass(2 * SECOND).await;
    assert_eq!(outcome(&verifier, &stray).await, refused(KeyUnknown));
    assert_eq!(provider.requests(), 4, "after 5 min 1 s");
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_keys_makes_unknown_kids_worth_asking_for_again() {
    let (one, two, late) = (key("one"), key("two"), key("late"));
    let provider = provider_of(&one);
    let jwks = loaded(&provider).await;
    let verifier = verifier(&jwks);
    let early = late.token(&good_claims());
    assert_eq!(outcome(&verifier, &early).await, refused(KeyUnknown));
    provider.serve(set_of([&one, &two]));
    jwks.refresh_now().await.expect("a good refresh");
    provider.serve(set_of([&one, &two, &late]));
    pass(31 * SECOND).await;
    assert_eq!(outcome(&verifier, &early).await, Ok(()));
}

#[test]
fn at_most_64_kids_are_waited_for_and_2_s_at_most() {
    unless_it_hangs(async {
        let one = key("one");
        let provider = provider_of(&one);
        let verifier = verifier(&loaded(&provider).await);
        provider.serve(Answer::hanging());
        let started = Instant::now();
        // Requests of one kid share a place.
        let places: Vec<_> =
            (0..64 * 3).map(|n| knock(&verifier, &stray_token(&format!("stray-{}", n % 64)))).collect();
        pass(SECOND / 10).await;
        let crowded = timed(outcome(&verifier, &stray_token("the 65th"))).await;
        assert_eq!(crowded, (refused(KeyUnknown), Duration::ZERO), "there is no place for it");
        assert_eq!(timed(outcome(&verifier, &one.token(&good_claims()))).await, (Ok(()), Duration::ZERO));
        for place in places {
            assert_eq!(place.await.expect("an answer"), refused(KeysUnavailable));
        }
        let waited = started.elapsed();
        assert!(waited.abs_diff(REFETCH_WAIT) < SECOND / 100, "{waited:?}");
        assert_eq!(REFETCH_WAIT, 2 * SECOND);
        assert_eq!(provider.requests(), 1 + 1);

        let (answer, took) = timed(outcome(&verifier, &stray_token("the 65th"))).await;
        assert_eq!(answer, refused(KeysUnavailable));
        assert!(took >= SECOND, "places are given back: {took:?}");
    });
}
