//! Hopeless tokens cost no call, and one token costs one, however many ask.

use aws_lc_rs::hmac;

use super::*;
use crate::support::app::outcome as outcome_without_asking;
use crate::support::idp::{in_memory, over_http};
use crate::support::issuer::{ISSUER, NOW, encode, good_claims, mac_token};

/// Tokens that no answer of the provider's could help, each a change away from a good one.
fn hopeless() -> Vec<(&'static str, String, &'static str)> {
    let key = shared_key();
    let changed = |changes| key.token(&claims_with(changes));
    let good = token("good");
    let headed = |header: Value| key.token_with_header(&header, &good_claims());
    let two_parts = good.rsplit_once('.').expect("a signature").0.to_owned();
    let none = json!({ "alg": "none" });
    vec![
        ("no token", String::new(), "token_malformed"),
        ("text", "token".to_owned(), "token_malformed"),
        ("two parts", two_parts, "token_malformed"),
        ("four parts", format!("{good}.AA"), "token_malformed"),
        ("five parts", format!("{good}.AA.AA"), "token_encrypted"),
        ("a padded part", format!("{good}="), "token_malformed"),
        ("a line end", format!("{good}\n"), "token_malformed"),
        ("a payload that is no object", key.token_of(key.header().to_string(), "[]"), "token_malformed"),
        ("alg none", headed(none.clone()), "algorithm_unsupported"),
        (
            "alg none unsigned",
            format!("{}.{}.", encode(none.to_string()), encode(good_claims().to_string())),
            "token_malformed",
        ),
        ("alg unknown", headed(json!({ "alg": "HS1" })), "algorithm_unsupported"),
        ("crit", headed(json!({ "alg": "ES256", "crit": ["b64"], "b64": true })), "header_unsupported"),
        ("another kind of token", headed(json!({ "alg": "ES256", "typ": "dpop+jwt" })), "type_mismatch"),
        ("another issuer", changed(json!({ "iss": "https://issuer.example/" })), "issuer_mismatch"),
        ("no issuer", changed(json!({ "iss": null })), "issuer_mismatch"),
        ("another audience", changed(json!({ "aud": "api2" })), "audience_mismatch"),
        ("no audience", changed(json!({ "aud": null })), "audience_mismatch"),
        ("an empty audience", changed(json!({ "aud": [] })), "audience_mismatch"),
        ("expired", changed(json!({ "exp": NOW - 30 })), "token_expired"),
        ("no exp", changed(json!({ "exp": null })), "claim_missing"),
        ("exp a string", changed(json!({ "exp": (NOW + 300).to_string() })), "claim_invalid"),
        ("nbf in the future", changed(json!({ "nbf": NOW + 31 })), "token_not_yet_valid"),
        ("bound to its sender", changed(json!({ "cnf": { "jkt": "x" } })), "token_bound"),
        ("too large", changed(json!({ "fill": "x".repeat(16 * 1024) })), "token_too_large"),
    ]
}

#[tokio::test]
async fn a_hopeless_token_costs_no_call_and_a_good_one_costs_one() {
    for form in Form::ALL {
        let good = token("good");
        let idp = over_http(Answer::of(form.yes(&good))).await;
        let verifier = verifier_with(form.endpoint(&idp.url("/check")));
        for (name, hopeless, want) in hopeless() {
            assert_eq!(outcome(&verifier, &hopeless).await, want, "{form:?}: {name}");
            assert_eq!(outcome_without_asking(&verifier, &hopeless), want, "{form:?}: {name}, not asking");
        }
        assert_eq!(idp.requests(), 0, "{form:?}: nobody was asked");
        // The twins at the edges, which do cost one each.
        assert_eq!(outcome(&verifier, &good).await, ACCEPTED, "{form:?}");
        assert_eq!(outcome(&verifier, &good).await, ACCEPTED, "{form:?}: again");
        assert_eq!(idp.requests(), 1, "{form:?}");
        for changes in
            [json!({ "exp": NOW - 29 }), json!({ "nbf": NOW + 30 }), json!({ "aud": ["x", "api"] })]
        {
            let twin = shared_key().token(&claims_with(changes.clone()));
            idp.serve(Answer::of(form.yes(&twin)));
            assert_eq!(outcome(&verifier, &twin).await, ACCEPTED, "{form:?}: {changes}");
        }
        assert_eq!(idp.requests(), 4, "{form:?}");
    }
}

