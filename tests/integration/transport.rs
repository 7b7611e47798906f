//! Where a token may come from: each rule of the three places, through a whole app.

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use http::{HeaderValue, Method, Request};
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::error::ConfigError;
use tower_jwt_auth::source::TokenSources;
use tower_jwt_auth::verify::VerifiedToken;

use crate::support::app::{App, Lines, Place, get, verifier};
use crate::support::issuer::{claims_with, good_claims, shared_key};

fn good_token() -> String {
    shared_key().token(&good_claims())
}

fn bad_token() -> String {
    shared_key().token(&claims_with(serde_json::json!({ "exp": 1 })))
}

fn app_with(sources: TokenSources) -> App {
    App::behind(JwtAuthLayer::new(verifier()).with_sources(sources))
}

const GOOD: (u16, &str) = (200, "accepted");
const MISSING: (u16, &str) = (401, "token_missing");
const EXPIRED: (u16, &str) = (401, "token_expired");
const BAD_TOKEN: (u16, &str) = (401, "token_malformed");
const MALFORMED: (u16, &str) = (400, "credentials_malformed");
const CONFLICT: (u16, &str) = (400, "credentials_conflict");

async fn assert_verdict(app: &App, request: Request<Body>, want: (u16, &str), name: &str) {
    let (status, code) = app.verdict(request).await;
    assert_eq!((status, &*code), want, "{name}");
}

#[tokio::test]
async fn a_handler_may_ask_whether_there_is_a_verified_token() {
    let whence = async |token: Option<VerifiedToken>| token.map_or("nowhere", |token| token.source().code());
    let layer = JwtAuthLayer::new(verifier()).optional();
    let app = App::of(Router::new().route("/", any(whence)).layer(layer));
    let answer = app.answer(Place::Header.carry(Method::GET, &good_token())).await;
    assert_eq!((answer.status, &*answer.body), (200, "bearer"));
    let answer = app.answer(get("/", &[])).await;
    assert_eq!((answer.status, &*answer.body), (200, "nowhere"));
    assert_eq!(app.answer(Place::Header.carry(Method::GET, &bad_token())).await.code, "token_expired");
    // Not behind a layer, nobody knows.
    let alone = App::of(Router::new().route("/", any(whence)));
    assert_eq!(alone.answer(get("/", &[])).await.status, 500);
}

#[tokio::test]
async fn a_good_token_is_accepted_from_each_place_and_the_handler_learns_which() {
    let whence = async |token: VerifiedToken| token.source().code();
    let app = App::of(Router::new().route("/", any(whence)).layer(JwtAuthLayer::new(verifier())));
    for (place, want) in [(Place::Header, "bearer"), (Place::Cookie, "cookie"), (Place::Query, "query")] {
        let answer = app.answer(place.carry(Method::GET, &good_token())).await;
        assert_eq!((answer.status, &*answer.body), (200, want), "{place:?}");
        let answer = app.answer(place.carry(Method::GET, &bad_token())).await;
        assert_eq!((answer.status, &*answer.code), EXPIRED, "{place:?}");
    }
}

#[tokio::test]
async fn a_place_that_is_turned_off_is_not_looked_into() -> Result<(), ConfigError> {
    use Place::{Cookie, Header, Query};
    let all = TokenSources::default;
    let bearer_only = TokenSources::bearer_only;
    for (name, sources, want) in [
        ("default", all(), [(Header, GOOD), (Cookie, GOOD), (Query, GOOD)]),
        ("bearer only", bearer_only(), [(Header, GOOD), (Cookie, MISSING), (Query, MISSING)]),
        ("no bearer", all().without_bearer(), [(Header, MISSING), (Cookie, GOOD), (Query, GOOD)]),
        ("no cookie", all().without_cookie(), [(Header, GOOD), (Cookie, MISSING), (Query, GOOD)]),
        ("no query", all().without_query(), [(Header, GOOD), (Cookie, GOOD), (Query, MISSING)]),
        (
            "bearer and cookie",
            bearer_only().with_cookie("__Host-jwt")?,
            [(Header, GOOD), (Cookie, GOOD), (Query, MISSING)],
        ),
    ] {
        let app = app_with(sources);
        for (place, want) in want {
            let request = place.carry(Method::GET, &good_token());
            assert_verdict(&app, request, want, &format!("{name}: {place:?}")).await;
        }
    }
    Ok(())
}

