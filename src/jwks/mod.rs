//! The keys of an issuer: fetched in the background, swapped in whole, read without a lock.
//!
//! A [`Jwks`] is a handle to one key set. One task per remote set fetches it every hour (± 10 %; the first time, and
//! after failures, up to 80 % sooner, so that replicas do not come in step), sooner where the provider's
//! `Cache-Control: max-age` says so, with conditional requests, and backs off from 1 s to 60 s while the provider fails.
//! The last good keys stay through an outage: they count as *stale* after 2 h and expire after 24 h.
//!
//! Starting never waits for the provider and never fails because of it. Requests wait up to a second for the first
//! set; [`Jwks::ready`] waits for as long as you let it.
//!
//! A token whose key is not in the set may cause one fetch, if its issuer, audience, expiry and algorithm already
//! satisfy the policy: at most one attempt in 30 s, ever fewer while they bring nothing.
//!
//! # Examples
//!
//! ```no_run
//! use tower_jwt_auth::jwks::Jwks;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let by_url = Jwks::remote("https://login.example.com/.well-known/jwks.json")?;
//! let by_issuer = Jwks::discover("https://login.example.com")?;
//! by_issuer.ready().await?; // only where start-up should wait for the keys
//! assert!(by_issuer.status().state.is_ready());
//! # Ok(()) }
//! ```

mod builder;
mod discovery;
mod document;
mod gate;
#[cfg(test)]
pub(crate) mod interleavings;
mod jwk;
mod refresh;
mod schedule;
mod secret;
mod set;
mod state;
mod wait;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::jwk::JwkSet;
use tokio::time::Instant;

pub(crate) use builder::Discoverer;
pub use builder::JwksBuilder;
pub use discovery::REDISCOVERED_AFTER;
pub use document::MAX_DOCUMENT_BYTES;
pub use gate::{MAX_REFETCH_COOLDOWN, REFETCH_COOLDOWN};
pub use jwk::{SkipReason, VerifyingKey};
pub use schedule::{MAX_BACKOFF, MIN_REFRESH_INTERVAL, REFRESH_INTERVAL};
pub use secret::SharedSecret;
pub use state::{EXPIRED_AFTER, JwksState, JwksStatus, STALE_AFTER};
pub use wait::{FIRST_SET_WAIT, JwksChanges, REFETCH_WAIT};

use crate::error::{ConfigError, JwksErrorKind};
use crate::sync::{ArcSwap, Guard, watch};
use crate::telemetry;
use crate::token::AlgorithmSet;
use refresh::Shared;
use set::KeySet;
use state::Snapshot;
pub(crate) use wait::{Lack, Waited};

/// A handle to an issuer's key set; its clones share one set and one refresh task.
///
/// See the [module docs](self).
#[derive(Clone)]
pub struct Jwks {
    inner: Arc<Inner>,
}

struct Inner {
    name: Arc<str>,
    /// The issuer that the set was discovered for.
    issuer: Option<Arc<str>>,
    shared: Arc<Shared>,
    kind: Kind,
    /// Makes the fingerprints of kids unpredictable, so that none can be made to collide.
    fingerprints: foldhash::quality::RandomState,
}

enum Kind {
    Fixed,
    Remote { ended: watch::Receiver<u64>, interval: Duration },
}

impl Jwks {
    /// Fetches the key set at `url`, now and from then on.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `url` may not be fetched (it must be https, or http on this machine), or outside of a tokio
    /// runtime. A provider that is down is no error.
    pub fn remote(url: &str) -> Result<Self, ConfigError> {
        Self::builder(url)?.spawn()
    }

    /// Finds the key set of `issuer` by OpenID Connect Discovery or RFC 8414, and fetches it now and from then on.
    ///
    /// The document must name the very same issuer. Discovery is tried again in the background until it works, and
    /// repeated [once a day](REDISCOVERED_AFTER).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] as for [`remote`](Self::remote), or if `issuer` has a query or a fragment.
    pub fn discover(issuer: &str) -> Result<Self, ConfigError> {
        Self::discovery_builder(issuer)?.spawn()
    }

    /// Like [`remote`](Self::remote), with settings.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `url` may not be fetched.
    pub fn builder(url: &str) -> Result<JwksBuilder, ConfigError> {
        JwksBuilder::of_url(url)
    }

    /// Like [`discover`](Self::discover), with settings.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `issuer` is no URL that may be fetched, or has a query or a fragment.
    pub fn discovery_builder(issuer: &str) -> Result<JwksBuilder, ConfigError> {
        JwksBuilder::of_issuer(issuer)
    }

