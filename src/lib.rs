//! Verified JWT claims in handlers.
#![forbid(unsafe_code)]

pub mod clock;
mod crypto;
mod error;
pub mod jwks;
pub mod manual;
pub mod source;
mod telemetry;
pub mod token;
pub mod verify;

pub use error::{AuthError, AuthErrorKind, ConfigError, JwksError, JwksErrorKind};
pub use jwks::Jwks;
pub use verify::Verifier;
