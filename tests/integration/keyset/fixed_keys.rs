//! Keys that are given and not fetched: PEM, JWK, jsonwebtoken's types, files and shared secrets.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use tower_jwt_auth::error::AuthErrorKind::{AlgorithmUnsupported, KeyUnknown, SignatureInvalid};
use tower_jwt_auth::jwks::{JwksState, SharedSecret, VerifyingKey};
use tower_jwt_auth::verify::Authority;

use super::*;
use crate::support::issuer::shared_key;

fn fixed(keys: impl Into<Authority>) -> Verifier {
    let verifier = Verifier::new(ISSUER, AUDIENCE, keys).expect("good settings");
    verifier.with_clock(FixedClock::at_unix(NOW))
}

fn judged(verifier: &Verifier, token: &str) -> Result<(), AuthErrorKind> {
    verifier.verify(token).map(|_| ()).map_err(|error| error.kind())
}

/// The public key of `key` as other tools write it: SubjectPublicKeyInfo in PEM.
fn pem(key: &SigningKey) -> String {
    let jwk = key.public_jwk();
    let member = |name: &str| {
        let text = jwk[name].as_str().expect("a member");
        URL_SAFE_NO_PAD.decode_to_vec(text).expect("base64url")
    };
    let der_of = |algorithm: &'static dyn VerificationAlgorithm, point: Vec<u8>| {
        let parsed = ParsedPublicKey::new(algorithm, point).expect("a public key");
        AsDer::<PublicKeyX509Der<'_>>::as_der(&parsed).expect("DER").as_ref().to_vec()
    };
    let ec = |algorithm| der_of(algorithm, [vec![4], member("x"), member("y")].concat());
    let der = match key.algorithm() {
        Algorithm::Es256 => ec(&signature::ECDSA_P256_SHA256_FIXED),
        Algorithm::Es384 => ec(&signature::ECDSA_P384_SHA384_FIXED),
        Algorithm::Es512 => ec(&signature::ECDSA_P521_SHA512_FIXED),
        Algorithm::Es256K => ec(&signature::ECDSA_P256K1_SHA256_FIXED),
        Algorithm::EdDsa => der_of(&signature::ED25519, member("x")),
        _ => {
            let components = aws_lc_rs::rsa::PublicKeyComponents { n: member("n"), e: member("e") };
            AsDer::<PublicKeyX509Der<'_>>::as_der(&components).expect("DER").as_ref().to_vec()
        }
    };
    let base64 = STANDARD.encode_to_string(der);
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}

#[test]
fn a_pem_key_of_each_algorithm_verifies_its_tokens_and_no_others() {
    for algorithm in Algorithm::ASYMMETRIC {
        let (ours, theirs) = (SigningKey::generate(*algorithm, "k"), SigningKey::generate(*algorithm, "k"));
        let key = VerifyingKey::from_pem(pem(&ours), *algorithm).expect("a good key");
        assert_eq!((key.algorithm(), key.kid()), (*algorithm, None));
        let verifier = fixed(key.with_kid("k"));
        assert_eq!(judged(&verifier, &ours.token(&good_claims())), Ok(()), "{algorithm}");
        assert_eq!(
            judged(&verifier, &theirs.token(&good_claims())),
            refused(SignatureInvalid),
            "{algorithm}"
        );
    }
}

#[test]
fn a_pem_key_takes_no_algorithm_of_another_type() {
    let keys = [Algorithm::Rs256, Algorithm::Es256, Algorithm::Es384, Algorithm::Es256K, Algorithm::EdDsa];
    for own in keys {
        let pem = pem(&SigningKey::generate(own, "k"));
        for other in keys {
            assert_eq!(VerifyingKey::from_pem(&pem, other).is_ok(), own == other, "{own} as {other}");
        }
        assert!(VerifyingKey::from_pem(&pem, Algorithm::Hs256).is_err(), "{own} as a secret");
        assert!(SharedSecret::new(Algorithm::Hs256, &pem).is_err(), "{own} as a secret");
    }
    for junk in ["", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", "hunter2"] {
        assert!(VerifyingKey::from_pem(junk, Algorithm::Es256).is_err(), "{junk}");
    }
}

