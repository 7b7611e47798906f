//! Which algorithm verifies, with which key, and that the token has no say in either.

use std::io::ErrorKind;
use std::net::TcpListener;

use aws_lc_rs::hmac;
use serde_json::{Value, json};
use tower_jwt_auth::error::ConfigError;
use tower_jwt_auth::jwks::{Jwks, SharedSecret};
use tower_jwt_auth::token::Algorithm;

use crate::support::app::{ACCEPTED, outcome, verifier, verifier_with};
use crate::support::issuer::{
    SigningKey, decode, encode, good_claims, jwks_of, mac_token, shared_key, shared_rsa_key,
};

const UNSUPPORTED: &str = "algorithm_unsupported";
const UNKNOWN_KEY: &str = "key_unknown";
const HEADER: &str = "header_unsupported";
const MALFORMED: &str = "token_malformed";

fn set(document: &Value) -> Jwks {
    Jwks::from_json(document.to_string()).expect("a key set")
}

/// The header of the shared key with some members set.
fn header_with(members: Value) -> Value {
    let mut header = shared_key().header();
    let Value::Object(members) = members else { panic!("members") };
    header.as_object_mut().expect("an object").extend(members);
    header
}

#[test]
fn every_algorithm_verifies_what_it_signed_and_nothing_that_another_did() -> Result<(), ConfigError> {
    let rsa = shared_rsa_key();
    let keys: Vec<_> = Algorithm::ASYMMETRIC
        .iter()
        .map(|algorithm| {
            let rsa = algorithm.name().starts_with(['R', 'P']);
            let name = algorithm.name();
            if rsa {
                shared_rsa_key().with_algorithm(*algorithm).with_kid(name)
            } else {
                SigningKey::generate(*algorithm, name)
            }
        })
        .collect();
    let all = verifier_with(Jwks::from_json(jwks_of(&keys))?);
    for key in &keys {
        let token = key.token(&good_claims());
        assert_eq!(outcome(&all, &token), ACCEPTED, "{}", key.algorithm());
        let alone = verifier_with(Jwks::from_json(jwks_of([key]))?);
        assert_eq!(outcome(&alone, &token), ACCEPTED, "{} alone", key.algorithm());
        for other in keys.iter().filter(|other| other.algorithm() != key.algorithm()) {
            let mut header = other.header();
            header["kid"] = key.kid().into();
            let token = other.token_with_header(&header, &good_claims());
            assert_eq!(outcome(&all, &token), UNKNOWN_KEY, "{} with {}", key.algorithm(), other.algorithm());
        }
    }
    let both_names = SigningKey::generate(Algorithm::EdDsa, "ed");
    let verifier = verifier_with(Jwks::from_json(jwks_of([&both_names]))?);
    for name in ["EdDSA", "Ed25519"] {
        let header = json!({ "alg": name, "kid": "ed" });
        let token = both_names.token_with_header(&header, &good_claims());
        assert_eq!(outcome(&verifier, &token), ACCEPTED, "{name}");
    }
    assert_eq!(rsa.algorithm(), Algorithm::Rs256);
    Ok(())
}

#[test]
fn none_is_no_algorithm_however_it_is_written() {
    let verifier = verifier();
    let mut cases: Vec<String> = (0_u8..16)
        .map(|mask| {
            let case = |(bit, letter): (usize, char)| {
                if mask & (1 << bit) == 0 { letter } else { letter.to_ascii_uppercase() }
            };
            "none".chars().enumerate().map(case).collect()
        })
        .collect();
    cases.extend(
        ["none ", " none", "none\0", "", "es256", "ES256 ", "ES-256", "ECDSA", "ES257"].map(String::from),
    );
    for alg in cases {
        let header = header_with(json!({ "alg": alg }));
        let signed = shared_key().token_with_header(&header, &good_claims());
        assert_eq!(outcome(&verifier, &signed), UNSUPPORTED, "{alg:?}, signed");
        let (input, _) = signed.rsplit_once('.').expect("a signature");
        assert_eq!(outcome(&verifier, &format!("{input}.")), MALFORMED, "{alg:?}");
    }
    for alg in [json!(null), json!(0), json!(true), json!(["ES256"]), json!({})] {
        let header = header_with(json!({ "alg": alg }));
        let token = shared_key().token_with_header(&header, &good_claims());
        assert_eq!(outcome(&verifier, &token), MALFORMED, "{alg}");
    }
    let good = shared_key().token_with_header(&header_with(json!({ "alg": "ES256" })), &good_claims());
    assert_eq!(outcome(&verifier, &good), ACCEPTED);
}

