//! What a hopeless token costs in memory: nothing. What a request costs is counted by `.ci/paths`.

use allocation_counter::measure;
use tower_jwt_auth::Verifier;
use tower_jwt_auth::error::ConfigError;
use tower_jwt_auth::jwks::SharedSecret;
use tower_jwt_auth::token::{Algorithm, MAX_TOKEN_BYTES};

/// What is said of `token`, and the bytes that this takes.
fn cost_of(token: &str) -> Result<(Option<&'static str>, u64), ConfigError> {
    let secret = SharedSecret::new(Algorithm::Hs256, [7; 32])?;
    let verifier = Verifier::new("https://issuer.example", "api", secret)?;
    let mut refused = None;
    let allocations = measure(|| refused = verifier.verify(token).err());
    Ok((refused.map(|error| error.code()), allocations.bytes_total))
}

#[test]
fn a_token_of_dots_within_the_limit_takes_no_memory_to_refuse() -> Result<(), ConfigError> {
    let text = |length: usize| ".".repeat(length);
    for (name, token, want) in [
        ("2", text(2), "token_malformed"),
        ("4", text(4), "token_encrypted"),
        ("as many as fit", text(MAX_TOKEN_BYTES), "token_malformed"),
        ("a part between each", "a.".repeat(MAX_TOKEN_BYTES / 2), "token_malformed"),
    ] {
        assert_eq!(cost_of(&token)?, (Some(want), 0), "{name}");
    }
    Ok(())
}

#[test]
fn a_payload_is_not_decoded_for_a_header_that_is_not_understood() -> Result<(), ConfigError> {
    let payload = "A".repeat(12 * 1024);
    for (header, want) in [
        (r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#, "header_unsupported"),
        (r#"{"alg":"PBES2-HS256+A128KW","p2c":2147483647}"#, "algorithm_unsupported"),
        (r#"{"alg":"none"}"#, "algorithm_unsupported"),
    ] {
        let header = base64_simd::URL_SAFE_NO_PAD.encode_to_string(header);
        let (code, bytes) = cost_of(&format!("{header}.{payload}.AAAA"))?;
        assert_eq!(code, Some(want));
        assert!(bytes < 1024, "{want}: {bytes} bytes");
    }
    let understood = base64_simd::URL_SAFE_NO_PAD.encode_to_string(r#"{"alg":"HS256"}"#);
    let (code, bytes) = cost_of(&format!("{understood}.{payload}.AAAA"))?;
    assert_eq!(code, Some("token_malformed"), "a payload of zeros");
    assert!(bytes > 8 * 1024, "it was decoded: {bytes} bytes");
    Ok(())
}

#[test]
fn a_token_of_a_mebibyte_takes_no_memory_to_refuse() {
    let secret = SharedSecret::new(Algorithm::Hs256, [7; 32]).expect("a secret");
    let verifier = Verifier::new("https://issuer.example", "api", secret).expect("a verifier");
    for (name, token) in [("dots", ".".repeat(1 << 20)), ("letters", "A".repeat(1 << 20))] {
        let mut refused = None;
        let allocations = measure(|| refused = verifier.verify(&token).err());
        assert_eq!(refused.map(|error| error.code()), Some("token_too_large"), "{name}");
        assert_eq!(allocations.bytes_total, 0, "{name}");
    }
}
