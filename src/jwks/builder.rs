use std::sync::Arc;
use std::time::Duration;

use super::discovery::Discovery;
use super::refresh::{Origin, Refresher, Shared};
use super::schedule::{MIN_REFRESH_INTERVAL, REFRESH_INTERVAL};
use super::{Jwks, Kind};
use crate::error::ConfigError;
use crate::fetch::{Endpoint, Fetch, KeepAlive, default_client};
use crate::sync::{OnceLock, watch};
use crate::token::AlgorithmSet;

/// A remote key set before its first fetch; made by [`Jwks::builder`] and [`Jwks::discovery_builder`].
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use tower_jwt_auth::Jwks;
/// use tower_jwt_auth::error::ConfigError;
/// use tower_jwt_auth::token::Algorithm;
///
/// fn keys() -> Result<Jwks, ConfigError> {
///     Jwks::builder("https://login.example.com/jwks.json")?
///         .with_algorithms([Algorithm::Ps256])?
///         .with_refresh_interval(Duration::from_secs(10 * 60))?
///         .spawn()
/// }
/// ```
#[must_use = "nothing is fetched before `spawn`"]
pub struct JwksBuilder {
    origin: Origin,
    name: Arc<str>,
    client: Option<Arc<dyn Fetch>>,
    allowed: AlgorithmSet,
    interval: Duration,
}

impl JwksBuilder {
    pub(super) fn of_url(url: &str) -> Result<Self, ConfigError> {
        let endpoint = Endpoint::new(url)?;
        let name = Arc::clone(endpoint.name());
        Ok(Self::new(Origin::Url(endpoint), name))
    }

    pub(super) fn of_issuer(issuer: &str) -> Result<Self, ConfigError> {
        Ok(Self::new(Origin::Issuer(Discovery::new(issuer)?), Arc::from(issuer)))
    }

    fn new(origin: Origin, name: Arc<str>) -> Self {
        Self { origin, name, client: None, allowed: AlgorithmSet::asymmetric(), interval: REFRESH_INTERVAL }
    }

    /// Fetches with a client of your own: a private CA, mTLS, a proxy.
    pub fn with_fetch(mut self, client: impl Fetch) -> Self {
        self.client = Some(Arc::new(client));
        self
    }

    /// Loads only keys of these algorithms. An RSA key that names none is RS256, or the only RSA algorithm in here.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if there is none, or one is an HMAC: a key set never holds secrets.
    pub fn with_algorithms(mut self, algorithms: impl Into<AlgorithmSet>) -> Result<Self, ConfigError> {
        self.allowed = algorithms.into();
        if self.allowed.is_empty() || self.allowed.iter().any(crate::token::Algorithm::is_symmetric) {
            return Err(ConfigError::new(format!(
                "a key set is of one or more algorithms with public keys, not of [{}]",
                self.allowed
            )));
        }
        Ok(self)
    }

    /// Refreshes more often than every [`REFRESH_INTERVAL`].
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `interval` is shorter than [`MIN_REFRESH_INTERVAL`] or longer than the default.
    pub fn with_refresh_interval(mut self, interval: Duration) -> Result<Self, ConfigError> {
        if !(MIN_REFRESH_INTERVAL..=REFRESH_INTERVAL).contains(&interval) {
            return Err(ConfigError::new(format!(
                "a refresh interval is 1 minute to 1 hour, not {interval:?}"
            )));
        }
        self.interval = interval;
        Ok(self)
    }

    /// Starts the task that fetches now and refreshes from then on; it ends with the last handle.
    ///
    /// The runtime needs its timer and its I/O driver, as `#[tokio::main]` makes it; without them the task panics at once, and
    /// [`Jwks::status`] says `stopped`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] outside of a tokio runtime, or if the default client cannot be built.
    pub fn spawn(self) -> Result<Jwks, ConfigError> {
        let runtime = tokio::runtime::Handle::try_current()
            .map_err(|_| ConfigError::new("a remote key set needs a tokio runtime: make it inside of one"))?;
        let client = match self.client {
            Some(client) => client,
            None => default_client(KeepAlive::No)?,
        };
        let issuer = matches!(self.origin, Origin::Issuer(_)).then(|| Arc::clone(&self.name));
        let shared = Arc::new(Shared::new());
        let (ended, ended_receiver) = watch::channel(0);
        let refresher = Refresher {
            shared: Arc::clone(&shared),
            ended,
            client,
            origin: self.origin,
            name: Arc::clone(&self.name),
            allowed: self.allowed,
            interval: self.interval,
        };
        refresher.start_on(&runtime);
        Ok(Jwks::new(
            self.name,
            issuer,
            shared,
            Kind::Remote { ended: ended_receiver, interval: self.interval },
        ))
    }
}

/// Discovers the key sets of many issuers with one client, which takes long to make.
#[derive(Default)]
pub(crate) struct Discoverer {
    client: OnceLock<Arc<dyn Fetch>>,
}

impl Discoverer {
    /// Like [`Jwks::discover`].
    pub(crate) fn discover(&self, issuer: &str) -> Result<Jwks, ConfigError> {
        let client = if let Some(client) = self.client.get() {
            client
        } else {
            let client = default_client(KeepAlive::No)?;
            self.client.get_or_init(|| client)
        };
        JwksBuilder { client: Some(Arc::clone(client)), ..JwksBuilder::of_issuer(issuer)? }.spawn()
    }
}

impl std::fmt::Debug for JwksBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JwksBuilder").field("origin", &self.name).finish_non_exhaustive()
    }
}
