//! What is kept from those behind the layer and from those before it: tokens in URIs, and answers in caches.

use axum::Router;
use axum::extract::{OriginalUri, Request};
use axum::response::IntoResponse;
use axum::routing::any;
use http::{HeaderMap, Method, Uri};
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::error::ConfigError;
use tower_jwt_auth::source::TokenSources;

use crate::support::app::{App, Lines, Place, request, verifier};
use crate::support::issuer::{claims_with, good_claims, shared_key};

fn good_token() -> String {
    shared_key().token(&good_claims())
}

fn expired_token() -> String {
    shared_key().token(&claims_with(serde_json::json!({ "exp": 1 })))
}

/// An app that says which URIs it sees, at `/` and nested below `/api`.
fn echo(layer: JwtAuthLayer) -> App {
    let uris = async |uri: Uri, OriginalUri(original): OriginalUri| format!("{uri} {original}");
    let inner = Router::new().route("/p", any(uris)).layer(layer.clone());
    App::of(Router::new().nest("/api", inner).route("/p", any(uris).layer(layer)))
}

#[tokio::test]
async fn no_handler_sees_the_query_token_neither_in_the_uri_nor_in_the_original_one() {
    let required = echo(JwtAuthLayer::new(verifier()));
    let optional = echo(JwtAuthLayer::new(verifier()).optional());
    let token = good_token();
    for (method, uri, want) in [
        (Method::GET, "/p?jwt=$", "/p /p"),
        (Method::GET, "/p?a=1&jwt=$&b=%20+c", "/p?a=1&b=%20+c /p?a=1&b=%20+c"),
        (Method::GET, "/p?%6Awt=$", "/p /p"),
        (Method::HEAD, "/p?jwt=$", ""),
        (Method::GET, "/api/p?jwt=$&a", "/p?a /api/p?a"),
    ] {
        for app in [&required, &optional] {
            let answer = app.answer(request(method.clone(), &uri.replace('$', &token), &[])).await;
            assert_eq!((answer.status, &*answer.body), (200, want), "{method} {uri}");
        }
    }
}

#[tokio::test]
async fn the_parameter_is_removed_even_where_it_is_not_read() {
    let optional = echo(JwtAuthLayer::new(verifier()).optional());
    let required = echo(JwtAuthLayer::new(verifier()));
    let token = good_token();
    let bearer = format!("Bearer {token}");
    for (name, app, lines, want) in [
        ("POST without a token", &optional, &[][..], "/p?a=1 /api/p?a=1"),
        ("POST with a header", &required, &[("authorization", &*bearer)][..], "/p?a=1 /api/p?a=1"),
    ] {
        let uri = format!("/api/p?jwt={token}&a=1&jwt=twice");
        let answer = app.answer(request(Method::POST, &uri, lines)).await;
        assert_eq!((answer.status, &*answer.body), (200, want), "{name}");
    }
}

#[tokio::test]
async fn a_parameter_that_is_no_token_source_is_left_alone() -> Result<(), ConfigError> {
    let token = good_token();
    let bearer = format!("Bearer {token}");
    for (name, sources, want) in [
        ("no query", TokenSources::default().without_query(), "/p?jwt=x&t=y"),
        ("another name", TokenSources::default().with_query("t")?, "/p?jwt=x"),
        ("the default", TokenSources::default(), "/p?t=y"),
    ] {
        let app = echo(JwtAuthLayer::new(verifier()).with_sources(sources));
        let lines = [("authorization", &*bearer)];
        let answer = app.answer(request(Method::POST, "/p?jwt=x&t=y", &lines)).await;
        let want = format!("{want} {want}");
        assert_eq!((answer.status, &*answer.body), (200, &*want), "{name}");
    }
    Ok(())
}

/// An app whose handler answers with these headers.
fn answering(headers: &'static [(&'static str, &'static str)]) -> App {
    let handler = async move || {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().expect("a value"));
        }
        map.into_response()
    };
    App::of(Router::new().route("/", any(handler)).layer(JwtAuthLayer::new(verifier())))
}