#[tokio::test]
async fn a_symmetric_token_is_for_its_provider_to_judge_and_for_nobody_else() {
    let header = json!({ "alg": "HS256" });
    let token = mac_token(hmac::HMAC_SHA256, b"a secret of the provider's", &header, &good_claims());
    for form in Form::ALL {
        let provider = in_memory(form.no());
        assert_eq!(outcome(&verifier_with(form.over(&provider)), &token).await, form.refusal(), "{form:?}");
        provider.serve(Answer::of(form.yes(&token)));
        assert_eq!(outcome(&verifier_with(form.over(&provider)), &token).await, ACCEPTED, "{form:?}");
    }
    assert_eq!(outcome_without_asking(&crate::support::app::verifier(), &token), "algorithm_unsupported");
}

#[tokio::test]
async fn two_hundred_callers_with_one_token_make_one_call() {
    for form in Form::ALL {
        let token = token("shared");
        let slowly = Answer::of(form.yes(&token)).after(SECOND / 5);
        let idp = over_http(slowly).await;
        let verifier = shared(&form.endpoint(&idp.url("/check")));
        let callers = join_all((0..200).map(|_| knock(&verifier, &token))).await;
        assert!(callers.iter().all(|outcome| *outcome == ACCEPTED), "{form:?}: {callers:?}");
        assert_eq!(idp.requests(), 1, "{form:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn simultaneous_callers_share_a_refusal_and_the_want_of_an_answer_too() {
    let refused = (Form::Introspection.no(), "token_refused");
    let unavailable = (Answer::status(500), "verifier_unavailable");
    let broken = (Answer::broken(), "verifier_unavailable");
    for (answer, want) in [refused, unavailable, broken] {
        let provider = in_memory(answer);
        let verifier = shared(&Form::Introspection.over(&provider));
        let token = token("shared");
        let callers = join_all((0..200).map(|_| knock(&verifier, &token))).await;
        assert!(callers.iter().all(|outcome| *outcome == want), "{want}: {callers:?}");
        assert_eq!(provider.requests(), 1, "{want}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_tokens_are_asked_about_apart_and_get_their_own_answers() {
    let (good, bad) = (token("good"), token("bad"));
    let provider = in_memory(Form::PasskeyMe.no());
    let url = format!("{URL}?token={good}&app_id={AUDIENCE}");
    provider.serve_at(&url, Answer::of(Form::PasskeyMe.yes(&good)).after(SECOND));
    let verifier = shared(&Form::PasskeyMe.over(&provider));
    let (one, other) = (knock(&verifier, &good), knock(&verifier, &bad));
    assert_eq!((one.await.expect("an end"), other.await.expect("an end")), (ACCEPTED, "token_refused"));
    assert_eq!(provider.requests(), 2);
    // A token whose signature differs in its last character is another token.
    let mut twin = good.clone();
    let last = if twin.pop() == Some('A') { 'Q' } else { 'A' };
    twin.push(last);
    assert_ne!(outcome(&verifier, &twin).await, ACCEPTED);
    assert_eq!(outcome(&verifier, &good).await, ACCEPTED);
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_in_the_middle_of_a_call_leaves_nobody_hanging() {
    let token = token("shared");
    let provider = in_memory(Answer::of(Form::Introspection.yes(&token)).after(SECOND));
    let verifier = shared(&Form::Introspection.over(&provider));
    let leader = knock(&verifier, &token);
    tokio::time::sleep(SECOND / 10).await;
    assert_eq!(provider.requests(), 1, "the leader's call is under way");
    let others: Vec<_> = (0..50).map(|_| knock(&verifier, &token)).collect();
    tokio::time::sleep(SECOND / 10).await;
    leader.abort();
    let started = tokio::time::Instant::now();
    let others = join_all(others).await;
    assert!(others.iter().all(|outcome| *outcome == ACCEPTED), "{others:?}");
    assert!(started.elapsed() < 2 * SECOND, "{:?}", started.elapsed());
    assert_eq!(provider.requests(), 2, "the leader's, and one of the others'");
    // A whole row of leaders that give up: the last still gets an answer.
    let verifier = shared(&Form::Introspection.over(&provider));
    let row: Vec<_> = (0..5).map(|_| knock(&verifier, &token)).collect();
    let last = knock(&verifier, &token);
    for leader in row {
        tokio::time::sleep(SECOND / 10).await;
        leader.abort();
    }
    assert_eq!(last.await.expect("an end"), ACCEPTED);
}

#[test]
fn outside_of_a_runtime_nobody_is_asked_and_nobody_is_let_in() {
    let token = token("shared");
    let provider = in_memory(Answer::of(Form::Introspection.yes(&token)));
    let verifier = verifier_with(Form::Introspection.over(&provider));
    let mut asking = std::pin::pin!(verifier.verify_or_ask(&token));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(answer) = asking.as_mut().poll(&mut context) else { panic!("it waits") };
    assert_eq!(answer.expect_err("nobody could be asked").code(), "verifier_unavailable");
    assert_eq!(provider.requests(), 0);
    assert_eq!(payload(&token)["iss"], ISSUER);
}
