//! The proof that a signature was verified: only here can one be made, and there are no claims without it.

use std::sync::Arc;

use crate::jwks::{SharedSecret, VerifyingKey};
use crate::token::{Algorithm, Signature, UnverifiedToken};

/// Says that a signature was good, and whose key made it.
pub(super) struct Signed {
    kid: Option<Arc<str>>,
    _verified: SignatureVerified,
}

struct SignatureVerified(());

impl Signed {
    /// The name that the key itself goes by.
    pub(super) fn kid(self) -> Option<Arc<str>> {
        self.kid
    }
}

/// Tries the keys in turn; all of them are of the header's algorithm.
pub(super) fn by_any<'k>(
    mut keys: impl Iterator<Item = &'k VerifyingKey>,
    token: &UnverifiedToken<'_>,
    signature: &Signature,
) -> Option<Signed> {
    let key = keys.find(|key| key.verifies(token.signing_input(), signature.as_bytes()))?;
    Some(Signed { kid: key.shared_kid(), _verified: SignatureVerified(()) })
}

/// Tries a secret, for tokens of its one algorithm.
pub(super) fn by_secret(
    secret: &SharedSecret,
    token: &UnverifiedToken<'_>,
    algorithm: Algorithm,
    tag: &Signature,
) -> Option<Signed> {
    let good = algorithm == secret.algorithm() && secret.verifies(token.signing_input(), tag.as_bytes());
    good.then_some(Signed { kid: None, _verified: SignatureVerified(()) })
}
