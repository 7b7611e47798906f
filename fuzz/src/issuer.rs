//! An issuer with one secret, which signs whatever it is given.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tower_jwt_auth::Verifier;
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::jwks::SharedSecret;
use tower_jwt_auth::token::Algorithm;

pub const ISSUER: &str = "https://issuer.example";
pub const AUDIENCE: &str = "api";
/// The time of all targets.
pub const NOW: u32 = 1_800_000_000;
pub const LEEWAY_SECONDS: u32 = 30;

/// Long enough for every hash.
pub const SECRET: [u8; 64] = [7; 64];

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Header and payload, whatever they hold, under the tag of `algorithm`.
pub fn sign(algorithm: Algorithm, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    let hash = match algorithm {
        Algorithm::Hs512 => hmac::HMAC_SHA512,
        Algorithm::Hs384 => hmac::HMAC_SHA384,
        _ => hmac::HMAC_SHA256,
    };
    let signing_input = format!("{}.{}", encode(header), encode(payload));
    let tag = hmac::sign(&hmac::Key::new(hash, &SECRET), signing_input.as_bytes());
    format!("{signing_input}.{}", encode(tag))
}

/// A good token with these claims more: `"sub":"ada",`.
pub fn good_token(more_claims: &str) -> String {
    let claims = format!(r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}",{more_claims}"exp":1800000300}}"#);
    sign(Algorithm::Hs256, r#"{"alg":"HS256"}"#, claims)
}

/// Accepts what [`sign`] signs with `algorithm`, and remembers nothing.
pub fn verifier(algorithm: Algorithm) -> Verifier {
    let secret = SharedSecret::new(algorithm, SECRET).expect("a long secret");
    Verifier::new(ISSUER, AUDIENCE, secret)
        .expect("an issuer and an audience")
        .with_clock(FixedClock::at_unix(NOW))
        .with_token_cache(0)
}
