use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use http::StatusCode;

/// Why a request was refused, in words that are safe to send to the client.
///
/// It carries a kind and at most the *name* of the claim that failed: never a token, a key, or a claim's value.
/// The layer leaves it in the extensions of the response it answers with, for middleware around it.
///
/// # Examples
///
/// Sending browsers to a page where they can sign in:
///
/// ```
/// use axum::extract::Request;
/// use axum::middleware::Next;
/// use axum::response::{IntoResponse, Redirect, Response};
/// use tower_jwt_auth::AuthError;
/// use tower_jwt_auth::error::AuthErrorKind;
///
/// async fn sign_in_first(request: Request, next: Next) -> Response {
///     let response = next.run(request).await;
///     match response.extensions().get::<AuthError>().map(AuthError::kind) {
///         Some(AuthErrorKind::TokenMissing | AuthErrorKind::TokenExpired) => Redirect::to("/sign-in").into_response(),
///         _ => response,
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthError {
    kind: AuthErrorKind,
    claim: Option<&'static str>,
    /// In seconds, where the provider has said it.
    retry_after: Option<u64>,
}

impl AuthError {
    pub(crate) const fn new(kind: AuthErrorKind) -> Self {
        Self { kind, claim: None, retry_after: None }
    }

    pub(crate) const fn about(kind: AuthErrorKind, claim: &'static str) -> Self {
        Self { kind, claim: Some(claim), retry_after: None }
    }

    /// One that is answered with 503, and passes on when the provider wants to be asked again.
    pub(crate) fn until(kind: AuthErrorKind, pause: Duration) -> Self {
        let seconds = pause.as_millis().div_ceil(1_000);
        Self { kind, claim: None, retry_after: Some(u64::try_from(seconds).unwrap_or(u64::MAX)) }
    }

    /// What went wrong, to match on.
    #[must_use]
    pub const fn kind(&self) -> AuthErrorKind {
        self.kind
    }

    /// The stable name of [`kind`](Self::kind), as it stands in the answer's `code` member, in logs and in metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// The name of the claim, or of the [rule](crate::Verifier::with_rule), that failed, where the kind does not say it.
    #[must_use]
    pub const fn claim(&self) -> Option<&'static str> {
        self.claim
    }

    /// The HTTP status that the layer answers with.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.kind.row().status
    }

    /// After which time asking again makes sense, for the kinds answered with 503.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        let seconds = match (self.retry_after, self.kind) {
            (Some(seconds), _) => seconds,
            (None, AuthErrorKind::KeysPending | AuthErrorKind::ReplayUnavailable) => 1,
            (
                None,
                AuthErrorKind::KeysUnavailable
                | AuthErrorKind::VerifierUnavailable
                | AuthErrorKind::SignInUnavailable,
            ) => 5,
            _ => return None,
        };
        Some(Duration::from_secs(seconds))
    }

    pub(crate) const fn description(&self) -> &'static str {
        self.kind.row().description
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.description())?;
        match self.claim {
            Some(claim) => write!(f, " ({claim})"),
            None => Ok(()),
        }
    }
}

impl StdError for AuthError {}

impl From<AuthErrorKind> for AuthError {
    fn from(kind: AuthErrorKind) -> Self {
        Self::new(kind)
    }
}

/// What one kind says to everybody: the whole vocabulary of answers stands in [`AuthErrorKind::row`].
struct Row {
    code: &'static str,
    status: StatusCode,
    description: &'static str,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident => $status:ident, $code:literal, $description:literal;)+) => {
        /// The kinds of refusal.
        ///
        /// | status | meaning |
        /// |---|---|
        /// | 400 | the request carries its token in a way no client should |
        /// | 401 | no token, or one that is not good |
        /// | 403 | a good token that does not permit this; or another site is behind the request: it sent the cookie, or would replace the session |
        /// | 503 | it cannot be checked now: keys, provider or store are not there |
        ///
        /// | kind | code | what the client is told |
        /// |---|---|---|
        $(#[doc = concat!(
            "| [`", stringify!($kind), "`](Self::", stringify!($kind), ") | `", $code, "` | ", $description, " |"
        )])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum AuthErrorKind {
            $(
                $(#[$doc])*
                #[doc = concat!("\n\nCode `", $code, "`.")]
                $kind,
            )+
        }

        impl AuthErrorKind {
            /// Every kind, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// The stable name, as it stands in the answer's `code` member, in logs and in metrics.
            #[must_use]
            pub const fn code(self) -> &'static str {
                self.row().code
            }

            const fn row(self) -> Row {
                match self {
                    $(Self::$kind => Row {
                        code: $code,
                        status: StatusCode::$status,
                        description: $description,
                    },)+
                }
            }
        }
    };
}

