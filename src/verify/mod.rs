//! Checking a token: the numbered steps of [`Verifier::verify`].
//!
//! A [`Verifier`] is a value of its own. The layer has one inside; a WebSocket handler, a queue consumer or a test can
//! use one without any HTTP.
//!
//! # Examples
//!
//! ```
//! use tower_jwt_auth::Verifier;
//! use tower_jwt_auth::jwks::SharedSecret;
//! use tower_jwt_auth::token::Algorithm;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let secret = SharedSecret::new(Algorithm::Hs256, [7; 32])?;
//! let verifier = Verifier::new("https://login.example.com", "my-api", secret)?.require_claim("sub")?;
//!
//! let token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.\
//!     eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIiwiYXVkIjoibXktYXBpIiwic3ViIjoiYWRhIiwiZXhwIjo0MTAyNDQ0ODAwfQ.\
//!     s3-InWBpIjbe79O4AeduBf3C7_0UG7faSxBgkdIpi0c";
//! let verified = verifier.verify(token)?;
//! assert_eq!(verified.payload(), r#"{"iss":"https://login.example.com","aud":"my-api","sub":"ada","exp":4102444800}"#);
//!
//! let forged = token.replace("YWRh", "ZXZl"); // eve, under a signature for ada
//! assert_eq!(verifier.verify(&forged).unwrap_err().code(), "signature_invalid");
//! assert_eq!(verifier.verify("not.a.token").unwrap_err().code(), "token_malformed");
//! # Ok(()) }
//! ```

mod builder;
mod cache;
mod policy;
mod signature;
mod verified;

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

pub use cache::{MAX_CACHED_AGE, MAX_CACHED_TOKEN_BYTES};
pub use policy::{DEFAULT_LEEWAY, MAX_LEEWAY};
pub use verified::VerifiedToken;

use crate::error::{AuthError, AuthErrorKind, ConfigError};
use crate::jwks::{Jwks, JwksState, Lack, LoadedSnapshot, SharedSecret, VerifyingKey, Waited};
use crate::source::Source;
use crate::telemetry::{self, CacheUse, VerifyTimer};
use crate::token::{UnverifiedClaims, UnverifiedHeader, UnverifiedToken};
use cache::TokenCache;
use policy::{Policy, Times};
use signature::SignatureVerified;
use verified::Verified;

/// Turns the text of a token into a [`VerifiedToken`], or says why not.
///
/// See the [module docs](self). Its [`Display`](fmt::Display) lists every check that it makes, and those it does not.
#[must_use]
pub struct Verifier {
    policy: Policy,
    keys: Keys,
    cache: TokenCache,
}

/// What tokens are verified with: a key set, or a secret, never both.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Keys {
    /// Public keys.
    Set(Jwks),
    /// One shared secret.
    Secret(SharedSecret),
}

impl Verifier {
    /// Accepts tokens that `issuer` signed with `keys` for `audience`.
    ///
    /// Both names are compared code point by code point with the token's `iss` and `aud`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `issuer` or `audience` is empty, or if `keys` were discovered for another issuer.
    pub fn new(
        issuer: impl Into<String>,
        audience: impl Into<String>,
        keys: impl Into<Keys>,
    ) -> Result<Self, ConfigError> {
        let keys = keys.into();
        let policy = Policy::new(issuer.into(), audience.into(), &keys)?;
        Ok(Self { policy, keys, cache: TokenCache::default() })
    }

    /// Verifies `token` with the keys that are here now.
    ///
    /// It never waits. A token whose key is not here is refused, and may cause a fetch in the background; see
    /// [`verify_or_refetch`](Self::verify_or_refetch).
    ///
    /// # Errors
    ///
    /// The first [step](Self#verification) that `token` fails.
    pub fn verify(&self, token: &str) -> Result<VerifiedToken, AuthError> {
        let lack = match self.check(token, Source::Direct) {
            Ok(verified) => return Ok(verified),
            Err(Stop::Refused(error)) => return Err(error),
            Err(Stop::Lacking(lack)) => lack,
        };
        if let Keys::Set(jwks) = &self.keys {
            jwks.request(&lack);
        }
        self.examine_finally(token, Source::Direct, Waited::Settled)
    }

