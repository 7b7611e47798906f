use std::ops::Deref;
use std::sync::OnceLock;

use aws_lc_rs::hmac;
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};
use tower_jwt_auth::test_util;
use tower_jwt_auth::token::Algorithm;

use super::record;

pub const ISSUER: &str = "https://issuer.example";
pub const AUDIENCE: &str = "api";
/// The time at which all tests happen, unless they move it.
pub const NOW: u32 = 1_800_000_000;

/// A key pair whose tokens are on record.
#[derive(Clone)]
pub struct SigningKey(test_util::SigningKey);

impl SigningKey {
    pub fn generate(algorithm: Algorithm, kid: &str) -> Self {
        Self(test_util::SigningKey::generate(algorithm, kid))
    }

    /// The same pair, signing with another algorithm of its type.
    pub fn with_algorithm(&self, algorithm: Algorithm) -> Self {
        Self(self.0.with_algorithm(algorithm))
    }

    /// The same pair under another name: a `kid` given to another key, or a key given another `kid`.
    pub fn with_kid(&self, kid: &str) -> Self {
        Self(self.0.with_kid(kid))
    }

    /// A good token with `claims`, under this key's own header.
    pub fn token(&self, claims: &Value) -> String {
        self.token_with_header(&self.header(), claims)
    }

    pub fn token_with_header(&self, header: &Value, claims: &Value) -> String {
        self.token_of(header.to_string(), claims.to_string())
    }

    /// Signs any two texts as header and payload.
    pub fn token_of(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let token = self.0.token_of(header, payload);
        record::secret("a token", &token);
        token
    }
}

impl Deref for SigningKey {
    type Target = test_util::SigningKey;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// A JWK Set as a provider publishes it.
pub fn jwks_of<'k>(keys: impl IntoIterator<Item = &'k SigningKey>) -> String {
    test_util::jwks_of(keys.into_iter().map(|key| &key.0))
}

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
    let token = format!("{signing_input}.{}", encode(tag));
    record::secret("a key", secret);
    record::secret("a token", &token);
    token
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
