use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use super::signing_key::{SigningKey, mac_token};
use crate::token::Algorithm;

/// How long a token lives that nothing else was said of.
pub(super) const LIFETIME: Duration = Duration::from_secs(300);

/// A token before it is signed, made by [`Issuer::token`](super::Issuer::token): good as it is, and free to be changed.
///
/// What ends in a token is [`sign`](Self::sign), and each kind of [`Flaw`](super::Flaw) by its own name.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tower_jwt_auth::test_util::Issuer;
///
/// let issuer = Issuer::new("https://login.example.com", "my-api");
/// let bob = issuer.token().subject("bob").claim("groups", ["ops", "dev"]).expires_in(Duration::from_secs(30));
/// let (good, forged) = (bob.clone().sign(), bob.forged());
/// # assert_ne!(good, forged);
/// ```
#[derive(Clone)]
#[must_use]
pub struct TokenBuilder {
    pub(super) key: SigningKey,
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    pub(super) issued: SystemTime,
}

impl TokenBuilder {
    pub(super) fn new(key: SigningKey, issuer: &str, audience: &str, now: SystemTime) -> Self {
        static ISSUED: AtomicU64 = AtomicU64::new(1);
        let header = key.header().as_object().cloned().unwrap_or_default();
        let number = ISSUED.fetch_add(1, Ordering::Relaxed);
        Self { key, header, claims: Map::new(), issued: now }
            .claim("iss", issuer)
            .claim("aud", audience)
            .claim("jti", format!("token-{number}"))
            .subject("alice")
            .claim("iat", unix_seconds(now))
            .expires_in(LIFETIME)
    }

    /// Is about `subject` instead of `alice`.
    pub fn subject(self, subject: &str) -> Self {
        self.claim("sub", subject)
    }

    /// Has this claim, in place of any of the same name.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Does not have this claim.
    pub fn without_claim(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Expires so long after the present, in whole seconds.
    pub fn expires_in(self, lifetime: Duration) -> Self {
        let expires = unix_seconds(self.issued + lifetime);
        self.claim("exp", expires)
    }

    /// Was issued, and so expires, this much earlier.
    pub fn issued_before(mut self, age: Duration) -> Self {
        for name in ["iat", "exp", "nbf"] {
            let earlier = self.claims.get(name).and_then(|time| match time.as_u64() {
                Some(seconds) => Some(seconds.saturating_sub(age.as_secs()).into()),
                None => Some(Value::from(time.as_f64()? - age.as_secs_f64())),
            });
            if let Some(earlier) = earlier {
                self = self.claim(name, earlier);
            }
        }
        self
    }

    /// Has this header parameter, in place of any of the same name.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    /// Does not have this header parameter.
    pub fn without_header(mut self, name: &str) -> Self {
        self.header.remove(name);
        self
    }

    /// The token, signed by the issuer's key whatever the header says.
    #[must_use]
    pub fn sign(self) -> String {
        let (header, payload) = self.texts();
        self.key.token_of(header, payload)
    }

    /// The token under the MAC by `secret`, for who verifies with a [`SharedSecret`](crate::jwks::SharedSecret); its header
    /// then says `algorithm`, and has no `kid`.
    ///
    /// # Panics
    ///
    /// If `algorithm` is no MAC.
    #[must_use]
    pub fn sign_with_secret(self, algorithm: Algorithm, secret: &[u8]) -> String {
        let (header, payload) = self.header("alg", algorithm.name()).without_header("kid").texts();
        mac_token(algorithm, secret, &header, &payload)
    }

    /// Header and payload as JSON.
    pub(super) fn texts(&self) -> (String, String) {
        (text(&self.header), text(&self.claims))
    }
}

impl fmt::Debug for TokenBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenBuilder").finish_non_exhaustive()
    }
}

fn text(object: &Map<String, Value>) -> String {
    serde_json::to_string(object).expect("a map of texts is JSON")
}

pub(super) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}
