//! Phonelink: what its own `validate` says over jose, row by row, and where this is stricter.

use std::convert::Infallible;

use axum::body::Body;
use axum::routing::{get as get_route, post};
use http::{Request, Response};
use tower_jwt_auth::Claims;
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::fetch::{Fetch, FetchFuture, FetchRequest};
use tower_jwt_auth::provider::{Phonelink, PhonelinkClaims, PhonelinkValidator, VerifiedPhone};
use tower_jwt_auth::token::Algorithm;

use super::*;
use crate::support::app::{Canned, get};
use crate::support::issuer::{SigningKey, encode, jwks_of, mac_token, shared_rsa_key};

pub const CLIENT: &str = "my-client-id";
pub const NONCE: &str = "5f2d7c9be04c1f7a5f2d7c9be04c1f7a5f2d7c9be04c1f7a5f2d7c9be04c1f7a";
pub const PHONE: &str = "+14155550123";

/// What Phonelink says of a phone at [`NOW`].
pub fn claims(changes: Value) -> Value {
    let claims = json!({
        "phone_e164": PHONE, "verified": true, "method": "SMS", "provider": "twilio", "nonce": NONCE, "sub": "session",
        "iss": "https://phone.link", "aud": CLIENT, "iat": NOW, "exp": NOW + 300, "jti": "one",
    });
    changed(claims, changes)
}

/// The preset over `keys`, for `client`.
pub fn preset(keys: &str) -> Phonelink {
    let preset = Phonelink::new(CLIENT).expect("a client id");
    preset.with_fetch(Canned(keys.to_owned())).with_clock(FixedClock::at_unix(NOW))
}

/// The two documented ways to a server, and what the app says of a phone there.
pub fn site(validator: &PhonelinkValidator) -> App {
    let of_layer = async |Claims(phone): Claims<PhonelinkClaims>| phone.phone_e164.clone();
    let of_body = async |phone: VerifiedPhone| phone.phone_e164.clone();
    let callback = Router::new().route("/callback", get_route(of_layer)).route_layer(validator.layer());
    App::of(callback.route("/api/verify-phone", post(of_body)).with_state(validator.clone()))
}

/// The browser's request that comes back from Phonelink, with the nonce in its cookie, if any.
pub fn callback(token: &str, nonce: &str) -> Request<Body> {
    let cookie = format!("__Host-nonce={nonce}");
    let lines = [("cookie", cookie.as_str())];
    get(&format!("/callback?token={token}"), if nonce.is_empty() { &[] } else { &lines })
}

/// The request of the page's script.
pub fn script(token: &str, nonce: &str) -> Request<Body> {
    body(json!({ "token": token, "nonce": nonce }).to_string())
}

pub fn body(body: impl Into<Body>) -> Request<Body> {
    let request = Request::post("/api/verify-phone").header("content-type", "application/json");
    request.body(body.into()).expect("a request")
}

struct Row {
    name: &'static str,
    keys: String,
    token: String,
    nonce: &'static str,
    /// What jose 6.0.11 says in the SDK's own function, for comparison: recorded from a run of that.
    jose: &'static str,
    ours: &'static str,
}

/// The one key of most rows.
pub fn key() -> SigningKey {
    SigningKey::generate(Algorithm::Es256, "es")
}

fn with_members(jwk: Value, members: Value) -> String {
    json!({ "keys": [changed(jwk, members)] }).to_string()
}

