//! The claims of a verified token, in a type of your own.
//!
//! # Examples
//!
//! ```
//! use axum::Router;
//! use axum::routing::get;
//! use serde::Deserialize;
//! use tower_jwt_auth::{Claims, JwtAuthLayer, Verifier};
//! use tower_jwt_auth::jwks::SharedSecret;
//! use tower_jwt_auth::token::Algorithm;
//!
//! #[derive(Deserialize)]
//! struct User {
//!     sub: String,
//!     email: Option<String>,
//! }
//!
//! /// Reached only with a verified token whose claims fit.
//! async fn me(Claims(user): Claims<User>) -> String {
//!     format!("{} <{}>", user.sub, user.email.as_deref().unwrap_or("no address"))
//! }
//!
//! /// Behind `.optional()`: no token is `None`, a bad one is still refused.
//! async fn maybe(user: Option<Claims<User>>) -> String {
//!     user.map_or("nobody".to_owned(), |user| user.sub.clone())
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let secret = SharedSecret::new(Algorithm::Hs256, [7; 32])?;
//! let auth = JwtAuthLayer::new(Verifier::new("https://login.example.com", "my-api", secret)?);
//! let app: Router = Router::new()
//!     .route("/maybe", get(maybe).layer(auth.clone().optional()))
//!     .route("/me", get(me).layer(auth));
//! # Ok(()) }
//! ```

#[cfg(feature = "axum")]
mod extract;
mod presented;
mod registered;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

#[cfg(feature = "axum")]
pub use extract::ClaimsRejection;
pub(crate) use presented::{LayerMissing, presented};
pub(crate) use registered::OneOrMany;
pub use registered::RegisteredClaims;

/// The verified claims as a `T`; cheap to clone, and shared between the requests of one token.
///
/// See the [module docs](self).
pub struct Claims<T>(pub Arc<T>);

impl<T> Deref for Claims<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Clone for Claims<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Claims are personal data: what they say is not for logs.
impl<T> fmt::Debug for Claims<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims([redacted])")
    }
}