#[tokio::test]
async fn names_can_be_chosen_and_are_case_sensitive() -> Result<(), ConfigError> {
    let sources = TokenSources::default().with_cookie("session")?.with_query("access_token")?;
    let app = app_with(sources);
    let token = good_token();
    for (uri, cookie, want) in [
        ("/?access_token=$", "", GOOD),
        ("/?Access_Token=$", "", MISSING),
        ("/?jwt=$", "", MISSING),
        ("/", "session=$", GOOD),
        ("/", "Session=$", MISSING),
        ("/", "__Host-jwt=$", MISSING),
        ("/", "xsession=$", MISSING),
        ("/", "session2=$", MISSING),
    ] {
        let cookie = cookie.replace('$', &token);
        let request = get(&uri.replace('$', &token), &[("cookie", &cookie)]);
        assert_verdict(&app, request, want, &format!("{uri} {cookie}")).await;
    }
    Ok(())
}

#[tokio::test]
async fn the_query_is_read_on_get_and_head_only_and_the_other_places_on_every_method() {
    let app = App::new();
    for method in
        [Method::GET, Method::HEAD, Method::OPTIONS, Method::POST, Method::PUT, Method::PATCH, Method::DELETE]
    {
        for place in Place::ALL {
            let readable = place != Place::Query || matches!(method, Method::GET | Method::HEAD);
            let want = if readable { 200 } else { 401 };
            let answer = app.answer(place.carry(method.clone(), &good_token())).await;
            assert_eq!(answer.status, want, "{method} {place:?}");
        }
    }
}

#[tokio::test]
async fn an_authorization_line_is_bearer_then_spaces_then_one_b64token() {
    let app = App::new();
    let (token, expired) = (good_token(), bad_token());
    for (line, want) in [
        ("Bearer $", GOOD),
        ("bearer $", GOOD),
        ("BEARER $", GOOD),
        ("bEaReR    $", GOOD),
        ("Bearer", MALFORMED),
        ("Bearer ", MALFORMED),
        ("Bearer\t$", MALFORMED),
        ("Bearer \t$", MALFORMED),
        ("Bearer $ $", MALFORMED),
        ("Bearer $,$", MALFORMED),
        ("Bearer $, Basic dXNlcg==", MALFORMED),
        ("Bearer $\u{a0}", MALFORMED),
        ("Bearer \"$\"", MALFORMED),
        ("Bearer token=$", MALFORMED),
        ("Bearer, $", MALFORMED),
        ("Bearer $expired", EXPIRED),
        ("Bearer $expired,", MALFORMED),
        ("Bearer $expired\u{a0}", MALFORMED),
        ("Bearer $=", BAD_TOKEN),
        ("Bearer $/", BAD_TOKEN),
        ("Bearer $~", BAD_TOKEN),
        ("Basic $", MISSING),
        ("DPoP $", MISSING),
        ("Bearers $", MISSING),
        ("$", MISSING),
    ] {
        let line = line.replace("$expired", &expired).replace('$', &token);
        let value = HeaderValue::from_bytes(line.as_bytes()).expect("a value");
        let request =
            Request::get("/").header("authorization", value).body(Body::empty()).expect("a request");
        assert_verdict(&app, request, want, &line).await;
    }
}

