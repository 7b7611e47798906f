//! Which published keys are used at all.

use serde_json::{Value, json};
use tower_jwt_auth::jwks::{Jwks, VerifyingKey};
use tower_jwt_auth::token::Algorithm;

use crate::support::app::{ACCEPTED, outcome, verifier_with};
use crate::support::issuer::{SigningKey, decode, encode, good_claims, shared_key, shared_rsa_key};

/// A JWK with some members set, or removed where null.
fn changed(mut jwk: Value, changes: &Value) -> Value {
    let members = jwk.as_object_mut().expect("a JWK");
    for (name, value) in changes.as_object().expect("changes") {
        members.insert(name.clone(), value.clone());
    }
    members.retain(|_, value| !value.is_null());
    jwk
}

/// Why `jwk` is not used, or none. A good key stands beside it and must stay.
fn reason_to_skip(jwk: &Value) -> Option<&'static str> {
    let beside = SigningKey::generate(Algorithm::EdDsa, "beside");
    let document = json!({ "keys": [jwk, beside.public_jwk()] }).to_string();
    let jwks = Jwks::from_json(document).expect("one key at least");
    let status = jwks.status();
    let verifier = verifier_with(jwks);
    assert_eq!(outcome(&verifier, &beside.token(&good_claims())), ACCEPTED, "{jwk}");
    let reasons: Vec<_> = status.skipped.into_iter().collect();
    assert_eq!(status.keys + reasons.len(), 2, "{jwk}");
    reasons.first().map(|(reason, _)| *reason)
}

#[test]
fn an_rsa_key_has_2048_to_8192_bits_and_an_odd_exponent_from_3() {
    let n = |bits: usize| {
        let mut n = vec![0xff; bits / 8];
        n[0] = 0x80;
        encode(n)
    };
    let good = shared_rsa_key().public_jwk();
    let even = {
        let mut n = decode(good["n"].as_str().expect("n"));
        *n.last_mut().expect("a byte") &= 0xfe;
        encode(n)
    };
    for (name, changes, want) in [
        ("good", json!({}), None),
        ("3072", json!({ "n": n(3072) }), None),
        ("8192", json!({ "n": n(8192) }), None),
        ("1024", json!({ "n": n(1024) }), Some("modulus_size")),
        ("2040", json!({ "n": n(2040) }), Some("modulus_size")),
        ("16384", json!({ "n": n(16384) }), Some("modulus_size")),
        ("even n", json!({ "n": even }), Some("modulus_size")),
        ("n = 0", json!({ "n": "AA" }), Some("modulus_size")),
        ("no n", json!({ "n": null }), Some("malformed")),
        ("e = 3", json!({ "e": "Aw" }), None),
        ("e = 0", json!({ "e": "AA" }), Some("exponent")),
        ("e = 1", json!({ "e": "AQ" }), Some("exponent")),
        ("e = 2", json!({ "e": "Ag" }), Some("exponent")),
        ("even e", json!({ "e": "AQAA" }), Some("exponent")),
        ("e of 64 bits", json!({ "e": "__________8" }), Some("exponent")),
        ("no e", json!({ "e": null }), Some("malformed")),
        ("padded n", json!({ "n": format!("{}=", n(2048)) }), Some("malformed")),
        ("alg of EC", json!({ "alg": "ES256" }), Some("unsupported_algorithm")),
        ("a MAC", json!({ "alg": "HS256" }), Some("unsupported_algorithm")),
        ("none", json!({ "alg": "none" }), Some("unsupported_algorithm")),
        ("for encryption", json!({ "alg": "RSA-OAEP" }), Some("unsupported_algorithm")),
    ] {
        assert_eq!(reason_to_skip(&changed(good.clone(), &changes)), want, "{name}");
    }
}

#[test]
fn an_ec_key_is_a_point_of_its_curve_in_full_length() {
    let good = shared_key().public_jwk();
    let coordinate = |name: &str| decode(good[name].as_str().expect("a coordinate"));
    let (x, y) = (coordinate("x"), coordinate("y"));
    let flipped = [&y[..31], &[y[31] ^ 1]].concat();
    for (name, changes, want) in [
        ("good", json!({}), None),
        ("without alg", json!({ "alg": null }), None),
        ("off the curve", json!({ "y": encode(flipped) }), Some("point")),
        ("swapped", json!({ "x": encode(&y), "y": encode(&x) }), Some("point")),
        ("zeros", json!({ "x": encode([0; 32]), "y": encode([0; 32]) }), Some("point")),
        ("a short x", json!({ "x": encode(&x[1..]) }), Some("point")),
        ("a long x", json!({ "x": encode([&[0], &x[..]].concat()) }), Some("point")),
        ("x not reduced", json!({ "x": encode([0xff; 32]) }), Some("point")),
        ("no y", json!({ "y": null }), Some("malformed")),
        ("another curve", json!({ "crv": "P-384", "alg": "ES384" }), Some("point")),
        ("alg of another curve", json!({ "alg": "ES384" }), Some("unsupported_algorithm")),
        ("secp256k1 by name only", json!({ "crv": "secp256k1", "alg": "ES256K" }), Some("point")),
        ("an unknown curve", json!({ "crv": "P-192" }), Some("unsupported_type")),
        ("no curve", json!({ "crv": null }), Some("unsupported_type")),
    ] {
        assert_eq!(reason_to_skip(&changed(good.clone(), &changes)), want, "{name}");
    }
}

