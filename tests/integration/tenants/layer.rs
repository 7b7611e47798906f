//! Tenants and several issuers behind one layer: what it does for one issuer, it does for each.

use std::sync::Arc;

use axum::Router;
use http::{HeaderValue, Method, Request};
use serde_json::json;
use tokio::time::Instant;
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::test_util::Answer;
use tower_jwt_auth::{Jwks, JwtAuthLayer, Verifier};

use super::{LABEL, Land, SECOND, signed, unsigned};
use crate::support::app::{App, Lines, request, verifier};
use crate::support::issuer::{AUDIENCE, NOW};
use crate::support::site::{Site, good, refused, session_of};

/// Two tenants, and nobody else.
fn land_and_layer() -> (Land, JwtAuthLayer) {
    let land = Land::of(LABEL);
    let layer = JwtAuthLayer::new(land.tenants(|tenant| ["acme", "globex"].contains(&tenant)));
    (land, layer)
}

#[tokio::test(start_paused = true)]
async fn each_tenant_gets_in_from_every_place_and_strangers_from_none() {
    let (land, layer) = land_and_layer();
    let site = Site::behind(layer);
    for name in ["acme", "globex"] {
        let token = land.good(name);
        assert_eq!(site.bear(&token).await, good(), "{name}");
        assert_eq!(site.show(&token).await, good(), "{name}");
        assert_eq!(site.follow(&format!("/?jwt={token}"), &[]).await.body, "query /", "{name}");
        let expired = signed(land.token(name).claim("exp", 1));
        assert_eq!(site.bear(&expired).await, refused(401, "token_expired"), "{name}");
    }
    let stranger = land.good("initech");
    assert_eq!(site.bear(&stranger).await, refused(401, "issuer_mismatch"));
    assert_eq!(site.show(&stranger).await, refused(401, "issuer_mismatch"));
    assert_eq!(site.bear("garbage").await, refused(401, "token_malformed"));
    assert_eq!(land.asked(), ["acme", "globex"]);
}