/// Rows about the claims: the change, jose's word and ours.
fn rows_of_claims(key: &SigningKey) -> Vec<Row> {
    const OK: &str = "OK";
    const EXPIRED: &str = "ERR_JWT_EXPIRED";
    const CLAIM: &str = "ERR_JWT_CLAIM_VALIDATION_FAILED";
    const NONCE_MISMATCH: &str = "Nonce mismatch";
    const NOT_VERIFIED: &str = "Phone number not verified";
    let row = |name, changes: Value, nonce, jose, ours| Row {
        name,
        keys: jwks_of([key]),
        token: key.token(&claims(changes)),
        nonce,
        jose,
        ours,
    };
    vec![
        row("good", json!({}), NONCE, OK, ACCEPTED),
        row("no exp", json!({ "exp": null }), NONCE, OK, "claim_missing"),
        row("exp in the past", json!({ "exp": NOW - 1 }), NONCE, EXPIRED, "token_expired"),
        row("exp now", json!({ "exp": NOW }), NONCE, EXPIRED, "token_expired"),
        row("exp in a second", json!({ "exp": NOW + 1 }), NONCE, OK, ACCEPTED),
        row("nbf in 2 s", json!({ "nbf": NOW + 2 }), NONCE, CLAIM, "token_not_yet_valid"),
        row("nbf now", json!({ "nbf": NOW }), NONCE, OK, ACCEPTED),
        row("iat in an hour", json!({ "iat": NOW + 3600 }), NONCE, OK, ACCEPTED),
        row("no iat", json!({ "iat": null }), NONCE, OK, ACCEPTED),
        row("iat a string", json!({ "iat": "1" }), NONCE, CLAIM, "claim_invalid"),
        row("exp a string", json!({ "exp": "1" }), NONCE, CLAIM, "claim_invalid"),
        row("aud an array with ours", json!({ "aud": ["x", CLIENT] }), NONCE, OK, ACCEPTED),
        row("aud an array without ours", json!({ "aud": ["x"] }), NONCE, CLAIM, "audience_mismatch"),
        row("aud another", json!({ "aud": "my-client-id2" }), NONCE, CLAIM, "audience_mismatch"),
        row("no aud", json!({ "aud": null }), NONCE, CLAIM, "audience_mismatch"),
        row("aud empty", json!({ "aud": "" }), NONCE, CLAIM, "audience_mismatch"),
        row("expired, for another", json!({ "exp": NOW, "aud": "x" }), NONCE, CLAIM, "audience_mismatch"),
        row("iss with a slash", json!({ "iss": "https://phone.link/" }), NONCE, CLAIM, "issuer_mismatch"),
        row("no iss", json!({ "iss": null }), NONCE, CLAIM, "issuer_mismatch"),
        row("another nonce", json!({ "nonce": "x" }), NONCE, NONCE_MISMATCH, "nonce_mismatch"),
        row(
            "nonce in capitals",
            json!({ "nonce": NONCE.to_uppercase() }),
            NONCE,
            NONCE_MISMATCH,
            "nonce_mismatch",
        ),
        row(
            "nonce and more",
            json!({ "nonce": format!("{NONCE}0") }),
            NONCE,
            NONCE_MISMATCH,
            "nonce_mismatch",
        ),
        row("no nonce in the token", json!({ "nonce": null }), NONCE, NONCE_MISMATCH, "nonce_mismatch"),
        row("an empty one in the token", json!({ "nonce": "" }), NONCE, NONCE_MISMATCH, "nonce_mismatch"),
        row("nonce in an array", json!({ "nonce": [NONCE] }), NONCE, NONCE_MISMATCH, "nonce_mismatch"),
        row("nonce a number", json!({ "nonce": 1 }), "1", NONCE_MISMATCH, "nonce_mismatch"),
        row("no nonce at all", json!({ "nonce": null }), "", OK, "nonce_missing"),
        row("empty nonces", json!({ "nonce": "" }), "", OK, "nonce_missing"),
        row("none expected", json!({}), "", NONCE_MISMATCH, "nonce_missing"),
        row("verified false", json!({ "verified": false }), NONCE, NOT_VERIFIED, "phone_not_verified"),
        row("verified \"true\"", json!({ "verified": "true" }), NONCE, NOT_VERIFIED, "phone_not_verified"),
        row("verified 1", json!({ "verified": 1 }), NONCE, NOT_VERIFIED, "phone_not_verified"),
        row("verified [true]", json!({ "verified": [true] }), NONCE, NOT_VERIFIED, "phone_not_verified"),
        row("no verified", json!({ "verified": null }), NONCE, NOT_VERIFIED, "phone_not_verified"),
        row("no phone", json!({ "phone_e164": null }), NONCE, OK, "claims_mismatch"),
        row("a phone that is a number", json!({ "phone_e164": 1 }), NONCE, OK, "claims_mismatch"),
        row("no jti", json!({ "jti": null }), NONCE, OK, "claim_missing"),
        row(
            "none of what is optional",
            json!({ "method": null, "provider": null, "sub": null }),
            NONCE,
            OK,
            ACCEPTED,
        ),
    ]
}