/// `Cache-Control` and `Referrer-Policy`.
type Want = [Option<&'static str>; 2];

#[tokio::test]
async fn answers_to_cookie_and_query_tokens_are_not_stored_unless_the_handler_said_so_itself() {
    let none: Want = [None, None];
    let no_store: Want = [Some("no-store"), None];
    let both: Want = [Some("no-store"), Some("no-referrer")];
    for (name, headers, wants) in [
        ("nothing", &[][..], [none, no_store, both]),
        (
            "weaker",
            &[("cache-control", "public, max-age=60")][..],
            [[Some("public, max-age=60"), None], no_store, both],
        ),
        (
            "stricter",
            &[("cache-control", "private, No-Store")][..],
            [
                [Some("private, No-Store"), None],
                [Some("private, No-Store"), None],
                [Some("private, No-Store"), Some("no-referrer")],
            ],
        ),
        (
            "the word between quotes, where it says nothing",
            &[("cache-control", "no-cache=\"x, no-store, y\"")][..],
            [[Some("no-cache=\"x, no-store, y\""), None], no_store, both],
        ),
        (
            "a referrer policy",
            &[("referrer-policy", "unsafe-url")][..],
            [[None, Some("unsafe-url")], [Some("no-store"), Some("unsafe-url")], both],
        ),
    ] {
        let app = answering(headers);
        for (place, want) in Place::ALL.into_iter().zip(wants) {
            let answer = app.answer(place.carry(Method::GET, &good_token())).await;
            let got = [answer.header("cache-control"), answer.header("referrer-policy")];
            assert_eq!((answer.status, got), (200, want), "{name}: {place:?}");
        }
    }
}

#[tokio::test]
async fn refusals_of_cookie_and_query_tokens_are_not_stored_either() {
    let app = App::new();
    for place in Place::ALL {
        let answer = app.answer(place.carry(Method::GET, &expired_token())).await;
        assert_eq!(answer.status, 401, "{place:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{place:?}");
        let policy = (place == Place::Query).then_some("no-referrer");
        assert_eq!(answer.header("referrer-policy"), policy, "{place:?}");
    }
}

#[tokio::test]
async fn an_answer_to_a_query_token_gives_no_referrer_even_if_the_credentials_were_in_conflict() {
    let app = App::new();
    let token = good_token();
    let bearer = format!("Bearer {token}");
    let header: Lines<'_> = &[("authorization", &bearer)];
    let cases: [(&str, String, Lines<'_>, u16); 4] = [
        ("one token", format!("/?jwt={token}"), &[], 200),
        ("header and query", format!("/?jwt={token}"), header, 400),
        ("twice", format!("/?jwt={token}&jwt={token}"), &[], 400),
        ("not UTF-8", format!("/?jwt={token}%FF"), &[], 401),
    ];
    for (name, uri, lines, status) in cases {
        let answer = app.answer(request(Method::GET, &uri, lines)).await;
        assert_eq!(answer.status, status, "{name}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{name}: the URL holds a token");
    }
}

#[tokio::test]
async fn a_hook_cannot_make_the_refusal_of_a_cookie_storable() {
    let layer = JwtAuthLayer::new(verifier()).with_refusal_hook(|_| {
        let mut page = http::Response::new("sign in".to_owned());
        page.headers_mut().insert("cache-control", "public".parse().expect("a value"));
        page
    });
    let app = App::behind(layer);
    for (place, want) in [(Place::Header, "public"), (Place::Cookie, "no-store"), (Place::Query, "no-store")]
    {
        let answer = app.answer(place.carry(Method::GET, &expired_token())).await;
        assert_eq!(&*answer.body, "sign in", "{place:?}");
        assert_eq!(answer.header("cache-control"), Some(want), "{place:?}");
    }
}

#[tokio::test]
async fn a_handler_that_prints_its_request_prints_no_token() {
    let print = any(async |request: Request| format!("{request:?}"));
    let open = App::of(Router::new().route("/", print.clone()));
    let behind = App::of(Router::new().route("/", print.layer(JwtAuthLayer::new(verifier()))));
    let token = good_token();
    for place in Place::ALL {
        let shown = open.answer(place.carry(Method::GET, &token)).await;
        assert!(shown.body.contains(&token), "{place:?}: without the layer it does");
        let kept = behind.answer(place.carry(Method::GET, &token)).await;
        assert_eq!(kept.status, 200, "{place:?}");
        assert!(!kept.body.contains(&token), "{place:?}: {}", kept.body);
    }
    // HTTP/2 has a field for each cookie.
    let cookie = format!("__Host-jwt={token}");
    for lines in [[("cookie", "a=1"), ("cookie", &*cookie)], [("cookie", &*cookie), ("cookie", "a=1")]] {
        let shown = open.answer(request(Method::GET, "/", &lines)).await;
        assert!(shown.body.contains(&token), "without the layer it does");
        let kept = behind.answer(request(Method::GET, "/", &lines)).await;
        assert_eq!(kept.status, 200);
        assert!(!kept.body.contains(&token) && !kept.body.contains("a=1"), "{}", kept.body);
    }
}
