//! The peers, each set up as its own documentation shows, for one issuer and one audience.

mod axum_jwks;
mod axum_jwt_auth;
mod axum_keycloak_auth;
mod by_hand;
mod jwt_authorizer;
mod oauth_resource_server;
mod tower_oauth2_resource_server;

use std::pin::Pin;

use crate::support::issuer::Issuer;
use crate::support::requests::Door;

/// Makes the door of a peer; none if it knows nothing of the algorithm.
pub type Open = for<'a> fn(&'a Issuer) -> Pin<Box<dyn Future<Output = Option<Door>> + 'a>>;

pub struct Peer {
    pub name: &'static str,
    /// Where its cryptography comes from, if its user cannot choose.
    pub backend: Option<&'static str>,
    pub open: Open,
}

/// The version of each is pinned in `Cargo.toml`.
pub const PEERS: &[Peer] = &[
    Peer {
        name: "oauth-resource-server 0.4.1",
        backend: Some("ring"),
        open: |issuer| Box::pin(oauth_resource_server::door(issuer)),
    },
    Peer { name: "axum-jwt-auth 0.7.0", backend: None, open: |issuer| Box::pin(axum_jwt_auth::door(issuer)) },
    Peer {
        name: "jwt-authorizer 0.15.0 (axum 0.7)",
        backend: Some("ring"),
        open: |issuer| Box::pin(jwt_authorizer::door(issuer)),
    },
    Peer {
        name: "axum-jwks 0.12.0",
        backend: Some("ring"),
        open: |issuer| Box::pin(axum_jwks::door(issuer)),
    },
    Peer {
        name: "tower-oauth2-resource-server 0.12.5",
        backend: None,
        open: |issuer| Box::pin(tower_oauth2_resource_server::door(issuer)),
    },
    Peer {
        name: "axum-keycloak-auth 0.8.3",
        backend: Some("ring"),
        open: |issuer| Box::pin(axum_keycloak_auth::door(issuer)),
    },
    Peer {
        name: "by hand: jsonwebtoken 11.1.0 `decode`",
        backend: None,
        open: |issuer| Box::pin(by_hand::door(issuer)),
    },
];
