//! Signing out where the store matters: who has no receipt ends nobody's session, and what fails is told of.

use std::future::ready;
use std::sync::Arc;
use std::time::SystemTime;

use http::Method;
use serde_json::json;
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::jwks::Jwks;
use tower_jwt_auth::replay::{
    Mark, MemoryReplayStore, ReplayRule, ReplayStore, StoreError, StoreFuture, TokenId,
};
use tower_jwt_auth::token::Algorithm;

use super::layer;
use super::logout::{ENDED, House, revoked};
use crate::support::app::{Lines, verifier_with};
use crate::support::idp::{Answer, in_memory};
use crate::support::issuer::{SigningKey, claims_with, jwks_of, shared_key};
use crate::support::log::Log;
use crate::support::site::{cookies_of, good, session_of, token_with};

fn named(jti: &str) -> String {
    token_with(json!({ "jti": jti }))
}

fn deny_list() -> ReplayRule {
    ReplayRule::deny_list(MemoryReplayStore::new())
}

#[tokio::test]
async fn a_token_without_its_receipt_ends_nobodys_session() {
    let house = House::of(&layer().single_use());
    let token = named("1");
    let session = session_of(&house.site.arrive(&token).await);
    let others = session_of(&house.site.arrive(&named("2")).await);
    let (_, strange) = others.split_once('~').expect("a receipt");
    for (name, cookie) in [
        ("none", token.clone()),
        ("an empty one", format!("{token}~")),
        ("a made-up one", format!("{token}~0123456789abcdef0123456789abcdef")),
        ("that of another session", format!("{token}~{strange}")),
        ("one letter less", session[..session.len() - 1].to_owned()),
    ] {
        let answer = house.leave(Method::POST, &cookie, &[]).await;
        assert_eq!((answer.status, cookies_of(&answer)), (303, vec![ENDED]), "{name}");
        assert_eq!(house.site.show(&session).await, good(), "{name}: its owner stays signed in");
    }
    assert_eq!(house.leave(Method::POST, &session, &[]).await.status, 303);
    assert_eq!(house.site.show(&session).await, revoked(), "with the receipt");
    assert_eq!(house.site.show(&others).await, good());
}

#[tokio::test]
async fn of_two_cookies_of_the_name_each_is_revoked() {
    for (kind, layer) in
        [("single use", layer().single_use()), ("deny list", layer().with_replay_rule(deny_list()))]
    {
        let house = House::of(&layer);
        for (name, in_one_field) in [("in one field", true), ("in two", false)] {
            let mut sessions = Vec::new();
            for number in 0..2 {
                let token = named(&format!("{name} {number}"));
                sessions.push(session_of(&house.site.arrive(&token).await));
            }
            let [one, two] = &*sessions else { panic!("two sessions") };
            let second = format!("__Host-jwt={two}");
            let answer = if in_one_field {
                house.leave(Method::POST, &format!("{one}; {second}"), &[]).await
            } else {
                house.leave(Method::POST, one, &[("cookie", &second)]).await
            };
            assert_eq!((answer.status, cookies_of(&answer)), (303, vec![ENDED]), "{kind}, {name}");
            for session in [one, two] {
                assert_eq!(house.site.show(session).await, revoked(), "{kind}, {name}");
            }
        }
        let session = session_of(&house.site.arrive(&named("beside garbage")).await);
        house.leave(Method::POST, &format!("x; __Host-jwt=; __Host-jwt={session}"), &[]).await;
        assert_eq!(house.site.show(&session).await, revoked(), "{kind}, beside garbage");
    }
}

