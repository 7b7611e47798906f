//! No nonce, receipt, `jti` or token in any log, answer or `Debug`.

use std::sync::Arc;

use axum::Router;
use http::Method;
use serde_json::json;
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::handoff::HandOff;
use tower_jwt_auth::replay::{Mark, MemoryReplayStore, Nonce, NonceRule, ReplayRule, StoreError, TokenId};

use crate::support::app::{App, request, verifier};
use crate::support::issuer::ISSUER;
use crate::support::log::Log;
use crate::support::site::{NAVIGATION, Site, session_of, token_with};

/// What of `secrets` is in `text`.
fn leaked<'s>(text: &str, secrets: &[&'s str]) -> Option<&'s str> {
    secrets.iter().copied().find(|secret| text.contains(secret))
}

#[tokio::test]
async fn nothing_of_a_sign_in_a_visit_and_a_sign_out_is_logged_or_shown() {
    let (log, _guard) = Log::at_trace_level();
    let nonce = Nonce::generate();
    let store = Arc::new(MemoryReplayStore::new());
    let layer = JwtAuthLayer::new(verifier())
        .with_nonce(NonceRule::from_cookie())
        .with_replay_rule(ReplayRule::single_use(Arc::clone(&store)))
        .hand_off()
        .expect("both are read");
    let site = Site::behind(layer.clone());
    let logout = layer.logout().expect("a cookie");
    let mut shown = vec![format!("{layer:?} {layer:#?} {logout:?} {store:?} {nonce:?}")];
    let out = App::of(Router::new().route_service("/sign-out", logout));

    let token = token_with(json!({ "jti": "jti-k4n4ry", "nonce": nonce.as_str(), "sub": "sub-k4n4ry" }));
    let other =
        token_with(json!({ "jti": "jti-k4n4ry-2", "nonce": nonce.as_str(), "sub": "mallory-k4n4ry" }));
    let link = format!("/?jwt={token}");
    let nonce_cookie = format!("__Host-nonce={}", nonce.as_str());
    let answer = site.follow(&link, &[("cookie", &nonce_cookie)]).await;
    let session = session_of(&answer);
    let receipt = session.split_once('~').expect("a receipt").1.to_owned();
    shown.push(format!("{answer:?}"));
    let kept_nonce = format!("__Host-jwt-nonce={}", nonce.as_str());
    let cookies = format!("__Host-jwt={session}; {kept_nonce}; {nonce_cookie}");
    let wrong = format!("__Host-jwt={token}~0123456789abcdef0123456789abcdef; {kept_nonce}");
    for (name, method, uri, cookie, status) in [
        ("a visit", Method::GET, "/", &*cookies, 200),
        ("the link again", Method::GET, &*link, &*nonce_cookie, 401),
        ("another's link", Method::GET, &*format!("/?jwt={other}"), &cookies, 403),
        ("a wrong receipt", Method::GET, "/", &wrong, 401),
        ("no nonce", Method::GET, "/", &*format!("__Host-jwt={session}"), 400),
        ("another nonce", Method::GET, "/", &*format!("__Host-jwt={session}; __Host-jwt-nonce=x"), 401),
    ] {
        let lines = [NAVIGATION, &[("cookie", cookie)]].concat();
        let answer = site.answer(request(method, uri, &lines)).await;
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        shown.push(format!("{answer:?}"));
    }
    let answer = out.answer(request(Method::POST, "/sign-out", &[("cookie", &cookies)])).await;
    assert_eq!(answer.status, 303);
    shown.push(format!("{answer:?} {store:?}"));

    let logged = log.take();
    assert!(logged.contains("session_conflict"), "it is logged: {logged}");
    let parts: Vec<_> =
        token.split('.').chain(other.split('.')).map(|part| &part[part.len().saturating_sub(24)..]).collect();
    let secrets = [&parts[..], &["k4n4ry", nonce.as_str(), &receipt, "0123456789abcdef"]].concat();
    for (name, text) in [("log", logged), ("shown", shown.join(" "))] {
        // The header of each token is no secret, and says nothing.
        assert_eq!(leaked(&text, &secrets), None, "{name}: {text}");
    }
}

#[test]
fn no_debug_of_the_replay_types_shows_what_they_are_of() {
    let id = TokenId::new(ISSUER, "jti-k4n4ry");
    let nonce = Nonce::expected("nonce-k4n4ry").expect("a nonce");
    let error = StoreError::Failed("why".into());
    for text in [
        format!("{id:?} {id}"),
        format!("{nonce:?}"),
        format!("{:?} {:?}", NonceRule::from_cookie(), ReplayRule::single_use(MemoryReplayStore::new())),
        format!("{:?} {:?}", HandOff::default(), Mark::Used),
        format!("{error}"),
    ] {
        assert!(!text.contains("k4n4ry") && !text.contains(ISSUER), "{text}");
    }
    assert!(nonce.to_cookie().is_sensitive(), "its Debug shows no nonce");
}
