//! Nothing of a token, a secret or a claim is in any log, error, answer or `Debug`.

use std::sync::Arc;

use aws_lc_rs::hmac;
use axum::Router;
use axum::extract::FromRequestParts;
use axum::routing::any;
use http::{Method, Request, Response};
use serde_json::{Value, json};
use tower::{Layer, Service, ServiceExt};
use tower_jwt_auth::claims::{ClaimsRejection, RegisteredClaims};
use tower_jwt_auth::error::AuthErrorKind;
use tower_jwt_auth::fetch::{Fetch, FetchError, FetchFuture, FetchRequest};
use tower_jwt_auth::jwks::{Jwks, SharedSecret, VerifyingKey};
use tower_jwt_auth::source::{RequestHead, TokenSources};
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::verify::{Authority, VerifiedToken};
use tower_jwt_auth::{Claims, JwtAuthLayer};

use crate::support::app::{ACCEPTED, App, Place, get, outcome, request, verifier_with};
use crate::support::issuer::{SigningKey, claims_with, jwks_of, mac_token};
use crate::support::log::Log;

/// In every secret place; whatever shows it has told a secret.
const CANARY: &str = "k4n4ry";

/// A key whose name is secret here, though it need not be: it comes from tokens too.
fn key() -> SigningKey {
    SigningKey::generate(Algorithm::Es256, "kid-k4n4ry")
}

fn claims(changes: Value) -> Value {
    let mut claims = claims_with(json!({
        "sub": "sub-k4n4ry", "jti": "jti-k4n4ry", "email": "k4n4ry@example.com", "k4n4ry": ["k4n4ry"],
    }));
    let Value::Object(changes) = changes else { panic!("changes") };
    claims.as_object_mut().expect("an object").extend(changes);
    claims
}

/// Good and bad tokens, each with the canary in whatever it can hold it in.
fn tokens(key: &SigningKey) -> Vec<(&'static str, String)> {
    let with_header = |members: Value| {
        let mut header = key.header();
        let members = members.as_object().expect("members").clone();
        header.as_object_mut().expect("an object").extend(members);
        key.token_with_header(&header, &claims(json!({})))
    };
    let good = key.token(&claims(json!({})));
    let (input, _) = good.rsplit_once('.').expect("a signature");
    let forged = format!("{input}.{}", crate::support::issuer::encode([7; 64]));
    let mac_header = json!({ "alg": "HS256", "kid": "kid-k4n4ry" });
    let changed = |changes| key.token(&claims(changes));
    vec![
        ("forged", forged),
        ("expired", changed(json!({ "exp": 1 }))),
        ("early", changed(json!({ "nbf": 1_900_000_000 }))),
        ("of another issuer", changed(json!({ "iss": "https://k4n4ry.example" }))),
        ("for another audience", changed(json!({ "aud": ["k4n4ry"] }))),
        ("with a claim of another type", changed(json!({ "exp": "k4n4ry" }))),
        ("bound", changed(json!({ "cnf": { "jkt": "k4n4ry" } }))),
        ("that does not fit the handler", changed(json!({ "email": { "k4n4ry": 1 } }))),
        ("of an unknown key", with_header(json!({ "kid": "other-k4n4ry" }))),
        ("of an unknown algorithm", with_header(json!({ "alg": "k4n4ry" }))),
        ("of a bad type", with_header(json!({ "typ": "dpop+jwt" }))),
        ("with a critical member", with_header(json!({ "crit": ["k4n4ry"] }))),
        ("with a MAC", mac_token(hmac::HMAC_SHA256, b"k4n4ry", &mac_header, &claims(json!({})))),
        ("of no shape", "k4n4ry".to_owned()),
        ("encrypted", "k4n4ry.k4n4ry.k4n4ry.k4n4ry.k4n4ry".to_owned()),
        ("too large", CANARY.repeat(4096)),
        ("good", good),
    ]
}

/// What `text` tells of `token`: the canary, or any of the token's parts.
fn leaked<'t>(text: &str, token: &'t str) -> Option<&'t str> {
    if text.contains(CANARY) {
        return Some(CANARY);
    }
    token
        .split('.')
        .filter(|part| part.len() > 6)
        .map(|part| &part[..part.len().min(24)])
        .find(|part| text.contains(part))
}

#[derive(serde::Deserialize)]
struct Contact {
    #[expect(dead_code, reason = "it only has to be there, and a text")]
    email: String,
}

