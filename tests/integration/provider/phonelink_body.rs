//! Phonelink's JSON body, as the page's script sends it, and as others might.

use super::phonelink::{NONCE, PHONE, body, claims, key, preset, script, site};
use super::*;
use axum::extract::FromRequest;
use tower_jwt_auth::provider::VerifiedPhone;

use crate::support::app::Lines;
use crate::support::issuer::jwks_of;

#[tokio::test(start_paused = true)]
async fn a_body_is_an_object_with_a_token_and_a_nonce_and_anything_else_is_no_proof() {
    const MALFORMED: (u16, &str) = (400, "credentials_malformed");
    const NO_TOKEN: (u16, &str) = (401, "token_missing");
    const NO_NONCE: (u16, &str) = (400, "nonce_missing");
    let key = key();
    let validator = preset(&jwks_of([&key])).validator().expect("a runtime");
    let site = site(&validator);
    for (index, (name, template, want)) in [
        ("token and nonce", r#"{"token":"T","nonce":"N"}"#, (200, ACCEPTED)),
        ("the other way round", r#"{"nonce":"N","token":"T"}"#, (200, ACCEPTED)),
        ("between blanks", " {\"token\" : \"T\" ,\n\"nonce\":\"N\"}\r\n", (200, ACCEPTED)),
        ("and more", r#"{"token":"T","nonce":"N","x":[{}]}"#, (200, ACCEPTED)),
        ("nothing", "", MALFORMED),
        ("no JSON", "token=T&nonce=N", MALFORMED),
        ("the token alone", "T", MALFORMED),
        ("a string", r#""T""#, MALFORMED),
        ("an array", r#"["T","N"]"#, MALFORMED),
        ("null", "null", MALFORMED),
        ("an object around it", r#"[{"token":"T","nonce":"N"}]"#, MALFORMED),
        ("half of it", r#"{"token":"T","nonce":"N""#, MALFORMED),
        ("and more behind it", r#"{"token":"T","nonce":"N"}{}"#, MALFORMED),
        ("a comma too many", r#"{"token":"T","nonce":"N",}"#, MALFORMED),
        ("a byte order mark", "\u{feff}{\"token\":\"T\",\"nonce\":\"N\"}", MALFORMED),
        ("no token", r#"{"nonce":"N"}"#, NO_TOKEN),
        ("a token of another case", r#"{"Token":"T","nonce":"N"}"#, NO_TOKEN),
        ("an empty token", r#"{"token":"","nonce":"N"}"#, NO_TOKEN),
        ("a null token", r#"{"token":null,"nonce":"N"}"#, NO_TOKEN),
        ("a token that is a number", r#"{"token":1,"nonce":"N"}"#, MALFORMED),
        ("a token in an array", r#"{"token":["T"],"nonce":"N"}"#, MALFORMED),
        ("a token in an object", r#"{"token":{"token":"T"},"nonce":"N"}"#, MALFORMED),
        ("two tokens", r#"{"token":"x","token":"T","nonce":"N"}"#, MALFORMED),
        ("two tokens, one escaped", r#"{"\u0074oken":"x","token":"T","nonce":"N"}"#, MALFORMED),
        ("no nonce", r#"{"token":"T"}"#, NO_NONCE),
        ("an empty nonce", r#"{"token":"T","nonce":""}"#, NO_NONCE),
        ("a null nonce", r#"{"token":"T","nonce":null}"#, NO_NONCE),
        ("a nonce that is a number", r#"{"token":"T","nonce":1}"#, MALFORMED),
        ("a nonce that is true", r#"{"token":"T","nonce":true}"#, MALFORMED),
        ("two nonces", r#"{"token":"T","nonce":"N","nonce":"N"}"#, MALFORMED),
        ("another nonce", r#"{"token":"T","nonce":"NN"}"#, (401, "nonce_mismatch")),
        ("a nonce too long to be one", r#"{"token":"T","nonce":"NNNNNNNNN"}"#, NO_NONCE),
        ("neither", "{}", NO_TOKEN),
    ]
    .into_iter()
    .enumerate()
    {
        // A token of its own, so that none is refused for having been used.
        let token = key.token(&claims(json!({ "jti": format!("{index}") })));
        let text = template.replace('N', NONCE).replace("\"T\"", &format!("\"{token}\""));
        let text = text.replace("=T&", &format!("={token}&"));
        let answer = site.answer(body(text)).await;
        assert_eq!((answer.status, &*answer.code), want, "{name}");
        assert_eq!(answer.body == PHONE, want.0 == 200, "{name}");
        // Its twin is accepted: what was refused above did not use it up.
        let (status, code) = site.verdict(script(&token, NONCE)).await;
        let again = if want.0 == 200 { (401, "token_replayed") } else { (200, ACCEPTED) };
        assert_eq!((status, &*code), again, "{name}: afterwards");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_long_is_refused_and_nothing_is_read_of_it() {
    let key = key();
    let site = site(&preset(&jwks_of([&key])).validator().expect("a runtime"));
    let padded = |jti: &str, bytes: usize| {
        let text = json!({ "token": key.token(&claims(json!({ "jti": jti }))), "nonce": NONCE }).to_string();
        format!("{text}{}", " ".repeat(bytes - text.len()))
    };
    assert_eq!(site.verdict(body(padded("a", 20 * 1024))).await.0, 200, "the longest");
    let too_long = (400, "credentials_malformed".to_owned());
    assert_eq!(site.verdict(body(padded("b", 20 * 1024 + 1))).await, too_long);
    assert_eq!(site.verdict(body(vec![b' '; 8 * 1024 * 1024])).await, too_long);
    let long = key.token(&claims(json!({ "fill": "x".repeat(13 * 1024) })));
    assert!(long.len() > 16 * 1024 && long.len() < 19 * 1024);
    assert_eq!(site.verdict(script(&long, NONCE)).await, (401, "token_too_large".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn any_content_type_will_do_and_no_other_site() {
    let key = key();
    let validator = preset(&jwks_of([&key])).validator().expect("a runtime");
    let site = site(&validator);
    let host = ("host", "app.example.com");
    let cases: [(&str, Lines<'_>, bool); 14] = [
        ("none", &[], true),
        ("JSON", &[("content-type", "application/json")], true),
        ("JSON in UTF-8", &[("content-type", "application/json; charset=utf-8")], true),
        ("text", &[("content-type", "text/plain;charset=UTF-8")], true),
        ("a form", &[("content-type", "application/x-www-form-urlencoded")], true),
        ("from here", &[("sec-fetch-site", "same-origin")], true),
        ("from this origin", &[host, ("origin", "https://app.example.com")], true),
        ("from another site", &[("sec-fetch-site", "cross-site")], false),
        ("from another host of the site", &[("sec-fetch-site", "same-site")], false),
        (
            "as text from another site",
            &[("content-type", "text/plain"), ("sec-fetch-site", "cross-site")],
            false,
        ),
        ("from another origin", &[host, ("origin", "https://evil.example")], false),
        ("from an origin like it", &[host, ("origin", "https://app.example.com.evil.example")], false),
        ("from nowhere", &[host, ("origin", "null")], false),
        ("twice from here", &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")], false),
    ];
    for (name, lines, is_good) in cases {
        let token = key.token(&claims(json!({ "jti": name })));
        let mut request = script(&token, NONCE);
        request.headers_mut().remove("content-type");
        for (name, value) in lines {
            let name: http::HeaderName = name.parse().expect("a name");
            request.headers_mut().append(name, value.parse().expect("a value"));
        }
        let want = if is_good { (200, ACCEPTED) } else { (403, "cross_site_request") };
        let (status, code) = site.verdict(request).await;
        assert_eq!((status, &*code), want, "{name}");
        assert_eq!(
            validator.validate(&token, NONCE).await.is_ok(),
            !is_good,
            "{name}: used up only if let in"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_origin_that_is_trusted_may_send_a_body_and_no_other() {
    let key = key();
    let preset = preset(&jwks_of([&key])).with_trusted_origin("https://app.example.org").expect("an origin");
    let site = site(&preset.validator().expect("a runtime"));
    for (origin, want) in [
        ("https://app.example.org", (200, ACCEPTED)),
        ("https://app.example.com", (200, ACCEPTED)),
        ("https://evil.example", (403, "cross_site_request")),
    ] {
        let token = key.token(&claims(json!({ "jti": origin })));
        let mut request = script(&token, NONCE);
        for (name, value) in [("host", "app.example.com"), ("origin", origin)] {
            request.headers_mut().insert(name, value.parse().expect("a value"));
        }
        let (status, code) = site.verdict(request).await;
        assert_eq!((status, &*code), want, "{origin}");
    }
}

#[tokio::test(start_paused = true)]
async fn why_no_phone_was_proved_can_be_read_and_said() {
    let key = key();
    let validator = preset(&jwks_of([&key])).validator().expect("a runtime");
    let token = key.token(&claims(json!({ "nonce": "k4n4ry" })));
    let rejection =
        VerifiedPhone::from_request(script(&token, NONCE), &validator).await.expect_err("another nonce");
    assert_eq!(rejection.error().code(), "nonce_mismatch");
    assert_eq!(rejection.to_string(), rejection.error().to_string());
    assert!(!rejection.to_string().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_refused_body_is_answered_as_the_layer_answers_and_echoes_nothing() {
    let key = key();
    let site = site(&preset(&jwks_of([&key])).validator().expect("a runtime"));
    let token = key.token(&claims(json!({ "nonce": "k4n4ry" })));
    let answer = site.answer(script(&token, NONCE)).await;
    assert_eq!((answer.status, &*answer.code), (401, "nonce_mismatch"));
    assert!(answer.header("www-authenticate").is_some_and(|challenge| challenge.contains("invalid_token")));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let shown = format!("{answer:?}");
    assert!(!shown.contains("k4n4ry") && !shown.contains(NONCE) && !shown.contains(&token[..24]), "{shown}");
    let answer = site.answer(body("k4n4ry")).await;
    assert!(!answer.body.contains("k4n4ry"), "{answer:?}");
    let mut grpc = script(&token, NONCE);
    grpc.headers_mut().insert("content-type", http::HeaderValue::from_static("application/grpc"));
    assert_eq!(site.answer(grpc).await.header("grpc-status"), Some("16"));
}
