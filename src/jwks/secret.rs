use std::sync::Arc;

use crate::crypto::MacKey;
use crate::error::ConfigError;
use crate::token::{Algorithm, KnownHeaders};

/// A secret shared with the issuer, for HMAC only.
///
/// It is a type of its own so that it can never stand in a key set: a token must not be able to choose between a
/// public key and a secret.
///
/// ```
/// # use tower_jwt_auth::{error::ConfigError, Jwks, jwks::VerifyingKey};
/// fn set_of(key: VerifyingKey) -> Result<Jwks, ConfigError> {
///     Jwks::from_keys([key])
/// }
/// ```
///
/// ```compile_fail,E0271
/// # use tower_jwt_auth::{error::ConfigError, Jwks, jwks::SharedSecret};
/// fn set_of(secret: SharedSecret) -> Result<Jwks, ConfigError> {
///     Jwks::from_keys([secret])
/// }
/// ```
///
/// # Examples
///
/// ```
/// use tower_jwt_auth::jwks::SharedSecret;
/// use tower_jwt_auth::token::Algorithm;
///
/// assert!(SharedSecret::new(Algorithm::Hs256, [7; 32]).is_ok());
/// assert!(SharedSecret::new(Algorithm::Hs256, "hunter2").is_err(), "shorter than the hash");
/// ```
#[derive(Debug, Clone)]
pub struct SharedSecret {
    algorithm: Algorithm,
    key: Arc<MacKey>,
    /// Of tokens that it has verified.
    known_headers: Arc<KnownHeaders>,
}

/// What stands in a public key that is written as text, wherever in it.
const PUBLIC_FORMS: [&str; 5] =
    ["-----BEGIN", "\"kty\"", "ssh-rsa AAAA", "ssh-ed25519 AAAA", "ecdsa-sha2-nistp"];

impl SharedSecret {
    /// Binds `secret` to `algorithm`: random bytes, at least as many as the hash has ([RFC 7518 §3.2]): 32, 48 or 64.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `algorithm` is no HMAC, the secret is too short, or it is a PEM text, a JWK or a key of OpenSSH, which may be
    /// public.
    ///
    /// [RFC 7518 §3.2]: https://www.rfc-editor.org/rfc/rfc7518#section-3.2
    pub fn new(algorithm: Algorithm, secret: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let secret = secret.as_ref();
        if !algorithm.is_symmetric() {
            return Err(ConfigError::new(format!(
                "{algorithm} takes a public key: use VerifyingKey; a SharedSecret is for HS256, HS384 and HS512"
            )));
        }
        if PUBLIC_FORMS.iter().any(|mark| memchr::memmem::find(secret, mark.as_bytes()).is_some()) {
            return Err(ConfigError::new(
                "a PEM text, a JWK or a key of OpenSSH is no secret: use VerifyingKey for a public key",
            ));
        }
        let key = MacKey::new(algorithm, secret).ok_or_else(|| {
            ConfigError::new(format!("the secret is shorter than the hash of {algorithm}: use random bytes"))
        })?;
        Ok(Self { algorithm, key: Arc::new(key), known_headers: Arc::default() })
    }

    /// The one algorithm that this secret verifies.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(crate) fn known_headers(&self) -> &KnownHeaders {
        &self.known_headers
    }

    pub(crate) fn verifies(&self, message: &[u8], tag: &[u8]) -> bool {
        self.key.verifies(message, tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_key_or_a_public_key_algorithm_makes_no_secret() {
        let pem = format!("\n-----BEGIN PUBLIC KEY-----\n{}", "A".repeat(100));
        assert!(SharedSecret::new(Algorithm::Hs256, &pem).is_err());
        assert!(SharedSecret::new(Algorithm::Hs256, format!("\u{feff}{pem}")).is_err());
        let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        assert!(SharedSecret::new(Algorithm::Hs256, jwk).is_err());
        let openssh =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea alice";
        assert!(SharedSecret::new(Algorithm::Hs256, openssh).is_err());
        assert!(SharedSecret::new(Algorithm::Rs256, [7; 64]).is_err());
        assert!(SharedSecret::new(Algorithm::Hs512, [7; 64]).is_ok());
        assert!(SharedSecret::new(Algorithm::Hs512, [7; 63]).is_err());
        assert!(SharedSecret::new(Algorithm::Hs256, "").is_err());
    }

    #[test]
    fn debug_does_not_show_the_secret() {
        let secret = SharedSecret::new(Algorithm::Hs256, [b'S'; 32]).expect("long enough");
        assert!(!format!("{secret:?}").contains("SS") && !format!("{secret:?}").contains("83"));
    }
}
