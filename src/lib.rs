//! Verified JWT claims in handlers.
#![forbid(unsafe_code)]

pub mod claims;
pub mod clock;
mod crypto;
mod error;
pub mod jwks;
pub mod layer;
pub mod manual;
pub mod rejection;
pub mod source;
mod telemetry;
pub mod token;
pub mod verify;

pub use claims::Claims;
pub use error::{AuthError, AuthErrorKind, ConfigError, JwksError, JwksErrorKind};
pub use jwks::Jwks;
pub use layer::JwtAuthLayer;
pub use verify::Verifier;