/// Rows about keys, headers and shapes.
#[expect(clippy::too_many_lines, reason = "a table")]
fn rows_of_keys(key: &SigningKey) -> Vec<Row> {
    const OK: &str = "OK";
    const NO_KEY: &str = "ERR_JWKS_NO_MATCHING_KEY";
    const NOT_SUPPORTED: &str = "ERR_JOSE_NOT_SUPPORTED";
    const INVALID: &str = "ERR_JWS_INVALID";
    const SIGNATURE: &str = "ERR_JWS_SIGNATURE_VERIFICATION_FAILED";
    let row =
        |name, keys: String, token: String, jose, ours| Row { name, keys, token, nonce: NONCE, jose, ours };
    let (ed, rsa, second) = (
        SigningKey::generate(Algorithm::EdDsa, "ed"),
        shared_rsa_key(),
        SigningKey::generate(Algorithm::Es256, "es2"),
    );
    let good = claims(json!({}));
    let all = jwks_of([key, &ed, rsa]);
    let headed = |header: Value| key.token_with_header(&header, &good);
    let hmac = |secret: &[u8]| {
        mac_token(aws_lc_rs::hmac::HMAC_SHA256, secret, &json!({ "alg": "HS256", "kid": "es" }), &good)
    };
    let none = json!({ "alg": "none", "kid": "es" });
    vec![
        row("ES256", all.clone(), key.token(&good), OK, ACCEPTED),
        row("RS256", all.clone(), rsa.token(&good), OK, ACCEPTED),
        row("EdDSA", all.clone(), ed.token(&good), OK, ACCEPTED),
        row(
            "a JWK without alg",
            with_members(key.public_jwk(), json!({ "alg": null })),
            key.token(&good),
            OK,
            ACCEPTED,
        ),
        row(
            "use sig",
            with_members(key.public_jwk(), json!({ "use": "sig" })),
            key.token(&good),
            OK,
            ACCEPTED,
        ),
        row("an unknown kid", all.clone(), second.token(&good), NO_KEY, "key_unknown"),
        row(
            "the kid of another algorithm",
            all.clone(),
            headed(json!({ "alg": "ES256", "kid": "ed" })),
            NO_KEY,
            "key_unknown",
        ),
        row(
            "another alg than the key's",
            all.clone(),
            headed(json!({ "alg": "ES384", "kid": "es" })),
            NO_KEY,
            "key_unknown",
        ),
        row(
            "use enc",
            jwks_with_one_more(&ed, &changed(key.public_jwk(), json!({ "use": "enc" }))),
            key.token(&good),
            NO_KEY,
            "key_unknown",
        ),
        row(
            "key_ops without verify",
            jwks_with_one_more(&ed, &changed(key.public_jwk(), json!({ "key_ops": ["sign"] }))),
            key.token(&good),
            NO_KEY,
            "key_unknown",
        ),
        row(
            "key_ops with verify",
            jwks_with_one_more(&ed, &changed(key.public_jwk(), json!({ "key_ops": ["verify"] }))),
            key.token(&good),
            OK,
            ACCEPTED,
        ),
        row("no kid, one candidate", all.clone(), headed(json!({ "alg": "ES256" })), OK, ACCEPTED),
        row(
            "no kid, two candidates",
            jwks_of([key, &second]),
            headed(json!({ "alg": "ES256" })),
            "ERR_JWKS_MULTIPLE_MATCHING_KEYS",
            "key_unknown",
        ),
        row("an altered signature", all.clone(), forged(&key.token(&good)), SIGNATURE, "signature_invalid"),
        row(
            "another key of this name",
            all.clone(),
            SigningKey::generate(Algorithm::Es256, "es").token(&good),
            SIGNATURE,
            "signature_invalid",
        ),
        row("alg none", all.clone(), headed(none.clone()), NOT_SUPPORTED, "algorithm_unsupported"),
        row(
            "alg none, unsigned",
            all.clone(),
            format!("{}.{}.", encode(none.to_string()), encode(good.to_string())),
            NOT_SUPPORTED,
            "token_malformed",
        ),
        row(
            "HS256 by the public key",
            all.clone(),
            hmac(key.public_pem().as_bytes()),
            NOT_SUPPORTED,
            "algorithm_unsupported",
        ),
        row("HS256 by nothing", all.clone(), hmac(b""), NOT_SUPPORTED, "algorithm_unsupported"),
        row(
            "an unknown crit",
            all.clone(),
            headed(json!({ "alg": "ES256", "kid": "es", "crit": ["x"], "x": 1 })),
            NOT_SUPPORTED,
            "header_unsupported",
        ),
        row(
            "crit b64",
            all.clone(),
            headed(json!({ "alg": "ES256", "kid": "es", "crit": ["b64"], "b64": true })),
            OK,
            "header_unsupported",
        ),
        row(
            "typ at+jwt",
            all.clone(),
            headed(json!({ "alg": "ES256", "kid": "es", "typ": "at+jwt" })),
            OK,
            ACCEPTED,
        ),
        row("garbage", all.clone(), "garbage".to_owned(), INVALID, "token_malformed"),
        row("no JWKS", "<html>".to_owned(), key.token(&good), "ERR_JOSE_GENERIC", "keys_pending"),
        row(
            "a malformed JWKS",
            r#"{"keys":{}}"#.to_owned(),
            key.token(&good),
            "ERR_JWKS_INVALID",
            "keys_pending",
        ),
    ]
}

