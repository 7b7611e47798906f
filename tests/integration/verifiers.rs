//! Several verifiers without a layer: the issuer of a token chooses one of them, and its keys alone count.

use std::sync::Arc;

use serde_json::{Value, json};
use tower_jwt_auth::Verifier;
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::jwks::{Jwks, SharedSecret};
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::verify::{Authority, Verifiers};

use crate::support::app::{ACCEPTED, cold_jwks, judged};
use crate::support::issuer::{AUDIENCE, NOW, SigningKey, claims_with, jwks_of, mac_token};

const ONE: &str = "https://one.example";
const OTHER: &str = "https://other.example";

fn of(issuer: &str, keys: impl Into<Authority>) -> Verifier {
    let verifier = Verifier::new(issuer, AUDIENCE, keys).expect("a policy");
    verifier.with_clock(FixedClock::at_unix(NOW))
}

fn keys_of(key: &SigningKey) -> Jwks {
    Jwks::from_json(jwks_of([key])).expect("a key set")
}

/// Two keys of one name.
fn keys() -> [SigningKey; 2] {
    [(); 2].map(|()| SigningKey::generate(Algorithm::Es256, "k"))
}

fn outcome(verifiers: &Verifiers, token: &str) -> &'static str {
    judged(token, verifiers.verify(token))
}

#[test]
fn the_issuer_of_a_token_chooses_its_verifier_and_no_key_crosses() {
    let [key, other_key] = keys();
    let [one, other] = [of(ONE, keys_of(&key)), of(OTHER, keys_of(&other_key))];
    let verifiers = Verifier::any_of([one, other]).expect("issuers that differ");
    for (name, key, issuer, want) in [
        ("its own", &key, json!(ONE), ACCEPTED),
        ("the other's own", &other_key, json!(OTHER), ACCEPTED),
        ("crossed", &key, json!(OTHER), "signature_invalid"),
        ("crossed the other way", &other_key, json!(ONE), "signature_invalid"),
        ("nobody's", &key, json!("https://nobody.example"), "issuer_mismatch"),
        ("more of it", &key, json!("https://one.example/"), "issuer_mismatch"),
        ("less of it", &key, json!("https://one.exam"), "issuer_mismatch"),
        ("another case", &key, json!("https://ONE.example"), "issuer_mismatch"),
        ("empty", &key, json!(""), "issuer_mismatch"),
        ("none", &key, Value::Null, "issuer_mismatch"),
        ("both", &key, json!([ONE, OTHER]), "claim_invalid"),
        ("a number", &key, json!(1), "claim_invalid"),
    ] {
        let token = key.token(&claims_with(json!({ "iss": issuer })));
        // Twice: what is remembered of one verifier is nothing to the other.
        assert_eq!([outcome(&verifiers, &token), outcome(&verifiers, &token)], [want; 2], "{name}");
    }
    for token in ["", "x", "a.b.c", "a.b.c.d.e"] {
        assert_ne!(outcome(&verifiers, token), ACCEPTED, "{token}");
    }
}

#[test]
fn verifiers_of_different_kinds_go_together() {
    const SECRET: [u8; 32] = [7; 32];
    let [key, _] = keys();
    let secret = of(OTHER, SharedSecret::new(Algorithm::Hs256, SECRET).expect("a secret"));
    let verifiers = Verifier::any_of([Arc::new(of(ONE, keys_of(&key))), Arc::new(secret)]);
    let verifiers = verifiers.expect("issuers that differ");
    let mac = |issuer: &str| {
        let claims = claims_with(json!({ "iss": issuer }));
        mac_token(aws_lc_rs::hmac::HMAC_SHA256, &SECRET, &json!({ "alg": "HS256" }), &claims)
    };
    assert_eq!(outcome(&verifiers, &mac(OTHER)), ACCEPTED);
    assert_eq!(outcome(&verifiers, &mac(ONE)), "algorithm_unsupported");
    let signed = |issuer: &str| key.token(&claims_with(json!({ "iss": issuer })));
    assert_eq!(outcome(&verifiers, &signed(ONE)), ACCEPTED);
    assert_eq!(outcome(&verifiers, &signed(OTHER)), "algorithm_unsupported");
}

#[test]
fn several_are_one_or_more_each_for_an_issuer_of_its_own() {
    let [key, _] = keys();
    let of = |issuer: &str| of(issuer, keys_of(&key));
    assert!(Verifier::any_of([of(ONE), of(OTHER)]).is_ok());
    assert!(Verifier::any_of([of(ONE)]).is_ok());
    for (name, verifiers) in [
        ("none", vec![]),
        ("two for one issuer", vec![of(ONE), of(OTHER), of(ONE)]),
        ("one for any", vec![of(ONE), of(OTHER).insecure_accept_any_issuer()]),
        ("one for any, alone", vec![of(OTHER).insecure_accept_any_issuer()]),
    ] {
        assert!(Verifier::any_of(verifiers).is_err(), "{name}");
    }
}

#[tokio::test]
async fn keys_that_are_not_here_yet_are_waited_for_by_the_tokens_of_their_issuer_alone() {
    let [key, other_key] = keys();
    let cold = of(ONE, cold_jwks(jwks_of([&key])));
    let verifiers = Verifier::any_of([cold, of(OTHER, keys_of(&other_key))]).expect("issuers that differ");
    let [one, other] =
        [(&key, ONE), (&other_key, OTHER)].map(|(key, iss)| key.token(&claims_with(json!({ "iss": iss }))));
    assert_eq!(outcome(&verifiers, &other), ACCEPTED);
    assert_eq!(outcome(&verifiers, &one), "keys_pending");
    assert_eq!(judged(&one, verifiers.verify_or_ask(&one).await), ACCEPTED);
}

#[tokio::test]
async fn the_verifier_that_judges_a_token_explains_it() {
    let [key, other_key] = keys();
    let [one, other] = [of(ONE, keys_of(&key)), of(OTHER, keys_of(&other_key))];
    let text = [one.to_string(), other.to_string()];
    let verifiers = Verifier::any_of([one, other]).expect("issuers that differ");
    let token = other_key.token(&claims_with(json!({ "iss": OTHER, "exp": 1 })));
    let verifier = verifiers.verifier_for(&token).expect("there is one");
    assert_eq!(verifier.to_string(), text[1]);
    let verdict = verifier.explain(&token).await.verdict();
    assert_eq!(verdict.err(), verifiers.verify(&token).err());
    let nobodys = key.token(&claims_with(json!({ "iss": "https://nobody.example" })));
    assert_eq!(verifiers.verifier_for(&nobodys).err().map(|error| error.code()), Some("issuer_mismatch"));
    // All of them are printed.
    assert_eq!(verifiers.to_string(), text.join("; OR "));
    assert_eq!(format!("{verifiers:?}"), format!("Verifiers({})", text.join("; OR ")));
}
