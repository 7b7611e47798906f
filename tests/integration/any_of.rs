//! Several layers at one door: which of them judges a request, by which cookie, and in whose words.

mod settings;

use std::borrow::Cow;

use axum::body::Body;
use http::{HeaderValue, Request};
use serde_json::json;
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::jwks::Jwks;
use tower_jwt_auth::provider::{MagicLinksDev, PasskeyMe};
use tower_jwt_auth::source::{RequestHead, TokenSource, TokenSources};
use tower_jwt_auth::{AuthError, JwtAuthLayer, Verifier};

use crate::support::app::{App, Canned, Lines, get, verifier};
use crate::support::issuer::{AUDIENCE, ISSUER, NOW, claims_with, jwks_of, shared_key};
use crate::support::site::token_with;

const OTHER: &str = "https://other.example";

fn keys() -> Jwks {
    Jwks::from_json(jwks_of([shared_key()])).expect("a key set")
}

/// For alice: `Authorization`, `?jwt=` and the cookie `__Host-jwt`.
fn ours() -> JwtAuthLayer {
    JwtAuthLayer::new(verifier())
}

/// For bob, of another issuer, with the same key: the same places, but the cookie `session`.
fn others() -> JwtAuthLayer {
    let verifier = Verifier::new(OTHER, AUDIENCE, keys()).expect("a policy");
    let sources = TokenSources::default().with_cookie("session").expect("a name");
    JwtAuthLayer::new(verifier.with_clock(FixedClock::at_unix(NOW))).with_sources(sources)
}

fn alice() -> String {
    token_with(json!({ "jti": "1" }))
}

fn bob() -> String {
    token_with(json!({ "iss": OTHER, "sub": "bob", "jti": "1" }))
}

fn any_of<const N: usize>(layers: [JwtAuthLayer; N]) -> JwtAuthLayer {
    JwtAuthLayer::any_of(layers).expect("issuers that differ")
}

/// Both behind one door, in either order.
fn in_both_orders(one: &JwtAuthLayer, other: &JwtAuthLayer) -> [(&'static str, App); 2] {
    let [first, second] =
        [(one, other), (other, one)].map(|(a, b)| App::behind(any_of([a.clone(), b.clone()])));
    [("in order", first), ("in reverse", second)]
}

/// Who gets in, or the code of the refusal.
async fn who(app: &App, uri: &str, lines: Lines<'_>) -> String {
    let answer = app.answer(get(uri, lines)).await;
    if answer.status == 200 { answer.body } else { answer.code }
}

#[tokio::test]
async fn a_cookie_of_this_host_counts_before_one_that_a_sibling_host_may_have_set() {
    let (alice, bob) = (alice(), bob());
    let host = format!("__Host-jwt={alice}");
    for (order, app) in in_both_orders(&ours(), &others()) {
        let expired = token_with(json!({ "iss": OTHER, "exp": 1 }));
        for (name, sibling, alone) in [
            ("good", format!("session={bob}"), "bob"),
            ("expired", format!("session={expired}"), "token_expired"),
            ("garbage", "session=x".to_owned(), "token_malformed"),
            ("empty", "session=".to_owned(), "credentials_malformed"),
            ("doubled", format!("session={bob}; session={bob}"), "credentials_conflict"),
            ("this host's token", format!("session={alice}"), "issuer_mismatch"),
        ] {
            for both in [format!("{host}; {sibling}"), format!("{sibling}; {host}")] {
                assert_eq!(who(&app, "/", &[("cookie", &both)]).await, "alice", "{name}, {order}");
            }
            assert_eq!(who(&app, "/", &[("cookie", &sibling)]).await, alone, "{name}, {order}, alone");
        }
        // Nothing falls back from a bad one of this host to what a sibling may have set.
        for (name, bad, code) in [
            ("garbage", "__Host-jwt=x".to_owned(), "token_malformed"),
            ("empty", "__Host-jwt=".to_owned(), "credentials_malformed"),
            ("doubled", format!("{host}; {host}"), "credentials_conflict"),
            ("the sibling's token", format!("__Host-jwt={bob}"), "issuer_mismatch"),
        ] {
            let both = format!("session={bob}; {bad}");
            assert_eq!(who(&app, "/", &[("cookie", &both)]).await, code, "{name}, {order}");
        }
    }
}

#[tokio::test]
async fn of_two_cookies_of_sibling_hosts_the_first_layers_counts_whatever_the_other_holds() {
    let (alice, bob) = (alice(), bob());
    let sources = TokenSources::default().with_cookie("ours").expect("a name");
    let app = App::behind(any_of([ours().with_sources(sources), others()]));
    for (name, one, other, want) in [
        ("each its own", &alice, &bob, "alice"),
        ("both the second's", &bob, &bob, "issuer_mismatch"),
        ("both the first's", &alice, &alice, "alice"),
    ] {
        let both = format!("session={other}; ours={one}");
        assert_eq!(who(&app, "/", &[("cookie", &both)]).await, want, "{name}");
    }
}

/// A header of a gateway's.
struct Gateway(&'static str);

impl TokenSource for Gateway {
    fn name(&self) -> &'static str {
        "gateway"
    }

    fn find<'r>(&self, request: &RequestHead<'r>) -> Result<Option<Cow<'r, str>>, AuthError> {
        let value = request.headers.get(self.0).and_then(|value| value.to_str().ok());
        Ok(value.map(Cow::from))
    }
}

