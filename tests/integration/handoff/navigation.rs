//! Only somebody who goes there follows a link: scripts, frames and machines that look ahead do not.

use std::sync::Arc;

use http::Method;
use serde_json::json;
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::replay::{MemoryReplayStore, ReplayRule};
use tower_jwt_auth::source::TokenSources;

use super::{layer, site, site_of_single_use};
use crate::support::app::{Lines, request, verifier};
use crate::support::issuer::NOW;
use crate::support::site::{Site, cookies_of, token_with};

#[tokio::test]
async fn what_is_no_navigation_gets_no_cookie_and_leaves_the_link_as_good_as_it_was() {
    const MODE: &str = "sec-fetch-mode";
    const DEST: &str = "sec-fetch-dest";
    let cases: [(&str, Method, Lines<'_>); 22] = [
        ("HEAD", Method::HEAD, &[]),
        ("HEAD by a browser", Method::HEAD, &[(MODE, "navigate"), (DEST, "document")]),
        ("a script", Method::GET, &[(MODE, "cors")]),
        ("a script that says it is none", Method::GET, &[(MODE, "cors"), (DEST, "document")]),
        ("a script without CORS", Method::GET, &[(MODE, "no-cors")]),
        ("a script on the same origin", Method::GET, &[(MODE, "same-origin"), (DEST, "empty")]),
        ("a web socket", Method::GET, &[(MODE, "websocket")]),
        ("two modes", Method::GET, &[(MODE, "navigate"), (MODE, "cors")]),
        ("another spelling", Method::GET, &[(MODE, "Navigate")]),
        ("no word", Method::GET, &[(MODE, "")]),
        ("a frame", Method::GET, &[(MODE, "navigate"), (DEST, "iframe")]),
        ("an old frame", Method::GET, &[(MODE, "navigate"), (DEST, "frame")]),
        ("an object", Method::GET, &[(MODE, "navigate"), (DEST, "object")]),
        ("an embedded thing", Method::GET, &[(DEST, "embed")]),
        ("an image", Method::GET, &[(MODE, "no-cors"), (DEST, "image")]),
        ("a script's source", Method::GET, &[(DEST, "script")]),
        (
            "looked up ahead",
            Method::GET,
            &[(MODE, "navigate"), (DEST, "document"), ("sec-purpose", "prefetch")],
        ),
        ("drawn ahead", Method::GET, &[(MODE, "navigate"), ("sec-purpose", "prefetch;prerender")]),
        ("looked up ahead by an old browser", Method::GET, &[("purpose", "prefetch")]),
        ("looked up ahead by one that writes it large", Method::GET, &[("purpose", "Prefetch")]),
        ("looked up ahead by Firefox", Method::GET, &[("x-moz", "prefetch")]),
        ("drawn ahead by Safari", Method::GET, &[("x-purpose", "preview")]),
    ];
    let many = site();
    let once = site_of_single_use();
    for (name, method, lines) in cases {
        let token = token_with(json!({ "jti": name }));
        for (site, uses) in [(&many, "many uses"), (&once, "single use")] {
            let link = format!("/?jwt={token}");
            for _ in 0..2 {
                let answer = site.answer(request(method.clone(), &link, lines)).await;
                // The body of an answer to HEAD is not there to be read.
                let code = answer.error.map(|error| error.code());
                assert_eq!((answer.status, code), (400, Some("navigation_required")), "{name}, {uses}");
                assert!(cookies_of(&answer).is_empty(), "{name}, {uses}");
                assert_eq!(answer.header("location"), None, "{name}, {uses}");
                assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}, {uses}");
                assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{name}, {uses}");
            }
            assert_eq!(site.follow(&link, &[]).await.status, 303, "{name}, {uses}: nothing was used up");
        }
    }
    assert_eq!(many.inside() + once.inside(), 0);
}

#[tokio::test]
async fn other_methods_do_not_read_the_link_at_all() {
    let site = site_of_single_use();
    let token = token_with(json!({ "jti": "1" }));
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
        let answer = site.answer(request(method.clone(), &format!("/?jwt={token}"), &[])).await;
        assert_eq!((answer.status, &*answer.code), (401, "token_missing"), "{method}");
        assert!(cookies_of(&answer).is_empty(), "{method}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{method}");
    }
    assert_eq!(site.arrive(&token).await.status, 303, "nothing was used up");
}

#[tokio::test]
async fn a_link_that_counts_once_is_used_up_by_the_first_navigation() {
    let site = site_of_single_use();
    let token = token_with(json!({ "jti": "1" }));
    assert_eq!(site.arrive(&token).await.status, 303);
    for _ in 0..2 {
        let again = site.arrive(&token).await;
        assert_eq!((again.status, &*again.code), (401, "token_replayed"));
        assert!(cookies_of(&again).is_empty());
    }
}

/// Sources that are set later are not what the hand-off was checked with.
#[tokio::test]
async fn a_link_that_no_cookie_can_come_of_is_refused_and_left_as_good_as_it_was() {
    let store = Arc::new(MemoryReplayStore::new().with_clock(FixedClock::at_unix(NOW)));
    let of_the_store = || layer().with_replay_rule(ReplayRule::single_use(Arc::clone(&store)));
    let without_cookie = TokenSources::default().without_cookie();
    let site = Site::behind(of_the_store().with_sources(without_cookie.clone()));
    let token = token_with(json!({ "jti": "1" }));
    for _ in 0..2 {
        let answer = site.arrive(&token).await;
        assert_eq!((answer.status, &*answer.code), (400, "navigation_required"));
        assert!(cookies_of(&answer).is_empty());
        assert_eq!(answer.header("location"), None);
    }
    assert_eq!(site.inside(), 0);
    assert!(JwtAuthLayer::new(verifier()).with_sources(without_cookie).hand_off().is_err(), "in this order");
    let with_both = Site::behind(of_the_store().with_sources(TokenSources::default()));
    assert_eq!(with_both.arrive(&token).await.status, 303);
}
