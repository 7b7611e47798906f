//! magiclinksdev, Phonelink and PasskeyMe, each in a few lines, with what each needs beyond an ordinary token.
//!
//! | provider | its token | where it arrives | what is special |
//! |---|---|---|---|
//! | [`MagicLinksDev`] | verified by its key set, or by `jwt/validate` | `?jwt=`, appended | single-use links that become a session |
//! | [`Phonelink`] | verified by its key set | `?token=`, or a JSON body with the nonce | proves a phone number once, is no session |
//! | [`PasskeyMe`] | verified by `verify-token`: it publishes no keys | `?token=`, cookie, header | a session that is signed in again before it ends |
//!
//! Each is a builder: URLs, issuer and client can be set, for a server of one's own or a test. It gives a
//! [`Verifier`](crate::Verifier) and a [`JwtAuthLayer`](crate::JwtAuthLayer) with the provider's own places and rules. Several
//! in one app are [`JwtAuthLayer::any_of`](crate::JwtAuthLayer::any_of) their layers.

mod magiclinksdev;
mod passkeyme;
mod phonelink;
#[cfg(feature = "axum")]
mod verified_phone;

use std::sync::Arc;

pub use magiclinksdev::MagicLinksDev;
pub use passkeyme::{EXPIRES_SOON, PasskeyMe, PasskeyMeClaims};
pub use phonelink::{Phonelink, PhonelinkClaims, PhonelinkValidator};
#[cfg(feature = "axum")]
pub use verified_phone::{VerifiedPhone, VerifiedPhoneRejection};

use crate::error::ConfigError;
use crate::fetch::{Fetch, FetchFuture, FetchRequest};
use crate::jwks::Jwks;

/// A client that can be given to a key set or an endpoint.
#[derive(Clone)]
struct SharedFetch(Arc<dyn Fetch>);

impl Fetch for SharedFetch {
    fn fetch(&self, request: FetchRequest) -> FetchFuture<'_> {
        self.0.fetch(request)
    }
}

/// The key set at `url`.
fn key_set(url: &str, client: Option<SharedFetch>) -> Result<Jwks, ConfigError> {
    let builder = Jwks::builder(url)?;
    match client {
        Some(client) => builder.with_fetch(client).spawn(),
        None => builder.spawn(),
    }
}
