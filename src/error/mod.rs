//! One error type for each audience: the programmer, the client, the operator.

mod auth;
mod config;
mod jwks;

pub use auth::{AuthError, AuthErrorKind};
pub use config::ConfigError;
pub use jwks::{JwksError, JwksErrorKind};
