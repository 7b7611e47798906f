//! One good link, one cookie; no cookie for anything else.

use std::convert::Infallible;

use aws_lc_rs::hmac;
use http::{Method, Request, Response};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt};
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::handoff::HandOff;
use tower_jwt_auth::source::{MAX_COOKIE_BYTES, SameSite, TokenSources};

use super::{layer, site, site_of_single_use};
use crate::support::app::{Place, request, verifier};
use crate::support::issuer::{NOW, SigningKey, claims_with, encode, good_claims, mac_token, shared_key};
use crate::support::record;
use crate::support::site::{NAVIGATION, Site, cookies_of, good, session_of, token_with};

#[tokio::test]
async fn a_good_link_sets_exactly_one_cookie_calls_nobody_and_the_cookie_signs_in() {
    for (name, lines) in [("a browser", NAVIGATION), ("an old browser", &[])] {
        let site = site();
        let token = token_with(json!({}));
        let answer = site.answer(request(Method::GET, &format!("/?jwt={token}"), lines)).await;
        assert_eq!((answer.status, &*answer.body), (303, ""), "{name}");
        let cookie = format!("__Host-jwt={token}; HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age=300");
        assert_eq!(cookies_of(&answer), [cookie], "{name}");
        for (field, want) in
            [("location", "/"), ("cache-control", "no-store"), ("referrer-policy", "no-referrer")]
        {
            assert_eq!(answer.header(field), Some(want), "{name}: {field}");
        }
        assert_eq!(answer.header("www-authenticate"), None, "{name}");
        assert_eq!(site.inside(), 0, "{name}: a hand-off is no visit");
        assert_eq!(site.show(&session_of(&answer)).await, good(), "{name}");
        assert_eq!(site.inside(), 1, "{name}");
    }
}