#[tokio::test]
async fn no_log_and_no_answer_shows_a_part_of_a_token() {
    let (log, _guard) = Log::at_trace_level();
    let key = key();
    let keys = Jwks::from_json(jwks_of([&key])).expect("a key set");
    let inside = async |_: Claims<Contact>| "inside";
    let router = Router::new().route("/", any(inside));
    let app = App::of(router.layer(JwtAuthLayer::new(verifier_with(keys))));
    for (name, token) in tokens(&key) {
        for place in Place::ALL {
            for content_type in ["text/plain", "application/grpc"] {
                // A query is read where nothing may change, and a gRPC call is a POST.
                let is_call = content_type == "application/grpc" && place != Place::Query;
                let mut request = place.carry(if is_call { Method::POST } else { Method::GET }, &token);
                let value = content_type.parse().expect("a value");
                request.headers_mut().insert("content-type", value);
                let answer = app.answer(request).await;
                let inside = answer.body == "inside";
                assert_eq!(inside, name == "good", "{name} {place:?}: {answer:?}");
                let text = format!("{answer:?} {:?}", answer.error.map(|error| error.to_string()));
                assert_eq!(leaked(&text, &token), None, "the answer to one {name}, {place:?}");
                let text = log.take();
                assert!(!text.is_empty(), "one {name}, {place:?}: an event tells of it");
                assert_eq!(leaked(&text, &token), None, "the log of one {name}, {place:?}");
            }
        }
    }
    let twice = format!("/?jwt={CANARY}&jwt={CANARY}");
    let crossed = [("cookie", "__Host-jwt=k4n4ry"), ("sec-fetch-site", "cross-site")];
    for request in [
        get(&twice, &[]),
        get("/", &[("authorization", "Bearer k4n4ry k4n4ry")]),
        get("/", &[("authorization", "Basic k4n4ry")]),
        get("/", &[("cookie", "__Host-jwt=k4n4ry; __Host-jwt=k4n4ry")]),
        request(Method::POST, "/", &crossed),
    ] {
        let answer = app.answer(request).await;
        assert_ne!(answer.code, ACCEPTED);
        assert_eq!(leaked(&format!("{answer:?}{}", log.take()), CANARY), None);
    }
}

#[tokio::test]
async fn no_log_of_a_secret_or_of_a_token_that_it_verifies_shows_either() {
    let (log, _guard) = Log::at_trace_level();
    let secret = CANARY.repeat(6);
    let keys = SharedSecret::new(Algorithm::Hs256, &secret).expect("a secret");
    let verifier = verifier_with(keys);
    let header = json!({ "alg": "HS256", "kid": "kid-k4n4ry" });
    let good = mac_token(hmac::HMAC_SHA256, secret.as_bytes(), &header, &claims(json!({})));
    let forged = mac_token(hmac::HMAC_SHA256, b"other", &header, &claims(json!({})));
    for (token, want) in [(&good, ACCEPTED), (&good, ACCEPTED), (&forged, "signature_invalid")] {
        assert_eq!(outcome(&verifier, token), want);
        assert_eq!(leaked(&log.take(), token), None);
    }
}

/// Fetches nothing but trouble.
struct Troubled;

