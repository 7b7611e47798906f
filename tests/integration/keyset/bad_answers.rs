//! Documents that bring nothing, or less than they seem to: no worse set replaces a good one.

use tower_jwt_auth::error::AuthErrorKind::KeyUnknown;

use super::*;
use crate::support::log::Log;

#[tokio::test(start_paused = true)]
async fn a_worse_set_is_a_failed_refresh_and_the_last_good_one_stays() {
    let (one, two) = (key("one"), key("two"));
    let good = jwks_of([&one]);
    let oct = json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0", "kid": "one" }] }).to_string();
    let mut private = one.public_jwk();
    private["d"] = "AAAA".into();
    let private = json!({ "keys": [private] }).to_string();
    let encryption = r#"{"keys":[{"kty":"RSA","use":"enc","n":"AQAB","e":"AQAB"}]}"#;
    let (open, close) = ("[".repeat(10_000), "]".repeat(10_000));
    let deep_key = format!(r#"{{"keys":[{open}{close}]}}"#);
    let deep_member = format!(r#"{{"keys":[],"x":{open}{close}}}"#);
    let ten_thousand = many(&one, 10_000);
    let large = format!("{good}{}", " ".repeat(512 * 1024 + 1 - good.len()));
    for (name, document, want) in [
        ("no keys", r#"{"keys":[]}"#.as_bytes(), "no_usable_key"),
        ("only a secret", oct.as_bytes(), "no_usable_key"),
        ("only a private key", private.as_bytes(), "no_usable_key"),
        ("only an encryption key", encryption.as_bytes(), "no_usable_key"),
        ("an empty object", b"{}", "unparsable"),
        ("HTML", b"<!doctype html><title>502</title>", "unparsable"),
        ("truncated", &good.as_bytes()[..good.len() - 1], "unparsable"),
        ("half", &good.as_bytes()[..good.len() / 2], "unparsable"),
        ("nothing", b"", "unparsable"),
        ("null", b"null", "unparsable"),
        ("an array", b"[]", "unparsable"),
        ("keys that are no array", br#"{"keys":{}}"#, "unparsable"),
        ("trailing bytes", &[good.as_bytes(), b"x"].concat(), "unparsable"),
        ("a BOM", &[b"\xef\xbb\xbf", good.as_bytes()].concat(), "unparsable"),
        ("no UTF-8", &[b"\xff\xfe", good.as_bytes()].concat(), "unparsable"),
        ("a key of depth 10,000", deep_key.as_bytes(), "no_usable_key"),
        ("a member of depth 10,000", deep_member.as_bytes(), "no_usable_key"),
        ("10,000 keys", ten_thousand.as_bytes(), "too_large"),
        ("a byte too many", large.as_bytes(), "too_large"),
    ] {
        let provider = provider_of(&one);
        let jwks = loaded(&provider).await;
        let verifier = verifier(&jwks);
        provider.serve_once(Answer::of(document));
        let error = jwks.refresh_now().await.expect_err(name);
        assert_eq!(error.code(), want, "{name}");
        let status = jwks.status();
        assert_eq!((status.keys, status.generation, status.failures), (1, 1, 1), "{name}");
        assert_eq!(status.last_error, Some(want), "{name}");
        assert_eq!(outcome(&verifier, &one.token(&good_claims())).await, Ok(()), "{name}");

        provider.serve(set_of([&two]));
        pass(2 * SECOND).await;
        assert_eq!((jwks.status().generation, jwks.status().failures), (2, 0), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_document_of_exactly_512_kib_is_read() {
    let one = key("one");
    let good = jwks_of([&one]);
    let largest = format!("{good}{}", " ".repeat(512 * 1024 - good.len()));
    let jwks = loaded(&in_memory(Answer::of(largest))).await;
    assert_eq!(jwks.status().keys, 1);
}

#[tokio::test(start_paused = true)]
async fn only_200_brings_keys_whatever_its_body_says() {
    let (one, two) = (key("one"), key("two"));
    for status in [201, 202, 203, 204, 206, 400, 401, 403, 404, 410, 429, 500, 502, 503] {
        let provider = provider_of(&one);
        let jwks = loaded(&provider).await;
        provider.serve(set_of([&two]).with_status(status));
        let error = jwks.refresh_now().await.expect_err("no 200");
        assert_eq!(error.kind(), tower_jwt_auth::error::JwksErrorKind::Status(status));
        assert_eq!(jwks.status().generation, 1, "{status}");
        provider.serve(set_of([&two]).with_status(200));
        assert!(jwks.refresh_now().await.is_ok());
        assert_eq!(jwks.status().generation, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn any_content_type_will_do() {
    let one = key("one");
    for content_type in [
        "application/jwk-set+json",
        "application/json",
        "text/plain; charset=utf-8",
        "text/html",
        "application/octet-stream",
    ] {
        let answer = set_of([&one]).with(http::header::CONTENT_TYPE, content_type);
        assert_eq!(loaded(&in_memory(answer)).await.status().keys, 1, "{content_type}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_set_holds_the_first_128_keys() {
    let one = key("one");
    let provider = in_memory(Answer::of(many(&one, 3_000)));
    let jwks = loaded(&provider).await;
    let status = jwks.status();
    assert_eq!((status.keys, status.skipped["too_many"]), (128, 3_000 - 128));
    let verifier = verifier(&jwks);
    for (kid, want) in
        [("0", Ok(())), ("127", Ok(())), ("128", refused(KeyUnknown)), ("2999", refused(KeyUnknown))]
    {
        let header = json!({ "alg": "EdDSA", "kid": kid });
        assert_eq!(outcome(&verifier, &one.token_with_header(&header, &good_claims())).await, want, "{kid}");
    }
}

/// A set with `key` under many names, as short as they can be.
fn many(key: &SigningKey, count: usize) -> String {
    let x = &key.public_jwk()["x"];
    let keys: Vec<_> =
        (0..count).map(|n| json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": n.to_string() })).collect();
    json!({ "keys": keys }).to_string()
}

#[tokio::test(start_paused = true)]
async fn entries_that_must_not_be_there_are_skipped_by_reason_and_spoil_nothing() {
    let (one, leaked) = (key("one"), key("leaked"));
    let with = |changes: serde_json::Value| {
        let mut jwk = leaked.public_jwk();
        for (name, value) in changes.as_object().expect("an object") {
            jwk[name] = value.clone();
        }
        jwk
    };
    let small = json!({ "kty": "RSA", "n": encode([0xff; 128]), "e": "AQAB", "kid": "leaked" });
    let exponent = json!({ "kty": "RSA", "n": encode([0xff; 256]), "e": "AQ", "kid": "leaked" });
    for (name, entry, want) in [
        ("oct", json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "leaked" }), Some("secret_material")),
        ("a private key", with(json!({ "d": "AAAA" })), Some("secret_material")),
        ("a private key that is null", with(json!({ "d": null })), Some("secret_material")),
        ("for encryption", with(json!({ "use": "enc" })), Some("other_purpose")),
        ("for signatures", with(json!({ "use": "sig" })), None),
        ("for signing", with(json!({ "key_ops": ["sign"] })), Some("other_purpose")),
        ("for verifying", with(json!({ "key_ops": ["verify"] })), None),
        ("of another algorithm", with(json!({ "alg": "ES256" })), Some("unsupported_algorithm")),
        ("under the newer name", with(json!({ "alg": "Ed25519" })), None),
        ("X25519", with(json!({ "crv": "X25519" })), Some("unsupported_type")),
        ("a point of small order", with(json!({ "x": encode([0; 32]) })), Some("point")),
        ("RSA 1024", small, Some("modulus_size")),
        ("e = 1", exponent, Some("exponent")),
        ("a number", json!(7), Some("malformed")),
        ("a kid that is a number", with(json!({ "kid": 7 })), Some("malformed")),
    ] {
        let document = json!({ "keys": [entry, one.public_jwk()] }).to_string();
        let jwks = loaded(&in_memory(Answer::of(document))).await;
        let status = jwks.status();
        let skipped: Vec<_> = status.skipped.into_iter().collect();
        assert_eq!(skipped, want.map(|reason| (reason, 1)).into_iter().collect::<Vec<_>>(), "{name}");
        let verifier = verifier(&jwks);
        assert_eq!(outcome(&verifier, &one.token(&good_claims())).await, Ok(()), "{name}");
        let fares = outcome(&verifier, &leaked.token(&good_claims())).await;
        assert_eq!(fares.is_ok(), want.is_none(), "{name}: {fares:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn algorithms_of_ones_own_keep_other_keys_out_and_decide_what_rsa_means() {
    let (ed, rsa) = (key("ed"), SigningKey::generate(Algorithm::Ps256, "rsa"));
    let mut unnamed = rsa.public_jwk();
    unnamed.as_object_mut().expect("an object").remove("alg");
    let document = json!({ "keys": [ed.public_jwk(), unnamed] }).to_string();
    let jwks = |algorithms: &[Algorithm]| {
        let builder = Jwks::builder(URL).expect("a good URL");
        let provider = in_memory(Answer::of(&document));
        let builder = builder
            .with_algorithms(algorithms.iter().copied().collect::<tower_jwt_auth::token::AlgorithmSet>());
        builder.map(|builder| builder.with_fetch(provider).spawn().expect("a runtime"))
    };
    let ps = jwks(&[Algorithm::Ps256]).expect("good settings");
    ps.ready().await.expect("a first set");
    assert_eq!(ps.status().skipped["algorithm_not_allowed"], 1);
    assert_eq!(outcome(&verifier(&ps), &rsa.token(&good_claims())).await, Ok(()));

    let both = jwks(&[Algorithm::Ps256, Algorithm::EdDsa, Algorithm::Rs256]).expect("good settings");
    both.ready().await.expect("a first set");
    assert_eq!(outcome(&verifier(&both), &ed.token(&good_claims())).await, Ok(()));
    let fares = outcome(&verifier(&both), &rsa.token(&good_claims())).await;
    assert_eq!(fares, refused(KeyUnknown), "without a name it is RS256 where that is allowed");

    assert!(jwks(&[]).is_err());
    assert!(jwks(&[Algorithm::Hs256, Algorithm::EdDsa]).is_err(), "a key set never holds secrets");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_publishes_secrets_is_warned_of_once_and_its_good_keys_are_used() {
    let (log, _guard) = Log::at_trace_level();
    let one = key("one");
    let secret = json!({ "kty": "oct", "kid": "secret", "k": encode([7; 32]) });
    let leaking = json!({ "keys": [one.public_jwk(), secret] }).to_string();
    for (name, document, warnings) in [("good", jwks_of([&one]), 0), ("leaking", leaking, 1)] {
        let jwks = loaded(&in_memory(Answer::of(document))).await;
        jwks.refresh_now().await.expect("the same keys");
        assert_eq!(jwks.status().keys, 1, "{name}");
        assert_eq!(log.take().matches("publishes private or symmetric keys").count(), warnings, "{name}");
    }
}
