//! axum-jwks: an extractor over a key set in the router's state; RSA only.

use std::hint::black_box;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum_jwks::{Claims, Jwks, ParseTokenClaims, TokenError};
use http::StatusCode;

use crate::support::issuer::{AUDIENCE, Algorithm, Issuer, User};
use crate::support::requests::{self, Door};

pub async fn door(issuer: &Issuer) -> Option<Door> {
    if issuer.algorithm != Algorithm::Rs256 {
        return None;
    }
    let discovery = format!("{}/.well-known/openid-configuration", issuer.url);
    let jwks = Jwks::from_oidc_url(&discovery, Some(AUDIENCE)).await.expect("keys");
    let router = Router::new().route("/me", get(handler)).with_state(jwks);
    Some(requests::door(router))
}

async fn handler(Claims(user): Claims<User>) -> StatusCode {
    black_box(&user);
    StatusCode::NO_CONTENT
}

impl ParseTokenClaims for User {
    type Rejection = Refused;
}

pub struct Refused;

impl From<TokenError> for Refused {
    fn from(_: TokenError) -> Self {
        Self
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        StatusCode::UNAUTHORIZED.into_response()
    }
}