#[tokio::test]
async fn a_place_of_ones_own_is_looked_at_for_the_layer_that_names_it_alone() {
    let sources =
        TokenSources::default().with_cookie("session").expect("a name").with_source(Gateway("x-gateway"));
    let others = others().with_sources(sources);
    let sources = TokenSources::default().with_cookie("session").expect("a name");
    for (order, app) in in_both_orders(&ours().with_sources(sources), &others) {
        for (token, want) in [(bob(), "bob"), (alice(), "issuer_mismatch")] {
            assert_eq!(who(&app, "/", &[("x-gateway", &token)]).await, want, "{order}");
        }
        for (token, want) in [(bob(), "bob"), (alice(), "alice")] {
            let line = format!("Bearer {token}");
            assert_eq!(who(&app, "/", &[("authorization", &line)]).await, want, "{order}");
        }
    }
}

#[tokio::test]
async fn two_places_of_one_name_are_a_conflict_unless_one_token_is_in_both() {
    let behind = |layer: JwtAuthLayer, header| {
        layer.with_sources(TokenSources::bearer_only().with_source(Gateway(header)))
    };
    let (alice, bob) = (alice(), bob());
    for (order, app) in in_both_orders(&behind(ours(), "x-ours"), &behind(others(), "x-theirs")) {
        for (name, own, theirs, want) in [
            ("both", Some(&alice), Some(&bob), "credentials_conflict"),
            ("each the other's", Some(&bob), Some(&alice), "credentials_conflict"),
            ("one of them empty", Some(&alice), Some(&String::new()), "credentials_conflict"),
            ("the same", Some(&alice), Some(&alice), "alice"),
            ("the same of the other", Some(&bob), Some(&bob), "bob"),
            ("ours", Some(&alice), None, "alice"),
            ("theirs", None, Some(&bob), "bob"),
            ("theirs in ours", Some(&bob), None, "issuer_mismatch"),
            ("ours in theirs", None, Some(&alice), "issuer_mismatch"),
        ] {
            let lines = [("x-ours", own), ("x-theirs", theirs)];
            let lines: Vec<_> =
                lines.into_iter().filter_map(|(header, token)| Some((header, token?.as_str()))).collect();
            let answer = app.answer(get("/", &lines)).await;
            let who = if answer.status == 200 { &answer.body } else { &answer.code };
            assert_eq!(who, want, "{name}, {order}");
            assert_eq!(answer.status == 400, want == "credentials_conflict", "{name}, {order}");
        }
    }
}

#[tokio::test]
async fn the_same_token_under_two_names_in_the_query_is_two_tokens() {
    let reading = |layer: JwtAuthLayer, name: &str| {
        layer.with_sources(TokenSources::bearer_only().with_query(name).expect("a name"))
    };
    let token = alice();
    for (order, app) in in_both_orders(&reading(ours(), "jwt"), &reading(others(), "token")) {
        let both = format!("/?jwt={token}&token={token}");
        assert_eq!(who(&app, &both, &[]).await, "credentials_conflict", "{order}");
        assert_eq!(who(&app, &format!("/?jwt={token}"), &[]).await, "alice", "{order}");
    }
    for (order, app) in in_both_orders(&reading(ours(), "jwt"), &reading(others(), "jwt")) {
        assert_eq!(who(&app, &format!("/?jwt={token}"), &[]).await, "alice", "{order}");
    }
}

#[tokio::test]
async fn beside_a_bearer_token_no_cookie_matters() {
    let bearers = [alice(), bob()].map(|token| format!("Bearer {token}"));
    for (order, app) in in_both_orders(&ours(), &others()) {
        for cookie in [
            "__Host-jwt=x",
            "__Host-jwt=",
            "__Host-jwt=x; __Host-jwt=x",
            "session=x",
            "session=",
            "session=x; session=x",
            "session=; __Host-jwt=; session=; __Host-jwt=",
        ] {
            for (bearer, want) in bearers.iter().zip(["alice", "bob"]) {
                let lines = [("cookie", cookie), ("authorization", &**bearer)];
                assert_eq!(who(&app, "/", &lines).await, want, "{cookie}, {order}");
            }
            assert_ne!(app.answer(get("/", &[("cookie", cookie)])).await.status, 200, "{cookie}, {order}");
        }
    }
}

