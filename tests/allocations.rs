//! What a request costs in allocations, against one that passes a layer that does nothing: budgets, not measurements.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first thing that is not as it says"
)]

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::body::Body;
use axum::routing::get;
use axum::{Router, response::Response};
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use http::{Request, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use tower::{Layer, Service};
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::{Claims, Jwks, JwtAuthLayer, Verifier};

/// Beyond a layer that does nothing: what the signature itself allocates is C's, and not counted here.
const NEW_TOKEN: u64 = 12;
const REPEATED_TOKEN: u64 = 2;

const NOW: u32 = 1_800_000_000;

/// Eight claims, as a service may use.
#[derive(Deserialize)]
#[expect(dead_code, reason = "what matters is that they are read")]
struct User {
    iss: Box<str>,
    sub: Box<str>,
    exp: u64,
    iat: u64,
    email_verified: bool,
    tenant: u32,
    level: u8,
    scope: Box<str>,
}

#[test]
fn a_new_token_and_a_repeated_one_stay_within_their_budgets() {
    let issuer = Issuer::new();
    let mut plain =
        Router::new().route("/me", get(async || StatusCode::NO_CONTENT)).layer(DoNothing::default());
    let mut guarded = Router::new()
        .route(
            "/me",
            get(async |Claims(user): Claims<User>| {
                drop(user);
                StatusCode::NO_CONTENT
            }),
        )
        .layer(JwtAuthLayer::new(issuer.verifier()));

    // Both routers and the crypto library set themselves up on first use.
    let (warm, token) = (issuer.token("warm"), issuer.token("alice"));
    answer(&mut plain, request(&warm));
    answer(&mut guarded, request(&warm));

    let nothing = count(&mut plain, &token);
    let new = count(&mut guarded, &token);
    let repeated = count(&mut guarded, &token);
    println!("do-nothing layer {nothing}, new token {new}, repeated token {repeated}");
    assert!(new <= nothing + NEW_TOKEN, "a new token: {new} against {nothing}");
    assert!(repeated <= nothing + REPEATED_TOKEN, "a repeated token: {repeated} against {nothing}");
}

#[test]
fn a_token_of_a_mebibyte_takes_no_memory_to_refuse() {
    let verifier = Issuer::new().verifier();
    for (name, token) in [("dots", ".".repeat(1 << 20)), ("letters", "A".repeat(1 << 20))] {
        let mut refused = None;
        let allocations = measure(|| refused = verifier.verify(&token).err());
        assert_eq!(refused.map(|error| error.code()), Some("token_too_large"), "{name}");
        assert_eq!(allocations.bytes_total, 0, "{name}");
    }
}

/// A layer that does nothing but, like any that is set to something, has a size: axum clones it for every request.
#[derive(Clone, Default)]
struct DoNothing {
    _settings: Arc<()>,
}

impl<S> Layer<S> for DoNothing {
    type Service = S;

    fn layer(&self, inner: S) -> S {
        inner
    }
}

fn count(router: &mut Router, token: &str) -> u64 {
    let request = request(token);
    let mut status = None;
    let allocations = measure(|| status = Some(answer(router, request)));
    assert_eq!(status, Some(StatusCode::NO_CONTENT));
    allocations.count_total
}

fn request(token: &str) -> Request<Body> {
    let request = Request::get("/me").header(header::AUTHORIZATION, format!("Bearer {token}"));
    request.body(Body::empty()).expect("a request")
}

/// Nothing on this path waits, so polling once is enough.
fn answer(router: &mut Router, request: Request<Body>) -> StatusCode {
    let mut future = pin!(router.call(request));
    let answer: Poll<Result<Response, Infallible>> =
        future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    match answer {
        Poll::Ready(Ok(response)) => response.status(),
        Poll::Pending => StatusCode::REQUEST_TIMEOUT,
    }
}

struct Issuer {
    key: EcdsaKeyPair,
}

impl Issuer {
    fn new() -> Self {
        Self { key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key pair") }
    }

    fn verifier(&self) -> Arc<Verifier> {
        let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
        let (x, y) = (BASE64URL.encode_to_string(x), BASE64URL.encode_to_string(y));
        let keys = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "kid": "1", "x": x, "y": y }] });
        let jwks = Jwks::from_json(keys.to_string()).expect("a key set");
        let verifier = Verifier::new("https://issuer.example", "api", jwks).expect("a verifier");
        Arc::new(verifier.with_clock(FixedClock::at_unix(NOW)))
    }

    fn token(&self, sub: &str) -> String {
        let header = json!({ "alg": "ES256", "kid": "1", "typ": "JWT" });
        let claims = json!({
            "iss": "https://issuer.example", "aud": "api", "sub": sub, "iat": NOW, "exp": NOW + 300,
            "email_verified": true, "tenant": 7, "level": 3, "scope": "read write",
        });
        let [header, claims] = [header, claims].map(|part| BASE64URL.encode_to_string(part.to_string()));
        let signing_input = format!("{header}.{claims}");
        let signature = self.key.sign(&SystemRandom::new(), signing_input.as_bytes()).expect("a signature");
        format!("{signing_input}.{}", BASE64URL.encode_to_string(signature))
    }
}