#[tokio::test]
async fn more_cookies_of_the_name_than_are_revoked_are_no_sign_out_that_worked() {
    let house = House::of(&layer().single_use());
    let sign_out = async |before: usize, session: &str| {
        let planted = "planted; __Host-jwt=".repeat(before);
        let answer = house.leave(Method::POST, &format!("{planted}{session}"), &[]).await;
        assert_eq!(cookies_of(&answer), [ENDED], "{before}: taken back all the same");
        answer.status
    };
    let session = session_of(&house.site.arrive(&named("three before")).await);
    assert_eq!(sign_out(3, &session).await, 303);
    assert_eq!(house.site.show(&session).await, revoked());
    let session = session_of(&house.site.arrive(&named("four before")).await);
    assert_eq!(sign_out(4, &session).await, 400);
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_key_is_not_here_is_not_said_to_be_revoked() {
    let [old, new] = ["old", "new"].map(|kid| SigningKey::generate(Algorithm::EdDsa, kid));
    let provider = in_memory(Answer::of(jwks_of([&old])));
    let jwks = Jwks::builder("https://issuer.example/keys").expect("a URL").with_fetch(provider.clone());
    let jwks = jwks.spawn().expect("a runtime");
    jwks.ready().await.expect("a key set");
    let layer = JwtAuthLayer::new(verifier_with(jwks.clone())).hand_off().expect("both are read");
    let with_store = House::of(&layer.clone().with_replay_rule(deny_list()));
    let session = new.token(&claims_with(json!({ "jti": "1" })));

    let answer = with_store.leave(Method::POST, &session, &[]).await;
    assert_eq!((answer.status, &*answer.code), (503, "keys_unavailable"));
    assert_eq!(cookies_of(&answer), [ENDED], "the cookie is taken back all the same");
    assert_eq!((answer.header("retry-after"), answer.header("location")), (None, None));
    let answer = House::of(&layer).leave(Method::POST, &session, &[]).await;
    assert_eq!(answer.status, 303, "without a store nothing had to be revoked");

    provider.serve(Answer::of(jwks_of([&old, &new])));
    jwks.refresh_now().await.expect("the new key too");
    assert_eq!(with_store.site.show(&session).await, good());
    assert_eq!(with_store.leave(Method::POST, &session, &[]).await.status, 303);
    assert_eq!(with_store.site.show(&session).await, revoked(), "with its key");
}

#[tokio::test(start_paused = true)]
async fn a_session_is_not_said_to_be_revoked_while_there_is_no_key_at_all() {
    let provider = in_memory(Answer::status(500));
    let jwks = Jwks::builder("https://issuer.example/keys").expect("a URL").with_fetch(provider.clone());
    let jwks = jwks.spawn().expect("a runtime");
    let layer = JwtAuthLayer::new(verifier_with(jwks.clone())).hand_off().expect("both are read");
    let house = House::of(&layer.with_replay_rule(deny_list()));
    let session = named("1");
    let answer = house.leave(Method::POST, &session, &[]).await;
    assert_eq!((answer.status, &*answer.code), (503, "keys_pending"));

    provider.serve(Answer::of(jwks_of([shared_key()])));
    jwks.refresh_now().await.expect("a key set");
    assert_eq!(house.leave(Method::POST, &session, &[]).await.status, 303);
    assert_eq!(house.site.show(&session).await, revoked());
}

/// A store that is down.
struct Failing;

impl ReplayStore for Failing {
    fn insert(&self, _id: TokenId, _mark: Mark, _until: SystemTime) -> StoreFuture<'_, Option<Mark>> {
        Box::pin(ready(Err(StoreError::Failed("connection refused".into()))))
    }

    fn find(&self, _id: TokenId) -> StoreFuture<'_, Option<Mark>> {
        Box::pin(ready(Err(StoreError::Failed("connection refused".into()))))
    }

    fn deny(&self, _id: TokenId, _until: SystemTime) -> StoreFuture<'_, ()> {
        Box::pin(ready(Err(StoreError::Failed("connection refused".into()))))
    }
}

#[tokio::test]
async fn a_sign_out_that_is_refused_or_fails_is_in_the_log() {
    let store = Arc::new(Failing);
    let once = || ReplayRule::single_use(Arc::clone(&store));
    let many = || ReplayRule::deny_list(Arc::clone(&store));
    let crossed: Lines<'_> = &[("sec-fetch-site", "cross-site")];
    let (log, _guard) = Log::at_trace_level();
    for (name, rule, lines, code, store_failed) in [
        ("single use", once(), &[][..], Some("replay_unavailable"), true),
        (
            "single use, accepting",
            once().insecure_accept_when_the_store_fails(),
            &[],
            Some("replay_unavailable"),
            true,
        ),
        ("deny list", many(), &[], Some("replay_unavailable"), true),
        (
            "deny list, accepting",
            many().insecure_accept_when_the_store_fails(),
            &[],
            Some("replay_unavailable"),
            true,
        ),
        ("another site's", many(), crossed, Some("cross_site_request"), false),
        ("good", deny_list(), &[], None, false),
    ] {
        let house = House::of(&layer().with_replay_rule(rule));
        log.take();
        // Without single use, nothing behind a token is a receipt.
        let receipt = if name.starts_with("single") { "~0123" } else { "" };
        let token = named("1");
        let answer = house.leave(Method::POST, &format!("{token}{receipt}"), lines).await;
        assert_eq!(answer.code, code.unwrap_or_default(), "{name}");
        let text = log.take();
        assert_eq!(text.contains("request refused"), code.is_some(), "{name}: {text}");
        assert!(code.is_none_or(|code| text.contains(code)), "{name}: {text}");
        assert_eq!(text.contains("no answer from the replay store"), store_failed, "{name}: {text}");
        assert!(!text.contains(&token), "{name}: no token in the log");
    }
}
