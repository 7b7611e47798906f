use std::sync::OnceLock;

use aws_lc_rs::hmac;
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};
pub use tower_jwt_auth::test_util::{SigningKey, jwks_of};
use tower_jwt_auth::token::Algorithm;

pub const ISSUER: &str = "https://issuer.example";
pub const AUDIENCE: &str = "api";
/// The time at which all tests happen, unless they move it.
pub const NOW: u32 = 1_800_000_000;

/// One key for all the tests that need any key: ES256, `kid` "es256-1".
pub fn shared_key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate(Algorithm::Es256, "es256-1"))
}

/// One RSA key for all the tests that need one, as RSA keys are slow to make: RS256, `kid` "rs256-1".
pub fn shared_rsa_key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate(Algorithm::Rs256, "rs256-1"))
}

/// A token with a good MAC by `secret`, whatever its header says.
pub fn mac_token(algorithm: hmac::Algorithm, secret: &[u8], header: &Value, claims: &Value) -> String {
    let signing_input = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let tag = hmac::sign(&hmac::Key::new(algorithm, secret), signing_input.as_bytes());
    format!("{signing_input}.{}", encode(tag))
}

/// Claims that every policy of the tests accepts at [`NOW`].
pub fn good_claims() -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": NOW, "nbf": NOW, "exp": NOW + 300 })
}

/// [`good_claims`] with some of them replaced, or with `null` removed.
#[expect(clippy::needless_pass_by_value, reason = "the changes are written on the spot")]
pub fn claims_with(changes: Value) -> Value {
    let mut claims = good_claims();
    for (name, value) in changes.as_object().expect("an object of changes") {
        match value {
            Value::Null => _ = claims.as_object_mut().and_then(|claims| claims.remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64URL.encode_to_string(bytes)
}

pub fn decode(part: &str) -> Vec<u8> {
    BASE64URL.decode_to_vec(part).expect("base64url")
}
