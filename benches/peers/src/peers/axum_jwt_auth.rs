//! axum-jwt-auth: an extractor over a decoder in the router's state.

use std::hint::black_box;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use axum_jwt_auth::{Claims, Decoder, RemoteJwksDecoder};
use http::StatusCode;
use jsonwebtoken_10::{Algorithm as Alg, Validation};

use crate::support::issuer::{AUDIENCE, Algorithm, Issuer, User};
use crate::support::requests::{self, Door};

pub async fn door(issuer: &Issuer) -> Option<Door> {
    Some(requests::door(router(&issuer.url, issuer.algorithm).await))
}

pub async fn router(issuer: &str, algorithm: Algorithm) -> Router {
    let mut validation = Validation::new(match algorithm {
        Algorithm::Rs256 => Alg::RS256,
        Algorithm::Es256 => Alg::ES256,
        Algorithm::EdDsa => Alg::EdDSA,
    });
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[issuer]);
    let decoder = RemoteJwksDecoder::builder()
        .jwks_url(format!("{issuer}/jwks"))
        .validation(validation)
        .build()
        .expect("a decoder");
    decoder.initialize().await.expect("keys");
    let decoder: Decoder<User> = Arc::new(decoder);
    Router::new().route("/me", get(handler)).with_state(decoder)
}

async fn handler(user: Claims<User>) -> StatusCode {
    black_box(&user.claims);
    StatusCode::NO_CONTENT
}