    /// Verifies `token`, waiting up to 1 s for the first key set and up to 2 s for a fetch that may bring its key.
    ///
    /// Only a token whose issuer, audience, times and algorithm already satisfy the policy waits for anything, and
    /// only one attempt in 30 s causes a fetch.
    ///
    /// # Errors
    ///
    /// The first [step](Self#verification) that `token` fails.
    ///
    /// # Panics
    ///
    /// If it has to wait outside of a tokio runtime.
    pub async fn verify_or_refetch(&self, token: &str) -> Result<VerifiedToken, AuthError> {
        match self.check(token, Source::Direct) {
            Ok(verified) => Ok(verified),
            Err(Stop::Refused(error)) => Err(error),
            Err(Stop::Lacking(lack)) => self.wait_and_check(token, Source::Direct, lack).await,
        }
    }

    /// The second half of [`verify_or_refetch`](Self::verify_or_refetch).
    pub(crate) async fn wait_and_check(
        &self,
        token: &str,
        source: Source,
        lack: Lack,
    ) -> Result<VerifiedToken, AuthError> {
        let waited = match &self.keys {
            Keys::Set(jwks) => jwks.wait_for(&lack).await,
            Keys::Secret(_) => Waited::Settled,
        };
        if lack == Lack::FirstSet && waited == Waited::Settled {
            // The set came, perhaps without the token's key: that may be worth the one attempt.
            return match self.check(token, source) {
                Ok(verified) => Ok(verified),
                Err(Stop::Refused(error)) => Err(error),
                Err(Stop::Lacking(Lack::FirstSet)) => Err(AuthErrorKind::KeysPending.into()),
                Err(Stop::Lacking(still)) => Box::pin(self.wait_and_check(token, source, still)).await,
            };
        }
        self.examine_finally(token, source, waited)
    }

    fn examine_finally(
        &self,
        token: &str,
        source: Source,
        waited: Waited,
    ) -> Result<VerifiedToken, AuthError> {
        self.examine(token, source).map_err(|stop| match stop {
            Stop::Refused(error) => error,
            Stop::Lacking(lack) => answer_for_want_of(&lack, waited),
        })
    }

    /// Verifies with the keys that are here; what may be worth waiting for is left open.
    pub(crate) fn check(&self, text: &str, source: Source) -> Result<VerifiedToken, Stop> {
        self.examine(text, source).map_err(|stop| match (stop, &self.keys) {
            (Stop::Lacking(lack), Keys::Set(jwks)) if jwks.may_bring(&lack) => Stop::Lacking(lack),
            (Stop::Lacking(lack), _) => Stop::Refused(answer_for_want_of(&lack, Waited::Settled)),
            (stop, _) => stop,
        })
    }

    /// # Verification
    ///
    /// The steps, in order; the first that fails answers. Those before the signature can only refuse: they keep hopeless
    /// tokens from costing a signature or a fetch, and nothing is accepted on their word.
    fn examine(&self, text: &str, source: Source) -> Result<VerifiedToken, Stop> {
        let now = self.policy.now();
        let keys = KeysNow::load(&self.keys);

        // 0. The same text verified before, under the same policy and the same keys: only time has passed.
        if let Some(verified) = self.cache.get(text, keys.generation(), now) {
            keys.check_age()?;
            self.policy.check_times(verified.times(), now)?;
            let token = VerifiedToken::new(verified, source);
            self.policy.check_rules(&token)?;
            telemetry::verified(CacheUse::Hit);
            return Ok(token);
        }
        let _timer = VerifyTimer::start();

        // 1. Three parts, within the size limit (RFC 7515 §7.1).
        let token = UnverifiedToken::split(text)?;

        // 2. A header that is understood in full (RFC 7515 §4, RFC 8725 §3.11).
        let header_json = token.decode_header()?;
        let header = UnverifiedHeader::parse(&header_json)?;

        // 3. An algorithm and a type that this verifier accepts (RFC 8725 §3.1, RFC 7515 §4.1.9).
        self.policy.check_header(&header)?;

        // 4. Claims that are an object, each registered one once and of its type (RFC 7519 §7.2).
        let payload = token.decode_payload()?;
        let claims = UnverifiedClaims::parse(&payload, self.policy.audiences(), self.policy.required())?;

        // 5. Issuer, audience, subject, presence and binding (RFC 7519 §4.1, RFC 8725 §3.8, §3.9).
        self.policy.check_claims(&claims)?;

        // 6. Time (RFC 7519 §4.1.4, §4.1.5).
        let times = Times::of(&claims);
        self.policy.check_times(&times, now)?;

        // 7. A key of the issuer, of this name and this algorithm (RFC 7515 §6, RFC 8725 §3.1), and
        // 8. its signature over header and payload as they came (RFC 7515 §5.2).
        let signature = token.decode_signature()?;
        let signed = keys.verify(&token, &header, &signature)?;

        // 9. What the application asks of claims that are now known to be the issuer's.
        let verified = Verified::new(signed, &header, payload, times, self.policy.clock())?;
        let token = VerifiedToken::new(Arc::clone(&verified), source);
        self.policy.check_rules(&token)?;

        self.cache.insert(text, keys.generation(), now, verified);
        telemetry::verified(CacheUse::Miss);
        Ok(token)
    }
}

