//! Whatever comes over the wire, it ends soon and the good keys stay. In real time.

use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, ETAG,
    IF_NONE_MATCH, LOCATION,
};
use tokio::task::JoinSet;

use super::*;
use crate::support::idp::{Idp, over_http};

/// The limit of one fetch, and some for a machine that is busy with other tests.
const SOON: Duration = Duration::from_millis(6_500);

/// A provider that has served a good set, and those who hold it.
async fn served(key: &SigningKey) -> (Idp, Jwks) {
    let idp = over_http(set_of([key])).await;
    let jwks = Jwks::remote(&idp.url("/jwks.json")).expect("http is fine on this machine");
    let ready = tokio::time::timeout(SOON, jwks.ready()).await;
    ready.expect("in time").expect("a first set");
    (idp, jwks)
}

/// 51 MB of blanks in 325 kB of gzip: one deflate block of "the last byte again, 258 times".
fn bomb() -> Vec<u8> {
    let mut bits = vec![true, true, false];
    let mut push = |code: u32, length: u32| bits.extend((0..length).rev().map(|bit| code >> bit & 1 == 1));
    push(0x30 + u32::from(b' '), 8);
    for _ in 0..200_000 {
        push(0b1100_0101, 8);
        push(0, 5);
    }
    push(0, 7);
    let bytes = bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |sum, bit| sum << 1 | u8::from(*bit)));
    let mut bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    bomb.extend(bytes);
    bomb.extend([0; 8]);
    bomb
}

