//! The axum part: extractors over what the layer left in the request.

use std::error::Error;
use std::fmt;

use axum_core::body::Body;
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::{Claims, LayerMissing, presented};
use crate::error::{AuthError, AuthErrorKind};
use crate::rejection::Refusals;
use crate::verify::VerifiedToken;

/// Why an extractor has nothing to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimsRejection {
    /// The route is not behind a [`JwtAuthLayer`](crate::JwtAuthLayer): a mistake in the program, answered with 500.
    LayerMissing,
    /// The request carries no token, which the layer lets pass, or claims that do not fit the type asked for.
    Refused(AuthError),
}

impl fmt::Display for ClaimsRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LayerMissing => f.write_str(LayerMissing::TEXT),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl Error for ClaimsRejection {}

impl From<LayerMissing> for ClaimsRejection {
    fn from(LayerMissing: LayerMissing) -> Self {
        Self::LayerMissing
    }
}

impl IntoResponse for ClaimsRejection {
    fn into_response(self) -> Response {
        match self {
            Self::LayerMissing => LayerMissing::answer().map(Body::from),
            // The layer finds the error in there on the way out, and answers in its own words.
            Self::Refused(error) => Refusals::pending(error.into()).map(Body::from),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for VerifiedToken {
    type Rejection = ClaimsRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        presented(&parts.extensions)?
            .cloned()
            .ok_or(ClaimsRejection::Refused(AuthErrorKind::TokenMissing.into()))
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for VerifiedToken {
    type Rejection = ClaimsRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Self::Rejection> {
        Ok(presented(&parts.extensions)?.cloned())
    }
}

impl<S, T> FromRequestParts<S> for Claims<T>
where
    S: Sync,
    T: DeserializeOwned + Send + Sync + 'static,
{
    type Rejection = ClaimsRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        claims(parts)?.ok_or(ClaimsRejection::Refused(AuthErrorKind::TokenMissing.into()))
    }
}

impl<S, T> OptionalFromRequestParts<S> for Claims<T>
where
    S: Sync,
    T: DeserializeOwned + Send + Sync + 'static,
{
    type Rejection = ClaimsRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Self::Rejection> {
        claims(parts)
    }
}

fn claims<T>(parts: &Parts) -> Result<Option<Claims<T>>, ClaimsRejection>
where
    T: DeserializeOwned + Send + Sync + 'static,
{
    match presented(&parts.extensions)? {
        Some(token) => token.claims().map(Claims).map(Some).map_err(ClaimsRejection::Refused),
        None => Ok(None),
    }
}
