//! A token belongs to the browser that asked for it.

use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use http::Method;
use serde_json::{Value, json};
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::error::AuthErrorKind;
use tower_jwt_auth::replay::{Nonce, NonceRule};

use crate::support::app::{App, Lines, get, request, verifier};
use crate::support::issuer::{good_claims, shared_key};
use crate::support::site::{NAVIGATION, Site, cookies_of, good, refused, session_of, token_with};

const TAKEN_BACK: &str = "__Host-nonce=; HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age=0";

fn by_header() -> NonceRule {
    NonceRule::from_header("x-nonce").expect("a name")
}

fn site(rule: NonceRule) -> Site {
    Site::behind(JwtAuthLayer::new(verifier()).with_nonce(rule))
}

async fn bear(site: &Site, token: &str, lines: Lines<'_>) -> (u16, String) {
    let bearer = format!("Bearer {token}");
    let answer = site.answer(get("/", &[&[("authorization", &*bearer)], lines].concat())).await;
    (answer.status, answer.code)
}

/// Nonces that a token may have, and whether one of them is `a-nonce`.
fn in_tokens() -> Vec<(&'static str, Option<Value>, bool)> {
    vec![
        ("the same", Some(json!("a-nonce")), true),
        ("none", None, false),
        ("an empty one", Some(json!("")), false),
        ("another", Some(json!("b-nonce")), false),
        ("another case", Some(json!("A-nonce")), false),
        ("a prefix", Some(json!("a-nonc")), false),
        ("a longer one", Some(json!("a-nonce0")), false),
        ("with a blank", Some(json!("a-nonce ")), false),
        ("with a zero byte", Some(json!("a-nonce\u{0}")), false),
        ("null", Some(Value::Null), false),
        ("a number", Some(json!(0)), false),
        ("true", Some(json!(true)), false),
        ("an array", Some(json!(["a-nonce"])), false),
        ("an object", Some(json!({ "a-nonce": "a-nonce" })), false),
    ]
}

fn token_of(nonce: Option<Value>) -> String {
    let mut claims = good_claims();
    if let Some(nonce) = nonce {
        claims["nonce"] = nonce;
    }
    shared_key().token(&claims)
}

#[tokio::test]
async fn a_token_needs_the_very_nonce_that_header_cookie_or_caller_expect() {
    let (in_header, in_cookie) = (site(by_header()), site(NonceRule::from_cookie()));
    let named = site(NonceRule::from_cookie_named("my-nonce").expect("a name"));
    let expected = Nonce::expected("a-nonce").expect("a nonce");
    for (name, nonce, fits) in in_tokens() {
        let token = token_of(nonce);
        for (place, site, line) in [
            ("header", &in_header, ("x-nonce", "a-nonce")),
            ("cookie", &in_cookie, ("cookie", "a=1; __Host-nonce=a-nonce")),
            ("cookie of another name", &named, ("cookie", "my-nonce=a-nonce")),
        ] {
            // Twice: what the token cache knows as good is asked for its nonce as well.
            for _ in 0..2 {
                let want = if fits { good() } else { refused(401, "nonce_mismatch") };
                assert_eq!(bear(site, &token, &[line]).await, want, "{name}: {place}");
            }
        }
        let verified = verifier().verify(&token).expect("a good token");
        assert_eq!(expected.check(&verified).is_ok(), fits, "{name}: caller");
    }
}

#[tokio::test]
async fn a_token_that_is_known_as_good_is_asked_for_the_nonce_of_each_request() {
    let site = site(by_header());
    let token = token_of(Some(json!("a-nonce")));
    assert_eq!(bear(&site, &token, &[("x-nonce", "a-nonce")]).await, good());
    assert_eq!(bear(&site, &token, &[("x-nonce", "other")]).await, refused(401, "nonce_mismatch"));
    assert_eq!(bear(&site, &token, &[]).await, refused(400, "nonce_missing"));
}