    /// A set that is given as JSON and never changes.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `json` is no JWK Set with at least one usable key; others in it are skipped.
    pub fn from_json(json: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        const NAME: &str = "given as JSON";
        let keys = KeySet::parse(json.as_ref(), AlgorithmSet::asymmetric())
            .ok_or_else(|| ConfigError::new("this is no JWK Set: {\"keys\":[…]} is one"))?;
        if keys.skipped().contains_key(&SkipReason::SecretMaterial) {
            telemetry::secret_material_published(NAME);
        }
        if keys.is_empty() {
            let skipped: Vec<_> =
                keys.skipped().iter().map(|(reason, count)| format!("{count} {reason}")).collect();
            return Err(ConfigError::new(format!(
                "the key set holds no usable key; skipped: [{}]",
                skipped.join(", ")
            )));
        }
        Ok(Self::fixed(keys, NAME))
    }

    /// A set that is read from a file once.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the file cannot be read, or as for [`from_json`](Self::from_json).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let json = std::fs::read(path)
            .map_err(|error| ConfigError::new(format!("{} cannot be read: {error}", path.display())))?;
        Self::from_json(json)
    }

    /// A set of given keys, found by their names.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if there are none, or more than 128.
    pub fn from_keys(keys: impl IntoIterator<Item = VerifyingKey>) -> Result<Self, ConfigError> {
        let keys = KeySet::of(keys.into_iter().collect())
            .ok_or_else(|| ConfigError::new("a key set is of 1 to 128 keys"))?;
        Ok(Self::fixed(keys, "given"))
    }

    /// A set without any key: no token was ever signed for it.
    pub(crate) fn nobody() -> Self {
        Self::fixed(KeySet::default(), "none")
    }

    /// Whether this is a handle to the same set as `other`.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    fn fixed(keys: KeySet, name: &str) -> Self {
        let shared = Shared::new();
        shared.published.store(Snapshot::fixed(keys));
        Self::new(Arc::from(name), None, Arc::new(shared), Kind::Fixed)
    }

    fn new(name: Arc<str>, issuer: Option<Arc<str>>, shared: Arc<Shared>, kind: Kind) -> Self {
        let fingerprints = foldhash::quality::RandomState::default();
        Self { inner: Arc::new(Inner { name, issuer, shared, kind, fingerprints }) }
    }

    /// The issuer that the set was discovered for; keys belong to their issuer.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.inner.issuer.as_deref()
    }

    /// Where the set stands now, for a readiness handler.
    #[must_use]
    pub fn status(&self) -> JwksStatus {
        let mut status = self.load().status(Instant::now());
        if let Kind::Remote { ended, .. } = &self.inner.kind
            && ended.has_changed().is_err()
        {
            status.last_error = Some(JwksErrorKind::Stopped.code());
        }
        status
    }

    /// What a request sees of the set from beginning to end.
    pub(crate) fn load(&self) -> LoadedSnapshot {
        self.inner.shared.published.load()
    }
}

impl TryFrom<&JwkSet> for Jwks {
    type Error = ConfigError;

    fn try_from(set: &JwkSet) -> Result<Self, ConfigError> {
        let json = serde_json::to_vec(set).map_err(|error| ConfigError::new(error.to_string()))?;
        Self::from_json(json)
    }
}

/// One key, which answers to every `kid` if it has none itself.
impl From<VerifyingKey> for Jwks {
    fn from(key: VerifyingKey) -> Self {
        Self::fixed(KeySet::of_one(key), "given")
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.abandoned.notify_one();
    }
}

/// Says where the keys come from.
impl fmt::Display for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inner.kind {
            Kind::Fixed => write!(f, "{} key(s), {}", self.load().keys().len(), self.inner.name),
            Kind::Remote { interval, .. } => {
                write!(f, "{}, every {interval:?}", self.inner.name)
            }
        }
    }
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwks").field("name", &self.inner.name).field("status", &self.status()).finish()
    }
}

/// One load of the swap, for as long as one verification takes.
pub(crate) type LoadedSnapshot = Guard<Arc<Snapshot>>;

/// The swap: requests load it without a lock, and the refresh task alone stores.
struct Published(ArcSwap<Snapshot>);

impl Published {
    fn new(snapshot: Snapshot) -> Self {
        Self(ArcSwap::from_pointee(snapshot))
    }

    fn load(&self) -> LoadedSnapshot {
        self.0.load()
    }

    fn load_full(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }

    fn store(&self, snapshot: impl Into<Arc<Snapshot>>) {
        self.0.store(snapshot.into());
    }
}
