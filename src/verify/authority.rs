use std::fmt;

use tokio::time::Instant;

use super::signature::{self, SignatureVerified};
use super::{Stop, Want};
use crate::error::AuthErrorKind;
use crate::jwks::{Jwks, JwksState, Lack, LoadedSnapshot, SharedSecret, VerifyingKey};
use crate::remote::{ValidationEndpoint, Vouched};
use crate::token::{KnownHeaders, Signature, UnverifiedHeader, UnverifiedToken};

/// What vouches for a token: public keys, a secret, or its provider, and never two of them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Authority {
    /// Public keys.
    Keys(Jwks),
    /// One shared secret.
    Secret(SharedSecret),
    /// The word of the provider.
    Endpoint(ValidationEndpoint),
}

impl From<Jwks> for Authority {
    fn from(jwks: Jwks) -> Self {
        Self::Keys(jwks)
    }
}

impl From<VerifyingKey> for Authority {
    fn from(key: VerifyingKey) -> Self {
        Self::Keys(key.into())
    }
}

impl From<SharedSecret> for Authority {
    fn from(secret: SharedSecret) -> Self {
        Self::Secret(secret)
    }
}

impl From<ValidationEndpoint> for Authority {
    fn from(endpoint: ValidationEndpoint) -> Self {
        Self::Endpoint(endpoint)
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys(jwks) => write!(f, "keys: {jwks}"),
            Self::Secret(secret) => write!(f, "keys: a shared secret for {}", secret.algorithm()),
            Self::Endpoint(endpoint) => endpoint.fmt(f),
        }
    }
}

/// The authority as one verification sees it from beginning to end.
pub(super) enum AuthorityNow<'k> {
    Keys(LoadedSnapshot),
    Secret(&'k SharedSecret),
    Endpoint(&'k ValidationEndpoint),
}

impl<'k> AuthorityNow<'k> {
    pub(super) fn load(authority: &'k Authority) -> Self {
        match authority {
            Authority::Keys(jwks) => Self::Keys(jwks.load()),
            Authority::Secret(secret) => Self::Secret(secret),
            Authority::Endpoint(endpoint) => Self::Endpoint(endpoint),
        }
    }

    /// For which generation of keys a yes can be remembered; an endpoint remembers what it has said by itself.
    pub(super) fn generation(&self) -> Option<u64> {
        match self {
            Self::Keys(snapshot) => Some(snapshot.generation()),
            Self::Secret(_) => Some(0),
            Self::Endpoint(_) => None,
        }
    }

    /// The headers of tokens that these keys have verified.
    pub(super) fn known_headers(&self) -> Option<&KnownHeaders> {
        match self {
            Self::Keys(snapshot) => Some(snapshot.keys().known_headers()),
            Self::Secret(secret) => Some(secret.known_headers()),
            Self::Endpoint(_) => None,
        }
    }

    /// Keys that are not here yet are waited for; keys that are too old are not trusted.
    pub(super) fn check_age(&self) -> Result<(), Stop> {
        match self {
            Self::Keys(snapshot) => match snapshot.state(Instant::now()) {
                JwksState::Fresh | JwksState::Stale => Ok(()),
                JwksState::Cold => Err(Stop::Lacking(Want::Keys(Lack::FirstSet))),
                JwksState::Expired => Err(AuthErrorKind::KeysUnavailable.into()),
            },
            Self::Secret(_) | Self::Endpoint(_) => Ok(()),
        }
    }

    pub(super) fn verify(
        &self,
        token: &UnverifiedToken<'_>,
        header: &UnverifiedHeader<'_>,
        signature: &Signature<'_>,
        vouched: Option<Vouched>,
    ) -> Result<SignatureVerified, Stop> {
        self.check_age()?;
        let kid = header.kid.as_deref();
        let algorithm = header.algorithm;
        match self {
            Self::Secret(secret) => signature::by_secret(secret, token, algorithm, signature)
                .ok_or(AuthErrorKind::SignatureInvalid.into()),
            Self::Endpoint(endpoint) => {
                let vouched = match vouched {
                    Some(vouched) => Some(Ok(vouched)),
                    None => endpoint.recall(token.text()),
                };
                Ok(signature::by_word(vouched.ok_or(Stop::Lacking(Want::Answer))??))
            }
            Self::Keys(snapshot) => {
                let mut candidates = snapshot.keys().candidates(kid, algorithm).peekable();
                let known = candidates.peek().is_some();
                signature::by_any(candidates, token, signature).ok_or_else(|| {
                    let kid = kid.map(Box::from);
                    Stop::Lacking(Want::Keys(if known {
                        Lack::OtherKey { kid, algorithm, generation: snapshot.generation() }
                    } else {
                        Lack::Key { kid, algorithm, refresh_failed: snapshot.last_refresh_failed() }
                    }))
                })
            }
        }
    }
}