/// Whatever else is wrong with the request.
#[tokio::test]
async fn a_line_that_is_no_b64token_is_malformed_whatever_the_query_holds() {
    let app = App::new();
    for uri in ["/?jwt=%FF", "/?jwt=a", "/?jwt=a&jwt=b"] {
        assert_verdict(&app, get(uri, &[("authorization", "Bearer a b")]), MALFORMED, uri).await;
    }
    assert_verdict(&app, get("/?jwt=%FF", &[("authorization", "Bearer a")]), BAD_TOKEN, "that is one").await;
}

#[tokio::test]
async fn a_cookie_is_taken_byte_for_byte_from_wherever_it_stands() {
    let app = App::new();
    let token = good_token();
    let cases: [(&[&str], (u16, &str)); 12] = [
        (&["__Host-jwt=$"], GOOD),
        (&["a=1; __Host-jwt=$; b=2"], GOOD),
        (&["a=1;__Host-jwt=$;b=2"], GOOD),
        (&["a=1", "__Host-jwt=$", "b=2"], GOOD),
        (&["__host-jwt=$"], MISSING),
        (&["jwt=$"], MISSING),
        (&["a=__Host-jwt=$"], MISSING),
        (&["__Host-jwt="], MALFORMED),
        (&["__Host-jwt=\"$\""], BAD_TOKEN),
        (&["__Host-jwt=$="], BAD_TOKEN),
        (&["__Host-jwt=%65yJ9.e30.AA"], BAD_TOKEN),
        (&["__Host-jwt=$ x"], BAD_TOKEN),
    ];
    for (lines, want) in cases {
        let lines: Vec<_> = lines.iter().map(|line| line.replace('$', &token)).collect();
        let fields: Vec<_> = lines.iter().map(|line| ("cookie", &**line)).collect();
        assert_verdict(&app, get("/", &fields), want, &lines.join(" | ")).await;
    }
}

#[tokio::test]
async fn a_query_value_is_form_decoded_exactly_once() {
    let app = App::new();
    let token = good_token();
    let once = token.replace('.', "%2E");
    let twice = token.replace('.', "%252E");
    for (name, query, want) in [
        ("as it is", "jwt=$", GOOD),
        ("among others", "a=1&jwt=$&b=2", GOOD),
        ("encoded once", "jwt=ONCE", GOOD),
        ("its name encoded once", "%6Awt=$", GOOD),
        ("encoded twice", "jwt=TWICE", BAD_TOKEN),
        ("line feed", "jwt=$%0A", BAD_TOKEN),
        ("carriage return", "jwt=%0D$", BAD_TOKEN),
        ("null byte", "jwt=$%00", BAD_TOKEN),
        ("plus", "jwt=$+", BAD_TOKEN),
        ("encoded space", "jwt=%20$", BAD_TOKEN),
        ("not UTF-8", "jwt=%FF$", BAD_TOKEN),
        ("half an escape", "jwt=$%2", BAD_TOKEN),
        ("padding", "jwt=$=", BAD_TOKEN),
        ("empty", "jwt=", MALFORMED),
        ("no value", "jwt", MALFORMED),
        ("other case", "JWT=$", MISSING),
        ("a semicolon separates nothing", "a=1;jwt=$", MISSING),
    ] {
        let query = query.replace('$', &token).replace("ONCE", &once).replace("TWICE", &twice);
        assert_verdict(&app, get(&format!("/?{query}"), &[]), want, name).await;
    }
}