#[test]
fn a_mac_with_the_public_key_as_its_secret_opens_nothing() {
    for key in [shared_key(), shared_rsa_key()] {
        let document = jwks_of([key]);
        let verifier = verifier_with(Jwks::from_json(&document).expect("a key set"));
        assert_eq!(outcome(&verifier, &key.token(&good_claims())), ACCEPTED);
        let jwk = key.public_jwk();
        let raw = jwk["n"].as_str().or(jwk["x"].as_str()).expect("a number");
        for (form, secret) in [
            ("PEM", key.public_pem().into_bytes()),
            ("PEM, trimmed", key.public_pem().trim_end().as_bytes().to_vec()),
            ("DER", key.public_der()),
            ("JWK", jwk.to_string().into_bytes()),
            ("JWK set", document.clone().into_bytes()),
            ("n or x", decode(raw)),
            ("n or x in base64url", raw.as_bytes().to_vec()),
            ("nothing", Vec::new()),
        ] {
            for (alg, mac) in
                [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)]
            {
                let header = json!({ "alg": alg, "kid": key.kid(), "typ": "JWT" });
                let token = mac_token(mac, &secret, &header, &good_claims());
                assert_eq!(outcome(&verifier, &token), UNSUPPORTED, "{alg} with {form}");
                // The same MAC under the key's own algorithm is just a bad signature.
                let token = mac_token(mac, &secret, &key.header(), &good_claims());
                assert_eq!(outcome(&verifier, &token), "signature_invalid", "{form}");
            }
        }
    }
}

#[test]
fn a_shared_secret_verifies_its_one_algorithm_and_no_public_key_makes_one() -> Result<(), ConfigError> {
    let secret = [7; 64];
    let verifier = verifier_with(SharedSecret::new(Algorithm::Hs384, secret)?);
    let claims = good_claims();
    let token = |alg: &str, mac, secret: &[u8]| mac_token(mac, secret, &json!({ "alg": alg }), &claims);
    for (name, token, want) in [
        ("its own", token("HS384", hmac::HMAC_SHA384, &secret), ACCEPTED),
        ("another secret", token("HS384", hmac::HMAC_SHA384, &[8; 64]), "signature_invalid"),
        ("another hash under its name", token("HS384", hmac::HMAC_SHA256, &secret), "signature_invalid"),
        ("another algorithm", token("HS256", hmac::HMAC_SHA256, &secret), UNSUPPORTED),
        ("a stronger algorithm", token("HS512", hmac::HMAC_SHA512, &secret), UNSUPPORTED),
        ("a signature", shared_key().token(&claims), UNSUPPORTED),
    ] {
        assert_eq!(outcome(&verifier, &token), want, "{name}");
    }
    assert!(SharedSecret::new(Algorithm::Hs256, shared_rsa_key().public_pem()).is_err());
    assert!(SharedSecret::new(Algorithm::Hs256, [7; 31]).is_err());
    assert!(SharedSecret::new(Algorithm::Rs256, [7; 64]).is_err());
    Ok(())
}

#[test]
fn a_secret_in_the_key_set_verifies_nothing() {
    let secret = [7; 32];
    let oct = json!({ "kty": "oct", "kid": "oct-1", "alg": "HS256", "k": encode(secret) });
    let jwks = set(&json!({ "keys": [oct, shared_key().public_jwk()] }));
    assert_eq!(jwks.status().skipped.get("secret_material"), Some(&1));
    let verifier = verifier_with(jwks);
    let header = json!({ "alg": "HS256", "kid": "oct-1" });
    let token = mac_token(hmac::HMAC_SHA256, &secret, &header, &good_claims());
    assert_eq!(outcome(&verifier, &token), UNSUPPORTED);
    assert_eq!(outcome(&verifier, &shared_key().token(&good_claims())), ACCEPTED, "the good key beside it");
}

#[test]
fn an_rsa_key_verifies_its_one_algorithm_only() {
    let rsa = shared_rsa_key();
    let mut without_alg = rsa.public_jwk();
    without_alg.as_object_mut().expect("an object").remove("alg");
    let named = verifier_with(set(&json!({ "keys": [rsa.public_jwk()] })));
    let unnamed = verifier_with(set(&json!({ "keys": [without_alg] })));
    for (algorithm, want) in [
        (Algorithm::Rs256, ACCEPTED),
        (Algorithm::Rs384, UNKNOWN_KEY),
        (Algorithm::Rs512, UNKNOWN_KEY),
        (Algorithm::Ps256, UNKNOWN_KEY),
        (Algorithm::Ps384, UNKNOWN_KEY),
        (Algorithm::Ps512, UNKNOWN_KEY),
    ] {
        let token = rsa.with_algorithm(algorithm).token(&good_claims());
        assert_eq!(outcome(&named, &token), want, "{algorithm}");
        assert_eq!(outcome(&unnamed, &token), want, "{algorithm}, a key without alg");
    }
}

