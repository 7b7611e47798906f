//! Signing out: the cookie is taken back, and a copy of it is worth nothing.

use std::sync::Arc;

use axum::Router;
use http::Method;
use serde_json::json;
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::handoff::Logout;
use tower_jwt_auth::jwks::Jwks;
use tower_jwt_auth::replay::{MemoryReplayStore, ReplayRule};
use tower_jwt_auth::source::TokenSources;
use tower_jwt_auth::{JwtAuthLayer, Verifier};

use super::layer;
use crate::support::app::{Answer, App, Lines, request, verifier};
use crate::support::issuer::{AUDIENCE, NOW, SigningKey, claims_with, jwks_of, shared_key};
use crate::support::site::{Site, cookies_of, good, refused, session_of, token_with};

pub(super) const ENDED: &str = "__Host-jwt=; HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age=0";

pub(super) fn revoked() -> (u16, String) {
    refused(401, "token_revoked")
}

/// The page behind `layer`, and beside it the way out.
pub(super) struct House {
    pub(super) site: Site,
    out: App,
}

impl House {
    pub(super) fn of(layer: &JwtAuthLayer) -> Self {
        Self::with(layer, layer.logout().expect("a cookie is read"))
    }

    fn with(layer: &JwtAuthLayer, logout: Logout) -> Self {
        let out = App::of(Router::new().route_service("/sign-out", logout));
        Self { site: Site::behind(layer.clone()), out }
    }

    pub(super) async fn leave(&self, method: Method, session: &str, lines: Lines<'_>) -> Answer {
        let cookie = format!("__Host-jwt={session}");
        let lines = [&[("cookie", &*cookie)], lines].concat();
        self.out.answer(request(method, "/sign-out", &lines)).await
    }
}

