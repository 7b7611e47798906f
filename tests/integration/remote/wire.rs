//! Each request to the byte, as its provider documents it or was seen to want it.

use http::Method;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderName};
use percent_encoding::percent_decode_str;
use tower_jwt_auth::test_util::Seen;

use super::*;
use crate::support::idp::over_http;

/// The one request that `endpoint` makes to ask about `token`.
async fn asked(make: impl FnOnce(&str) -> ValidationEndpoint, token: &str) -> Seen {
    let idp = over_http(Answer::status(500)).await;
    let verifier = verifier_with(make(&idp.url("/check")));
    assert_eq!(outcome(&verifier, token).await, "verifier_unavailable");
    let mut seen = idp.seen();
    assert_eq!(seen.len(), 1);
    seen.swap_remove(0)
}

#[tokio::test]
async fn magiclinksdev_is_posted_json_with_the_bare_content_type_and_the_key() {
    let token = token("wire");
    let seen = asked(|url| Form::MagicLinksDev.endpoint(url), &token).await;
    assert_eq!((&seen.method, &*seen.target), (&Method::POST, "/check"));
    // The server answers 415 to a charset.
    let content_types: Vec<_> = seen.headers.get_all(CONTENT_TYPE).iter().collect();
    assert_eq!(content_types, ["application/json"]);
    assert_eq!(seen.header(HeaderName::from_static("x-api-key")), Some(API_KEY));
    assert_eq!(seen.body, format!(r#"{{"jwtValidateParams":{{"jwt":"{token}"}}}}"#));
    assert_eq!(seen.header(AUTHORIZATION), None);
}

#[tokio::test]
async fn passkeyme_is_asked_in_the_query_or_by_the_header_and_never_in_both() {
    let token = token("wire");
    let seen = asked(|url| Form::PasskeyMe.endpoint(url), &token).await;
    assert_eq!(seen.method, Method::GET);
    assert_eq!(seen.target, format!("/check?token={token}&app_id={AUDIENCE}"));
    assert_eq!((seen.header(AUTHORIZATION), &*seen.body), (None, ""));

    let seen = asked(|url| Form::PasskeyMeBearer.endpoint(url), &token).await;
    assert_eq!((&seen.method, &*seen.target, &*seen.body), (&Method::GET, "/check", ""));
    assert_eq!(seen.header(AUTHORIZATION), Some(&*format!("Bearer {token}")));
    assert_eq!(seen.header(HeaderName::from_static("x-passkeyme-app-id")), Some(AUDIENCE));
}

#[tokio::test]
async fn an_app_id_stays_in_its_parameter() {
    const APP_ID: &str = "a b&token=evil#c?d+e%26/é";
    let token = token("wire");
    let seen = asked(|url| ValidationEndpoint::passkeyme(url, APP_ID).expect("an app id"), &token).await;
    let query = seen.target.strip_prefix("/check?").expect("a query");
    let pairs: Vec<_> = query.split('&').map(|pair| pair.split_once('=').expect("a pair")).collect();
    let [("token", sent), ("app_id", app_id)] = pairs[..] else { panic!("two parameters: {query}") };
    assert_eq!(sent, token);
    assert_eq!(percent_decode_str(app_id).decode_utf8().expect("text"), APP_ID);
    assert!(!app_id.contains(['+', ' ', '#']), "{app_id}");
}

#[tokio::test]
async fn introspection_is_posted_a_form_with_credentials_of_its_own() {
    let token = token("wire");
    let seen = asked(|url| Form::Introspection.endpoint(url), &token).await;
    assert_eq!((&seen.method, &*seen.target), (&Method::POST, "/check"));
    assert_eq!(seen.header(CONTENT_TYPE), Some("application/x-www-form-urlencoded"));
    assert_eq!(seen.body, format!("token={token}&token_type_hint=access_token"));
    // RFC 6749 §2.3.1: each half is form-encoded, then both are joined by the one colon that is left.
    let basic = seen.header(AUTHORIZATION).and_then(|value| value.strip_prefix("Basic ")).expect("Basic");
    let decoded = base64_simd::STANDARD.decode_to_vec(basic).expect("base64");
    assert_eq!(String::from_utf8(decoded).expect("text"), "my%20api:s%2Fcr%3At");

    let bearer = Credentials::bearer("my-own.token");
    let seen = asked(|url| ValidationEndpoint::introspection(url, &bearer).expect("a URL"), &token).await;
    assert_eq!(seen.header(AUTHORIZATION), Some("Bearer my-own.token"));
    assert!(!seen.body.contains("my-own"), "{}", seen.body);
}

#[tokio::test]
async fn json_is_wanted_as_it_is_and_no_trace_of_the_caller_is_passed_on() {
    for form in Form::ALL {
        let seen = asked(|url| form.endpoint(url), &token("wire")).await;
        assert_eq!(seen.header(http::header::ACCEPT), Some("application/json"), "{form:?}");
        assert_eq!(seen.header(ACCEPT_ENCODING), Some("identity"), "{form:?}");
        for name in ["cookie", "referer", "origin", "x-forwarded-for", "traceparent"] {
            assert!(!seen.headers.contains_key(name), "{form:?}: {name}");
        }
    }
}

#[test]
fn an_endpoint_that_may_not_be_asked_cannot_be_made() {
    let credentials = Credentials::bearer("x");
    for (url, is_good) in [
        ("https://provider.example/check", true),
        ("http://127.0.0.1:1/check", true),
        ("http://[::1]:1/check", true),
        ("http://provider.example/check", false),
        ("http://169.254.169.254/check", false),
        ("https://user:password@provider.example/check", false),
        ("https://provider.example/check?api_key=x", false),
        ("https://provider.example/check?", false),
        ("/check", false),
        ("", false),
    ] {
        let made = [
            ValidationEndpoint::magiclinksdev(url, API_KEY).is_ok(),
            ValidationEndpoint::passkeyme(url, AUDIENCE).is_ok(),
            ValidationEndpoint::passkeyme_bearer(url, AUDIENCE).is_ok(),
            ValidationEndpoint::introspection(url, &credentials).is_ok(),
        ];
        assert_eq!(made, [is_good; 4], "{url}");
    }
    for nothing in ["", "a\nb", "a\r\nx-evil: 1", "a\0"] {
        assert!(ValidationEndpoint::magiclinksdev(URL, nothing).is_err(), "{nothing:?}");
        assert!(ValidationEndpoint::passkeyme_bearer(URL, nothing).is_err(), "{nothing:?}");
        let credentials = Credentials::bearer(nothing);
        let made = ValidationEndpoint::introspection(URL, &credentials);
        assert_eq!(made.is_err(), !nothing.is_empty(), "{nothing:?}");
    }
    assert!(ValidationEndpoint::passkeyme(URL, "").is_err());
}

#[test]
fn an_endpoint_says_who_is_asked_and_in_which_way() {
    for (form, want) in [
        (Form::MagicLinksDev, "magiclinksdev"),
        (Form::PasskeyMe, "passkeyme verify-token"),
        (Form::PasskeyMeBearer, "passkeyme validate"),
        (Form::Introspection, "introspection"),
    ] {
        let said = form.endpoint("https://login.example/check").to_string();
        assert_eq!(said, format!("the word of https://login.example/check ({want}), kept for 60s"));
    }
}
