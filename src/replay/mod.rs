//! Tokens that count once, tokens that were revoked, and tokens that a browser has asked for.
//!
//! A signed token can be presented again by whoever has seen it. A [`ReplayStore`] remembers which were: a layer that is
//! set to [`single_use`](crate::JwtAuthLayer::single_use) accepts each token once, by its issuer and its `jti`, never by
//! its text. The same store is a deny list: what was [revoked](ReplayStore::revoke) is refused from then on, wherever it
//! was cached. A [`Nonce`] tells a browser's own sign-in from somebody else's.
//!
//! | store | for | note |
//! |---|---|---|
//! | [`MemoryReplayStore`] | one process | at most 100,000 tokens, and refuses when it is full |
//! | `RedisReplayStore`, with the feature `redis` | several replicas | Redis 7 or Valkey, one round trip |
//!
//! # Security
//!
//! The store is asked after everything else about the token was good, so that nobody can use up a token that they could not
//! have used. With a [proof](crate::binding) it is asked twice where tokens count once: whoever it refuses has no proof
//! remembered. A store that gives no answer within a second lets nobody in, unless
//! [that is asked for](ReplayRule::insecure_accept_when_the_store_fails).
//!
//! # Examples
//!
//! ```
//! use std::time::{Duration, SystemTime};
//! use tower_jwt_auth::replay::{MemoryReplayStore, ReplayRule, ReplayStore};
//! # use tower_jwt_auth::{jwks::SharedSecret, token::Algorithm, JwtAuthLayer, Verifier};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let verifier = Verifier::new("https://login.example.com", "my-api", SharedSecret::new(Algorithm::Hs256, [7; 32])?)?;
//! let store = std::sync::Arc::new(MemoryReplayStore::new());
//! let auth = JwtAuthLayer::new(verifier).with_replay_rule(ReplayRule::deny_list(store.clone()));
//!
//! // Elsewhere, when somebody reports a stolen session:
//! let until = SystemTime::now() + Duration::from_secs(3600); // the `exp` of that token and 15 min, or later
//! store.revoke("https://login.example.com", "9b40bb3f", until).await?;
//! # Ok(()) }
//! ```

#[cfg(test)]
mod interleavings;
mod memory;
mod nonce;
mod receipt;
#[cfg(feature = "redis")]
mod redis;
mod rule;

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::SystemTime;

pub use memory::{MAX_REMEMBERED, MemoryReplayStore};
pub use nonce::{NONCE_LIFETIME, Nonce, NonceRule};
pub(crate) use receipt::Receipt;
#[cfg(feature = "redis")]
pub use redis::RedisReplayStore;
pub use rule::{ReplayRule, STORE_TIMEOUT};

use serde::Deserialize;

use crate::crypto;
use crate::error::{AuthError, AuthErrorKind};
use crate::verify::VerifiedToken;

/// Remembers which tokens were used and which were revoked.
///
/// See the [module docs](self). An implementation has to be atomic: of two [inserts](Self::insert) for one id, wherever
/// they come from, one finds nothing and the other finds what the first has left.
pub trait ReplayStore: Send + Sync + 'static {
    /// Leaves `mark` for `id` until `until`, unless there is one: then it stays, and is returned.
    fn insert(&self, id: TokenId, mark: Mark, until: SystemTime) -> StoreFuture<'_, Option<Mark>>;

    /// The mark of `id`, if there is one.
    fn find(&self, id: TokenId) -> StoreFuture<'_, Option<Mark>>;

    /// Leaves [`Mark::Revoked`] for `id`, whatever was there, until `until` or until what was there would have gone,
    /// whichever is later.
    fn deny(&self, id: TokenId, until: SystemTime) -> StoreFuture<'_, ()>;

    /// Refuses the token `jti` of `iss` from now on, until `until`: its `exp` and 15 min, after which nobody accepts it, whatever
    /// leeway is set there and however clocks differ by that.
    fn revoke(&self, iss: &str, jti: &str, until: SystemTime) -> StoreFuture<'_, ()> {
        self.deny(TokenId::new(iss, jti), until)
    }
}