#[tokio::test]
async fn the_cookie_lasts_as_long_as_the_token_and_a_token_with_nothing_left_gets_none() {
    for (name, exp, want) in [
        ("a day", json!(NOW + 86_400), Ok("86400")),
        ("a second", json!(NOW + 1), Ok("1")),
        ("a second and a half", json!(f64::from(NOW) + 1.5), Ok("1")),
        ("half a second", json!(f64::from(NOW) + 0.5), Err("link_expired")),
        ("nothing", json!(NOW), Err("link_expired")),
        ("the last of the leeway", json!(NOW - 29), Err("link_expired")),
        ("not even leeway", json!(NOW - 31), Err("token_expired")),
    ] {
        let site = site_of_single_use();
        let token = token_with(json!({ "exp": exp, "iat": null, "nbf": null, "jti": name }));
        let answer = site.arrive(&token).await;
        match want {
            Ok(seconds) => {
                let cookies = cookies_of(&answer);
                assert!(cookies[0].ends_with(&format!("; Max-Age={seconds}")), "{name}: {cookies:?}");
            }
            Err(code) => {
                assert_eq!((answer.status, &*answer.code), (401, code), "{name}");
                assert!(cookies_of(&answer).is_empty(), "{name}");
                if code == "link_expired" {
                    assert_eq!(site.bear(&token).await, good(), "{name}: the use of the token is left");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_name_of_the_cookie_and_its_same_site_can_be_chosen() {
    let sources = TokenSources::default().with_cookie("session").expect("a name");
    let strict = HandOff::default().with_same_site(SameSite::Strict);
    let layer =
        JwtAuthLayer::new(verifier()).with_sources(sources).with_hand_off(strict).expect("both are read");
    let token = token_with(json!({}));
    let answer = Site::behind(layer).arrive(&token).await;
    let cookie = format!("session={token}; HttpOnly; Secure; SameSite=Strict; Path=/; Max-Age=300");
    assert_eq!(cookies_of(&answer), [cookie]);
}

#[test]
fn a_hand_off_without_a_query_or_without_a_cookie_is_a_mistake() {
    for (name, sources, works) in [
        ("both", TokenSources::default(), true),
        ("no query", TokenSources::default().without_query(), false),
        ("no cookie", TokenSources::default().without_cookie(), false),
        ("neither", TokenSources::bearer_only(), false),
    ] {
        let layer = JwtAuthLayer::new(verifier()).with_sources(sources).hand_off();
        assert_eq!(layer.is_ok(), works, "{name}");
    }
}

/// A bad token of every class, with its code.
fn bad_tokens() -> Vec<(&'static str, String, &'static str)> {
    let good = token_with(json!({}));
    let (input, _) = good.rsplit_once('.').expect("a signature");
    let stranger = SigningKey::generate(shared_key().algorithm(), shared_key().kid());
    let other_kid = SigningKey::generate(shared_key().algorithm(), "other");
    let header = |members: Value| shared_key().token_with_header(&members, &good_claims());
    vec![
        ("expired", token_with(json!({ "exp": NOW - 31 })), "token_expired"),
        ("early", token_with(json!({ "nbf": NOW + 31 })), "token_not_yet_valid"),
        ("of another issuer", token_with(json!({ "iss": "https://evil.example" })), "issuer_mismatch"),
        ("for another audience", token_with(json!({ "aud": "other" })), "audience_mismatch"),
        ("without exp", token_with(json!({ "exp": null })), "claim_missing"),
        ("with an exp of another type", token_with(json!({ "exp": "soon" })), "claim_invalid"),
        ("bound", token_with(json!({ "cnf": { "jkt": "x" } })), "token_bound"),
        ("forged", format!("{input}.{}", encode([7; 64])), "signature_invalid"),
        ("of a stranger's key", stranger.token(&good_claims()), "signature_invalid"),
        ("of an unknown key", other_kid.token(&good_claims()), "key_unknown"),
        ("unsigned", format!("{}.", good.rsplit_once('.').expect("a signature").0), "token_malformed"),
        ("of no algorithm", header(json!({ "alg": "none", "kid": "es256-1" })), "algorithm_unsupported"),
        (
            "with a MAC",
            mac_token(hmac::HMAC_SHA256, b"k", &json!({ "alg": "HS256", "kid": "es256-1" }), &good_claims()),
            "algorithm_unsupported",
        ),
        (
            "of no access",
            header(json!({ "alg": "ES256", "kid": "es256-1", "typ": "dpop+jwt" })),
            "type_mismatch",
        ),
        ("of no shape", "abc".to_owned(), "token_malformed"),
        ("too large", "A".repeat(17 * 1024), "token_too_large"),
    ]
}

#[tokio::test]
async fn a_bad_token_sets_no_cookie_wherever_it_comes_from() {
    let site = site();
    for (name, token, code) in bad_tokens() {
        for place in Place::ALL {
            let answer = site.answer(place.carry(Method::GET, &token)).await;
            assert_eq!((answer.status, &*answer.code), (401, code), "{name}: {place:?}");
            assert!(cookies_of(&answer).is_empty(), "{name}: {place:?}");
            assert_eq!(answer.header("location"), None, "{name}: {place:?}");
        }
    }
    assert_eq!(site.inside(), 0);
    for place in Place::ALL {
        let answer = site.answer(place.carry(Method::GET, &token_with(json!({})))).await;
        let want = if place == Place::Query { (303, 1) } else { (200, 0) };
        assert_eq!((answer.status, cookies_of(&answer).len()), want, "a good one: {place:?}");
    }
}

#[tokio::test]
async fn where_a_token_is_optional_a_bad_link_is_refused_all_the_same() {
    let site = Site::behind(layer().optional());
    assert_eq!(site.follow("/", &[]).await.body, "nobody /");
    for (name, token, code) in bad_tokens() {
        let answer = site.arrive(&token).await;
        assert_eq!((answer.status, &*answer.code), (401, code), "{name}");
        assert!(cookies_of(&answer).is_empty(), "{name}");
    }
    assert_eq!(site.inside(), 1);
    assert_eq!(site.arrive(&token_with(json!({}))).await.status, 303);
}

#[tokio::test]
async fn two_tokens_set_no_cookie_and_use_nothing_up() {
    let site = site_of_single_use();
    let token = token_with(json!({ "jti": "1" }));
    let bearer = format!("Bearer {token}");
    let other = format!("Bearer {}", token_with(json!({ "exp": 1 })));
    let link = format!("/?jwt={token}");
    for (name, uri, lines) in [
        ("header and query", &*link, &[("authorization", &*bearer)][..]),
        ("bad header and query", &link, &[("authorization", &other)]),
        ("malformed header and query", &link, &[("authorization", "Bearer")]),
        ("the parameter twice", &format!("{link}&jwt={token}"), &[]),
        ("the parameter twice, in disguise", &format!("{link}&j%77t={token}"), &[]),
        ("the parameter twice, once empty", &format!("{link}&jwt"), &[]),
    ] {
        let answer = site.follow(uri, lines).await;
        assert_eq!(answer.status, 400, "{name}: {answer:?}");
        assert!(cookies_of(&answer).is_empty(), "{name}");
    }
    assert_eq!(site.arrive(&token).await.status, 303, "nothing was used up");
}

/// A token whose cookie, beside `more` bytes, would be `length` bytes long.
fn token_for_a_cookie_of(length: usize, more: usize) -> String {
    let around = "__Host-jwt=; HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age=300".len() + more;
    // A base64url part has no length that is one more than a multiple of four: the header evens it out.
    for in_header in 0..4 {
        let mut header = shared_key().header();
        header["x"] = "x".repeat(in_header).into();
        for in_claims in 2_500..2_900 {
            let claims = claims_with(json!({ "jti": "long", "pad": "x".repeat(in_claims) }));
            let token_length = encode(header.to_string()).len() + encode(claims.to_string()).len() + 2 + 86;
            if around + token_length == length {
                return shared_key().token_with_header(&header, &claims);
            }
        }
    }
    panic!("no token is that long");
}

#[tokio::test]
async fn a_cookie_of_4096_bytes_is_set_and_a_longer_one_is_refused_not_cut_and_uses_nothing_up() {
    let receipt = "~0123456789abcdef0123456789abcdef".len();
    for (name, site, more) in [("many uses", site(), 0), ("single use", site_of_single_use(), receipt)] {
        let token = token_for_a_cookie_of(MAX_COOKIE_BYTES + 1, more);
        let answer = site.arrive(&token).await;
        assert_eq!((answer.status, &*answer.code), (401, "cookie_too_large"), "{name}");
        assert!(cookies_of(&answer).is_empty(), "{name}");
        assert_eq!(site.bear(&token).await, good(), "{name}: the use of the token is left");
    }
    for (name, site, more) in [("many uses", site(), 0), ("single use", site_of_single_use(), receipt)] {
        let token = token_for_a_cookie_of(MAX_COOKIE_BYTES, more);
        let answer = site.arrive(&token).await;
        let session = session_of(&answer);
        assert_eq!(cookies_of(&answer)[0].len(), MAX_COOKIE_BYTES, "{name}");
        assert!(session.starts_with(&token), "{name}: whole");
        assert_eq!(site.show(&session).await, good(), "{name}");
    }
}

#[tokio::test]
async fn a_tower_service_that_is_not_axums_hands_off_as_well() {
    let inner = tower::service_fn(async |request: Request<String>| {
        Ok::<_, Infallible>(Response::new(format!("inside {}", request.uri())))
    });
    let service = layer().layer(inner);
    let knock = async |uri: String, cookie: String| {
        let request = Request::get(uri).header("cookie", cookie).body(String::new()).expect("a request");
        record::sent(&request);
        let response = service.clone().oneshot(request).await.expect("an answer");
        record::answered(&response);
        response
    };
    let token = token_with(json!({}));
    let answer = knock(format!("/a/b?x=1&jwt={token}"), String::new()).await;
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.headers()["location"], "/a/b?x=1");
    assert_eq!(answer.body(), "");
    assert!(answer.headers()["set-cookie"].is_sensitive(), "its Debug shows no token");
    let answer = knock("/a/b?x=1".to_owned(), format!("__Host-jwt={token}")).await;
    assert_eq!(answer.body(), "inside /a/b?x=1");
    let answer = knock(format!("/?jwt={token}x"), String::new()).await;
    assert_eq!((answer.status().as_u16(), answer.headers().get("set-cookie")), (401, None));
}

#[tokio::test]
async fn a_link_is_followed_by_no_grpc_call_and_refused_as_any_whatever_type_it_says_to_have() {
    let site = site_of_single_use();
    let token = token_with(json!({ "jti": "1" }));
    let link = format!("/?jwt={token}");
    for (name, uri, lines, status) in [
        ("fetched", &*link, &[("sec-fetch-mode", "cors")][..], 400),
        ("bad", "/?jwt=x.y.z", &[], 401),
        ("provider down", "/?error=server_error", &[], 503),
    ] {
        let lines = [lines, &[("content-type", "application/grpc")]].concat();
        let answer = site.answer(request(Method::GET, uri, &lines)).await;
        assert_eq!((answer.status, answer.header("grpc-status")), (status, None), "{name}");
        assert!(cookies_of(&answer).is_empty(), "{name}");
        let call = site.answer(request(Method::POST, uri, &lines)).await;
        assert_eq!(
            (call.status, call.header("grpc-status")),
            (200, Some("16")),
            "{name}: a call has no link"
        );
        assert!(cookies_of(&call).is_empty() && call.body.is_empty(), "{name}");
    }
    assert_eq!(site.inside(), 0);
    assert_eq!(site.arrive(&token).await.status, 303, "nothing was used up");
}

#[tokio::test]
async fn a_link_is_refused_beside_a_good_hook_that_says_200() {
    let layer = layer().with_refusal_hook(|_| Response::new("all is well".to_owned()));
    let site = Site::behind(layer);
    let answer = site.arrive(&token_with(json!({ "exp": 1 }))).await;
    assert_eq!((answer.status, &*answer.body), (401, "all is well"));
    assert!(cookies_of(&answer).is_empty());
    assert_eq!(site.show("x").await.0, 401, "a cookie that is no token");
}