#[test]
fn an_allow_list_narrows_and_never_widens() -> Result<(), ConfigError> {
    let token = shared_key().token(&good_claims());
    let es384_only = verifier().with_algorithms([Algorithm::Es384])?;
    assert_eq!(outcome(&es384_only, &token), UNSUPPORTED);
    let with_ours = verifier().with_algorithms([Algorithm::Es256, Algorithm::Es384])?;
    assert_eq!(outcome(&with_ours, &token), ACCEPTED);
    assert!(with_ours.with_algorithms([Algorithm::Rs256]).is_err());
    assert!(verifier().with_algorithms([Algorithm::Hs256]).is_err());
    assert!(verifier().with_algorithms([]).is_err());
    let secret = verifier_with(SharedSecret::new(Algorithm::Hs256, [7; 32])?);
    assert!(secret.with_algorithms([Algorithm::Es256]).is_err());
    Ok(())
}

#[test]
fn a_key_of_an_algorithm_that_is_not_allowed_is_of_no_use_under_the_name_of_one_that_is() {
    let named = SigningKey::generate(Algorithm::Es384, "es384-1");
    let keys = || Jwks::from_json(jwks_of([shared_key(), &named])).expect("a key set");
    let es256_only = verifier_with(keys()).with_algorithms([Algorithm::Es256]).expect("a narrower list");
    let token = |alg: &str| {
        let header = json!({ "alg": alg, "kid": named.kid() });
        named.token_with_header(&header, &good_claims())
    };
    for (name, verifier, alg, want) in [
        ("as it is", &es256_only, "ES384", UNSUPPORTED),
        ("called ES256", &es256_only, "ES256", UNKNOWN_KEY),
        ("called ES256 where both are allowed", &verifier_with(keys()), "ES256", UNKNOWN_KEY),
        ("as it is where both are allowed", &verifier_with(keys()), "ES384", ACCEPTED),
    ] {
        assert_eq!(outcome(verifier, &token(alg)), want, "{name}");
    }
    assert_eq!(
        outcome(&es256_only, &shared_key().token(&good_claims())),
        ACCEPTED,
        "the key that is allowed"
    );
}

#[test]
fn a_kid_is_a_short_string_that_is_compared_and_never_interpreted() {
    let verifier = verifier();
    let long = "k".repeat(256);
    for (kid, want) in [
        (json!(shared_key().kid()), ACCEPTED),
        (json!("ES256-1"), UNKNOWN_KEY),
        (json!("es256-1 "), UNKNOWN_KEY),
        (json!("es256-1\0"), UNKNOWN_KEY),
        (json!("es256-"), UNKNOWN_KEY),
        (json!(""), UNKNOWN_KEY),
        (json!("../../../../dev/null"), UNKNOWN_KEY),
        (json!("x' OR '1'='1"), UNKNOWN_KEY),
        (json!("es256-1\r\nX-Evil: 1"), UNKNOWN_KEY),
        (json!(long), UNKNOWN_KEY),
        (json!(format!("{long}k")), MALFORMED),
        (json!("k".repeat(10 * 1024)), MALFORMED),
        (json!(1), MALFORMED),
        (json!(null), MALFORMED),
        (json!(true), MALFORMED),
        (json!({ "kid": "es256-1" }), MALFORMED),
        (json!(["es256-1"]), MALFORMED),
    ] {
        let token = shared_key().token_with_header(&header_with(json!({ "kid": kid })), &good_claims());
        let name = kid.to_string();
        assert_eq!(outcome(&verifier, &token), want, "{name:.40}");
    }
    let named_long = shared_key().with_kid(&long).public_jwk();
    let verifier = verifier_with(set(&json!({ "keys": [named_long] })));
    let token = shared_key().token_with_header(&header_with(json!({ "kid": long })), &good_claims());
    assert_eq!(outcome(&verifier, &token), ACCEPTED, "a key of the longest name");
}