#[tokio::test]
async fn where_two_layers_read_one_parameter_a_link_of_either_is_accepted() {
    let links = MagicLinksDev::new(&format!("{OTHER}/"), AUDIENCE).expect("good settings");
    let links = links.with_fetch(Canned(jwks_of([shared_key()]))).with_clock(FixedClock::at_unix(NOW));
    let links = links.layer().expect("a runtime");
    let (alice, bob) = (alice(), bob());
    let nobodys = token_with(json!({ "iss": "https://nobody.example" }));
    let bearer = format!("Bearer {bob}");
    for (order, app) in in_both_orders(&ours(), &links) {
        for (name, uri, lines, want) in [
            ("ours", format!("/?jwt={alice}"), &[][..], "alice"),
            ("another's", format!("/?jwt={bob}"), &[], "bob"),
            ("another's, among others", format!("/?a=1&jwt={bob}&b=2"), &[], "bob"),
            ("nobody's", format!("/?jwt={nobodys}"), &[], "issuer_mismatch"),
            ("garbage", "/?jwt=x".to_owned(), &[], "token_malformed"),
            ("empty", "/?jwt=".to_owned(), &[], "credentials_malformed"),
            // Only one of the layers has a rule by which one of two counts.
            ("two", format!("/?jwt={alice}&jwt={bob}"), &[], "credentials_conflict"),
            (
                "and a header",
                format!("/?jwt={alice}"),
                &[("authorization", &*bearer)],
                "credentials_conflict",
            ),
        ] {
            assert_eq!(who(&app, &uri, lines).await, want, "{name}, {order}");
        }
    }
    let alone = App::behind(links);
    assert_eq!(
        who(&alone, &format!("/?jwt={alice}&jwt={bob}"), &[]).await,
        "bob",
        "alone, it takes the last"
    );
}

#[tokio::test]
async fn who_is_refused_is_refused_in_the_words_of_the_layer_that_judged() {
    let passkeys = PasskeyMe::new(AUDIENCE).expect("an app id").with_jwks(keys());
    let passkeys = passkeys.with_clock(FixedClock::at_unix(NOW)).layer().expect("good settings");
    let passkeys = passkeys.with_realm("passkeys").expect("a realm");
    let staff = ours().with_realm("staff").expect("a realm");
    let bearer = |iss: &str, exp: u32| format!("Bearer {}", token_with(json!({ "iss": iss, "exp": exp })));
    let passkey_issuer = "https://passkeyme.com";
    let orders = in_both_orders(&staff, &passkeys);
    for ((order, app), first) in orders.into_iter().zip(["staff", "passkeys"]) {
        for (name, line, code, realm) in [
            ("staff's", Some(bearer(ISSUER, 1)), "token_expired", "staff"),
            ("PasskeyMe's", Some(bearer(passkey_issuer, 1)), "token_expired", "passkeys"),
            ("nobody's", Some(bearer("https://nobody.example", NOW + 9)), "issuer_mismatch", first),
            ("garbage", Some("Bearer x".to_owned()), "token_malformed", first),
            ("none", None, "token_missing", first),
        ] {
            let lines: Vec<_> = line.iter().map(|line| ("authorization", &**line)).collect();
            let answer = app.answer(get("/", &lines)).await;
            assert_eq!((answer.status, &*answer.code), (401, code), "{name}, {order}");
            let challenge = answer.header("www-authenticate").expect("a challenge");
            assert!(challenge.contains(&format!("realm=\"{realm}\"")), "{name}, {order}: {challenge}");
            let body: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
            let word = if code == "token_missing" { "No token provided" } else { "Invalid token" };
            let want = (realm == "passkeys").then_some(word);
            assert_eq!(body["error"].as_str(), want, "{name}, {order}");
        }
        for (issuer, want) in [(ISSUER, None), (passkey_issuer, Some("9"))] {
            let lines = [("authorization", &*bearer(issuer, NOW + 9))];
            let answer = app.answer(get("/", &lines)).await;
            assert_eq!((answer.status, answer.header("token-expires-in")), (200, want), "{issuer}, {order}");
        }
    }
}

