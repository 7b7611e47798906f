//! What a hopeless token costs in memory: nothing. What a request costs is counted by `.ci/paths`.

use std::convert::Infallible;

use allocation_counter::measure;
use http::{Request, Response};
use tower::{Layer, Service, service_fn};
use tower_jwt_auth::error::ConfigError;
use tower_jwt_auth::jwks::SharedSecret;
use tower_jwt_auth::token::{Algorithm, MAX_TOKEN_BYTES};
use tower_jwt_auth::{JwtAuthLayer, Verifier};

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

#[test]
fn a_cookie_beside_a_link_is_kept_once_for_all_entrances_and_not_at_all_if_it_is_too_long()
-> Result<(), ConfigError> {
    let entrance = |number: usize| {
        let secret = SharedSecret::new(Algorithm::Hs256, [7; 32])?;
        JwtAuthLayer::new(Verifier::new(format!("https://{number}.example"), "api", secret)?).hand_off()
    };
    let door = JwtAuthLayer::any_of((0..100).map(entrance).collect::<Result<Vec<_>, _>>()?)?;
    // Made up by anybody, and expired.
    let [header, claims] = [r#"{"alg":"HS256"}"#, r#"{"iss":"https://0.example","aud":"api","exp":1}"#]
        .map(|part| base64_simd::URL_SAFE_NO_PAD.encode_to_string(part));
    let cost_of = |length: usize| {
        let request = Request::get(format!("/?jwt={header}.{claims}.AAAA"))
            .header("cookie", format!("__Host-jwt={}", "a".repeat(length)))
            .body(String::new())
            .expect("a request");
        let inside = service_fn(async |_: Request<String>| Ok::<_, Infallible>(Response::new(String::new())));
        let mut service = door.layer(inside);
        measure(|| drop(service.call(request))).bytes_total
    };
    let without = cost_of(0);
    for (length, most) in [(1_000, 1), (MAX_TOKEN_BYTES, 1), (MAX_TOKEN_BYTES + 100, 0), (1_000_000, 0)] {
        // Beside the cookie itself, each entrance has a few words for it.
        let most = without + most * u64::try_from(length).expect("a small number") + 10_000;
        assert!(
            cost_of(length) <= most,
            "{} bytes for one cookie of {length}, {without} without",
            cost_of(length)
        );
    }
    Ok(())
}