#[test]
fn without_kid_the_only_fitting_key_is_tried_and_never_one_of_two() {
    let header = json!({ "alg": "ES256" });
    let token = shared_key().token_with_header(&header, &good_claims());
    let other = SigningKey::generate(Algorithm::Es256, "es256-2");
    let of_another_kind = SigningKey::generate(Algorithm::EdDsa, "ed-1");
    let ours = shared_key();
    for (name, keys, want) in [
        ("alone", vec![ours], ACCEPTED),
        ("beside one of another kind", vec![ours, &of_another_kind], ACCEPTED),
        ("one of two", vec![ours, &other], UNKNOWN_KEY),
        ("another alone", vec![&other], "signature_invalid"),
    ] {
        let verifier = verifier_with(Jwks::from_json(jwks_of(keys)).expect("a key set"));
        assert_eq!(outcome(&verifier, &token), want, "{name}");
    }
}

#[test]
fn at_most_four_keys_of_one_name_are_tried() {
    let keys: Vec<_> = (0..5).map(|_| SigningKey::generate(Algorithm::Es256, "one-name")).collect();
    for published in [4, 5] {
        let document = jwks_of(&keys[..published]);
        let verifier = verifier_with(Jwks::from_json(document).expect("a key set"));
        let tokens = keys[..published].iter().map(|key| key.token(&good_claims()));
        let accepted = tokens.filter(|token| outcome(&verifier, token) == ACCEPTED).count();
        assert_eq!(accepted, 4, "of {published}");
    }
}

#[test]
fn what_would_change_the_meaning_of_the_token_is_refused_in_every_form() {
    let verifier = verifier();
    for (members, want) in [
        (json!({}), ACCEPTED),
        (json!({ "cty": "json" }), ACCEPTED),
        (json!({ "critical": ["exp"] }), ACCEPTED),
        (json!({ "crit": ["exp"], "exp": 1 }), HEADER),
        (json!({ "crit": ["b64"], "b64": true }), HEADER),
        (json!({ "crit": ["b64"], "b64": false }), HEADER),
        (json!({ "crit": ["http://example.com/x"] }), HEADER),
        (json!({ "crit": ["alg"] }), HEADER),
        (json!({ "crit": [] }), HEADER),
        (json!({ "crit": "exp" }), HEADER),
        (json!({ "crit": null }), HEADER),
        (json!({ "crit": {} }), HEADER),
        (json!({ "crit": 0 }), HEADER),
        (json!({ "crit": false }), HEADER),
        (json!({ "b64": true }), HEADER),
        (json!({ "b64": false }), HEADER),
        (json!({ "zip": "DEF" }), HEADER),
        (json!({ "zip": null }), HEADER),
        (json!({ "cty": "JWT" }), HEADER),
        (json!({ "cty": "jwt" }), HEADER),
        (json!({ "cty": "application/jwt" }), HEADER),
    ] {
        let token = shared_key().token_with_header(&header_with(members.clone()), &good_claims());
        assert_eq!(outcome(&verifier, &token), want, "{members}");
    }
    let escaped = format!(r#"{{"\u0063rit":["exp"],{}"#, &shared_key().header().to_string()[1..]);
    let token = shared_key().token_of(escaped, good_claims().to_string());
    assert_eq!(outcome(&verifier, &token), HEADER);
}

#[tokio::test]
async fn a_key_that_the_token_brings_or_names_is_neither_used_nor_fetched() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    listener.set_nonblocking(true).expect("a socket");
    let url = format!("http://{}/keys", listener.local_addr().expect("an address"));
    let verifier = verifier();
    let attacker = SigningKey::generate(Algorithm::Es256, "evil");
    let certificate = base64_simd::STANDARD.encode_to_string(attacker.public_der());
    for members in [
        json!({ "jwk": attacker.public_jwk() }),
        json!({ "jku": url }),
        json!({ "x5u": url }),
        json!({ "x5c": [certificate] }),
        json!({ "jku": url, "x5u": url, "jwk": attacker.public_jwk(), "x5c": [certificate] }),
    ] {
        let mut header = header_with(members.clone());
        let forged = attacker.token_with_header(&header, &good_claims());
        let refused = verifier.verify_or_ask(&forged).await;
        assert_eq!(refused.expect_err("forged").code(), "signature_invalid", "{members}");
        let honest = shared_key().token_with_header(&header, &good_claims());
        assert!(verifier.verify_or_ask(&honest).await.is_ok(), "{members}");
        header["kid"] = "evil".into();
        let forged = attacker.token_with_header(&header, &good_claims());
        let refused = verifier.verify_or_ask(&forged).await;
        assert_eq!(refused.expect_err("forged").code(), UNKNOWN_KEY, "{members}");
    }
    let visit = listener.accept().map(|_| ()).map_err(|error| error.kind());
    assert_eq!(visit, Err(ErrorKind::WouldBlock), "nobody called");
}
