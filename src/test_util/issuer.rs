use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;

use super::flaw::Flaw;
use super::signing_key::SigningKey;
use super::token::TokenBuilder;
use crate::clock::{Clock, SystemClock};
use crate::token::Algorithm;

/// Issues tokens for one audience: good ones, and every kind of bad one, each in one call; its clones are one issuer.
///
/// It has one ES256 key at first. What it changes about its keys shows in the next document that an
/// [`Idp`](super::Idp) serves for it.
///
/// # Examples
///
/// ```
/// use tower_jwt_auth::test_util::{Flaw, Issuer};
/// use tower_jwt_auth::{Jwks, Verifier};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let issuer = Issuer::new("https://login.example.com", "my-api");
/// let verifier = Verifier::new(issuer.url(), issuer.audience(), Jwks::from_json(issuer.jwks())?)?;
///
/// assert!(verifier.verify(&issuer.good()).is_ok());
/// assert!(verifier.verify(&issuer.token().subject("bob").claim("role", "admin").sign()).is_ok());
/// assert_eq!(verifier.verify(&issuer.expired()).unwrap_err().code(), "token_expired");
///
/// for flaw in Flaw::ALL {
///     assert!(verifier.verify(&issuer.flawed(*flaw)).is_err(), "{flaw:?} gets in");
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Issuer {
    url: Arc<str>,
    audience: Arc<str>,
    algorithm: Algorithm,
    clock: Arc<dyn Clock>,
    keys: Arc<Mutex<Keys>>,
}

/// The last one signs.
struct Keys {
    published: Vec<SigningKey>,
    /// How many there have been, for the next one's name.
    made: usize,
}

impl Issuer {
    /// Issues for `audience` in the name of `url`, what `iss` will say.
    #[must_use]
    pub fn new(url: impl Into<String>, audience: impl Into<String>) -> Self {
        let algorithm = Algorithm::Es256;
        Self {
            url: url.into().into(),
            audience: audience.into().into(),
            algorithm,
            clock: Arc::new(SystemClock),
            keys: Arc::new(Mutex::new(Keys::of(algorithm))),
        }
    }

    /// Signs with `algorithm` instead, and so with a new key.
    ///
    /// # Panics
    ///
    /// If `algorithm` is a MAC.
    #[must_use]
    pub fn with_algorithm(self, algorithm: Algorithm) -> Self {
        Self { algorithm, keys: Arc::new(Mutex::new(Keys::of(algorithm))), ..self }
    }

    /// Reads `iat` and `exp` off `clock`: the one that the verifier has too.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// What its tokens have as `iss`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What its tokens have as `aud`.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// A good token for the subject `alice`: five minutes to live, and another `jti` each time.
    #[must_use]
    pub fn good(&self) -> String {
        self.token().sign()
    }

    /// A good token, to be changed before it is signed.
    pub fn token(&self) -> TokenBuilder {
        TokenBuilder::new(self.key(), &self.url, &self.audience, self.clock.now())
    }

    /// A token that is good but for `flaw`.
    #[must_use]
    pub fn flawed(&self, flaw: Flaw) -> String {
        self.token().flawed(flaw)
    }

    /// The key that signs now.
    #[must_use]
    pub fn key(&self) -> SigningKey {
        self.keys().published.last().expect("there is always a key").clone()
    }

    /// The JWK Set that it would have published now.
    #[must_use]
    pub fn jwks(&self) -> String {
        jwks_of(&self.keys().published)
    }

    /// Signs with a new key from now on, and publishes it beside the old ones.
    pub fn rotate(&self) {
        let mut keys = self.keys();
        let key = keys.next(self.algorithm);
        keys.published.push(key);
    }

    /// Stops publishing all keys but the one that signs: tokens of the others are good no more.
    pub fn withdraw_old_keys(&self) {
        let mut keys = self.keys();
        let old = keys.published.len().saturating_sub(1);
        keys.published.drain(..old);
    }

    /// Signs with a new key from now on that has the name of the old one, which it takes the place of.
    ///
    /// Providers should not do this, and some do.
    pub fn reuse_kid(&self) {
        let mut keys = self.keys();
        let old = keys.published.pop().expect("there is always a key");
        keys.published.push(SigningKey::generate(self.algorithm, old.kid()));
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keys {
    fn of(algorithm: Algorithm) -> Self {
        let mut keys = Self { published: Vec::new(), made: 0 };
        let first = keys.next(algorithm);
        keys.published.push(first);
        keys
    }

    fn next(&mut self, algorithm: Algorithm) -> SigningKey {
        self.made += 1;
        SigningKey::generate(algorithm, &format!("key-{}", self.made))
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("url", &self.url)
            .field("audience", &self.audience)
            .field("published", &self.keys().published)
            .finish_non_exhaustive()
    }
}

/// The JWK Set of `keys`, as a provider publishes it ([RFC 7517 §5]).
///
/// [RFC 7517 §5]: https://www.rfc-editor.org/rfc/rfc7517#section-5
pub fn jwks_of<'k>(keys: impl IntoIterator<Item = &'k SigningKey>) -> String {
    let keys: Vec<_> = keys.into_iter().map(SigningKey::public_jwk).collect();
    json!({ "keys": keys }).to_string()
}
