use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd};

use super::{Mark, ReplayStore, STORE_TIMEOUT, StoreError, StoreFuture, TokenId};
use crate::clock::{Clock, SystemClock};
use crate::error::ConfigError;

/// The longest pause between two tries to connect again.
const MAX_RECONNECT_PAUSE: Duration = Duration::from_millis(500);

/// A [`ReplayStore`] in Redis 7 or newer, or in Valkey, that several replicas share.
///
/// Each question is one command over one connection, which all requests share and which comes back by itself after an
/// outage; while there is none, each request has [one second](STORE_TIMEOUT). Keys are a prefix and a hash of issuer and
/// `jti`, and expire 15 min after their tokens.
///
/// # Security
///
/// Set the server's `maxmemory-policy` to `noeviction`: a key that it evicts is a token that can be used again. The same
/// goes for a server that loses what it has acknowledged, in a failover to an asynchronous replica for one.
///
/// # Examples
///
/// ```no_run
/// use tower_jwt_auth::replay::{RedisReplayStore, ReplayRule};
/// # use tower_jwt_auth::{jwks::SharedSecret, token::Algorithm, JwtAuthLayer, Verifier};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let verifier = Verifier::new("https://login.example.com", "my-api", SharedSecret::new(Algorithm::Hs256, [7; 32])?)?;
/// let store = RedisReplayStore::connect("redis://127.0.0.1:6379")?;
/// let auth = JwtAuthLayer::new(verifier).with_replay_rule(ReplayRule::single_use(store));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedisReplayStore {
    connection: ConnectionManager,
    prefix: Arc<str>,
}

impl RedisReplayStore {
    /// Connects to the server at `url`, `redis://[user:password@]host[:port][/database]`, when it is first needed.
    ///
    /// A server that is down is no error. For `rediss://`, turn a TLS feature of the crate `redis` on in your own manifest.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `url` is none, or outside of a tokio runtime.
    pub fn connect(url: &str) -> Result<Self, ConfigError> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(ConfigError::new("a Redis store needs a tokio runtime: make it inside of one"));
        }
        // The URL may hold a password: it is not quoted.
        let client = Client::open(url).map_err(|error| {
            ConfigError::new(format!(
                "this is no URL of a Redis server that can be used: {}",
                error.category()
            ))
        })?;
        let settings = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(STORE_TIMEOUT))
            .set_response_timeout(Some(STORE_TIMEOUT))
            .set_max_delay(MAX_RECONNECT_PAUSE);
        let connection = ConnectionManager::new_lazy_with_config(client, settings)
            .map_err(|error| ConfigError::new(format!("no connection to Redis can be made: {error}")))?;
        Ok(Self { connection, prefix: "jwt:".into() })
    }

    /// Begins its keys with `prefix` instead of `jwt:`.
    #[must_use]
    pub fn with_prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.into();
        self
    }

    fn key(&self, id: TokenId) -> String {
        format!("{}{id}", self.prefix)
    }

    /// Sends `command` and reads the mark that it answers with, if it does.
    fn ask(&self, command: Cmd) -> StoreFuture<'_, Option<Mark>> {
        let mut connection = self.connection.clone();
        Box::pin(async move {
            let answer: Option<Vec<u8>> = command.query_async(&mut connection).await.map_err(failed)?;
            answer
                .map(|bytes| {
                    Mark::from_bytes(&bytes).ok_or(StoreError::Failed("its key holds no mark".into()))
                })
                .transpose()
        })
    }
}

/// A refusal of the server may quote the command: only what kind it is gets out.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` passes")]
fn failed(error: redis::RedisError) -> StoreError {
    StoreError::Failed(format!("{} ({})", error.category(), error.code().unwrap_or("no code")).into())
}

impl ReplayStore for RedisReplayStore {
    fn insert(&self, id: TokenId, mark: Mark, until: SystemTime) -> StoreFuture<'_, Option<Mark>> {
        let mut command = redis::cmd("SET");
        command.arg(self.key(id)).arg(mark.to_bytes()).arg("NX").arg("GET").arg("PX").arg(left(until));
        self.ask(command)
    }

    fn find(&self, id: TokenId) -> StoreFuture<'_, Option<Mark>> {
        let mut command = redis::cmd("GET");
        command.arg(self.key(id));
        self.ask(command)
    }

    fn deny(&self, id: TokenId, until: SystemTime) -> StoreFuture<'_, ()> {
        /// Keeps what is there for as long as it would have been kept.
        const DENY: &str = "redis.call('SET', KEYS[1], ARGV[1], 'PX', \
                            math.max(redis.call('PTTL', KEYS[1]), tonumber(ARGV[2])))";
        let mut command = redis::cmd("EVAL");
        command.arg(DENY).arg(1).arg(self.key(id)).arg(Mark::Revoked.to_bytes()).arg(left(until));
        let denied = self.ask(command);
        Box::pin(async move { denied.await.map(drop) })
    }
}

/// What is left until `until`, in milliseconds; Redis takes no zero.
fn left(until: SystemTime) -> u64 {
    let left = until.duration_since(SystemClock.now()).unwrap_or_default();
    u64::try_from(left.as_millis()).unwrap_or(u64::MAX).clamp(1, MOST_MILLISECONDS)
}

/// Some 100,000 years: Redis takes no time that its clock cannot reach.
const MOST_MILLISECONDS: u64 = 1 << 52;

impl fmt::Debug for RedisReplayStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisReplayStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
