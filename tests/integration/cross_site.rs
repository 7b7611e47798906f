//! A cookie that a browser sends because another site made it.

use http::Method;
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::error::ConfigError;

use crate::support::app::{ACCEPTED, App, Lines, get, request, verifier};
use crate::support::issuer::{good_claims, shared_key};

fn good_token() -> String {
    shared_key().token(&good_claims())
}

const SITE: &str = "sec-fetch-site";
const HOST: (&str, &str) = ("host", "api.example");

#[tokio::test]
async fn a_cookie_on_an_unsafe_method_must_not_come_from_another_site() {
    let cookie = format!("__Host-jwt={}", good_token());
    let app = App::new();
    let cases: [(&str, Lines<'_>, bool); 12] = [
        ("no browser", &[], true),
        ("same origin", &[(SITE, "same-origin")], true),
        ("typed in", &[(SITE, "none")], true),
        ("same site", &[(SITE, "same-site")], false),
        ("cross site", &[(SITE, "cross-site")], false),
        ("an unknown word", &[(SITE, "same-origin ;")], false),
        ("said twice", &[(SITE, "none"), (SITE, "none")], false),
        ("own origin", &[HOST, ("origin", "https://api.example")], true),
        ("another origin", &[HOST, ("origin", "https://evil.example")], false),
        ("an origin that begins like ours", &[HOST, ("origin", "https://api.example.evil")], false),
        ("no origin", &[HOST, ("origin", "null")], false),
        (
            "own origin, but cross site",
            &[HOST, (SITE, "cross-site"), ("origin", "https://api.example")],
            false,
        ),
    ];
    for (name, lines, passes) in cases {
        let lines = [&[("cookie", &*cookie)], lines].concat();
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let (status, code) = app.verdict(request(method.clone(), "/", &lines)).await;
            let want = if passes { (200, ACCEPTED) } else { (403, "cross_site_request") };
            assert_eq!((status, &*code), want, "{name}: {method}");
        }
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            let (status, _) = app.verdict(request(method.clone(), "/", &lines)).await;
            assert_eq!(status, 200, "{name}: {method} changes nothing");
        }
    }
}

/// It can do anything afterwards, and what the other site then hears is no secret to it, as an answer to a `GET` would be.
#[tokio::test]
async fn a_cookie_on_a_request_that_opens_a_socket_must_not_come_from_another_site() {
    let cookie = format!("__Host-jwt={}", good_token());
    let app = App::new();
    let cases: [(&str, Lines<'_>, bool); 7] = [
        ("no browser", &[], true),
        ("same origin", &[(SITE, "same-origin")], true),
        ("own origin", &[("origin", "https://api.example")], true),
        ("a sibling host", &[(SITE, "same-site"), ("origin", "https://www.example")], false),
        ("cross site", &[(SITE, "cross-site"), ("origin", "https://evil.example")], false),
        ("another origin", &[("origin", "https://evil.example")], false),
        ("no origin", &[("origin", "null")], false),
    ];
    for (name, lines, passes) in cases {
        let lines = [&[HOST, ("cookie", &*cookie)], lines].concat();
        let opening = [&lines[..], &[("connection", "Upgrade"), ("upgrade", "websocket")]].concat();
        for (way, request) in [
            ("by an upgrade", request(Method::GET, "/", &opening)),
            ("over HTTP/2", request(Method::CONNECT, "https://api.example/", &lines)),
        ] {
            let (status, code) = app.verdict(request).await;
            let want = if passes { (200, ACCEPTED) } else { (403, "cross_site_request") };
            assert_eq!((status, &*code), want, "{name}: {way}");
        }
        assert_eq!(app.verdict(get("/", &lines)).await.0, 200, "{name}: a GET that opens nothing");
    }
}

#[tokio::test]
async fn a_header_is_never_sent_by_a_browser_alone() {
    let bearer = format!("Bearer {}", good_token());
    let lines = [("authorization", &*bearer), (SITE, "cross-site")];
    let (status, _) = App::new().verdict(request(Method::POST, "/", &lines)).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn an_origin_can_be_trusted_and_the_rule_turned_off() -> Result<(), ConfigError> {
    let cookie = format!("__Host-jwt={}", good_token());
    let trusting = App::behind(JwtAuthLayer::new(verifier()).with_trusted_origin("https://app.example")?);
    let open = App::behind(JwtAuthLayer::new(verifier()).insecure_accept_cross_site_requests());
    for (name, app, origin, want) in [
        ("trusted", &trusting, "https://app.example", 200),
        ("another scheme", &trusting, "http://app.example", 403),
        ("longer", &trusting, "https://app.example.evil", 403),
        ("turned off", &open, "https://evil.example", 200),
    ] {
        let lines = [("cookie", &*cookie), (SITE, "same-site"), ("origin", origin)];
        let (status, _) = app.verdict(request(Method::POST, "/", &lines)).await;
        assert_eq!(status, want, "{name}");
    }
    assert!(JwtAuthLayer::new(verifier()).with_trusted_origin("app.example").is_err());
    Ok(())
}