impl Fetch for Troubled {
    fn fetch(&self, _request: FetchRequest) -> FetchFuture<'_> {
        Box::pin(async {
            let mut response = Response::new(b"<html>k4n4ry".to_vec());
            let cookie = "session=k4n4ry".parse().expect("a value");
            response.headers_mut().insert("set-cookie", cookie);
            Ok(response)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_set_that_cannot_be_fetched_is_logged_without_its_query_and_its_body() {
    let (log, _guard) = Log::at_trace_level();
    let builder = Jwks::builder("https://issuer.example/keys?api_key=k4n4ry").expect("a URL");
    let shown = format!("{builder:?}");
    let jwks = builder.with_fetch(Troubled).spawn().expect("a runtime");
    let mut changes = jwks.changes();
    let status = changes.changed().await.expect("an attempt");
    assert_eq!(status.last_error, Some("unparsable"));
    let token = key().token(&claims(json!({})));
    let refused = verifier_with(jwks.clone()).verify_or_ask(&token).await;
    assert_eq!(refused.expect_err("no keys").kind(), AuthErrorKind::KeysPending);
    let logged = log.take();
    assert!(logged.contains("issuer.example/keys"), "{logged}");
    let shown = format!("{shown} {jwks:?} {jwks} {changes:?} {status:?}");
    for text in [logged, shown] {
        assert_eq!(leaked(&text, &token), None, "{text}");
    }
    let userinfo = Jwks::remote("https://k4n4ry:k4n4ry@issuer.example/keys").expect_err("a password");
    assert_eq!(leaked(&format!("{userinfo} {userinfo:?}"), CANARY), None);
}

/// The debug and display texts of everything public that has to do with a good token of `key`.
async fn shown(key: &SigningKey, token: &str) -> Vec<(&'static str, String)> {
    let keys = Jwks::from_json(jwks_of([key])).expect("a key set");
    let secret = SharedSecret::new(Algorithm::Hs256, CANARY.repeat(6)).expect("a secret");
    let public = VerifyingKey::from_jwk_json(&key.public_jwk().to_string()).expect("a key");
    let verifier = verifier_with(keys.clone());
    let good = verifier.verify(token).expect("a good token");
    let registered = good.claims::<RegisteredClaims>().expect("claims");
    let refused = good.claims::<Vec<u8>>().expect_err("not an array");
    let secret_keys = Authority::from(secret.clone());
    let verifier_text = format!("{verifier:?} {verifier}");
    let layer = JwtAuthLayer::new(verifier).with_sources(TokenSources::default());
    let inner = tower::service_fn(async |_: Request<String>| {
        Ok::<_, std::convert::Infallible>(Response::new(String::new()))
    });
    let mut service = layer.layer(inner);
    let service_text = format!("{service:?}");
    let mut request = Request::new(String::new());
    let bearer = format!("Bearer {token}").parse().expect("a value");
    request.headers_mut().insert("authorization", bearer);
    let future = service.ready().await.expect("ready").call(request);
    let short = SharedSecret::new(Algorithm::Hs256, CANARY).expect_err("too short");
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{CANARY}");
    let no_pem = VerifyingKey::from_pem(&pem, Algorithm::Es256).expect_err("no key");
    let no_secret = SharedSecret::new(Algorithm::Hs256, &pem).expect_err("no secret");
    let mut private = key.public_jwk();
    private["d"] = CANARY.into();
    let no_jwk = VerifyingKey::from_jwk_json(&private.to_string()).expect_err("private");
    let no_set = Jwks::from_json(json!({ "keys": [private] }).to_string()).expect_err("private");
    let mut parts = Request::new(()).into_parts().0;
    let missing = VerifiedToken::from_request_parts(&mut parts, &()).await;
    vec![
        ("VerifiedToken", format!("{good:?}")),
        ("Claims", format!("{:?}", Claims(Arc::clone(&registered)))),
        ("RegisteredClaims", format!("{registered:?}")),
        ("Verifier", verifier_text),
        ("JwtAuthLayer", format!("{layer:?}")),
        ("JwtAuthService", service_text),
        ("ResponseFuture", format!("{future:?}")),
        ("Jwks", format!("{keys:?} {keys} {:?}", keys.status())),
        ("JwksChanges", format!("{:?}", keys.changes())),
        ("VerifyingKey", format!("{public:?}")),
        ("SharedSecret", format!("{secret:?}")),
        ("Authority", format!("{secret_keys:?} {secret_keys}")),
        ("AuthError", format!("{refused:?} {refused}")),
        ("ClaimsRejection", format!("{:?}", ClaimsRejection::Refused(refused))),
        ("ClaimsRejection without the layer", format!("{:?}", missing.expect_err("no layer"))),
        ("FetchError", format!("{:?} {}", FetchError::TooLarge, FetchError::TooLarge)),
        ("ConfigError of a secret", format!("{short:?} {short}")),
        ("ConfigError of a PEM secret", format!("{no_secret:?} {no_secret}")),
        ("ConfigError of a PEM", format!("{no_pem:?} {no_pem}")),
        ("ConfigError of a JWK", format!("{no_jwk:?} {no_jwk}")),
        ("ConfigError of a set", format!("{no_set:?} {no_set}")),
    ]
}

#[tokio::test]
async fn no_debug_and_no_display_shows_a_part_of_a_token_or_a_secret() {
    let key = key();
    let token = key.token(&claims(json!({})));
    for (name, text) in shown(&key, &token).await {
        assert!(!text.is_empty(), "{name}");
        assert_eq!(leaked(&text, &token), None, "{name}: {text}");
        let bytes: Vec<_> = CANARY.bytes().map(|byte| byte.to_string()).collect();
        assert!(!text.contains(&bytes.join(", ")), "{name}, as bytes: {text}");
    }
}

#[test]
fn debug_of_a_verified_header_does_not_show_what_the_token_says() {
    let key = key();
    let keys = Jwks::from_json(jwks_of([&key])).expect("a key set");
    let mut header = key.header();
    header["typ"] = CANARY.into();
    let token = key.token_with_header(&header, &claims(json!({})));
    let verified = verifier_with(keys).verify(&token).expect("a good token");
    assert_eq!(verified.header().typ(), Some(CANARY));
    assert_eq!(leaked(&format!("{:?}", verified.header()), &token), None);
}

#[test]
fn debug_of_a_request_head_shows_neither_its_token_nor_its_cookies() {
    let lines = [("authorization", "Bearer k4n4ry"), ("cookie", "__Host-jwt=k4n4ry")];
    for (name, request) in [("header and cookie", get("/", &lines)), ("query", get("/?jwt=k4n4ry", &[]))] {
        let text = format!("{:?}", RequestHead::of(&request));
        assert_eq!(leaked(&text, CANARY), None, "{name}: {text}");
    }
}
