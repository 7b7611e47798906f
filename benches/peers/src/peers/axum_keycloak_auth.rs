//! axum-keycloak-auth: a layer that leaves a token of Keycloak's shape in the request.

use std::hint::black_box;

use axum::routing::get;
use axum::{Extension, Router};
use axum_keycloak_auth::PassthroughMode;
use axum_keycloak_auth::decode::KeycloakToken;
use axum_keycloak_auth::instance::{KeycloakAuthInstance, KeycloakConfig};
use axum_keycloak_auth::layer::KeycloakAuthLayer;
use http::StatusCode;
use serde::Deserialize;

use crate::provider::REALM;
use crate::support::issuer::{AUDIENCE, Issuer};
use crate::support::requests::{self, Door};

/// What is left of the eight claims when Keycloak's own are taken out.
#[derive(Clone, Deserialize)]
#[expect(dead_code, reason = "what matters is that they are read")]
struct Extra {
    email_verified: bool,
    tenant: u32,
    level: u8,
    scope: Box<str>,
}

pub async fn door(issuer: &Issuer) -> Option<Door> {
    let server = issuer.url.parse().expect("a URL");
    let config = KeycloakConfig::builder().server(server).realm(REALM.to_owned()).build();
    let instance = KeycloakAuthInstance::new(config);
    while !instance.is_operational().await {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let layer = KeycloakAuthLayer::<String, Extra>::builder()
        .instance(instance)
        .passthrough_mode(PassthroughMode::Block)
        .expected_audiences(vec![AUDIENCE.to_owned()])
        .build();
    let router = Router::new().route("/me", get(handler)).layer(layer).with_state(());
    Some(requests::door(router))
}

async fn handler(Extension(token): Extension<KeycloakToken<String, Extra>>) -> StatusCode {
    black_box(&token);
    StatusCode::NO_CONTENT
}