fn jwks_with_one_more(key: &SigningKey, more: &Value) -> String {
    json!({ "keys": [key.public_jwk(), more] }).to_string()
}

#[tokio::test(start_paused = true)]
async fn each_row_of_its_own_client_is_judged_the_same_way_or_more_strictly_on_every_way_in() {
    let key = key();
    let rows: Vec<_> = rows_of_claims(&key).into_iter().chain(rows_of_keys(&key)).collect();
    for Row { name, keys, token, nonce, jose, ours } in rows {
        assert!(ours != ACCEPTED || jose == "OK", "{name}: nothing is accepted that jose refuses");
        let fresh = || preset(&keys).validator().expect("a runtime");
        let validated = fresh().validate(&token, nonce).await;
        if let Ok(phone) = &validated {
            assert_eq!((&*phone.phone_e164, phone.verified), (PHONE, true), "{name}");
        }
        assert_eq!(validated.map_or_else(|error| error.code(), |_| ACCEPTED), ours, "{name}: validate");
        for (way, request) in [("body", script(&token, nonce)), ("callback", callback(&token, nonce))] {
            let answer = site(&fresh()).answer(request).await;
            assert_eq!(answer.code, ours, "{name}: {way}");
            assert_eq!(answer.status == 200, ours == ACCEPTED, "{name}: {way}");
            assert!(ours == ACCEPTED || !answer.body.contains(PHONE), "{name}: {way}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_token_is_none() {
    let validator = preset(&jwks_of([&key()])).validator().expect("a runtime");
    let error = validator.validate("", NONCE).await.expect_err("no token");
    assert_eq!(error.code(), "token_malformed", "as jose has it");
    let site = site(&validator);
    assert_eq!(site.verdict(script("", NONCE)).await, (401, "token_missing".to_owned()));
    assert_eq!(site.verdict(get("/callback", &[])).await, (401, "token_missing".to_owned()));
    assert_ne!(site.verdict(callback("", NONCE)).await.0, 200);
}

/// Serves a good key set in a way that is not: with another status, or called something else.
struct Served(u16, &'static str, String);

impl Fetch for Served {
    fn fetch(&self, _request: FetchRequest) -> FetchFuture<'_> {
        let Self(status, content_type, body) = self;
        let response = Response::builder().status(*status).header("content-type", *content_type);
        let response = response.body(body.clone().into_bytes()).expect("a response");
        Box::pin(async { Ok::<_, Infallible>(response).map_err(|never| match never {}) })
    }
}

#[tokio::test(start_paused = true)]
async fn keys_count_whatever_they_are_called_and_only_with_200() {
    let key = key();
    for (status, content_type, want) in [
        (200, "application/json", ACCEPTED),
        (200, "text/plain", ACCEPTED),
        (201, "application/json", "keys_pending"),
        (302, "application/json", "keys_pending"),
        (404, "application/json", "keys_pending"),
        (500, "application/json", "keys_pending"),
    ] {
        let served = Served(status, content_type, jwks_of([&key]));
        let validator = preset("").with_fetch(served).validator().expect("a runtime");
        let got = validator.validate(&key.token(&claims(json!({}))), NONCE).await;
        assert_eq!(got.map_or_else(|error| error.code(), |_| ACCEPTED), want, "{status} {content_type}");
    }
}

#[tokio::test]
async fn a_client_without_an_id_cannot_be_made() {
    assert!(Phonelink::new("").is_err());
    assert!(Phonelink::new(CLIENT).is_ok());
    assert!(preset("").with_issuer("").validator().is_err());
    assert!(preset("").with_jwks_url("http://phone.link/.well-known/jwks.json").validator().is_err());
    let validator = preset("").validator().expect("a runtime");
    let text = format!("{:?} {validator:?}", preset(""));
    assert!(text.contains("Required") && text.contains("counts once"), "{text}");
    let phone: PhonelinkClaims = serde_json::from_value(claims(json!({}))).expect("claims");
    let shown = format!("{phone:?} {:?}", VerifiedPhone(phone.clone()));
    assert!(!shown.contains("4155550123"), "{shown}");
}