#[tokio::test]
async fn more_than_one_token_is_a_conflict_even_if_both_are_the_same_good_one() {
    let app = App::new();
    let token = good_token();
    let header = ("authorization", "Bearer $");
    let other_scheme = ("authorization", "Basic dXNlcg==");
    let cookie = ("cookie", "__Host-jwt=$");
    let cases: [(&str, &str, Lines<'_>, (u16, &str)); 12] = [
        ("one header", "/", &[header], GOOD),
        ("two headers", "/", &[header, header], CONFLICT),
        ("a header and one of another scheme", "/", &[header, other_scheme], CONFLICT),
        ("two headers of another scheme", "/", &[other_scheme, other_scheme], CONFLICT),
        ("header and query", "/?jwt=$", &[header], CONFLICT),
        ("header and bad query", "/?jwt=x", &[header], CONFLICT),
        ("the parameter twice", "/?jwt=$&jwt=$", &[], CONFLICT),
        ("the parameter twice, once in disguise", "/?jwt=$&%6awt=$", &[], CONFLICT),
        ("the parameter twice, once empty", "/?jwt=&jwt=$", &[], CONFLICT),
        ("the cookie twice in one field", "/", &[("cookie", "__Host-jwt=$; __Host-jwt=$")], CONFLICT),
        ("the cookie in two fields", "/", &[cookie, cookie], CONFLICT),
        ("the cookie once, and others", "/", &[("cookie", "a=1; a=2"), cookie], GOOD),
    ];
    for (name, uri, lines, want) in cases {
        let lines: Vec<_> = lines.iter().map(|(field, value)| (*field, value.replace('$', &token))).collect();
        let lines: Vec<_> = lines.iter().map(|(field, value)| (*field, &**value)).collect();
        assert_verdict(&app, get(&uri.replace('$', &token), &lines), want, name).await;
    }
}

#[tokio::test]
async fn an_explicit_token_makes_the_cookie_irrelevant_and_never_falls_back_to_it() {
    let app = App::new();
    let (good, bad) = (good_token(), bad_token());
    for (name, uri, authorization, cookie, want) in [
        ("good header, bad cookie", "/", "Bearer G", "__Host-jwt=B", GOOD),
        ("good query, bad cookie", "/?jwt=G", "", "__Host-jwt=B", GOOD),
        ("good header, two cookies", "/", "Bearer G", "__Host-jwt=B; __Host-jwt=B", GOOD),
        ("bad header, good cookie", "/", "Bearer B", "__Host-jwt=G", EXPIRED),
        ("bad query, good cookie", "/?jwt=B", "", "__Host-jwt=G", EXPIRED),
        ("malformed header, good cookie", "/", "Bearer", "__Host-jwt=G", MALFORMED),
        ("empty query, good cookie", "/?jwt=", "", "__Host-jwt=G", MALFORMED),
        ("another scheme, good cookie", "/", "Basic dXNlcg==", "__Host-jwt=G", GOOD),
    ] {
        let fill = |text: &str| match text.rsplit_once(['G', 'B']) {
            Some((before, after)) if text.ends_with('G') => format!("{before}{good}{after}"),
            Some((before, after)) if text.ends_with('B') => format!("{before}{bad}{after}"),
            _ => text.to_owned(),
        };
        let (authorization, cookie) = (fill(authorization), fill(cookie));
        let mut lines = vec![("cookie", &*cookie)];
        if !authorization.is_empty() {
            lines.push(("authorization", &authorization));
        }
        assert_verdict(&app, get(&fill(uri), &lines), want, name).await;
    }
}

#[tokio::test]
async fn a_malformed_token_is_refused_alike_from_each_place() {
    let app = App::new();
    let token = good_token();
    let huge = "A".repeat(17 * 1024);
    for (name, text, want) in [
        ("good", &*token, GOOD),
        ("one part", "e30", BAD_TOKEN),
        ("two parts", "e30.e30", BAD_TOKEN),
        ("no header", ".e30.AA", BAD_TOKEN),
        ("no payload", "e30..AA", BAD_TOKEN),
        ("no signature", "e30.e30.", BAD_TOKEN),
        ("four parts", "e30.e30.AA.AA", BAD_TOKEN),
        ("five parts", "e30.e30.AA.AA.AA", (401, "token_encrypted")),
        ("too large", &*huge, (401, "token_too_large")),
    ] {
        for place in Place::ALL {
            let request = place.carry(Method::GET, text);
            assert_verdict(&app, request, want, &format!("{name}: {place:?}")).await;
        }
    }
}