#[tokio::test(start_paused = true)]
async fn the_first_request_of_a_tenant_waits_a_second_for_its_keys_and_is_then_told_to_come_back() {
    let (land, layer) = land_and_layer();
    let site = Site::behind(layer);
    land.provider("acme").serve(Answer::hanging());
    let begun = Instant::now();
    let line = format!("Bearer {}", land.good("acme"));
    let answer = site.answer(request(Method::GET, "/", &[("authorization", &line)])).await;
    assert_eq!(
        (answer.status, &*answer.code, answer.header("retry-after")),
        (503, "keys_pending", Some("1"))
    );
    assert_eq!(begun.elapsed().as_secs(), 1);
    // Nobody else has waited for that, and it is there when its provider is.
    let begun = Instant::now();
    assert_eq!(site.bear(&land.good("globex")).await, good());
    assert!(begun.elapsed() < SECOND);
    land.provider("acme").recover();
    tokio::time::sleep(60 * SECOND).await;
    assert_eq!(site.bear(&land.good("acme")).await, good());
    assert_eq!(site.inside(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_comes_too_soon_after_others_is_told_when_to_come_back() {
    let land = Land::of(LABEL);
    let tenants = land.tenants(|_| true).with_capacity(1).expect("a number");
    let site = Site::behind(JwtAuthLayer::new(tenants));
    assert_eq!(site.bear(&land.good("acme")).await, good());
    let line = format!("Bearer {}", land.good("globex"));
    let answer = site.answer(request(Method::GET, "/", &[("authorization", &line)])).await;
    assert_eq!(
        (answer.status, &*answer.code, answer.header("retry-after")),
        (503, "keys_pending", Some("1"))
    );
    tokio::time::sleep(SECOND).await;
    assert_eq!(site.bear(&land.good("globex")).await, good());
}

/// A link and its session, and the way out.
#[tokio::test(start_paused = true)]
async fn a_link_of_a_tenant_becomes_a_session_that_ends_and_counts_once() {
    let (land, layer) = land_and_layer();
    let layer = layer.hand_off().expect("query and cookie are read").single_use();
    let site = Site::behind(layer.clone());
    let out = App::of(Router::new().route_service("/sign-out", layer.logout().expect("a cookie")));
    for name in ["acme", "globex"] {
        let link = land.good(name);
        let session = session_of(&site.arrive(&link).await);
        assert_eq!(site.arrive(&link).await.code, "token_replayed", "{name}");
        assert_eq!(site.show(&session).await, good(), "{name}");
        let lines: Lines<'_> = &[("cookie", &format!("__Host-jwt={session}"))];
        assert_eq!(out.answer(request(Method::POST, "/sign-out", lines)).await.status, 303, "{name}");
        assert_eq!(site.show(&session).await, refused(401, "token_revoked"), "{name}");
    }
    // A link of one tenant does not take the place of a session of the other.
    let session = session_of(&site.arrive(&land.good("acme")).await);
    let cookie = format!("__Host-jwt={session}");
    let uri = format!("/?jwt={}", land.good("globex"));
    assert_eq!(site.follow(&uri, &[("cookie", &cookie)]).await.code, "session_conflict");
}

#[tokio::test(start_paused = true)]
async fn tokens_of_two_tenants_with_one_jti_are_two_tokens() {
    let (land, layer) = land_and_layer();
    let site = Site::behind(layer.single_use());
    for name in ["acme", "globex"] {
        let token = signed(land.token(name).claim("jti", "1"));
        assert_eq!(site.bear(&token).await, good(), "{name}");
        assert_eq!(site.bear(&token).await, refused(401, "token_replayed"), "{name}");
    }
}

/// What is no b64token is answered with 400 (RFC 6750 §3.1), whosever token it says it is.
#[tokio::test(start_paused = true)]
async fn a_line_that_is_no_b64token_is_malformed_whatever_issuer_it_names() {
    let land = Land::of(LABEL);
    let tenants = JwtAuthLayer::new(land.tenants(|tenant| tenant == "acme"));
    let several = Verifier::any_of([verifier(), others()]).expect("issuers that differ");
    for app in [App::behind(tenants), App::behind(JwtAuthLayer::new(several))] {
        for issuer in [
            "https://issuer.example",
            "https://nobody.example",
            "https://acme.login.example",
            "https://x.login.example",
        ] {
            let token = unsigned(issuer, json!({}));
            let (header, rest) = token.split_once('.').expect("a token");
            let (payload, signature) = rest.split_once('.').expect("a token");
            for line in [
                format!("{token} x"),
                format!("{token},x"),
                format!("x y.{payload}.{signature}"),
                format!("{header}.{payload}.\u{e9}"),
                format!("=.{payload}.{signature}"),
            ] {
                let mut request = Request::get("/").body(axum::body::Body::empty()).expect("a request");
                let value = HeaderValue::from_bytes(format!("Bearer {line}").as_bytes()).expect("a value");
                request.headers_mut().insert("authorization", value);
                let verdict = app.verdict(request).await;
                assert_eq!(verdict, (400, "credentials_malformed".to_owned()), "{issuer}: {line:?}");
            }
        }
    }
    assert_eq!(land.requests(), 0);
}

fn others() -> Verifier {
    let keys = crate::support::issuer::jwks_of([crate::support::issuer::shared_key()]);
    let keys = Jwks::from_json(keys).expect("a key set");
    Verifier::new("https://other.example", AUDIENCE, keys)
        .expect("a policy")
        .with_clock(FixedClock::at_unix(NOW))
}

#[tokio::test(start_paused = true)]
async fn layers_of_several_issuers_are_joined_where_these_are_known_and_differ() {
    use crate::support::site::token_with;
    let (land, tenants) = land_and_layer();
    let other = || JwtAuthLayer::new(others());
    let error = JwtAuthLayer::any_of([other(), tenants]).expect_err("whose tokens are whose?");
    assert!(error.to_string().contains("tenants"), "{error}");
    drop(land);

    let third = || {
        let keys = crate::support::issuer::jwks_of([crate::support::issuer::shared_key()]);
        let keys = Jwks::from_json(keys).expect("a key set");
        let third = Verifier::new("https://third.example", AUDIENCE, keys).expect("a policy");
        Arc::new(third.with_clock(FixedClock::at_unix(NOW)))
    };
    let several =
        || JwtAuthLayer::new(Verifier::any_of([Arc::new(verifier()), third()]).expect("two issuers"));
    let joined = JwtAuthLayer::any_of([several(), other()]).expect("three issuers");
    let site = Site::behind(joined);
    for issuer in ["https://issuer.example", "https://third.example", "https://other.example"] {
        assert_eq!(site.bear(&token_with(json!({ "iss": issuer }))).await, good(), "{issuer}");
    }
    let nobodys = token_with(json!({ "iss": "https://nobody.example" }));
    assert_eq!(site.bear(&nobodys).await, refused(401, "issuer_mismatch"));
    for twice in [[several(), several()], [several(), JwtAuthLayer::new(third())]] {
        assert!(JwtAuthLayer::any_of(twice).is_err());
    }
}