#[test]
fn a_token_without_kid_finds_the_only_key_and_never_one_of_two() {
    let (one, two) = (key("one"), key("two"));
    let read = |key: &SigningKey| VerifyingKey::from_jwk_json(&key.public_jwk().to_string()).expect("a key");
    let anonymous = one.token_with_header(&json!({ "alg": "EdDSA" }), &good_claims());
    assert_eq!(judged(&fixed(read(&one)), &anonymous), Ok(()));
    let nameless = VerifyingKey::from_pem(pem(&one), Algorithm::EdDsa).expect("a good key");
    assert_eq!(judged(&fixed(nameless), &one.token(&good_claims())), Ok(()), "it answers to every kid");
    let named_otherwise =
        VerifyingKey::from_pem(pem(&one), Algorithm::EdDsa).expect("a good key").with_kid("uno");
    assert_eq!(judged(&fixed(named_otherwise), &one.token(&good_claims())), refused(KeyUnknown));
    let both = Jwks::from_keys([read(&one), read(&two)]).expect("keys");
    assert_eq!(judged(&fixed(both.clone()), &anonymous), refused(KeyUnknown));
    assert_eq!(judged(&fixed(both), &one.token(&good_claims())), Ok(()));
    let named = Jwks::from_keys([read(&one), read(shared_key())]).expect("keys");
    assert_eq!(judged(&fixed(named), &anonymous), Ok(()), "the other is of another algorithm");
}

#[test]
fn a_jwk_is_taken_as_json_and_as_a_type_of_jsonwebtoken() {
    for algorithm in
        [Algorithm::Rs256, Algorithm::Ps384, Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa]
    {
        let ours = SigningKey::generate(algorithm, "k");
        let token = ours.token(&good_claims());
        let json = ours.public_jwk();
        let by_json = VerifyingKey::from_jwk_json(&json.to_string()).expect("a key");
        let jwk: Jwk = serde_json::from_value(json.clone()).expect("jsonwebtoken reads it");
        let by_jwk = VerifyingKey::try_from(&jwk).expect("a key");
        assert_eq!(by_json, by_jwk, "{algorithm}");
        assert_eq!((by_jwk.kid(), by_jwk.algorithm()), (Some("k"), algorithm));
        let decoding = DecodingKey::from_jwk(&jwk).expect("jsonwebtoken reads it");
        let by_decoding = VerifyingKey::from_decoding_key(&decoding, algorithm).expect("a key");
        assert_eq!(by_decoding.clone().with_kid("k"), by_jwk, "{algorithm}");
        let set: JwkSet = serde_json::from_value(json!({ "keys": [json] })).expect("jsonwebtoken reads it");
        let by_set = Jwks::try_from(&set).expect("a set");
        for keys in [Authority::from(by_json), by_jwk.into(), by_decoding.with_kid("k").into(), by_set.into()]
        {
            assert_eq!(judged(&fixed(keys), &token), Ok(()), "{algorithm}");
        }
    }
}

#[test]
fn a_decoding_key_of_another_kind_is_refused() {
    let secret = DecodingKey::from_secret(&[7; 64]);
    let rsa_der = DecodingKey::from_rsa_der(&[7; 64]);
    let jwk: Jwk = serde_json::from_value(shared_key().public_jwk()).expect("jsonwebtoken reads it");
    let ec = DecodingKey::from_jwk(&jwk).expect("jsonwebtoken reads it");
    for (name, key, algorithm, good) in [
        ("a secret", &secret, Algorithm::Hs256, false),
        ("a secret as a key", &secret, Algorithm::Es256, false),
        ("nonsense", &rsa_der, Algorithm::Rs256, false),
        ("P-256 as ES384", &ec, Algorithm::Es384, false),
        ("P-256 as RS256", &ec, Algorithm::Rs256, false),
        ("P-256 as ES256", &ec, Algorithm::Es256, true),
    ] {
        assert_eq!(VerifyingKey::from_decoding_key(key, algorithm).is_ok(), good, "{name}");
    }
}

