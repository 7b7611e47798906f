//! Shared secrets: what makes one, and that a token has no say in which.

use aws_lc_rs::hmac::{self, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512};
use http::Method;
use serde_json::{Value, json};
use tower_jwt_auth::jwks::SharedSecret;
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::{JwtAuthLayer, Verifier};

use crate::support::app::{ACCEPTED, App, Place, outcome, verifier_with};
use crate::support::issuer::{
    SigningKey, decode, encode, good_claims, mac_token, shared_key, shared_rsa_key,
};
use crate::support::log::Log;

const BAD: &str = "signature_invalid";
const SECRET: [u8; 32] = [7; 32];

fn verifier_of(secret: impl AsRef<[u8]>) -> Verifier {
    verifier_with(SharedSecret::new(Algorithm::Hs256, secret).expect("a secret"))
}

fn token_with(secret: &[u8], header: &Value) -> String {
    mac_token(HMAC_SHA256, secret, header, &good_claims())
}

#[test]
fn a_mac_is_accepted_in_full_length_only() {
    for (algorithm, mac, length) in [
        (Algorithm::Hs256, HMAC_SHA256, 32),
        (Algorithm::Hs384, HMAC_SHA384, 48),
        (Algorithm::Hs512, HMAC_SHA512, 64),
    ] {
        let secret = [7; 64];
        let verifier = verifier_with(SharedSecret::new(algorithm, secret).expect("a secret"));
        let token = mac_token(mac, &secret, &json!({ "alg": algorithm.name() }), &good_claims());
        let (input, tag) = token.rsplit_once('.').expect("a tag");
        let tag = decode(tag);
        assert_eq!(tag.len(), length, "{algorithm}");
        assert_eq!(outcome(&verifier, &format!("{input}.")), "token_malformed", "{algorithm}: no tag");
        for kept in 1..length {
            let cut = format!("{input}.{}", encode(&tag[..kept]));
            assert_eq!(outcome(&verifier, &cut), BAD, "{algorithm}: the first {kept} bytes");
            let cut = format!("{input}.{}", encode(&tag[length - kept..]));
            assert_eq!(outcome(&verifier, &cut), BAD, "{algorithm}: the last {kept} bytes");
        }
        let longer = format!("{input}.{}", encode([&*tag, &[0]].concat()));
        assert_eq!(outcome(&verifier, &longer), BAD, "{algorithm}: a byte longer");
        assert_eq!(outcome(&verifier, &token), ACCEPTED, "{algorithm}: the whole tag");
    }
}

#[test]
fn no_name_in_a_token_chooses_a_secret() {
    let verifier = verifier_of(SECRET);
    for kid in ["", "0", "none", "../../../../dev/null", "/dev/null", "' UNION SELECT 'k' --"] {
        let header = json!({ "alg": "HS256", "kid": kid });
        for secret in [&b""[..], kid.as_bytes(), &[0], &[0; 32]] {
            let forged = token_with(secret, &header);
            assert_eq!(outcome(&verifier, &forged), BAD, "{kid:?} with {secret:x?}");
        }
        assert_eq!(outcome(&verifier, &token_with(&SECRET, &header)), ACCEPTED, "{kid:?}");
    }
}

#[test]
fn an_empty_or_short_secret_cannot_be_had_and_its_mac_opens_nothing() {
    for (algorithm, length) in [(Algorithm::Hs256, 32), (Algorithm::Hs384, 48), (Algorithm::Hs512, 64)] {
        for short in [0, 1, length - 1] {
            assert!(SharedSecret::new(algorithm, vec![7; short]).is_err(), "{algorithm}: {short} bytes");
        }
        assert!(SharedSecret::new(algorithm, vec![7; length]).is_ok(), "{algorithm}");
    }
    let verifier = verifier_of(SECRET);
    let header = json!({ "alg": "HS256" });
    for secret in [&b""[..], b"secret", &[0; 64], &SECRET[..31]] {
        assert_eq!(outcome(&verifier, &token_with(secret, &header)), BAD, "{secret:x?}");
    }
    assert_eq!(outcome(&verifier, &token_with(&SECRET, &header)), ACCEPTED);
}

