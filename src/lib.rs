//! Verified JWT claims in handlers.
#![forbid(unsafe_code)]

pub mod clock;
mod crypto;
mod error;
pub mod source;
pub mod token;

pub use error::{AuthError, AuthErrorKind, ConfigError, JwksError, JwksErrorKind};