#[test]
fn a_set_is_taken_as_json_or_from_a_file_and_must_hold_a_usable_key() {
    let ours = key("one");
    let document = jwks_of([&ours]);
    let path = std::env::temp_dir().join(format!(
        "jwks-{}-{:?}.json",
        std::process::id(),
        std::thread::current().id()
    ));
    std::fs::write(&path, &document).expect("a file");
    let (by_json, by_file) = (Jwks::from_json(&document), Jwks::from_file(&path));
    std::fs::remove_file(&path).expect("the file");
    for jwks in [by_json.expect("a set"), by_file.expect("a set")] {
        assert_eq!(judged(&fixed(jwks.clone()), &ours.token(&good_claims())), Ok(()));
        let status = jwks.status();
        assert_eq!((status.state, status.keys, status.generation), (JwksState::Fresh, 1, 1));
        assert_eq!(status.age_seconds, None, "given keys do not age");
    }
    let gone = Jwks::from_file(&path).map(|_| ()).expect_err("it is gone").to_string();
    assert!(gone.contains(&*path.to_string_lossy()), "{gone}");
    for (document, says) in [
        ("", "no JWK Set"),
        ("{}", "no JWK Set"),
        (r#"{"keys":[]}"#, "no usable key"),
        (r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#, "1 secret_material"),
    ] {
        let error = Jwks::from_json(document).map(|_| ()).expect_err(document).to_string();
        assert!(error.contains(says), "{document}: {error}");
    }
    assert!(Jwks::from_keys([]).is_err());
}

#[tokio::test(start_paused = true)]
async fn given_keys_are_never_waited_for_never_fetched_and_never_expire() {
    let ours = key("one");
    let jwks = Jwks::from_json(jwks_of([&ours])).expect("a set");
    let verifier = verifier(&jwks);
    let token = ours.token(&good_claims());
    jwks.ready().await.expect("at once");
    assert_eq!(jwks.refresh_now().await.expect("nothing to do").generation, 1);
    assert_eq!(timed(outcome(&verifier, &stray_token("x"))).await, (refused(KeyUnknown), Duration::ZERO));
    pass(1000 * HOUR).await;
    assert_eq!(outcome(&verifier, &token).await, Ok(()));
}

#[test]
fn a_shared_secret_verifies_its_one_hmac_and_stands_in_no_set() {
    use aws_lc_rs::hmac;
    for (algorithm, hash, length) in [
        (Algorithm::Hs256, hmac::HMAC_SHA256, 32),
        (Algorithm::Hs384, hmac::HMAC_SHA384, 48),
        (Algorithm::Hs512, hmac::HMAC_SHA512, 64),
    ] {
        let secret = vec![7; length];
        assert!(SharedSecret::new(algorithm, &secret[1..]).is_err(), "{algorithm}");
        let shared = SharedSecret::new(algorithm, &secret).expect("long enough");
        assert_eq!(shared.algorithm(), algorithm);
        let verifier = fixed(shared);
        let token = |key: &[u8]| {
            let header = json!({ "alg": algorithm.name() }).to_string();
            let input = format!("{}.{}", encode(header), encode(good_claims().to_string()));
            let tag = hmac::sign(&hmac::Key::new(hash, key), input.as_bytes());
            format!("{input}.{}", encode(tag))
        };
        assert_eq!(judged(&verifier, &token(&secret)), Ok(()), "{algorithm}");
        assert_eq!(judged(&verifier, &token(&vec![8; length])), refused(SignatureInvalid), "{algorithm}");
        let by_key = shared_key().token(&good_claims());
        assert_eq!(judged(&verifier, &by_key), refused(AlgorithmUnsupported), "{algorithm}");
        let jwks = Jwks::from_json(jwks_of([shared_key()])).expect("a set");
        assert_eq!(judged(&fixed(jwks), &token(&secret)), refused(AlgorithmUnsupported), "{algorithm}");
    }
    assert!(SharedSecret::new(Algorithm::Es256, [7; 64]).is_err());
}
