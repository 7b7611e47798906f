//! Encrypted tokens: nothing here decrypts, inflates or derives a key, whatever a token asks for.

use http::Method;
use serde_json::{Value, json};

use crate::support::app::{ACCEPTED, App, Place, outcome, verifier};
use crate::support::issuer::{encode, good_claims, shared_key};

/// Headers of encrypted tokens, each of which costs, or forges, something where it is obeyed.
fn headers() -> Vec<(&'static str, Value)> {
    let salt = encode([7; 16]);
    let derived =
        |count: Value| json!({ "alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2s": salt, "p2c": count });
    vec![
        ("two thousand million iterations", derived(json!(i32::MAX))),
        ("more iterations than there are numbers for", derived(json!(u64::MAX))),
        ("a fraction of an iteration", derived(json!(0.5))),
        ("compressed", json!({ "alg": "dir", "enc": "A256GCM", "zip": "DEF" })),
        (
            "for the public key, a plain token inside",
            json!({ "alg": "RSA-OAEP-256", "enc": "A128GCM", "cty": "JWT" }),
        ),
        ("RSA1_5", json!({ "alg": "RSA1_5", "enc": "A128CBC-HS256" })),
        (
            "ECDH with a point of the sender's choice",
            json!({ "alg": "ECDH-ES", "enc": "A128GCM", "epk": shared_key().public_jwk() }),
        ),
    ]
}

#[tokio::test]
async fn an_encrypted_token_is_refused_for_its_five_parts_whatever_it_asks_for() {
    let app = App::new();
    // As much of it as there may be, and as compressible.
    let ciphertext = encode([0; 8 * 1024]);
    for (name, header) in headers() {
        let header = encode(header.to_string());
        for token in [
            format!("{header}.{}.{}.{ciphertext}.{}", encode([1; 24]), encode([2; 12]), encode([3; 16])),
            format!("{header}....{}", encode([3; 16])),
        ] {
            for place in Place::ALL {
                let verdict = app.verdict(place.carry(Method::GET, &token)).await;
                assert_eq!(verdict, (401, "token_encrypted".to_owned()), "{name}, {place:?}");
            }
        }
    }
    let good = shared_key().token(&good_claims());
    for place in Place::ALL {
        assert_eq!(
            app.verdict(place.carry(Method::GET, &good)).await,
            (200, ACCEPTED.to_owned()),
            "{place:?}"
        );
    }
}

#[test]
fn an_algorithm_for_encryption_signs_nothing_and_its_parameters_are_not_obeyed() {
    let verifier = verifier();
    for (name, encrypted) in headers() {
        let mut header = encrypted.clone();
        header["kid"] = shared_key().kid().into();
        let token = shared_key().token_with_header(&header, &good_claims());
        let want = if header.get("zip").is_some() || header.get("cty").is_some() {
            "header_unsupported"
        } else {
            "algorithm_unsupported"
        };
        assert_eq!(outcome(&verifier, &token), want, "{name}");

        // The same parameters beside the algorithm of a signature mean nothing.
        let members = header.as_object_mut().expect("an object");
        members.retain(|name, _| name != "zip" && name != "cty");
        header["alg"] = "ES256".into();
        let token = shared_key().token_with_header(&header, &good_claims());
        assert_eq!(outcome(&verifier, &token), ACCEPTED, "{name}");
    }
}