#[tokio::test]
async fn a_post_takes_the_cookie_back_with_the_attributes_it_was_set_with() {
    let house = House::of(&layer());
    let token = token_with(json!({}));
    let answer = house.site.arrive(&token).await;
    let attributes = cookies_of(&answer)[0].replace(&token, "").replace("Max-Age=300", "Max-Age=0");
    for (name, session) in [("signed in", &*token), ("garbage", "x"), ("empty", "")] {
        let answer = house.leave(Method::POST, session, &[]).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{name}");
        assert_eq!(cookies_of(&answer), [ENDED], "{name}");
        assert_eq!(cookies_of(&answer), [&*attributes], "{name}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
    }
    let answer = house.out.answer(request(Method::POST, "/sign-out", &[])).await;
    assert_eq!((answer.status, cookies_of(&answer)), (303, vec![ENDED]), "nobody");
}

#[tokio::test]
async fn anything_but_a_post_of_this_site_signs_nobody_out() {
    let layer = layer().single_use();
    let house = House::of(&layer);
    let session = session_of(&house.site.arrive(&token_with(json!({ "jti": "1" }))).await);
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let answer = house.leave(method.clone(), &session, &[]).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method}");
        assert!(cookies_of(&answer).is_empty(), "{method}");
    }
    let cases: [(&str, Lines<'_>); 5] = [
        ("cross site", &[("sec-fetch-site", "cross-site")]),
        ("same site", &[("sec-fetch-site", "same-site")]),
        ("said twice", &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")]),
        ("another origin", &[("host", "app.example"), ("origin", "https://evil.example")]),
        ("no origin", &[("host", "app.example"), ("origin", "null")]),
    ];
    for (name, lines) in cases {
        let answer = house.leave(Method::POST, &session, lines).await;
        assert_eq!((answer.status, &*answer.code), (403, "cross_site_request"), "{name}");
        assert!(cookies_of(&answer).is_empty(), "{name}: the cookie is kept");
        assert_eq!(house.site.show(&session).await, good(), "{name}: and good");
    }
    let own: Lines<'_> = &[("host", "app.example"), ("origin", "https://app.example")];
    for lines in [&[("sec-fetch-site", "same-origin")][..], own] {
        let answer = house.leave(Method::POST, &session, lines).await;
        assert_eq!((answer.status, cookies_of(&answer)), (303, vec![ENDED]), "{lines:?}");
    }
}

#[tokio::test]
async fn with_a_store_a_copy_of_the_cookie_is_refused_even_where_it_was_cached() {
    let store = Arc::new(MemoryReplayStore::new());
    let deny_list = layer().with_replay_rule(ReplayRule::deny_list(Arc::clone(&store)));
    for (name, layer) in [("single use", layer().single_use()), ("deny list", deny_list)] {
        let house = House::of(&layer);
        let token = token_with(json!({ "jti": "1" }));
        let session = session_of(&house.site.arrive(&token).await);
        let other = session_of(&house.site.arrive(&token_with(json!({ "jti": "2" }))).await);
        for _ in 0..3 {
            assert_eq!(house.site.show(&session).await, good(), "{name}: cached");
        }
        assert_eq!(house.leave(Method::POST, &session, &[]).await.status, 303, "{name}");
        assert_eq!(house.site.show(&session).await, revoked(), "{name}: the copy");
        assert_eq!(house.site.show(&token).await, revoked(), "{name}: the token alone");
        assert_eq!(house.site.bear(&token).await, revoked(), "{name}: as a header");
        assert_eq!(house.site.arrive(&token).await.code, "token_revoked", "{name}: the link");
        assert_eq!(house.site.show(&other).await, good(), "{name}: another session stays");
        assert_eq!(house.leave(Method::POST, &session, &[]).await.status, 303, "{name}: signed out twice");
    }
    let house = House::of(&layer());
    let token = token_with(json!({ "jti": "1" }));
    assert_eq!(house.leave(Method::POST, &token, &[]).await.status, 303);
    assert_eq!(house.site.show(&token).await, good(), "without a store nothing remembers");
}

#[tokio::test]
async fn a_forged_cookie_revokes_nobody() {
    let layer = layer().single_use();
    let house = House::of(&layer);
    let token = token_with(json!({ "jti": "1" }));
    let session = session_of(&house.site.arrive(&token).await);
    let stranger = SigningKey::generate(shared_key().algorithm(), shared_key().kid());
    let forged = stranger.token(&claims_with(json!({ "jti": "1" })));
    assert_eq!(house.leave(Method::POST, &forged, &[]).await.status, 303);
    assert_eq!(house.site.show(&session).await, good());
}

#[tokio::test]
async fn a_store_that_is_full_is_told_of_and_the_cookie_is_taken_back_all_the_same() {
    let store = Arc::new(MemoryReplayStore::new().with_capacity(0));
    let house = House::of(&layer().with_replay_rule(ReplayRule::deny_list(store)));
    let session = session_of(&house.site.arrive(&token_with(json!({ "jti": "1" }))).await);
    let answer = house.leave(Method::POST, &session, &[]).await;
    assert_eq!((answer.status, &*answer.code), (503, "replay_unavailable"));
    assert_eq!(cookies_of(&answer), [ENDED]);
    assert!(answer.header("retry-after").is_none(), "the cookie is gone: there is nothing to come back with");
    assert_eq!(answer.header("location"), None, "it does not look as if it had worked");
}

#[tokio::test]
async fn a_destination_is_a_path_on_this_host() {
    let layer = layer();
    let logout = || layer.logout().expect("a cookie is read");
    for path in [
        "",
        "signed-out",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "https:/x",
        "javascript:alert(1)",
        "?x",
        " /x",
        "/x\r\nset-cookie: a=b",
        "/x\n",
        "/\0",
        "/ü",
        "/\t/evil.example",
        "\t//evil.example",
        "/\n/evil.example",
    ] {
        assert!(logout().with_destination(path).is_err(), "{path:?}");
    }
    for path in ["/", "/signed-out", "/signed-out?why=x#top", "/a//b"] {
        let house = House::with(&layer, logout().with_destination(path).expect("a path"));
        let answer = house.leave(Method::POST, "x", &[]).await;
        assert_eq!(answer.header("location"), Some(path));
    }
}

/// A layer for another issuer, whose tokens come in a cookie of their own.
fn other_layer() -> JwtAuthLayer {
    let keys = Jwks::from_json(jwks_of([shared_key()])).expect("a key set");
    let other = Verifier::new("https://other.example", AUDIENCE, keys).expect("a policy");
    let sources = TokenSources::default().with_cookie("__Host-other").expect("a name");
    JwtAuthLayer::new(other.with_clock(FixedClock::at_unix(NOW))).with_sources(sources)
}

#[tokio::test]
async fn a_store_that_fails_keeps_no_other_session_from_being_revoked() {
    let full = || ReplayRule::deny_list(MemoryReplayStore::new().with_capacity(0));
    let store = Arc::new(MemoryReplayStore::new());
    let works = || ReplayRule::deny_list(Arc::clone(&store));
    for (name, first, second) in [("the first fails", full(), works()), ("the second fails", works(), full())]
    {
        let ours = token_with(json!({ "jti": name }));
        let theirs = token_with(json!({ "jti": name, "iss": "https://other.example" }));
        let layers = [layer().with_replay_rule(first), other_layer().with_replay_rule(second)];
        let house = House::of(&JwtAuthLayer::any_of(layers).expect("two issuers"));
        let answer = house.leave(Method::POST, &format!("{ours}; __Host-other={theirs}"), &[]).await;
        assert_eq!((answer.status, cookies_of(&answer).len()), (503, 2), "{name}");
        let after = if name == "the first fails" { [good(), revoked()] } else { [revoked(), good()] };
        assert_eq!([house.site.bear(&ours).await, house.site.bear(&theirs).await], after, "{name}");
    }
}

#[tokio::test]
async fn several_ways_to_be_signed_in_all_end() {
    let both = JwtAuthLayer::any_of([layer(), other_layer()]).expect("two issuers");
    let answer = House::of(&both).leave(Method::POST, "x", &[]).await;
    assert_eq!(cookies_of(&answer), [ENDED, &ENDED.replace("__Host-jwt", "__Host-other")]);
}

#[tokio::test]
async fn where_no_cookie_is_read_there_is_nothing_to_sign_out_of() {
    let none = || JwtAuthLayer::new(verifier()).with_sources(TokenSources::bearer_only());
    assert!(none().logout().is_err());
    assert!(JwtAuthLayer::any_of([none()]).expect("one issuer").logout().is_err());
    assert!(layer().with_sources(TokenSources::default().without_cookie()).logout().is_err());
    assert!(none().with_sources(TokenSources::default()).logout().is_ok());
    // One of several is enough, and the cookie is its own.
    let one = JwtAuthLayer::any_of([none(), other_layer()]).expect("two issuers");
    let answer = House::of(&one).leave(Method::POST, "x", &[]).await;
    assert_eq!(
        (answer.status, cookies_of(&answer)),
        (303, vec![&*ENDED.replace("__Host-jwt", "__Host-other")])
    );
}

#[tokio::test]
async fn a_sign_out_goes_by_what_its_layer_was_set_to_when_it_was_made() {
    let early = layer();
    let late = early.clone().single_use();
    for (name, logout, after) in
        [("before the store", early.logout(), good()), ("after it", late.logout(), revoked())]
    {
        let house = House::with(&late, logout.expect("a cookie"));
        let cookie = session_of(&house.site.arrive(&token_with(json!({ "jti": name }))).await);
        let answer = house.leave(Method::POST, &cookie, &[]).await;
        assert_eq!((answer.status, cookies_of(&answer)), (303, vec![ENDED]), "{name}");
        assert_eq!(house.site.show(&cookie).await, after, "{name}");
    }
    let renamed = TokenSources::default().with_cookie("__Host-session").expect("a name");
    let renamed = late.clone().with_sources(renamed);
    let own = ENDED.replace("__Host-jwt", "__Host-session");
    for (name, logout, ended) in
        [("before the cookie", late.logout(), ENDED), ("after it", renamed.logout(), &*own)]
    {
        let house = House::with(&renamed, logout.expect("a cookie"));
        let answer = house.leave(Method::POST, "x", &[]).await;
        assert_eq!(cookies_of(&answer), [ended], "{name}");
    }
}
