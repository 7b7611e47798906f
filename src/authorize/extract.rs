//! The axum part: claims with scopes in their type.

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use axum_core::body::Body;
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::scopes::{Scopes, is_scope_token};
use crate::claims::{Claims, ClaimsRejection, presented};
use crate::error::AuthErrorKind;
use crate::rejection::{Denial, Needs, Refusals};

/// Names the scopes that a [`Scoped`] asks for.
pub trait RequiredScopes {
    /// All of them, one or more. One that is no scope token does not build, though `cargo check` may pass.
    const SCOPES: &'static [&'static str];
}

/// [`Claims<T>`](Claims) of a token that has all the scopes of `R`.
///
/// `Option<Scoped<T, R>>` behind an optional layer is `None` without a token; one without the scopes is refused.
///
/// # Examples
///
/// ```
/// use tower_jwt_auth::authorize::{RequiredScopes, Scoped};
/// use tower_jwt_auth::claims::RegisteredClaims;
///
/// struct DeleteItems;
///
/// impl RequiredScopes for DeleteItems {
///     const SCOPES: &'static [&'static str] = &["items:write", "items:delete"];
/// }
///
/// async fn delete(user: Scoped<RegisteredClaims, DeleteItems>) -> String {
///     format!("deleted for {:?}", user.sub)
/// }
/// ```
///
/// A name that no token can have is an error of the compiler's:
///
/// ```compile_fail,E0080
/// # use tower_jwt_auth::authorize::{RequiredScopes, Scoped};
/// struct Mistake;
///
/// impl RequiredScopes for Mistake {
///     const SCOPES: &'static [&'static str] = &["items:write items:delete"];
/// }
///
/// async fn delete(user: Scoped<serde_json::Value, Mistake>) {}
/// let app: axum::Router = axum::Router::new().route("/", axum::routing::get(delete));
/// ```
pub struct Scoped<T, R> {
    claims: Claims<T>,
    required: PhantomData<fn() -> R>,
}

impl<T, R> Scoped<T, R> {
    /// The claims, which no longer say what scopes they came with.
    #[must_use]
    pub fn into_claims(self) -> Claims<T> {
        self.claims
    }
}

impl<T, R> Deref for Scoped<T, R> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.claims
    }
}

impl<T, R> Clone for Scoped<T, R> {
    fn clone(&self) -> Self {
        Self { claims: self.claims.clone(), required: PhantomData }
    }
}

/// Claims are personal data: what they say is not for logs.
impl<T, R> fmt::Debug for Scoped<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scoped([redacted])")
    }
}

/// Why a [`Scoped`] has nothing to give.
#[derive(Debug, Clone)]
pub struct ScopedRejection {
    reason: ClaimsRejection,
    needs: Arc<Needs>,
}

impl ScopedRejection {
    /// That the layer is missing, or the refusal.
    #[must_use]
    pub fn reason(&self) -> ClaimsRejection {
        self.reason
    }
}

impl fmt::Display for ScopedRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl Error for ScopedRejection {}

impl IntoResponse for ScopedRejection {
    fn into_response(self) -> Response {
        match self.reason {
            ClaimsRejection::LayerMissing => self.reason.into_response(),
            ClaimsRejection::Refused(error) => {
                Refusals::pending(Denial::from(error).with_needs(self.needs)).map(Body::from)
            }
        }
    }
}

impl<S, T, R> FromRequestParts<S> for Scoped<T, R>
where
    S: Sync,
    T: DeserializeOwned + Send + Sync + 'static,
    R: RequiredScopes,
{
    type Rejection = ScopedRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let missing = ClaimsRejection::Refused(AuthErrorKind::TokenMissing.into());
        scoped(parts).and_then(|scoped| scoped.ok_or(missing)).map_err(rejection::<R>)
    }
}

impl<S, T, R> OptionalFromRequestParts<S> for Scoped<T, R>
where
    S: Sync,
    T: DeserializeOwned + Send + Sync + 'static,
    R: RequiredScopes,
{
    type Rejection = ScopedRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Self::Rejection> {
        scoped(parts).map_err(rejection::<R>)
    }
}

fn scoped<T, R>(parts: &Parts) -> Result<Option<Scoped<T, R>>, ClaimsRejection>
where
    T: DeserializeOwned + Send + Sync + 'static,
    R: RequiredScopes,
{
    const { assert!(are_scope_tokens(R::SCOPES), "SCOPES are one or more, each without spaces and quotes") };
    let Some(token) = presented(&parts.extensions)? else { return Ok(None) };
    let scopes = token.claims::<Scopes>().map_err(ClaimsRejection::Refused)?;
    if !R::SCOPES.iter().all(|scope| scopes.contains(scope)) {
        return Err(ClaimsRejection::Refused(AuthErrorKind::ScopeInsufficient.into()));
    }
    let claims = token.claims().map(Claims).map_err(ClaimsRejection::Refused)?;
    Ok(Some(Scoped { claims, required: PhantomData }))
}

fn rejection<R: RequiredScopes>(reason: ClaimsRejection) -> ScopedRejection {
    let needs = Needs { scope: Some(R::SCOPES.join(" ").into()), ..Needs::default() };
    ScopedRejection { reason, needs: Arc::new(needs) }
}

const fn are_scope_tokens(scopes: &[&str]) -> bool {
    let mut rest = scopes;
    while let [first, others @ ..] = rest {
        if !is_scope_token(first.as_bytes()) {
            return false;
        }
        rest = others;
    }
    !scopes.is_empty()
}
