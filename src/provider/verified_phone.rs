//! The axum part: the JSON body that Phonelink's web client has its page send.

use std::error::Error;
use std::fmt;
use std::ops::Deref;

use axum_core::body::Body;
use axum_core::extract::{DefaultBodyLimit, FromRef, FromRequest, Request};
use axum_core::response::{IntoResponse, Response};
use serde::Deserialize;

use super::phonelink::{PhonelinkClaims, PhonelinkValidator};
use crate::error::{AuthError, AuthErrorKind};
use crate::rejection::{Caller, Refusals};
use crate::source::RequestHead;
use crate::telemetry;
use crate::token::MAX_TOKEN_BYTES;

/// The longest body: a token, a nonce, and what holds them together.
const MAX_BODY_BYTES: usize = MAX_TOKEN_BYTES + 4 * 1024;

/// A phone number that was just proved, from a body `{"token":"…","nonce":"…"}`.
///
/// The state of the router has to hold a [`PhonelinkValidator`]. Any content type will do, because a script that sends a
/// string without one sends it as text; but a request that another origin makes the browser send is refused, unless
/// [it is trusted](super::Phonelink::with_trusted_origin).
///
/// # Examples
///
/// ```no_run
/// use axum::{Router, routing::post};
/// use tower_jwt_auth::provider::{Phonelink, VerifiedPhone};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let app: Router = Router::new()
///     .route("/api/verify-phone", post(async |phone: VerifiedPhone| phone.phone_e164.clone()))
///     .with_state(Phonelink::new("my-client-id")?.validator()?);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct VerifiedPhone(pub PhonelinkClaims);

impl Deref for VerifiedPhone {
    type Target = PhonelinkClaims;

    fn deref(&self) -> &PhonelinkClaims {
        &self.0
    }
}

/// Why a phone number was not proved: an [`AuthError`], answered as the layer answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPhoneRejection {
    error: AuthError,
    caller: Caller,
}

impl VerifiedPhoneRejection {
    /// Why.
    #[must_use]
    pub fn error(&self) -> AuthError {
        self.error
    }
}

impl fmt::Display for VerifiedPhoneRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for VerifiedPhoneRejection {}

impl IntoResponse for VerifiedPhoneRejection {
    fn into_response(self) -> Response {
        telemetry::refused(&self.error, None);
        Refusals::default().answer(self.error, self.caller).map(Body::from)
    }
}

impl<S> FromRequest<S> for VerifiedPhone
where
    S: Send + Sync,
    PhonelinkValidator: FromRef<S>,
{
    type Rejection = VerifiedPhoneRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let caller = Caller::of(request.method(), request.headers());
        let proved = prove(&PhonelinkValidator::from_ref(state), request).await;
        proved.map(Self).map_err(|error| VerifiedPhoneRejection { error, caller })
    }
}

async fn prove(validator: &PhonelinkValidator, mut request: Request) -> Result<PhonelinkClaims, AuthError> {
    validator.cross_site().check(&RequestHead::of(&request))?;
    DefaultBodyLimit::max(MAX_BODY_BYTES).apply(&mut request);
    let body = axum::body::Bytes::from_request(request, &()).await;
    let body = body.map_err(|_| AuthErrorKind::CredentialsMalformed)?;
    if !body.trim_ascii_start().starts_with(b"{") {
        // Serde takes an array of values for a struct too.
        return Err(AuthErrorKind::CredentialsMalformed.into());
    }
    let Proof { token, nonce } =
        serde_json::from_slice(&body).map_err(|_| AuthErrorKind::CredentialsMalformed)?;
    let token = token.filter(|token| !token.is_empty()).ok_or(AuthErrorKind::TokenMissing)?;
    let nonce = nonce.unwrap_or_default();
    if nonce.is_empty() && validator.wants_nonce() {
        return Err(AuthErrorKind::NonceMissing.into());
    }
    validator.validate(&token, &nonce).await
}

#[derive(Deserialize)]
struct Proof {
    token: Option<String>,
    nonce: Option<String>,
}