impl<S: ReplayStore + ?Sized> ReplayStore for std::sync::Arc<S> {
    fn insert(&self, id: TokenId, mark: Mark, until: SystemTime) -> StoreFuture<'_, Option<Mark>> {
        (**self).insert(id, mark, until)
    }

    fn find(&self, id: TokenId) -> StoreFuture<'_, Option<Mark>> {
        (**self).find(id)
    }

    fn deny(&self, id: TokenId, until: SystemTime) -> StoreFuture<'_, ()> {
        (**self).deny(id, until)
    }

    fn revoke(&self, iss: &str, jti: &str, until: SystemTime) -> StoreFuture<'_, ()> {
        (**self).revoke(iss, jti, until)
    }
}

/// What a store says, to come.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Which token it is: a hash of its issuer and its `jti`, so that a store holds neither.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId([u8; 32]);

impl TokenId {
    /// The token `jti` of `iss`. The same `jti` of another issuer is another token.
    #[must_use]
    pub fn new(iss: &str, jti: &str) -> Self {
        // The length keeps what belongs to the one from being read as the other's.
        let text = format!("{}:{iss}{jti}", iss.len());
        Self(crypto::sha256(text.as_bytes()))
    }

    /// The token's own. None if it has no `jti`, or an empty one.
    pub(crate) fn of(token: &VerifiedToken) -> Result<Option<Self>, AuthError> {
        let Named { iss, jti } = token.read()?;
        Ok(jti.filter(|jti| !jti.is_empty()).map(|jti| Self::new(&iss.unwrap_or_default(), &jti)))
    }

    /// The hash, to use as a key.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

#[derive(Deserialize)]
struct Named {
    iss: Option<String>,
    jti: Option<String>,
}

/// In hexadecimal.
impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hexadecimal(&self.0).fmt(f)
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenId({self})")
    }
}

/// Bytes as they are written out, two digits each.
struct Hexadecimal<'a>(&'a [u8]);

impl fmt::Display for Hexadecimal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a store remembers of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mark {
    /// It was used.
    Used,
    /// It was handed over to a browser, which holds what hashes to this and may go on using it.
    HandedOver([u8; 32]),
    /// It was revoked.
    Revoked,
}

impl Mark {
    /// In bytes, for a store that keeps them.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        match self {
            Self::Used => b"used".to_vec(),
            Self::HandedOver(hash) => [b"handed over:".as_slice(), &hash].concat(),
            Self::Revoked => b"revoked".to_vec(),
        }
    }

    /// What [`to_bytes`](Self::to_bytes) has made; none of anything else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes {
            b"used" => Some(Self::Used),
            b"revoked" => Some(Self::Revoked),
            _ => Some(Self::HandedOver(bytes.strip_prefix(b"handed over:")?.try_into().ok()?)),
        }
    }
}

/// Why a store has no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// It remembers as much as it may.
    Full,
    /// Anything else; what it says is logged.
    Failed(Box<dyn StdError + Send + Sync>),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the replay store is full",
            Self::Failed(_) => "the replay store has failed",
        })
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Full => None,
            Self::Failed(source) => Some(&**source),
        }
    }
}

/// Tokens that count once have to have a name.
pub(crate) const fn nameless() -> AuthError {
    AuthError::about(AuthErrorKind::ClaimMissing, "jti")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_and_a_jti_cannot_pass_for_another_pair() {
        let id = TokenId::new("https://a.example", "1");
        assert_eq!(id, TokenId::new("https://a.example", "1"));
        for (iss, jti) in [
            ("https://b.example", "1"),
            ("https://a.example", "2"),
            ("https://a.example1", ""),
            ("https://a", ".example1"),
            ("", "https://a.example1"),
        ] {
            assert_ne!(id, TokenId::new(iss, jti), "{iss} {jti}");
        }
        let hex: Vec<_> = id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(id.to_string(), hex.concat());
    }

    #[test]
    fn a_store_that_fails_tells_why_only_to_who_asks() {
        for (error, text, cause) in [
            (StoreError::Full, "the replay store is full", None),
            (StoreError::Failed("timed out".into()), "the replay store has failed", Some("timed out")),
        ] {
            assert_eq!(error.to_string(), text);
            assert_eq!(error.source().map(ToString::to_string).as_deref(), cause);
        }
    }

    #[test]
    fn a_mark_survives_its_bytes_and_nothing_else_is_one() {
        for mark in [Mark::Used, Mark::Revoked, Mark::HandedOver([7; 32])] {
            assert_eq!(Mark::from_bytes(&mark.to_bytes()), Some(mark));
        }
        for bytes in [&b""[..], b"USED", b"used ", b"handed over:", b"handed over:1234"] {
            assert_eq!(Mark::from_bytes(bytes), None);
        }
    }
}