#[tokio::test]
async fn of_a_hundred_issuers_each_lets_in_its_own_and_nobody_elses() {
    let issuer = |n: usize| format!("https://tenant-{n}.example");
    let layer = |n: usize| {
        let verifier = Verifier::new(issuer(n), AUDIENCE, keys()).expect("a policy");
        let layer = JwtAuthLayer::new(verifier.with_clock(FixedClock::at_unix(NOW)));
        let layer = layer.with_realm(&format!("tenant {n}")).expect("a realm");
        // Every other one has a cookie of its own, and so is in another group.
        let cookie = if n.is_multiple_of(2) { "__Host-jwt".to_owned() } else { format!("tenant-{n}") };
        layer.with_sources(TokenSources::default().with_cookie(&cookie).expect("a name"))
    };
    let app = App::behind(JwtAuthLayer::any_of((0..100).map(layer)).expect("issuers that differ"));
    for n in [0, 1, 50, 51, 98, 99] {
        let of = |iss: &str, sub: &str| token_with(json!({ "iss": iss, "sub": sub, "jti": "1" }));
        let (good, strange) = (of(&issuer(n), "alice"), of("https://tenant-100.example", "eve"));
        let (own, theirs) = (format!("tenant-{n}={good}"), format!("tenant-{n}={strange}"));
        assert_eq!(who(&app, "/", &[("authorization", &format!("Bearer {good}"))]).await, "alice", "{n}");
        assert_eq!(who(&app, &format!("/?jwt={good}"), &[]).await, "alice", "{n}");
        assert_eq!(who(&app, &format!("/?jwt={strange}"), &[]).await, "issuer_mismatch", "{n}");
        let want = if n.is_multiple_of(2) {
            ["token_missing", "token_missing"]
        } else {
            ["alice", "issuer_mismatch"]
        };
        assert_eq!(
            [who(&app, "/", &[("cookie", &own)]).await, who(&app, "/", &[("cookie", &theirs)]).await],
            want,
            "{n}"
        );
        // Another tenant's cookie is no place of this one.
        let elsewhere = format!("tenant-{}={good}", (n + 2) | 1);
        assert_ne!(who(&app, "/", &[("cookie", &elsewhere)]).await, "alice", "{n}");
        let expired = token_with(json!({ "iss": issuer(n), "exp": 1, "jti": "1" }));
        let answer = app.answer(get("/", &[("authorization", &format!("Bearer {expired}"))])).await;
        let challenge = answer.headers["www-authenticate"].to_str().expect("text");
        assert!(challenge.contains(&format!("realm=\"tenant {n}\"")), "{n}: {challenge}");
    }
}

/// Two issuers that read the same places.
fn of_two_issuers() -> App {
    let other = Verifier::new(OTHER, AUDIENCE, keys()).expect("a policy");
    App::behind(any_of([ours(), JwtAuthLayer::new(other.with_clock(FixedClock::at_unix(NOW)))]))
}

/// What is no b64token is answered with 400 (RFC 6750 §3.1), whosever token it says it is.
#[tokio::test]
async fn at_a_door_of_several_issuers_a_line_that_is_no_b64token_is_malformed_whatever_issuer_it_names() {
    let app = of_two_issuers();
    for issuer in ["https://issuer.example", "https://other.example", "https://nobody.example"] {
        let token = shared_key().token(&claims_with(json!({ "iss": issuer })));
        let (header, rest) = token.split_once('.').expect("a token");
        let (payload, signature) = rest.split_once('.').expect("a token");
        for line in [
            format!("{token} "),
            format!("{token} x"),
            format!("{token},x"),
            format!("{token}\""),
            format!("x y.{payload}.{signature}"),
            format!("{header}.{payload}.\u{e9}"),
            format!("=.{payload}.{signature}"),
        ] {
            let mut request = Request::get("/").body(Body::empty()).expect("a request");
            let value = HeaderValue::from_bytes(format!("Bearer {line}").as_bytes()).expect("a value");
            request.headers_mut().insert("authorization", value);
            let verdict = app.verdict(request).await;
            assert_eq!(verdict, (400, "credentials_malformed".to_owned()), "{issuer}: {line:?}");
        }
    }
}

/// The same of an issuer that is known, but not for bearer tokens.
#[tokio::test]
async fn a_line_that_is_no_b64token_is_malformed_where_its_issuer_reads_no_header() {
    let other = Verifier::new(OTHER, AUDIENCE, keys()).expect("a policy");
    let other = JwtAuthLayer::new(other.with_clock(FixedClock::at_unix(NOW)))
        .with_sources(TokenSources::default().without_bearer());
    let app = App::behind(any_of([ours(), other]));
    let token = shared_key().token(&claims_with(json!({ "iss": OTHER })));
    let line = format!("Bearer {token},x");
    let verdict = app.verdict(get("/", &[("authorization", &line)])).await;
    assert_eq!(verdict, (400, "credentials_malformed".to_owned()));
}
