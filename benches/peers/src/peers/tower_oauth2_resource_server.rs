//! tower-oauth2-resource-server: a layer that leaves the claims in the request.

use std::hint::black_box;

use axum::routing::get;
use axum::{Extension, Router};
use http::StatusCode;
use tower_oauth2_resource_server::server::OAuth2ResourceServer;
use tower_oauth2_resource_server::tenant::TenantConfiguration;

use crate::support::issuer::{AUDIENCE, Issuer, User};
use crate::support::requests::{self, Door};

pub async fn door(issuer: &Issuer) -> Option<Door> {
    let tenant = TenantConfiguration::builder(&issuer.url).audiences(&[AUDIENCE]).build().await;
    let server = OAuth2ResourceServer::<User>::builder()
        .add_tenant(tenant.expect("a tenant"))
        .build()
        .await
        .expect("a resource server");
    let router = Router::new().route("/me", get(handler)).layer(server.into_layer()).with_state(());
    Some(requests::door(router))
}

async fn handler(Extension(user): Extension<User>) -> StatusCode {
    black_box(&user);
    StatusCode::NO_CONTENT
}
