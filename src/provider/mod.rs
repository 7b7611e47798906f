//! magiclinksdev, Phonelink and PasskeyMe, each in a few lines, with what each needs beyond an ordinary token.
//!
//! | provider | its token | where it arrives | what is special |
//! |---|---|---|---|
//! | [`MagicLinksDev`] | verified by its key set, or by `jwt/validate` | `?jwt=`, appended | single-use links that become a session |
//! | [`Phonelink`] | verified by its key set | `?token=`, or a JSON body with the nonce | proves a phone number once, is no session |
//! | [`PasskeyMe`] | verified by `verify-token`: it publishes no keys | `?token=`, cookie, header | a session that is signed in again before it ends |
//!
//! Each is a builder: URLs, issuer and client can be set, for a server of one's own or a test. It gives a
//! [`Verifier`] and a [`JwtAuthLayer`](crate::JwtAuthLayer) with the provider's own places and rules. Several
//! in one app are [`JwtAuthLayer::any_of`](crate::JwtAuthLayer::any_of) their layers.

mod magiclinksdev;
mod passkeyme;
mod phonelink;
#[cfg(feature = "axum")]
mod verified_phone;

use std::sync::{Arc, OnceLock};

pub use magiclinksdev::MagicLinksDev;
pub use passkeyme::{EXPIRES_SOON, PasskeyMe, PasskeyMeClaims};
pub use phonelink::{Phonelink, PhonelinkClaims, PhonelinkValidator};
#[cfg(feature = "axum")]
pub use verified_phone::{VerifiedPhone, VerifiedPhoneRejection};

use crate::clock::Clock;
use crate::error::ConfigError;
use crate::fetch::{Fetch, FetchFuture, FetchRequest};
use crate::jwks::Jwks;
use crate::remote::ValidationEndpoint;
use crate::verify::Verifier;

/// What a provider is asked with, and what its tokens are judged by, where these are set; and the key set or the endpoint,
/// once it was needed, so that all that a builder gives share one.
#[derive(Clone, Default)]
struct Means {
    client: Option<SharedFetch>,
    clock: Option<Arc<dyn Clock>>,
    keys: Arc<OnceLock<Jwks>>,
    endpoint: Arc<OnceLock<ValidationEndpoint>>,
}

impl Means {
    fn set_client(&mut self, client: impl Fetch) {
        self.client = Some(SharedFetch(Arc::new(client)));
        self.forget();
    }

    fn set_clock(&mut self, clock: impl Clock) {
        self.clock = Some(Arc::new(clock));
    }

    /// For a builder that is set to somewhere else from now on.
    fn forget(&mut self) {
        self.keys = Arc::default();
        self.endpoint = Arc::default();
    }

    /// The key set at `url`.
    fn key_set(&self, url: &str) -> Result<Jwks, ConfigError> {
        if let Some(keys) = self.keys.get() {
            return Ok(keys.clone());
        }
        let builder = Jwks::builder(url)?;
        let keys = match &self.client {
            Some(client) => builder.with_fetch(client.clone()).spawn()?,
            None => builder.spawn()?,
        };
        Ok(self.keys.get_or_init(|| keys).clone())
    }

    /// The endpoint that `make` makes.
    fn endpoint(
        &self,
        make: impl FnOnce() -> Result<ValidationEndpoint, ConfigError>,
    ) -> Result<ValidationEndpoint, ConfigError> {
        if let Some(endpoint) = self.endpoint.get() {
            return Ok(endpoint.clone());
        }
        let endpoint = match &self.client {
            Some(client) => make()?.with_fetch(client.clone()),
            None => make()?,
        };
        Ok(self.endpoint.get_or_init(|| endpoint).clone())
    }

    fn judging(&self, verifier: Verifier) -> Verifier {
        match &self.clock {
            Some(clock) => verifier.with_shared_clock(Arc::clone(clock)),
            None => verifier,
        }
    }
}

/// A client that can be given to a key set or an endpoint.
#[derive(Clone)]
struct SharedFetch(Arc<dyn Fetch>);

impl Fetch for SharedFetch {
    fn fetch(&self, request: FetchRequest) -> FetchFuture<'_> {
        self.0.fetch(request)
    }
}
