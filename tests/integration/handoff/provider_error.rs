//! A provider that sends the browser back with nothing but an error.

use http::{Method, Request};
use serde_json::json;
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::replay::NonceRule;
use tower_jwt_auth::source::TokenSources;

use super::layer;
use crate::support::app::{request, verifier};
use crate::support::site::{Site, cookies_of, token_with};

const MISSING: (u16, &str) = (401, "token_missing");
const PASSES: (u16, &str) = (200, "accepted");

#[tokio::test]
async fn an_error_of_the_provider_is_an_answer_of_its_own_where_links_are_expected_and_nobody_is_signed_in() {
    let hands_off = Site::behind(layer());
    let optional = Site::behind(layer().optional());
    let plain = Site::behind(JwtAuthLayer::new(verifier()));
    for (uri, error) in [
        ("/?error=access_denied", Some((401, "sign_in_denied"))),
        ("/?error=access_denied&error_description=%3Cscript%3E", Some((401, "sign_in_denied"))),
        ("/cb?state=1&error=login_required", Some((401, "sign_in_denied"))),
        ("/?error=invalid_request", Some((401, "sign_in_failed"))),
        ("/?error=server_error", Some((503, "sign_in_unavailable"))),
        ("/?error=temporarily_unavailable", Some((503, "sign_in_unavailable"))),
        ("/?error=no_such_thing", None),
        ("/?error=Access_Denied", None),
        ("/?error=", None),
        ("/?error", None),
        ("/?error=access_denied&error=access_denied", None),
        ("/?xerror=access_denied", None),
        ("/", None),
    ] {
        for (name, site, without) in [
            ("with a hand-off", &hands_off, error.unwrap_or(MISSING)),
            ("optional", &optional, error.unwrap_or(PASSES)),
            ("without a hand-off", &plain, MISSING),
        ] {
            let answer = site.follow(uri, &[]).await;
            assert_eq!((answer.status, &*answer.code), without, "{name}: {uri}");
            assert!(!answer.body.contains("script") && cookies_of(&answer).is_empty(), "{name}: {uri}");
            assert_eq!(answer.header("retry-after").is_some(), without.0 == 503, "{name}: {uri}");
            let challenge = answer.header("www-authenticate");
            let want = (without.0 == 401).then_some("Bearer realm=\"api\"");
            assert_eq!(challenge, want, "{name}: {uri}: no token, no error of a token");
        }
        let cookie = format!("__Host-jwt={}", token_with(json!({})));
        for site in [&hands_off, &optional, &plain] {
            let answer = site.follow(uri, &[("cookie", &cookie)]).await;
            assert_eq!(answer.body, format!("cookie {uri}"), "whoever is signed in is let through: {uri}");
        }
    }
}

#[tokio::test]
async fn only_a_get_without_any_token_can_bring_an_error_of_the_provider() {
    let site = Site::behind(layer());
    let uri = "/?error=access_denied";
    let token = token_with(json!({}));
    let bad = token_with(json!({ "exp": 1 }));
    let with = |name: &'static str, value: String| (name, value);
    for (name, method, uri, line, want) in [
        ("POST", Method::POST, uri.to_owned(), None, (401, "token_missing")),
        (
            "a good header",
            Method::GET,
            uri.to_owned(),
            Some(with("authorization", format!("Bearer {token}"))),
            (200, "accepted"),
        ),
        (
            "a bad header",
            Method::GET,
            uri.to_owned(),
            Some(with("authorization", format!("Bearer {bad}"))),
            (401, "token_expired"),
        ),
        ("a good link", Method::GET, format!("{uri}&jwt={token}"), None, (303, "")),
        ("a bad link", Method::GET, format!("{uri}&jwt={bad}"), None, (401, "token_expired")),
    ] {
        let request: Request<_> = match &line {
            Some((field, value)) => request(method, &uri, &[(field, value)]),
            None => request(method, &uri, &[]),
        };
        let answer = site.answer(request).await;
        assert_eq!((answer.status, &*answer.code), want, "{name}");
    }
}

#[tokio::test]
async fn where_no_token_is_read_from_a_query_no_provider_sends_anybody_back() {
    let with_nonce = || JwtAuthLayer::new(verifier()).with_nonce(NonceRule::from_cookie());
    let no_query = TokenSources::default().without_query();
    for (name, layer, want) in [
        ("a query", with_nonce(), (401, "sign_in_denied")),
        ("none", with_nonce().with_sources(no_query), MISSING),
    ] {
        let answer = Site::behind(layer).follow("/?error=access_denied", &[]).await;
        assert_eq!((answer.status, &*answer.code), want, "{name}");
    }
}
