//! Phonelink's token counts once, in one place, and begins no session.

use http::Method;
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::provider::Phonelink;
use tower_jwt_auth::replay::{MemoryReplayStore, NonceRule, ReplayRule};

use super::phonelink::{CLIENT, NONCE, PHONE, body, callback, claims, key, preset, script, site};
use super::stand_in::phonelink::{PhonelinkStandIn, Settings};
use super::*;
use crate::support::app::{get, request};
use crate::support::issuer::jwks_of;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Validate,
    Body,
    Callback,
}

#[tokio::test(start_paused = true)]
async fn a_token_counts_once_whichever_way_it_comes_first() {
    const WAYS: [Way; 3] = [Way::Validate, Way::Body, Way::Callback];
    let key = key();
    for first in WAYS {
        for second in WAYS {
            let validator = preset(&jwks_of([&key])).validator().expect("a runtime");
            let site = site(&validator.clone());
            let token = key.token(&claims(json!({})));
            // The same name in another text is the same token.
            let resigned = key.token(&claims(json!({ "method": "voice call" })));
            let other = key.token(&claims(json!({ "jti": "two" })));
            let go = async |way: Way, token: &str| match way {
                Way::Validate => validator
                    .validate(token, NONCE)
                    .await
                    .map_or_else(|error| error.code().to_owned(), |_| ACCEPTED.to_owned()),
                Way::Body => site.verdict(script(token, NONCE)).await.1,
                Way::Callback => site.verdict(callback(token, NONCE)).await.1,
            };
            assert_eq!(go(first, &token).await, ACCEPTED, "{first:?}");
            assert_eq!(go(second, &token).await, "token_replayed", "{first:?}, then {second:?}");
            assert_eq!(
                go(second, &resigned).await,
                "token_replayed",
                "{first:?}, then {second:?} signed anew"
            );
            assert_eq!(go(second, &other).await, ACCEPTED, "{first:?}, then {second:?} with another");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_refused_is_not_used_up() {
    let key = key();
    let validator = preset(&jwks_of([&key])).validator().expect("a runtime");
    let site = site(&validator);
    let token = key.token(&claims(json!({})));
    assert_eq!(site.verdict(callback(&token, "x")).await.1, "nonce_mismatch");
    assert_eq!(site.verdict(callback(&token, "")).await.1, "nonce_missing");
    assert_eq!(site.verdict(script(&token, "x")).await.1, "nonce_mismatch");
    assert!(validator.validate(&token, "x").await.is_err());
    let unverified = key.token(&claims(json!({ "verified": false })));
    assert_eq!(site.verdict(callback(&unverified, NONCE)).await.1, "phone_not_verified");
    assert_eq!(site.verdict(callback(&forged(&token), NONCE)).await.1, "signature_invalid");
    assert_eq!(site.verdict(callback(&token, NONCE)).await.1, ACCEPTED);
}

#[tokio::test(start_paused = true)]
async fn two_hundred_at_once_let_one_in() {
    let key = key();
    let validator = preset(&jwks_of([&key])).validator().expect("a runtime");
    let token = key.token(&claims(json!({})));
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let (validator, token) = (validator.clone(), token.clone());
            tokio::spawn(async move { validator.validate(&token, NONCE).await.is_ok() })
        })
        .collect();
    let mut let_in = 0;
    for task in tasks {
        let_in += usize::from(task.await.expect("an end"));
    }
    assert_eq!(let_in, 1);
}

#[tokio::test]
async fn a_rule_by_which_tokens_count_more_than_once_is_none_for_phonelink() {
    let preset = preset(&jwks_of([&key()]));
    let denying = preset.clone().with_replay_rule(ReplayRule::deny_list(MemoryReplayStore::new()));
    assert!(denying.validator().is_err() && denying.layer().is_err());
    let counting = preset.with_replay_rule(ReplayRule::single_use(MemoryReplayStore::new()));
    assert!(counting.validator().is_ok() && counting.layer().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_deny_list_on_the_layer_lets_it_go_on_counting_once() {
    let key = key();
    let layer = preset(&jwks_of([&key])).layer().expect("a runtime");
    let store = MemoryReplayStore::new().with_clock(FixedClock::at_unix(NOW));
    let app = super::app(layer.with_replay_rule(ReplayRule::deny_list(store)));
    let uri = format!("/?token={}", key.token(&claims(json!({}))));
    let cookie = format!("__Host-nonce={NONCE}");
    for want in [ACCEPTED, "token_replayed"] {
        assert_eq!(app.verdict(get(&uri, &[("cookie", &cookie)])).await.1, want);
    }
}

#[tokio::test(start_paused = true)]
async fn claims_that_do_not_fit_use_nothing_up() {
    let key = key();
    let validator = preset(&jwks_of([&key])).validator().expect("a runtime");
    let site = site(&validator);
    for (jti, misfit) in
        [("a", json!({ "phone_e164": 14_155_550_123_u64 })), ("b", json!({ "phone_e164": null }))]
    {
        let bad = key.token(&changed(claims(json!({ "jti": jti })), misfit));
        let refusal = validator.validate(&bad, NONCE).await.expect_err("a misfit");
        assert_eq!(refusal.code(), "claims_mismatch", "{jti}");
        assert_eq!(site.verdict(script(&bad, NONCE)).await.1, "claims_mismatch", "{jti}: the body");
        let good = key.token(&claims(json!({ "jti": jti })));
        assert_eq!(site.verdict(script(&good, NONCE)).await.1, ACCEPTED, "{jti}: the name is free");
        assert_eq!(site.verdict(script(&good, NONCE)).await.1, "token_replayed", "{jti}: and is then not");
    }
}

#[tokio::test(start_paused = true)]
async fn the_name_of_a_token_is_its_issuers_own() {
    let key = key();
    let rule = ReplayRule::single_use(MemoryReplayStore::new().with_clock(FixedClock::at_unix(NOW)));
    let of = |issuer: &str| {
        let preset = preset(&jwks_of([&key])).with_issuer(issuer).with_replay_rule(rule.clone());
        (preset.validator().expect("a runtime"), key.token(&claims(json!({ "iss": issuer }))))
    };
    let (one, token) = of("https://phone.link");
    let (other, others) = of("https://other.example");
    assert!(one.validate(&token, NONCE).await.is_ok());
    assert!(other.validate(&others, NONCE).await.is_ok(), "the same jti of another issuer");
    let replayed = |error: tower_jwt_auth::AuthError| error.code();
    assert_eq!(one.validate(&token, NONCE).await.map(|_| ()).map_err(replayed), Err("token_replayed"));
    assert_eq!(other.validate(&others, NONCE).await.map(|_| ()).map_err(replayed), Err("token_replayed"));
}

#[tokio::test(start_paused = true)]
async fn the_callback_takes_the_nonce_back_when_it_lets_somebody_in_and_only_then() {
    let key = key();
    let site = site(&preset(&jwks_of([&key])).validator().expect("a runtime"));
    let token = key.token(&claims(json!({})));
    for (name, request, want) in [
        ("another nonce", callback(&token, "x"), "nonce_mismatch"),
        ("forged", callback(&forged(&token), NONCE), "signature_invalid"),
        ("good", callback(&token, NONCE), ACCEPTED),
        ("again", callback(&token, NONCE), "token_replayed"),
    ] {
        let answer = site.answer(request).await;
        assert_eq!(answer.code, want, "{name}");
        let taken_back = answer.header("set-cookie").map(|cookie| {
            assert!(cookie.starts_with("__Host-nonce=;") && cookie.contains("Max-Age=0"), "{name}: {cookie}");
        });
        assert_eq!(taken_back.is_some(), want == ACCEPTED, "{name}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_callback_is_no_session_and_reads_its_token_in_one_place_only() {
    let key = key();
    let validator = preset(&jwks_of([&key])).validator().expect("a runtime");
    let site = site(&validator);
    let token = key.token(&claims(json!({})));
    let nonce = format!("__Host-nonce={NONCE}");
    let bearer = format!("Bearer {token}");
    let cookies = [
        format!("{nonce}; __Host-jwt={token}"),
        format!("{nonce}; token={token}"),
        format!("{nonce}; passkeyme_token={token}"),
    ];
    let missing = (401, "token_missing".to_owned());
    assert_eq!(
        site.verdict(get("/callback", &[("authorization", &bearer), ("cookie", &nonce)])).await,
        missing
    );
    for cookie in &cookies {
        assert_eq!(site.verdict(get("/callback", &[("cookie", cookie)])).await, missing, "{cookie}");
    }
    let with_nonce = |uri: &str| get(uri, &[("cookie", &nonce)]);
    assert_eq!(site.verdict(with_nonce(&format!("/callback?jwt={token}"))).await, missing);
    assert_eq!(site.verdict(with_nonce(&format!("/callback?Token={token}"))).await, missing);
    let twice = format!("/callback?token={token}&token={token}");
    assert_eq!(site.verdict(with_nonce(&twice)).await, (400, "credentials_conflict".to_owned()));
    let bad_first = format!("/callback?token={}&token={token}", forged(&token));
    assert_eq!(site.verdict(with_nonce(&bad_first)).await.0, 400, "the last is not taken here");
    // Two nonces are none; the one in the token's name is no other's.
    let two = format!("{nonce}; {nonce}");
    let request = get(&format!("/callback?token={token}"), &[("cookie", &two)]);
    assert_eq!(site.verdict(request).await, (400, "nonce_missing".to_owned()));
    let in_query = get(&format!("/callback?token={token}&nonce={NONCE}"), &[("x-nonce", NONCE)]);
    assert_eq!(
        site.verdict(in_query).await,
        (400, "nonce_missing".to_owned()),
        "whoever sends the link knows it"
    );
    // HEAD and a prefetch neither let in nor use up.
    let uri = format!("/callback?token={token}");
    let head = request_with(Method::HEAD, &uri, &[("cookie", &nonce)]);
    assert_eq!(site.answer(head).await.status, 400);
    let prefetch = get(&uri, &[("cookie", &nonce), ("sec-purpose", "prefetch")]);
    assert_eq!(site.verdict(prefetch).await, (400, "navigation_required".to_owned()));
    let answer = site.answer(with_nonce(&uri)).await;
    assert_eq!((answer.status, &*answer.body), (200, PHONE));
    // And having been let in lets nobody in again.
    assert_eq!(site.verdict(with_nonce("/callback")).await, missing);
}

fn request_with(method: Method, uri: &str, lines: &[(&str, &str)]) -> http::Request<axum::body::Body> {
    request(method, uri, lines)
}

#[tokio::test(start_paused = true)]
async fn a_nonce_can_be_kept_elsewhere_and_is_then_expected_there() {
    let key = key();
    let rule = NonceRule::from_header("x-phone-nonce").expect("a name");
    let validator = preset(&jwks_of([&key])).with_nonce(rule).validator().expect("a runtime");
    let site = site(&validator);
    let uri = format!("/callback?token={}", key.token(&claims(json!({}))));
    let cookie = format!("__Host-nonce={NONCE}");
    assert_eq!(site.verdict(get(&uri, &[("cookie", &cookie)])).await.1, "nonce_missing");
    assert_eq!(site.verdict(get(&uri, &[("x-phone-nonce", "x")])).await.1, "nonce_mismatch");
    assert_eq!(site.verdict(get(&uri, &[("x-phone-nonce", NONCE)])).await.1, ACCEPTED);
}

#[tokio::test(start_paused = true)]
async fn without_a_nonce_the_rest_still_holds() {
    let key = key();
    let validator = preset(&jwks_of([&key])).insecure_without_nonce().validator().expect("a runtime");
    let site = site(&validator);
    let token = |jti: &str, changes: Value| key.token(&changed(claims(json!({ "jti": jti })), changes));
    let code =
        |result: Result<_, tower_jwt_auth::AuthError>| result.map_or_else(|error| error.code(), |_| ACCEPTED);
    assert_eq!(code(validator.validate(&token("a", json!({})), "").await), ACCEPTED);
    assert_eq!(code(validator.validate(&token("a", json!({})), "").await), "token_replayed");
    assert_eq!(code(validator.validate(&token("b", json!({ "nonce": null })), "").await), ACCEPTED);
    assert_eq!(
        code(validator.validate(&token("c", json!({ "verified": false })), "").await),
        "phone_not_verified"
    );
    // One that is expected all the same is compared, on every way.
    assert_eq!(code(validator.validate(&token("d", json!({})), "x").await), "nonce_mismatch");
    assert_eq!(site.verdict(script(&token("d", json!({})), "x")).await.1, "nonce_mismatch");
    assert_eq!(site.verdict(callback(&token("d", json!({})), "x")).await.1, "nonce_mismatch");
    assert_eq!(code(validator.validate(&token("d", json!({})), NONCE).await), ACCEPTED);
    let alone = json!({ "token": token("e", json!({})) }).to_string();
    assert_eq!(site.verdict(body(alone)).await.1, ACCEPTED);
    assert_eq!(site.verdict(callback(&token("f", json!({})), "")).await.1, ACCEPTED);
    assert_eq!(site.verdict(callback(&token("g", json!({})), NONCE)).await.1, ACCEPTED);
    let text = format!("{validator:?}");
    assert!(text.contains("Optional"), "{text}");
}

#[tokio::test]
async fn the_stand_ins_tokens_are_accepted_with_its_keys_and_nobody_elses() {
    let server = PhonelinkStandIn::start(Settings::default()).await.expect("a port");
    let other = PhonelinkStandIn::start(Settings::default()).await.expect("a port");
    let of = |keys: &PhonelinkStandIn| {
        let preset = Phonelink::new(CLIENT).expect("a client").with_issuer(&server.issuer);
        preset.with_jwks_url(&keys.jwks_url()).validator().expect("a runtime")
    };
    let code =
        |result: Result<_, tower_jwt_auth::AuthError>| result.map_or_else(|error| error.code(), |_| ACCEPTED);
    let token = server.token(CLIENT, Some(NONCE));
    assert_eq!(code(of(&other).validate(&token, NONCE).await), "key_unknown");
    let validator = of(&server);
    assert_eq!(
        code(validator.validate(&server.token("another", Some(NONCE)), NONCE).await),
        "audience_mismatch"
    );
    assert_eq!(code(validator.validate(&server.token(CLIENT, None), NONCE).await), "nonce_mismatch");
    assert_eq!(code(validator.validate(&other.token(CLIENT, Some(NONCE)), NONCE).await), "issuer_mismatch");
    assert_eq!(code(validator.validate(&token, NONCE).await), ACCEPTED);
    assert_eq!(
        site(&validator).verdict(callback(&server.token(CLIENT, Some(NONCE)), NONCE)).await.1,
        ACCEPTED
    );
}