/// The key as `ssh-keygen` and `authorized_keys` write it: its parts, each behind its length.
fn openssh(name: &str, parts: &[&[u8]]) -> String {
    let parts = [&[name.as_bytes()], parts].concat();
    let framed = parts.iter().flat_map(|part| {
        let length = u32::try_from(part.len()).expect("short").to_be_bytes();
        [&length, *part].concat()
    });
    format!(
        "{name} {} alice@example.com\n",
        base64_simd::STANDARD.encode_to_string(framed.collect::<Vec<_>>())
    )
}

#[test]
fn no_way_to_write_a_public_key_makes_a_secret() {
    let rsa = shared_rsa_key();
    let ed = SigningKey::generate(Algorithm::EdDsa, "ed");
    let member = |key: &SigningKey, name: &str| decode(key.public_jwk()[name].as_str().expect("a member"));
    let point = [&[4][..], &member(shared_key(), "x"), &member(shared_key(), "y")].concat();
    let pem = rsa.public_pem();
    for (form, text) in [
        ("PEM", pem.clone()),
        ("PEM behind white space", format!(" \r\n\t{pem}")),
        ("PEM behind a byte order mark", format!("\u{feff}{pem}")),
        ("PEM in one line", pem.replace('\n', "")),
        ("PKCS#1 PEM", pem.replace("PUBLIC KEY", "RSA PUBLIC KEY")),
        ("a certificate", pem.replace("PUBLIC KEY", "CERTIFICATE")),
        ("JWK", rsa.public_jwk().to_string()),
        ("JWK, indented", serde_json::to_string_pretty(&ed.public_jwk()).expect("JSON")),
        ("JWK set", json!({ "keys": [shared_key().public_jwk()] }).to_string()),
        ("OpenSSH RSA", openssh("ssh-rsa", &[&member(rsa, "e"), &member(rsa, "n")])),
        ("OpenSSH ECDSA", openssh("ecdsa-sha2-nistp256", &[b"nistp256", &point])),
        ("OpenSSH Ed25519", openssh("ssh-ed25519", &[&member(&ed, "x")])),
    ] {
        let refused = SharedSecret::new(Algorithm::Hs256, &text);
        assert!(refused.is_err(), "{form}: {text}");
    }
    let random = SharedSecret::new(Algorithm::Hs256, member(&ed, "x"));
    assert!(random.is_ok(), "any other 32 bytes");
}

#[tokio::test]
async fn no_answer_and_no_log_tells_what_the_mac_should_have_been() {
    let (log, _guard) = Log::at_trace_level();
    let app = App::behind(JwtAuthLayer::new(verifier_of(SECRET)));
    let header = json!({ "alg": "HS256" });
    let right = token_with(&SECRET, &header);
    let (input, tag) = right.rsplit_once('.').expect("a tag");
    let hex = decode(tag).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let list = format!("{:?}", decode(tag));
    let forged = format!("{input}.{}", encode(hmac::sign(&hmac::Key::new(HMAC_SHA256, b"x"), b"y")));
    for place in Place::ALL {
        let answer = app.answer(place.carry(Method::GET, &forged)).await;
        assert_eq!(answer.code, BAD, "{place:?}");
        let refusal = verifier_of(SECRET).verify(&forged).expect_err("forged");
        let told = format!("{answer:?} {refusal} {refusal:?} {}", log.take());
        for form in [tag, &hex, list.trim_matches(['[', ']'])] {
            assert!(!told.contains(form), "{place:?}: {told}");
        }
        assert_eq!(app.answer(place.carry(Method::GET, &right)).await.code, ACCEPTED, "{place:?}");
        log.take();
    }
}