/// The answer to a token for want of what it lacks.
fn answer_for_want_of(lack: &Lack, waited: Waited) -> AuthError {
    let kind = match lack {
        Lack::FirstSet => AuthErrorKind::KeysPending,
        Lack::OtherKey { .. } => AuthErrorKind::SignatureInvalid,
        // The token may be good: nobody could look.
        Lack::Key { refresh_failed, .. } if *refresh_failed || waited == Waited::InVain => {
            AuthErrorKind::KeysUnavailable
        }
        Lack::Key { .. } => AuthErrorKind::KeyUnknown,
    };
    kind.into()
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; keys: {}; {}", self.policy, self.keys, self.cache)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({self})")
    }
}

impl From<Jwks> for Keys {
    fn from(jwks: Jwks) -> Self {
        Self::Set(jwks)
    }
}

impl From<VerifyingKey> for Keys {
    fn from(key: VerifyingKey) -> Self {
        Self::Set(key.into())
    }
}

impl From<SharedSecret> for Keys {
    fn from(secret: SharedSecret) -> Self {
        Self::Secret(secret)
    }
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(jwks) => jwks.fmt(f),
            Self::Secret(secret) => write!(f, "a shared secret for {}", secret.algorithm()),
        }
    }
}

/// Where a verification ended.
pub(crate) enum Stop {
    Refused(AuthError),
    /// All is well so far, but what comes next is not here.
    Lacking(Lack),
}

impl From<AuthError> for Stop {
    fn from(error: AuthError) -> Self {
        Self::Refused(error)
    }
}

impl From<AuthErrorKind> for Stop {
    fn from(kind: AuthErrorKind) -> Self {
        Self::Refused(kind.into())
    }
}

/// The keys as one verification sees them from beginning to end.
enum KeysNow<'k> {
    Set(LoadedSnapshot),
    Secret(&'k SharedSecret),
}

impl<'k> KeysNow<'k> {
    fn load(keys: &'k Keys) -> Self {
        match keys {
            Keys::Set(jwks) => Self::Set(jwks.load()),
            Keys::Secret(secret) => Self::Secret(secret),
        }
    }

    fn generation(&self) -> u64 {
        match self {
            Self::Set(snapshot) => snapshot.generation(),
            Self::Secret(_) => 0,
        }
    }

    /// Keys that are not here yet are waited for; keys that are too old are not trusted.
    fn check_age(&self) -> Result<(), Stop> {
        match self {
            Self::Set(snapshot) => match snapshot.state(Instant::now()) {
                JwksState::Fresh | JwksState::Stale => Ok(()),
                JwksState::Cold => Err(Stop::Lacking(Lack::FirstSet)),
                JwksState::Expired => Err(AuthErrorKind::KeysUnavailable.into()),
            },
            Self::Secret(_) => Ok(()),
        }
    }

    fn verify(
        &self,
        token: &UnverifiedToken<'_>,
        header: &UnverifiedHeader<'_>,
        signature: &crate::token::Signature,
    ) -> Result<SignatureVerified, Stop> {
        self.check_age()?;
        let kid = header.kid.as_deref();
        let algorithm = header.algorithm;
        match self {
            Self::Secret(secret) => signature::by_secret(secret, token, algorithm, signature)
                .ok_or(AuthErrorKind::SignatureInvalid.into()),
            Self::Set(snapshot) => {
                let mut candidates = snapshot.keys().candidates(kid, algorithm).peekable();
                let known = candidates.peek().is_some();
                signature::by_any(candidates, token, signature).ok_or_else(|| {
                    let kid = kid.map(Box::from);
                    Stop::Lacking(if known {
                        Lack::OtherKey { kid, algorithm, generation: snapshot.generation() }
                    } else {
                        Lack::Key { kid, algorithm, refresh_failed: snapshot.last_refresh_failed() }
                    })
                })
            }
        }
    }
}