#[tokio::test]
async fn a_token_with_two_nonces_has_none() {
    let site = site(by_header());
    for (name, members, want) in [
        ("one", r#""nonce":"a-nonce""#, good()),
        ("one, in escapes", r#""\u006eonce":"a\u002dnonce""#, good()),
        ("the good one last", r#""nonce":"x","nonce":"a-nonce""#, refused(401, "nonce_mismatch")),
        ("the good one first", r#""nonce":"a-nonce","nonce":"x""#, refused(401, "nonce_mismatch")),
        ("twice the same", r#""nonce":"a-nonce","nonce":"a-nonce""#, refused(401, "nonce_mismatch")),
        ("in disguise", r#""nonc\u0065":"x","nonce":"a-nonce""#, refused(401, "nonce_mismatch")),
        ("in another claim", r#""Nonce":"a-nonce","x":{"nonce":"a-nonce"}"#, refused(401, "nonce_mismatch")),
    ] {
        let claims = good_claims().to_string();
        let claims = format!("{},{members}}}", claims.strip_suffix('}').expect("an object"));
        let token = shared_key().token_of(shared_key().header().to_string(), claims);
        assert_eq!(bear(&site, &token, &[("x-nonce", "a-nonce")]).await, want, "{name}");
    }
}

#[tokio::test]
async fn no_nonce_or_more_than_one_in_the_request_is_a_refusal() {
    let (in_header, in_cookie) = (site(by_header()), site(NonceRule::from_cookie()));
    let long = "n".repeat(513);
    let (header, cookie) = (("x-nonce", "a-nonce"), ("cookie", "__Host-nonce=a-nonce"));
    let long_cookie = format!("__Host-nonce={long}");
    let cases: [(&str, &Site, Lines<'_>, bool); 14] = [
        ("header", &in_header, &[header], true),
        ("no header", &in_header, &[], false),
        ("empty header", &in_header, &[("x-nonce", "")], false),
        ("header twice", &in_header, &[header, header], false),
        ("header, once empty", &in_header, &[("x-nonce", ""), header], false),
        ("cookie instead of header", &in_header, &[cookie], false),
        ("long header", &in_header, &[("x-nonce", &long)], false),
        ("cookie", &in_cookie, &[cookie], true),
        ("no cookie", &in_cookie, &[], false),
        ("empty cookie", &in_cookie, &[("cookie", "__Host-nonce=")], false),
        ("cookie twice", &in_cookie, &[cookie, cookie], false),
        ("cookie of another case", &in_cookie, &[("cookie", "__host-nonce=a-nonce")], false),
        ("header instead of cookie", &in_cookie, &[header, ("nonce", "a-nonce")], false),
        ("long cookie", &in_cookie, &[("cookie", &long_cookie)], false),
    ];
    for (name, site, lines, passes) in cases {
        for nonce in [Some(json!("a-nonce")), Some(json!("")), Some(json!(long)), None] {
            let fits = passes && nonce == Some(json!("a-nonce"));
            let (status, code) = bear(site, &token_of(nonce.clone()), lines).await;
            if fits {
                assert_eq!(status, 200, "{name}: {code}");
            } else {
                let want = if passes { "nonce_mismatch" } else { "nonce_missing" };
                assert_eq!(code, want, "{name}: {nonce:?}");
            }
        }
    }
    assert!(Nonce::expected("").is_err() && Nonce::expected(&long).is_err() && Nonce::expected("n").is_ok());
}

#[tokio::test]
async fn the_cookie_of_a_nonce_is_taken_back_when_its_token_was_let_in_and_not_before() {
    let site = site(NonceRule::from_cookie());
    let nonce = Nonce::generate();
    let cookie = format!("__Host-nonce={}", nonce.as_str());
    assert!(nonce.to_cookie().to_str().expect("text").starts_with(&cookie));
    let good_token = token_with(json!({ "nonce": nonce.as_str() }));
    let bad_token = token_with(json!({ "nonce": "other" }));
    let lines = [NAVIGATION, &[("cookie", &*cookie)]].concat();
    let answer = site.answer(request(Method::GET, &format!("/?jwt={bad_token}"), &lines)).await;
    assert_eq!((answer.status, cookies_of(&answer)), (401, vec![]));
    let answer = site.answer(request(Method::GET, &format!("/?jwt={good_token}"), &lines)).await;
    assert_eq!((answer.status, cookies_of(&answer)), (200, vec![TAKEN_BACK]));
}

#[tokio::test]
async fn a_nonce_that_is_kept_where_the_sessions_is_stays_there() {
    let rule = NonceRule::from_cookie_named("__Host-jwt-nonce").expect("a name");
    let layer = JwtAuthLayer::new(verifier()).with_nonce(rule).hand_off().expect("both are read");
    let site = Site::behind(layer);
    let link = format!("/?jwt={}", token_with(json!({ "nonce": "a-nonce" })));
    let answer = site.follow(&link, &[("cookie", "__Host-jwt-nonce=a-nonce")]).await;
    let kept = "__Host-jwt-nonce=a-nonce; HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age=300";
    assert_eq!(cookies_of(&answer)[1..], [kept]);
}

#[tokio::test]
async fn with_a_hand_off_a_session_goes_on_being_asked_for_its_nonce() {
    let layer = JwtAuthLayer::new(verifier()).with_nonce(NonceRule::from_cookie()).single_use();
    let site = Site::behind(layer.hand_off().expect("both are read"));
    let token = token_with(json!({ "nonce": "a-nonce", "jti": "1" }));
    let link = format!("/?jwt={token}");
    for (name, cookie, code) in [
        ("no nonce", "a=1", "nonce_missing"),
        ("that of another browser", "__Host-nonce=other", "nonce_mismatch"),
        ("two", "__Host-nonce=a-nonce; __Host-nonce=a-nonce", "nonce_missing"),
    ] {
        let answer = site.follow(&link, &[("cookie", cookie)]).await;
        assert_eq!((&*answer.code, cookies_of(&answer)), (code, vec![]), "{name}");
    }
    let answer = site.follow(&link, &[("cookie", "__Host-nonce=a-nonce")]).await;
    let session = session_of(&answer);
    let kept = "__Host-jwt-nonce=a-nonce; HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age=300";
    let spent = "__Host-nonce=; HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age=0";
    assert_eq!(
        cookies_of(&answer)[1..],
        [kept, spent],
        "as long as the session, and free for the next sign-in"
    );
    for (name, nonce, want) in [
        ("its own", "; __Host-jwt-nonce=a-nonce", good()),
        ("its own, again", "; __Host-jwt-nonce=a-nonce", good()),
        ("its own, beside another sign-in", "; __Host-jwt-nonce=a-nonce; __Host-nonce=other", good()),
        ("that of a sign-in", "; __Host-nonce=a-nonce", refused(400, "nonce_missing")),
        ("none: a copied cookie", "", refused(400, "nonce_missing")),
        ("another", "; __Host-jwt-nonce=other", refused(401, "nonce_mismatch")),
    ] {
        let cookie = format!("__Host-jwt={session}{nonce}");
        let answer = site.follow("/", &[("cookie", &cookie)]).await;
        assert!(cookies_of(&answer).is_empty(), "{name}: the nonce stays");
        assert_eq!((answer.status, answer.code), want, "{name}");
    }
}

#[tokio::test]
async fn a_nonce_is_random_and_fits_into_a_token() {
    let (one, other) = (Nonce::generate(), Nonce::generate());
    assert_ne!(one.as_str(), other.as_str());
    assert_eq!(one.as_str().len(), 64);
    let verified = verifier().verify(&token_with(json!({ "nonce": one.as_str() }))).expect("a good token");
    assert!(one.check(&verified).is_ok() && other.check(&verified).is_err());
}

#[tokio::test]
async fn with_a_hand_off_the_nonce_of_a_header_goes_on_in_the_cookie_of_its_session() {
    let layer = JwtAuthLayer::new(verifier()).with_nonce(by_header()).hand_off().expect("both are read");
    let site = Site::behind(layer);
    let token = token_of(Some(json!("a-nonce")));
    let link = format!("/?jwt={token}");
    for (name, line, code) in [
        ("no nonce", ("x-other", "a-nonce"), "nonce_missing"),
        ("another", ("x-nonce", "b-nonce"), "nonce_mismatch"),
        ("in the cookie of a sign-in", ("cookie", "__Host-nonce=a-nonce"), "nonce_missing"),
        ("in the cookie of a session", ("cookie", "__Host-jwt-nonce=a-nonce"), "nonce_missing"),
    ] {
        let answer = site.follow(&link, &[line]).await;
        assert_eq!((&*answer.code, cookies_of(&answer)), (code, vec![]), "{name}");
    }
    let answer = site.follow(&link, &[("x-nonce", "a-nonce")]).await;
    let session = session_of(&answer);
    let kept = "__Host-jwt-nonce=a-nonce; HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age=300";
    assert_eq!(cookies_of(&answer)[1..], [kept], "a header cannot be taken back");
    let alone = format!("__Host-jwt={session}");
    let both = format!("{alone}; __Host-jwt-nonce=a-nonce");
    let wrong = format!("{alone}; __Host-jwt-nonce=b-nonce");
    let cases: [(&str, Lines<'_>, _); 5] = [
        ("its own", &[("cookie", &both)], good()),
        (
            "its own, beside the header of another sign-in",
            &[("cookie", &both), ("x-nonce", "b-nonce")],
            good(),
        ),
        ("none", &[("cookie", &alone)], refused(400, "nonce_missing")),
        ("in the header", &[("cookie", &alone), ("x-nonce", "a-nonce")], refused(400, "nonce_missing")),
        ("another", &[("cookie", &wrong), ("x-nonce", "a-nonce")], refused(401, "nonce_mismatch")),
    ];
    for (name, lines, want) in cases {
        let answer = site.follow("/", lines).await;
        assert_eq!((answer.status, answer.code), want, "{name}");
    }
    // A token that no link has brought is asked for the nonce where the rule says.
    assert_eq!(bear(&site, &token, &[("x-nonce", "a-nonce")]).await, good());
    assert_eq!(bear(&site, &token, &[("cookie", &both)]).await, refused(400, "nonce_missing"));
}

#[tokio::test]
async fn signing_out_takes_the_nonce_of_the_session_back_as_well() {
    let layer = || JwtAuthLayer::new(verifier()).hand_off().expect("both are read");
    let ended = |name: &str| TAKEN_BACK.replace("__Host-nonce", name);
    let (session, nonce) = (ended("__Host-jwt"), ended("__Host-jwt-nonce"));
    for (name, layer, want) in [
        ("cookie", layer().with_nonce(NonceRule::from_cookie()), vec![&*session, &*nonce]),
        ("header", layer().with_nonce(by_header()), vec![&*session, &*nonce]),
        ("no rule", layer(), vec![&*session]),
    ] {
        let out = App::of(Router::new().route_service("/", layer.logout().expect("a cookie")));
        let answer = out.answer(request(Method::POST, "/", &[])).await;
        assert_eq!((answer.status, cookies_of(&answer)), (303, want), "{name}");
    }
}

#[test]
fn a_nonce_is_what_a_cookie_may_hold() {
    let longest = "n".repeat(512);
    for text in ["a", "a=b", "!#$%&'()*+-./:<=>?@[]^_`{|}~", &longest] {
        let cookie = Nonce::expected(text).expect("a nonce").to_cookie();
        let want = format!("__Host-nonce={text}; HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age=600");
        assert_eq!(cookie, want);
    }
    let long = "n".repeat(513);
    for text in ["", "a b", "a;b", "a,b", "a\"b", "a\\b", "a\r\nb", "a\tb", "\u{7f}", "\u{e9}", &long] {
        let kind = Nonce::expected(text).map(|nonce| nonce.to_cookie()).map_err(|error| error.kind());
        assert_eq!(kind, Err(AuthErrorKind::NonceMissing), "{text:?}");
    }
}

#[tokio::test]
async fn a_handler_that_prints_its_request_prints_no_nonce_though_its_header_is_of_the_applications_own() {
    let bearer = format!("Bearer {}", token_of(Some(json!("a-nonce"))));
    let lines =
        [("authorization", &*bearer), ("x-nonce", "a-nonce"), ("x-other", "in-the-open"), ("x-other", "2")];
    let layer = JwtAuthLayer::new(verifier()).with_nonce(by_header());
    let either = JwtAuthLayer::any_of([layer.clone()]).expect("one issuer");
    for (name, layer) in [("alone", layer), ("one of several", either)] {
        let print = async |request: Request| format!("{request:?}");
        let app = App::of(Router::new().route("/", any(print).layer(layer)));
        for lines in [&lines[..3], &lines[..]] {
            let answer = app.answer(get("/", lines)).await;
            assert_eq!(answer.status, 200, "{name}");
            assert!(!answer.body.contains("a-nonce"), "{name}: {}", answer.body);
            assert!(answer.body.contains("in-the-open"), "{name}: another header is shown: {}", answer.body);
        }
    }
}
