//! Whether a good token is enough for what is asked: scopes, roles, conditions of your own, and how the user signed in.
//!
//! A [`Guard`] is a Tower layer for a route, or for a router, behind a [`JwtAuthLayer`](crate::JwtAuthLayer). It has no
//! opinion of its own on tokens: it judges the one that the layer has verified, and refuses in the words of the layer.
//!
//! | guard | asks for | who has it not is answered with |
//! |---|---|---|
//! | [`require_scopes`], [`require_any_scope`] | scopes, in `scope` or `scp` | 403 `scope_insufficient` |
//! | [`require_roles`], [`require_any_role`] | roles, at a path into the claims | 403 `permission_denied` |
//! | [`require`] | whatever a function says of typed claims | 403 `permission_denied` |
//! | [`require_acr`], [`require_max_age`] | an authentication of a kind, or a recent one | 401 `authentication_insufficient` |
//!
//! Who has no token at all, which only an [optional](crate::JwtAuthLayer::optional) layer lets pass, is answered with 401
//! `token_missing`. A guard without a layer around it answers everybody with 500: it is a mistake in the program.
//!
//! A challenge names all that the guard asks for, so that a client gets what it needs in one go: every scope of it
//! ([RFC 6750 §3.1]), and how the user has to be authenticated ([RFC 9470 §3]).
//!
//! In a handler, [`Scoped`] is [`Claims`](crate::Claims) with scopes in its type, and `Claims<Scopes>` is what a token has.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//! use axum::{Router, routing::{delete, get}};
//! use serde::Deserialize;
//! use tower_jwt_auth::authorize::{require, require_max_age, require_scopes};
//! # use tower_jwt_auth::{jwks::SharedSecret, token::Algorithm, JwtAuthLayer, Verifier};
//!
//! #[derive(Deserialize)]
//! struct User {
//!     email_verified: bool,
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let auth = JwtAuthLayer::new(Verifier::new("https://login.example.com", "my-api", SharedSecret::new(Algorithm::Hs256, [7; 32])?)?);
//! let read = require_scopes(["read:items"])?;
//! let write = require_scopes(["write:items"])?
//!     .and(require(|user: &User| user.email_verified).named("email_verified"))
//!     .and(require_max_age(Duration::from_secs(15 * 60)));
//! assert_eq!(write.to_string(), "scopes: write:items; email_verified; signed in within 900 s");
//!
//! let app: Router = Router::new()
//!     .route("/items", get(async || "all of them"))
//!     .layer(read)
//!     .route("/items/{id}", delete(async || "gone").layer(write))
//!     .layer(auth);
//! # Ok(()) }
//! ```
//!
//! [RFC 6750 §3.1]: https://www.rfc-editor.org/rfc/rfc6750#section-3.1
//! [RFC 9470 §3]: https://www.rfc-editor.org/rfc/rfc9470#section-3

mod authentication;
mod condition;
#[cfg(feature = "axum")]
mod extract;
mod guard;
mod roles;
mod scopes;
mod service;

pub use authentication::{require_acr, require_max_age};
#[cfg(feature = "axum")]
pub use extract::{RequiredScopes, Scoped, ScopedRejection};
pub use guard::{Guard, require};
pub use roles::{require_any_role, require_roles};
pub(crate) use scopes::is_scope_token;
pub use scopes::{Scopes, require_any_scope, require_scopes};
pub use service::{GuardFuture, GuardService};