#[tokio::test]
async fn no_answer_takes_more_than_5_s_or_much_memory_or_the_good_keys() {
    let good = {
        let other = key("other");
        jwks_of([&other])
    };
    let html = "<!doctype html><title>502 Bad Gateway</title>";
    let hundred_megabytes = 100 * 1024 * 1024;
    let too_slow: &[_] = &["timed_out", "unreachable"];
    let cases = [
        ("503", Answer::status(503), &["status"][..]),
        ("204", Answer::status(204), &["status"]),
        ("500 with a good body", Answer::of(&good).with_status(500), &["status"]),
        ("a bomb", Answer::of(bomb()).with(CONTENT_ENCODING, "gzip"), &["encoded"]),
        ("a good body called gzip", Answer::of(&good).with(CONTENT_ENCODING, "gzip"), &["encoded"]),
        ("HTML", Answer::of(html).with(CONTENT_TYPE, "text/html"), &["unparsable"]),
        ("no keys", Answer::of(r#"{"keys":[]}"#), &["no_usable_key"]),
        ("an empty object", Answer::of("{}"), &["unparsable"]),
        ("truncated JSON", Answer::of(&good[..good.len() - 2]), &["unparsable"]),
        ("a truncated body", Answer::of(&good).cut(), &["unreachable"]),
        ("a broken connection", Answer::broken(), &["unreachable"]),
        ("10,000 keys", Answer::of(ten_thousand_keys()), &["too_large"]),
        ("100 MB", Answer::endless(hundred_megabytes), &["too_large"]),
        (
            "100 MB, announced",
            Answer::endless(hundred_megabytes).with(CONTENT_LENGTH, &hundred_megabytes.to_string()),
            &["too_large"],
        ),
        ("a byte a second", Answer::of(&good).dripping(), too_slow),
        ("no answer", Answer::hanging(), too_slow),
        ("to a link-local address", Answer::redirect_to("http://169.254.169.254/latest/"), &["redirected"]),
    ];
    let mut all = JoinSet::new();
    for (name, answer, want) in cases {
        all.spawn(async move {
            let one = key("one");
            let (idp, jwks) = served(&one).await;
            let before = idp.sent();
            idp.serve(answer);
            let (outcome_of_it, took) = timed(jwks.refresh_now()).await;
            let error = outcome_of_it.expect_err(name);
            assert!(want.contains(&error.code()), "{name}: {error:?}");
            assert!(took < SOON, "{name}: {took:?}");
            let status = jwks.status();
            assert_eq!((status.keys, status.generation), (1, 1), "{name}");
            assert_eq!(outcome(&verifier(&jwks), &one.token(&good_claims())).await, Ok(()), "{name}");
            let read = idp.sent() - before;
            assert!(read < hundred_megabytes / 4, "{name}: {read} bytes were taken");

            idp.serve(set_of([&one]));
            assert_eq!(jwks.refresh_now().await.expect(name).failures, 0, "{name}");
        });
    }
    while let Some(case) = all.join_next().await {
        case.expect("the case holds");
    }
}

fn ten_thousand_keys() -> String {
    let x = key("x").public_jwk()["x"].clone();
    let keys: Vec<_> = (0..10_000)
        .map(|n| json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": n.to_string() }))
        .collect();
    json!({ "keys": keys }).to_string()
}

#[tokio::test]
async fn a_redirect_is_not_followed_not_even_to_the_same_machine() {
    let (one, two) = (key("one"), key("two"));
    let elsewhere = over_http(set_of([&two])).await;
    let (idp, jwks) = served(&one).await;
    for status in [301, 302, 303, 307, 308] {
        let redirect = Answer::status(status).with(LOCATION, &elsewhere.url("/jwks.json"));
        idp.serve(redirect);
        let error = jwks.refresh_now().await.expect_err("a redirect");
        assert_eq!(error.code(), "redirected", "{status}");
    }
    assert_eq!(elsewhere.requests(), 0);
    assert_eq!(jwks.status().generation, 1);
}

#[tokio::test]
async fn a_provider_that_refuses_connections_is_found_again_on_the_same_port() {
    let (one, two) = (key("one"), key("two"));
    let (idp, jwks) = served(&one).await;
    let verifier = verifier(&jwks);
    idp.go_down().await;
    assert_eq!(outcome(&verifier, &two.token(&good_claims())).await, refused(AuthErrorKind::KeysUnavailable));
    assert_eq!(outcome(&verifier, &one.token(&good_claims())).await, Ok(()));
    assert_eq!(jwks.status().last_error, Some("unreachable"));

    idp.serve(set_of([&two]));
    idp.come_back().expect("the same port");
    jwks.refresh_now().await.expect("it is back");
    assert_eq!(outcome(&verifier, &two.token(&good_claims())).await, Ok(()));
}

#[tokio::test]
async fn a_request_for_keys_asks_for_no_compression_and_carries_nothing_but_validators() {
    let one = key("one");
    let (idp, jwks) = served(&one).await;
    idp.serve(set_of([&one]).with(ETAG, "\"v1\""));
    for want in [None, Some("\"v1\"")] {
        jwks.refresh_now().await.expect("a good refresh");
        let seen = idp.seen();
        let last = seen.last().expect("a request");
        assert_eq!(last.target, "/jwks.json");
        assert_eq!(last.header(ACCEPT_ENCODING), Some("identity"));
        assert_eq!((last.header(COOKIE), last.header(AUTHORIZATION)), (None, None));
        assert_eq!(last.header(IF_NONE_MATCH), want);
    }
    assert_eq!(jwks.status().generation, 1);
}

#[tokio::test]
async fn nothing_that_a_token_says_becomes_a_url() {
    let one = key("one");
    let elsewhere = over_http(set_of([&one])).await;
    let (idp, jwks) = served(&one).await;
    let verifier = verifier(&jwks);
    let (url, before) = (elsewhere.url("/jwks.json"), idp.requests());
    let host = url.trim_start_matches("http://").trim_end_matches("/jwks.json");
    for text in [&*url, &format!("@{host}/#"), &format!("../../../{host}"), &format!("%2F%2F{host}")] {
        for claim in ["iss", "aud", "sub", "jti"] {
            let mut claims = good_claims();
            claims[claim] = text.into();
            let got_in = outcome(&verifier, &one.token(&claims)).await.is_ok();
            assert_eq!(got_in, claim == "sub" || claim == "jti", "{claim}: {text}");
        }
        for member in ["jku", "x5u", "iss", "kid"] {
            let mut header = one.header();
            header[member] = text.into();
            let got_in = outcome(&verifier, &one.token_with_header(&header, &good_claims())).await.is_ok();
            assert_eq!(got_in, member != "kid", "{member}: {text}");
        }
    }
    assert_eq!(elsewhere.requests(), 0);
    let asked: Vec<_> = idp.seen()[before..].iter().map(|seen| seen.target.clone()).collect();
    assert_eq!(asked, ["/jwks.json"], "one attempt for all the unknown keys");
}

#[tokio::test]
async fn a_url_that_is_neither_https_nor_on_this_machine_makes_no_key_set() {
    for (url, good) in [
        ("https://login.example.com/jwks.json", true),
        ("http://127.0.0.1:1/jwks.json", true),
        ("http://[::1]:1/jwks.json", true),
        ("http://localhost:1/jwks.json", true),
        ("http://login.example.com/jwks.json", false),
        ("http://169.254.169.254/jwks.json", false),
        ("http://127.0.0.1.example.com/jwks.json", false),
        ("https://user:secret@login.example.com/jwks.json", false),
        ("file:///etc/passwd", false),
        ("file://localhost/etc/passwd", false),
        ("ftp://login.example.com/jwks.json", false),
        ("data:application/json,{%22keys%22:[]}", false),
        ("/jwks.json", false),
    ] {
        assert_eq!(Jwks::builder(url).is_ok(), good, "{url}");
    }
}