#[test]
fn an_ed25519_key_of_small_order_is_no_key() {
    let good = SigningKey::generate(Algorithm::EdDsa, "ed").public_jwk();
    let point = |first: u8, rest: u8, last: u8| {
        let mut point = [rest; 32];
        (point[0], point[31]) = (first, last);
        encode(point)
    };
    let order_8 = |last: u8| {
        let mut point = *b"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\
            \x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a";
        point[31] |= last;
        encode(point)
    };
    let other_order_8 = b"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\
        \xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05";
    for (name, changes, want) in [
        ("good", json!({}), None),
        ("order 1", json!({ "x": point(1, 0, 0) }), Some("point")),
        ("order 1, x = -0", json!({ "x": point(1, 0, 0x80) }), Some("point")),
        ("order 2", json!({ "x": point(0xec, 0xff, 0x7f) }), Some("point")),
        ("order 4", json!({ "x": point(0, 0, 0) }), Some("point")),
        ("order 4, other sign", json!({ "x": point(0, 0, 0x80) }), Some("point")),
        ("order 8", json!({ "x": order_8(0) }), Some("point")),
        ("order 8, other sign", json!({ "x": order_8(0x80) }), Some("point")),
        ("order 8, other y", json!({ "x": encode(other_order_8) }), Some("point")),
        ("not reduced", json!({ "x": point(0xee, 0xff, 0x7f) }), Some("point")),
        ("31 bytes", json!({ "x": encode([0x42; 31]) }), Some("point")),
        ("X25519", json!({ "crv": "X25519" }), Some("unsupported_type")),
        ("Ed448", json!({ "crv": "Ed448", "alg": null }), Some("unsupported_type")),
    ] {
        assert_eq!(reason_to_skip(&changed(good.clone(), &changes)), want, "{name}");
    }
}

#[test]
fn a_key_for_another_purpose_or_with_private_members_is_refused_whole() {
    let good = shared_key().public_jwk();
    for (name, changes, want) in [
        ("use sig", json!({ "use": "sig" }), None),
        ("key_ops with verify", json!({ "key_ops": ["sign", "verify"] }), None),
        ("use enc", json!({ "use": "enc" }), Some("other_purpose")),
        ("use SIG", json!({ "use": "SIG" }), Some("other_purpose")),
        ("key_ops without verify", json!({ "key_ops": ["sign"] }), Some("other_purpose")),
        ("no key_ops", json!({ "key_ops": [] }), Some("other_purpose")),
        ("private", json!({ "d": encode([7; 32]) }), Some("secret_material")),
        ("symmetric", json!({ "k": encode([7; 32]) }), Some("secret_material")),
        ("private, not even text", json!({ "d": 7 }), Some("secret_material")),
        ("oct", json!({ "kty": "oct", "k": encode([7; 32]) }), Some("secret_material")),
        ("an unknown type", json!({ "kty": "AKP" }), Some("unsupported_type")),
        ("a kid of 257 bytes", json!({ "kid": "k".repeat(257) }), Some("malformed")),
        ("a kid that is a number", json!({ "kid": 1 }), Some("malformed")),
    ] {
        assert_eq!(reason_to_skip(&changed(good.clone(), &changes)), want, "{name}");
    }
}

#[test]
fn a_pem_key_verifies_the_one_algorithm_that_it_was_loaded_for() {
    let rsa = shared_rsa_key();
    let key = VerifyingKey::from_pem(rsa.public_pem(), Algorithm::Ps256).expect("a key");
    let verifier = verifier_with(key.with_kid("rs256-1"));
    let token = |algorithm| rsa.with_algorithm(algorithm).token(&good_claims());
    assert_eq!(outcome(&verifier, &token(Algorithm::Ps256)), ACCEPTED);
    assert_eq!(outcome(&verifier, &token(Algorithm::Rs256)), "key_unknown");
    assert!(VerifyingKey::from_pem(rsa.public_pem(), Algorithm::Es256).is_err());
    assert!(VerifyingKey::from_pem(rsa.public_pem(), Algorithm::Hs256).is_err());

    let ec = VerifyingKey::from_pem(shared_key().public_pem(), Algorithm::Es256).expect("a key");
    let verifier = verifier_with(ec.with_kid(shared_key().kid()));
    assert_eq!(outcome(&verifier, &shared_key().token(&good_claims())), ACCEPTED);
    assert!(VerifyingKey::from_pem(shared_key().public_pem(), Algorithm::Es384).is_err());
}

#[test]
fn one_given_key_without_a_name_answers_to_every_name_and_one_with_a_name_to_its_own() {
    let given = || VerifyingKey::from_pem(shared_key().public_pem(), Algorithm::Es256).expect("a key");
    let token = shared_key().token(&good_claims());
    for (name, key, want) in [
        ("no name", given(), ACCEPTED),
        ("its name", given().with_kid("es256-1"), ACCEPTED),
        ("another name", given().with_kid("es256-2"), "key_unknown"),
    ] {
        assert_eq!(outcome(&verifier_with(key), &token), want, "{name}");
    }
}
