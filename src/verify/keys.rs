use std::fmt;

use tokio::time::Instant;

use super::Stop;
use super::signature::{self, SignatureVerified};
use crate::error::AuthErrorKind;
use crate::jwks::{Jwks, JwksState, Lack, LoadedSnapshot, SharedSecret, VerifyingKey};
use crate::token::{Signature, UnverifiedHeader, UnverifiedToken};

/// What tokens are verified with: a key set, or a secret, never both.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Keys {
    /// Public keys.
    Set(Jwks),
    /// One shared secret.
    Secret(SharedSecret),
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

/// The keys as one verification sees them from beginning to end.
pub(super) enum KeysNow<'k> {
    Set(LoadedSnapshot),
    Secret(&'k SharedSecret),
}

impl<'k> KeysNow<'k> {
    pub(super) fn load(keys: &'k Keys) -> Self {
        match keys {
            Keys::Set(jwks) => Self::Set(jwks.load()),
            Keys::Secret(secret) => Self::Secret(secret),
        }
    }

    pub(super) fn generation(&self) -> u64 {
        match self {
            Self::Set(snapshot) => snapshot.generation(),
            Self::Secret(_) => 0,
        }
    }

    /// Keys that are not here yet are waited for; keys that are too old are not trusted.
    pub(super) fn check_age(&self) -> Result<(), Stop> {
        match self {
            Self::Set(snapshot) => match snapshot.state(Instant::now()) {
                JwksState::Fresh | JwksState::Stale => Ok(()),
                JwksState::Cold => Err(Stop::Lacking(Lack::FirstSet)),
                JwksState::Expired => Err(AuthErrorKind::KeysUnavailable.into()),
            },
            Self::Secret(_) => Ok(()),
        }
    }

    pub(super) fn verify(
        &self,
        token: &UnverifiedToken<'_>,
        header: &UnverifiedHeader<'_>,
        signature: &Signature,
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
