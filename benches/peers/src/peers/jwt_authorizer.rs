//! jwt-authorizer: a layer and an extractor, for axum 0.7.

use std::hint::black_box;

use axum_07::Router;
use axum_07::body::Body;
use axum_07::routing::get;
use http::StatusCode;
use jwt_authorizer::{Authorizer, IntoLayer, JwtAuthorizer, JwtClaims, Validation};

use crate::support::issuer::{AUDIENCE, Issuer, User};
use crate::support::requests::{self, Door};

pub async fn door(issuer: &Issuer) -> Option<Door> {
    let validation = Validation::new().iss(&[&issuer.url]).aud(&[AUDIENCE]).nbf(true);
    let authorizer: Authorizer<User> =
        JwtAuthorizer::from_oidc(&issuer.url).validation(validation).build().await.expect("an authorizer");
    let router = Router::new().route("/me", get(handler)).layer(authorizer.into_layer()).with_state(());
    Some(requests::door_of::<_, Body, _>(router))
}

async fn handler(JwtClaims(user): JwtClaims<User>) -> StatusCode {
    black_box(&user);
    StatusCode::NO_CONTENT
}
