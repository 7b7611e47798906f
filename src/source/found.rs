use std::borrow::Cow;

use super::Source;
use super::bearer::is_b64token;
use crate::error::{AuthError, AuthErrorKind};

/// A token and where it was.
pub(crate) struct Found<'r> {
    /// As it came; nobody has looked at it yet.
    pub(crate) token: Cow<'r, [u8]>,
    pub(crate) source: Source,
}

impl Found<'_> {
    /// What is to be said of it, if it is refused for `error`: what breaks the syntax of its place is no token at all.
    ///
    /// Only then is it looked at, and only at what has not been decoded by then: base64url, which every token that is accepted
    /// is made of, breaks no place's syntax.
    pub(crate) fn refused_for(&self, error: AuthError) -> AuthError {
        if !self.is_in_a_header() || is_about_a_whole_token(error.kind()) {
            return error;
        }
        let signature =
            memchr::memrchr(b'.', &self.token).and_then(|dot| self.token.get(dot.saturating_add(1)..));
        let unread = match signature {
            Some(signature) if is_about_claims(error.kind()) => signature,
            _ => &self.token,
        };
        or_malformed(unread, error)
    }

    /// In `Authorization`, whose syntax knows one kind of token.
    fn is_in_a_header(&self) -> bool {
        matches!(self.source, Source::Bearer | Source::Dpop)
    }

    /// [`refused_for`](Self::refused_for), if nothing of it has been decoded for certain.
    pub(crate) fn refused_unread_for(&self, error: AuthError) -> AuthError {
        if self.is_in_a_header() { or_malformed(&self.token, error) } else { error }
    }
}

/// `error`, unless `credentials` are no b64token.
pub(super) fn or_malformed(credentials: &[u8], error: AuthError) -> AuthError {
    // What is base64url is a b64token too, and many times as fast to tell.
    let is_base64url = !credentials.is_empty() && base64_simd::URL_SAFE_NO_PAD.check(credentials).is_ok();
    if is_base64url || is_b64token(credentials) { error } else { AuthErrorKind::CredentialsMalformed.into() }
}

/// Of a token whose header and payload have been decoded.
fn is_about_claims(kind: AuthErrorKind) -> bool {
    matches!(
        kind,
        AuthErrorKind::IssuerMismatch
            | AuthErrorKind::AudienceMismatch
            | AuthErrorKind::ClaimMissing
            | AuthErrorKind::TokenBound
            | AuthErrorKind::TokenUnbound
            | AuthErrorKind::TokenExpired
            | AuthErrorKind::TokenNotYetValid
            | AuthErrorKind::TokenTooOld
    )
}

/// Of a token whose signature has been decoded too.
fn is_about_a_whole_token(kind: AuthErrorKind) -> bool {
    matches!(kind, AuthErrorKind::KeyUnknown | AuthErrorKind::SignatureInvalid)
}
