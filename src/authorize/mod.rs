//! Whether a good token is enough for what is asked: scopes, roles, conditions of your own, and how the user signed in.
//!
//! A [`Guard`] is a Tower layer for a route, or for a router, behind a [`JwtAuthLayer`](crate::JwtAuthLayer). It has no
//! opinion of its own on tokens: it judges the one that the layer has verified, and refuses in the words of the layer.
//!
//! | guard | asks for | who has it not is answered with |
//! |---|---|---|
//! | [`require_scopes`], [`require_any_scope`] | scopes, in `scope` or `scp` | 403 `scope_insufficient` |
//! | [`require_roles`], [`require_any_role`] | roles, at a path into the claims | 403 `permission_denied` |
//! | [`require`] | whatever a function says of typed claims | 403 `permission_denied`; 401 `claims_mismatch` if they do not fit the type, as where a field is missing that is no `Option` |
//! | [`require_acr`], [`require_max_age`] | an authentication of a kind, or a recent one | 401 `authentication_insufficient` |
//!
//! Who has no token at all, which only an [optional](crate::JwtAuthLayer::optional) layer lets pass, is answered with 401
//! `token_missing`. A guard without a layer around it answers everybody with 500: it is a mistake in the program.
//!
//! A challenge names all that the guard asks for and a sign-in can bring, so that a client gets it in one go: with 401, how
//! the user has to be authenticated ([RFC 9470 §3]) and every scope; with 403, every scope ([RFC 6750 §3.1]). What no sign-in
//! brings, roles and conditions, is judged before, and its challenge names none. Of several guards around one handler, the
//! outer ones are asked first.
//!
//! In a handler, [`Scoped`] is [`Claims`](crate::Claims) with scopes in its type, without a hierarchy, and `Claims<Scopes>` is
//! what a token has.
//!
//! # Where to put it
//!
//! Behind the layer, which is to say inside of it: axum puts the layer that is added last on the outside. A router's `layer`
//! goes around the routes that are there by then, and a route's around the methods that are there by then: what is added
//! afterwards is not guarded. To put both around one route, name them in a tuple, the outer one first:
//!
//! ```
//! # use axum::{Router, routing::get};
//! # use tower_jwt_auth::{jwks::SharedSecret, token::Algorithm, JwtAuthLayer, Verifier, authorize::require_scopes};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let auth = JwtAuthLayer::new(Verifier::new("https://login.example.com", "my-api", SharedSecret::new(Algorithm::Hs256, [7; 32])?)?);
//! let guard = require_scopes(["read:items"])?;
//! let app: Router = Router::new().route("/items", get(async || "all of them").layer((auth, guard)));
//! # Ok(()) }
//! ```
//!
//! A guard sees claims, and not the request: that the tenant in a path is that of the token, or that an item is the user's, is
//! for the handler to say.
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
//!     .route("/items", get(async || "all of them").layer(read))
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
