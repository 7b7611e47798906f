//! oauth-resource-server: a layer; the claims come out of a JSON map that it leaves in the request.

use std::hint::black_box;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use oauth_resource_server::axum::AuthLayer;
use oauth_resource_server::{AuthorizedToken, KeyNaming, OAuthConfig, OAuthValidator, static_token_policy};

use crate::support::issuer::{AUDIENCE, Issuer, User};
use crate::support::requests::{self, Door};

pub async fn door(issuer: &Issuer) -> Option<Door> {
    Some(requests::door(router(&issuer.url).await))
}

pub async fn router(issuer: &str) -> Router {
    let config = OAuthConfig {
        enabled: true,
        issuer: issuer.to_owned(),
        audience: AUDIENCE.into(),
        resource: AUDIENCE.into(),
        required_scope: Some("read".into()),
        ..OAuthConfig::default()
    };
    let resolved =
        config.resolve(KeyNaming::Dotted("oauth")).expect("a good configuration").expect("it is enabled");
    let validator = Arc::new(OAuthValidator::new(&resolved).expect("a validator"));
    validator.spawn_background_refresh();
    validator.refresh_now().await.expect("keys");
    let policy = static_token_policy(None, Some(&resolved), false).expect("a policy");
    let layer = AuthLayer::from_decision(policy, Some(validator)).expect("a layer");
    Router::new().route("/me", get(handler)).route_layer(layer).with_state(())
}

async fn handler(token: AuthorizedToken) -> Result<StatusCode, StatusCode> {
    let user: User = token.claims_as().map_err(|_| StatusCode::UNAUTHORIZED)?;
    black_box(&user);
    Ok(StatusCode::NO_CONTENT)
}
