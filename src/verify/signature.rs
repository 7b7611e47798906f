//! The proof that a signature was verified, here or by the provider: only here can one be made, and there are no claims
//! without it.

use std::sync::Arc;

use crate::jwks::{SharedSecret, VerifyingKey};
use crate::remote::Vouched;
use crate::token::{Algorithm, Signature, UnverifiedToken};

/// Says that a signature was good, and what the key that made it is called.
pub(super) struct SignatureVerified {
    kid: Option<Arc<str>>,
}

impl SignatureVerified {
    /// The name that the key itself goes by.
    pub(super) fn kid(self) -> Option<Arc<str>> {
        self.kid
    }
}

/// Tries the keys in turn; all of them are of the header's algorithm.
pub(super) fn by_any<'k>(
    mut keys: impl Iterator<Item = &'k VerifyingKey>,
    token: &UnverifiedToken<'_>,
    signature: &Signature<'_>,
) -> Option<SignatureVerified> {
    let key = keys.find(|key| key.verifies(token.signing_input(), signature.as_bytes()))?;
    Some(SignatureVerified { kid: key.shared_kid() })
}

/// Tries a secret, for tokens of its one algorithm.
pub(super) fn by_secret(
    secret: &SharedSecret,
    token: &UnverifiedToken<'_>,
    algorithm: Algorithm,
    tag: &Signature<'_>,
) -> Option<SignatureVerified> {
    let good = algorithm == secret.algorithm() && secret.verifies(token.signing_input(), tag.as_bytes());
    good.then_some(SignatureVerified { kid: None })
}

/// Takes the word of the provider, who has the key and was asked about this very token.
pub(super) fn by_word(_vouched: Vouched) -> SignatureVerified {
    SignatureVerified { kid: None }
}