kinds! {
    /// The request carries no token at all.
    TokenMissing => UNAUTHORIZED, "token_missing", "a token is required";
    /// The credentials break the syntax of the place they came in ([RFC 6750 §2.1]).
    ///
    /// [RFC 6750 §2.1]: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
    CredentialsMalformed => BAD_REQUEST, "credentials_malformed", "the credentials are malformed";
    /// More than one token, or one given twice ([RFC 6750 §3.1]).
    ///
    /// [RFC 6750 §3.1]: https://www.rfc-editor.org/rfc/rfc6750#section-3.1
    CredentialsConflict => BAD_REQUEST, "credentials_conflict", "more than one token was sent";
    /// A browser sent the cookie along with an unsafe request that another site caused.
    CrossSiteRequest => FORBIDDEN, "cross_site_request", "cross-site request refused";
    /// The token is longer than [`MAX_TOKEN_BYTES`](crate::token::MAX_TOKEN_BYTES).
    TokenTooLarge => UNAUTHORIZED, "token_too_large", "the token is too large";
    /// Not three strict base64url parts with JSON objects inside.
    TokenMalformed => UNAUTHORIZED, "token_malformed", "the token is malformed";
    /// A JWE: encrypted tokens are not supported, and nothing of it was decrypted.
    TokenEncrypted => UNAUTHORIZED, "token_encrypted", "encrypted tokens are not supported";
    /// The header asks for something that is never honoured: `crit`, `b64`, `zip`, a nested JWT.
    HeaderUnsupported => UNAUTHORIZED, "header_unsupported", "the token header is not supported";
    /// `alg` is unknown, `none`, or not among those allowed. A token without a signature, as `none` would have it, is malformed
    /// before that is looked at.
    AlgorithmUnsupported => UNAUTHORIZED, "algorithm_unsupported", "the token algorithm is not accepted";
    /// `typ` names another kind of token.
    TypeMismatch => UNAUTHORIZED, "type_mismatch", "the token is of another type";
    /// No key of the issuer fits the token's `kid` and `alg`, as far as is known: the key may be so new that it has not been
    /// fetched, and too soon after another attempt to ask again.
    KeyUnknown => UNAUTHORIZED, "key_unknown", "the token key is not known";
    /// The signature does not verify; nothing more is said about why.
    SignatureInvalid => UNAUTHORIZED, "signature_invalid", "the token signature is invalid";
    /// `exp` is past.
    TokenExpired => UNAUTHORIZED, "token_expired", "the token has expired";
    /// A link was clicked too late: `exp` is past, and all else that is asked of its token holds.
    LinkExpired => UNAUTHORIZED, "link_expired", "the link has expired";
    /// `nbf`, or `iat` where it is judged, is in the future.
    TokenNotYetValid => UNAUTHORIZED, "token_not_yet_valid", "the token is not valid yet";
    /// Issued longer ago, or for longer, than the policy allows.
    TokenTooOld => UNAUTHORIZED, "token_too_old", "the token is too old or lives too long";
    /// `iss` is missing or not the issuer.
    IssuerMismatch => UNAUTHORIZED, "issuer_mismatch", "the token issuer is not accepted";
    /// `aud` is missing or names others only.
    AudienceMismatch => UNAUTHORIZED, "audience_mismatch", "the token is meant for another audience";
    /// A claim that the policy requires is absent.
    ClaimMissing => UNAUTHORIZED, "claim_missing", "a required claim is missing";
    /// A registered claim has the wrong JSON type or an impossible value.
    ClaimInvalid => UNAUTHORIZED, "claim_invalid", "a claim is invalid";
    /// A rule of the application's own turned the token down.
    ClaimRefused => UNAUTHORIZED, "claim_refused", "the token claims are not accepted";
    /// The verified claims do not fit the type that the handler asks for.
    ClaimsMismatch => UNAUTHORIZED, "claims_mismatch", "the token claims do not have the expected form";
    /// The token is bound to its sender (`cnf`), who has not proven to be that: it came as a bearer, under another key or
    /// certificate, or is bound in a way that [is not checked](crate::binding) here.
    TokenBound => UNAUTHORIZED, "token_bound", "the token is bound to a sender, which this one has not proven to be";
    /// The token is not bound to its sender, and has to be here.
    TokenUnbound => UNAUTHORIZED, "token_unbound", "the token is not bound to its sender";
    /// The sender has not proven to hold the key that the token is bound to: the proof is missing, broken, or one of
    /// something else ([RFC 9449 §4.3]), of which the proof's claim is named.
    ///
    /// [RFC 9449 §4.3]: https://www.rfc-editor.org/rfc/rfc9449#section-4.3
    ProofInvalid => UNAUTHORIZED, "dpop_proof_invalid", "the DPoP proof is missing or not good for this request";
    /// The same proof came before ([RFC 9449 §11.1]).
    ///
    /// [RFC 9449 §11.1]: https://www.rfc-editor.org/rfc/rfc9449#section-11.1
    ProofReplayed => UNAUTHORIZED, "dpop_proof_replayed", "the DPoP proof has been used before";
    /// The proof has no nonce that was given out here lately ([RFC 9449 §9]); the answer brings one.
    ///
    /// [RFC 9449 §9]: https://www.rfc-editor.org/rfc/rfc9449#section-9
    ProofNonceRequired => UNAUTHORIZED, "dpop_nonce_required", "the DPoP proof needs the nonce that comes with this answer";
    /// The user was not authenticated in a way, or as recently, as the route asks ([RFC 9470 §3]).
    ///
    /// [RFC 9470 §3]: https://www.rfc-editor.org/rfc/rfc9470#section-3
    AuthenticationInsufficient => UNAUTHORIZED, "authentication_insufficient", "another or a more recent authentication is required";
    /// The token lacks a scope that the route asks for ([RFC 6750 §3.1]).
    ///
    /// [RFC 6750 §3.1]: https://www.rfc-editor.org/rfc/rfc6750#section-3.1
    ScopeInsufficient => FORBIDDEN, "scope_insufficient", "a wider scope is required";
    /// The claims of the token, such as the roles in it, are not those that the route asks for.
    PermissionDenied => FORBIDDEN, "permission_denied", "the token does not permit this";
    /// The provider, which was asked, does not accept the token.
    TokenRefused => UNAUTHORIZED, "token_refused", "the token is not accepted by its provider";
    /// A token that counts once was used before.
    TokenReplayed => UNAUTHORIZED, "token_replayed", "the token has been used before";
    /// The token was revoked before it expired.
    TokenRevoked => UNAUTHORIZED, "token_revoked", "the token has been revoked";
    /// The request has no nonce, or more than one, for the token's to be compared with.
    NonceMissing => BAD_REQUEST, "nonce_missing", "the nonce of this sign-in is missing";
    /// The token has no nonce, or that of another sign-in.
    NonceMismatch => UNAUTHORIZED, "nonce_mismatch", "the token belongs to another sign-in";
    /// Phonelink has not verified the phone number.
    PhoneNotVerified => UNAUTHORIZED, "phone_not_verified", "the phone number is not verified";
    /// A link that signs in was not navigated to: it was embedded, fetched by a script or prefetched.
    NavigationRequired => BAD_REQUEST, "navigation_required", "this link is to be navigated to";
    /// The link is for another subject than the session that the browser has.
    SessionConflict => FORBIDDEN, "session_conflict", "another session is active";
    /// The token is good but too long for a cookie.
    CookieTooLarge => UNAUTHORIZED, "cookie_too_large", "the token does not fit into a cookie";
    /// The provider sent the browser back without a token: the user, or the provider, said no.
    SignInDenied => UNAUTHORIZED, "sign_in_denied", "the sign-in was denied or cancelled";
    /// The provider sent the browser back without a token: the request for one was not a good one.
    SignInFailed => UNAUTHORIZED, "sign_in_failed", "the provider could not sign in with this request";
    /// The provider sent the browser back without a token: it cannot sign in now.
    SignInUnavailable => SERVICE_UNAVAILABLE, "sign_in_unavailable", "the provider cannot sign in now";
    /// The provider that is asked about tokens gives no answer.
    VerifierUnavailable => SERVICE_UNAVAILABLE, "verifier_unavailable", "the token cannot be checked now";
    /// The store of used and revoked tokens gives no answer, or is full.
    ReplayUnavailable => SERVICE_UNAVAILABLE, "replay_unavailable", "the use of the token cannot be recorded now";
    /// The first key set has not arrived yet.
    KeysPending => SERVICE_UNAVAILABLE, "keys_pending", "the verification keys are not loaded yet";
    /// The keys are too old, or could not be refreshed to look for the token's.
    KeysUnavailable => SERVICE_UNAVAILABLE, "keys_unavailable", "the token cannot be checked now";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_kind_has_a_code_of_its_own_and_a_description_that_a_challenge_may_quote() {
        let mut codes = HashSet::new();
        for kind in AuthErrorKind::ALL {
            let error = AuthError::from(*kind);
            assert!(codes.insert(error.code()), "{} is used twice", error.code());
            // RFC 6750 §3: %x20-21 / %x23-5B / %x5D-7E
            assert!(
                error.description().bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)),
                "{} has a character that no error_description may hold",
                error.code()
            );
        }
    }

    #[test]
    fn only_the_kinds_answered_with_503_say_when_to_come_back() {
        for kind in AuthErrorKind::ALL {
            let error = AuthError::from(*kind);
            let cannot_check = error.status() == StatusCode::SERVICE_UNAVAILABLE;
            assert_eq!(error.retry_after().is_some(), cannot_check, "{}", error.code());
        }
    }
}
