//! Tenants: the issuers that fit a pattern, each with keys of its own, fetched when its first token comes.

mod bucket;
mod pattern;

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use quick_cache::sync::DefaultLifecycle;
use quick_cache::{OptionsBuilder, UnitWeighter};
use tokio::time::Instant;

pub use bucket::TENANT_INTERVAL;

use super::{Authority, Presented, Stop, Verifier};
use crate::clock::{Clock, SystemClock};
use crate::error::{AuthError, AuthErrorKind, ConfigError};
use crate::jwks::{Discoverer, Jwks, JwksStatus};
use crate::sync::{Cache, Mutex};
use crate::telemetry::{self, TenantEvent};
use crate::token::unverified_issuer;
use bucket::Bucket;
use pattern::Pattern;

/// How many tenants have their keys here at a time: each costs a task, and a fetch an hour.
pub const DEFAULT_TENANTS: usize = 100;

/// The most tenants that can have their keys here at a time.
pub const MAX_TENANTS: usize = 10_000;

/// How long a tenant waits for another try whose policy or keys could not be set up.
const SET_UP_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// Accepts the tokens of many tenants, whose issuers differ in one place only.
///
/// A token names its issuer, and nobody has vouched for that yet when its keys are looked for. So little of it counts:
///
/// - The issuer has to fit the pattern: `{tenant}` stands for one label of the host (`a-z`, `0-9`, `-`, `_`; no hyphen at
///   either end) or for one segment of the path (`A-Z` too), of 1 to 63 characters. All else is compared code point by code
///   point.
/// - The tenant has to be allowed, by a function of yours that is asked about every token.
/// - The token has to be plausible: size, `alg`, `typ`, `aud`, times and whatever else the policy asks before a signature.
///
/// Only then are keys fetched, from the issuer that the pattern makes of the tenant's name; and of new tenants no more than
/// there is [room](Self::with_capacity) for at once, and then one a [second](TENANT_INTERVAL). Whoever comes too soon gets
/// 503 with `Retry-After`. Where there is no room left, a tenant that is used little gives way: tenants that come once drive
/// none out that is in use.
///
/// Each tenant has a [`Verifier`] of its own, with its own keys, cache and refresh task: one whose provider is down keeps no
/// other waiting, and no key of one verifies a token of another.
///
/// # Security
///
/// A tenant that is allowed can let in anybody under any of *its* subjects. Whatever a handler looks up by `sub`, it has to
/// look up by `iss` and `sub`; and where a path names a tenant, nobody but the handler compares it with that of the token,
/// [`tenant_of`](Self::tenant_of) its `iss`.
///
/// Whoever knows the name of an allowed tenant can have its keys fetched, by a token without a good signature. Allow tenants
/// that you know: with `|_| true`, where anybody can become a tenant, everybody gets in.
///
/// # Examples
///
/// ```no_run
/// use std::collections::HashSet;
/// use tower_jwt_auth::JwtAuthLayer;
/// use tower_jwt_auth::verify::{Profile, Tenants};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let customers: HashSet<&str> = HashSet::from(["acme", "globex"]);
/// let tenants = Tenants::new("https://{tenant}.login.example.com", "my-api", move |tenant| customers.contains(tenant))?
///     .with_policy(|tenant, verifier| match tenant {
///         "globex" => verifier.with_profile(Profile::AccessToken),
///         _ => Ok(verifier),
///     });
/// let layer = JwtAuthLayer::new(tenants);
/// # Ok(()) }
/// ```
#[must_use]
pub struct Tenants {
    pattern: Pattern,
    audience: String,
    allows: Box<Allows>,
    policy: Option<Box<SetPolicy>>,
    keys: Option<Box<FindKeys>>,
    clock: Arc<dyn Clock>,
    discoverer: Discoverer,
    /// Holds no key: what it refuses for want of one is good in all that can be seen without.
    nobody: Jwks,
    /// Of no tenant: it says what is wrong with a token that names no issuer.
    stand_in: Arc<Verifier>,
    capacity: usize,
    known: Known,
    /// Whoever holds it may add a tenant, so that of many requests for a new one the first adds it.
    newcomers: Mutex<Bucket>,
}

type Allows = dyn Fn(&str) -> bool + Send + Sync;
type SetPolicy = dyn Fn(&str, Verifier) -> Result<Verifier, ConfigError> + Send + Sync;
type FindKeys = dyn Fn(&str) -> Result<Jwks, ConfigError> + Send + Sync;

type Known = Cache<Box<str>, Arc<Tenant>, UnitWeighter, foldhash::fast::RandomState>;

/// A tenant whose keys are here, or could not be.
struct Tenant {
    name: Box<str>,
    state: State,
}

enum State {
    SetUp { verifier: Arc<Verifier>, keys: Jwks },
    Failed { since: Instant },
}

impl Tenants {
    /// Accepts tokens for `audience` of the issuers that fit `pattern` and whose tenant `allows` allows.
    ///
    /// It is asked about every token: an answer from memory is quick enough, a question to a database is not. A tenant that is
    /// allowed no more is refused at once, and its keys are let go.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `audience` is empty, or if `pattern` does not have one `{tenant}` that is a whole label of the host,
    /// with a domain of at least two labels behind it, or a whole segment of the path.
    pub fn new(
        pattern: &str,
        audience: impl Into<String>,
        allows: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Result<Self, ConfigError> {
        let (pattern, audience, nobody) = (Pattern::new(pattern)?, audience.into(), Jwks::nobody());
        let stand_in = Verifier::new(pattern.to_string(), audience.clone(), nobody.clone())?;
        Ok(Self {
            pattern,
            audience,
            allows: Box::new(allows),
            policy: None,
            keys: None,
            clock: Arc::new(SystemClock),
            discoverer: Discoverer::default(),
            nobody,
            stand_in: Arc::new(stand_in),
            capacity: DEFAULT_TENANTS,
            known: room_for(DEFAULT_TENANTS),
            newcomers: Mutex::new(Bucket::of(DEFAULT_TENANTS)),
        })
    }

    /// Gives each tenant a policy of its own: `policy` gets its name and the [`Verifier`] that it has otherwise, and changes
    /// that. It is asked before there are keys, and about tokens that turn out to be no good: it should be quick.
    ///
    /// A policy that fails, accepts another issuer or any, or has keys of its own is reported, and its tenant gets 503 for half
    /// a minute. What one asks is in the event `verifying tokens of a tenant`, whenever its keys are looked for. What a layer
    /// offers in challenges and to OpenAPI goes by no policy: bearers too, where all tenants ask for proofs by a profile.
    pub fn with_policy(
        mut self,
        policy: impl Fn(&str, Verifier) -> Result<Verifier, ConfigError> + Send + Sync + 'static,
    ) -> Self {
        self.policy = Some(Box::new(policy));
        self
    }

    /// Takes the keys that `keys` finds for a tenant, instead of those that [`Jwks::discover`] finds for its issuer: for a
    /// client of your own, a key set that is not announced, or a tenant whose keys are given.
    ///
    /// It is called when a tenant comes for the first time and when it comes again after it has given way, must not wait for
    /// anything, and holds up other new tenants. If it fails, that is reported, and its tenant gets 503 for half a minute.
    ///
    /// # Security
    ///
    /// The handle of one key set for two tenants says that either may speak for the other.
    pub fn with_keys(
        mut self,
        keys: impl Fn(&str) -> Result<Jwks, ConfigError> + Send + Sync + 'static,
    ) -> Self {
        self.keys = Some(Box::new(keys));
        self
    }

    /// Has room for the keys of `tenants` tenants at a time, instead of [100](DEFAULT_TENANTS); as many may come for the first
    /// time at once.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if that is none, or more than [`MAX_TENANTS`].
    pub fn with_capacity(mut self, tenants: usize) -> Result<Self, ConfigError> {
        if !(1..=MAX_TENANTS).contains(&tenants) {
            return Err(ConfigError::new(format!(
                "there is room for 1 to {MAX_TENANTS} tenants, not {tenants}"
            )));
        }
        self.capacity = tenants;
        self.known = room_for(tenants);
        self.newcomers = Mutex::new(Bucket::of(tenants));
        Ok(self)
    }

    /// Judges times by `clock` instead of the machine's.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How many tenants are known here now: those who have their keys, and those whose keys could not be set up.
    #[must_use]
    pub fn count(&self) -> usize {
        self.known.len()
    }

    /// Where the key set of `tenant` stands, if it is here.
    #[must_use]
    pub fn status(&self, tenant: &str) -> Option<JwksStatus> {
        match &self.known.peek(tenant)?.state {
            State::SetUp { keys, .. } => Some(keys.status()),
            State::Failed { .. } => None,
        }
    }

    /// The tenant that `issuer`, the `iss` of a verified token, is of; none if it is that of no tenant.
    #[must_use]
    pub fn tenant_of<'i>(&self, issuer: &'i str) -> Option<&'i str> {
        self.pattern.tenant_of(issuer)
    }

    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// The verifier of the tenant whose token `text` says that it is.
    pub(super) fn choose(
        &self,
        text: &[u8],
        presented: &Presented,
    ) -> Result<Cow<'_, Arc<Verifier>>, AuthError> {
        let Some(issuer) = unverified_issuer(text) else { return Ok(Cow::Borrowed(&self.stand_in)) };
        let tenant = self.pattern.tenant_of(&issuer).ok_or(AuthErrorKind::IssuerMismatch)?;
        if !(self.allows)(tenant) {
            self.known.remove_if(tenant, |_| true);
            return Err(AuthErrorKind::IssuerMismatch.into());
        }
        if let Some(answer) = self.recall(tenant) {
            return answer.map(Cow::Owned);
        }
        let policy = self.policy_of(tenant);
        if let Ok(policy) = &policy {
            check_plausibility(policy, text, presented)?;
        }
        self.add(tenant, policy).map(Cow::Owned)
    }

    fn recall(&self, tenant: &str) -> Option<Result<Arc<Verifier>, AuthError>> {
        match &self.known.get(tenant)?.state {
            State::SetUp { verifier, .. } => Some(Ok(Arc::clone(verifier))),
            State::Failed { since } => {
                let left = SET_UP_AGAIN_AFTER.saturating_sub(since.elapsed());
                (!left.is_zero()).then_some(Err(AuthError::until(AuthErrorKind::KeysUnavailable, left)))
            }
        }
    }

    /// What is asked of the tokens of `tenant`, with no key to verify any.
    fn policy_of(&self, tenant: &str) -> Result<Verifier, ConfigError> {
        let issuer = self.pattern.issuer(tenant);
        let policy = Verifier::new(&*issuer, &*self.audience, self.nobody.clone()).and_then(|verifier| {
            let verifier = verifier.with_shared_clock(self.clock());
            match &self.policy {
                Some(set) => set(tenant, verifier),
                None => Ok(verifier),
            }
        });
        policy.and_then(|policy| {
            let has_no_keys = matches!(&policy.authority, Authority::Keys(keys) if keys.is(&self.nobody));
            if policy.issuer() == Some(&issuer) && has_no_keys {
                Ok(policy)
            } else {
                Err(ConfigError::new(
                    "the policy of a tenant is about its own issuer, and has no keys: change the verifier that is given",
                ))
            }
        })
    }

    /// Has the keys of `tenant` fetched from now on, unless somebody has done so meanwhile.
    fn add(&self, tenant: &str, policy: Result<Verifier, ConfigError>) -> Result<Arc<Verifier>, AuthError> {
        let mut newcomers = self.newcomers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = self.recall(tenant) {
            return answer;
        }
        newcomers.take(Instant::now()).map_err(|pause| {
            telemetry::tenant(TenantEvent::Postponed, tenant);
            AuthError::until(AuthErrorKind::KeysPending, pause)
        })?;
        let set_up = policy.and_then(|policy| {
            let keys = match &self.keys {
                Some(find) => find(tenant)?,
                None => self.discoverer.discover(&self.pattern.issuer(tenant))?,
            };
            Ok((Arc::new(policy.over(keys.clone())?), keys))
        });
        let (state, answer) = match set_up {
            Ok((verifier, keys)) => {
                if self.policy.is_some() {
                    telemetry::guarding_tenant(tenant, &verifier);
                }
                (State::SetUp { verifier: Arc::clone(&verifier), keys }, Ok(verifier))
            }
            Err(error) => {
                telemetry::tenant_failed(tenant, &error);
                let answer = AuthError::until(AuthErrorKind::KeysUnavailable, SET_UP_AGAIN_AFTER);
                (State::Failed { since: Instant::now() }, Err(answer))
            }
        };
        self.known.insert(tenant.into(), Tenant::new(tenant, state));
        answer
    }
}

impl Verifier {
    /// The same policy over `keys`.
    fn over(self, keys: Jwks) -> Result<Self, ConfigError> {
        if keys.issuer().is_some() && keys.issuer() != self.issuer() {
            return Err(ConfigError::new(format!(
                "the keys were discovered for {:?}, and verify no tokens of {:?}",
                keys.issuer().unwrap_or_default(),
                self.issuer().unwrap_or_default(),
            )));
        }
        Ok(Self { policy: self.policy, cache: self.cache.emptied(), authority: keys.into() })
    }
}

/// All that a token can show without a key.
fn check_plausibility(without_keys: &Verifier, text: &[u8], presented: &Presented) -> Result<(), AuthError> {
    match without_keys.check(text, presented) {
        Err(Stop::Refused(error)) if error.kind() == AuthErrorKind::KeyUnknown => Ok(()),
        Err(Stop::Refused(error)) => Err(error),
        // Neither can be, without keys.
        Ok(_) | Err(Stop::Lacking(_)) => Err(AuthErrorKind::KeyUnknown.into()),
    }
}

/// In one piece: with several, some tenants would give way while there is room for them.
fn room_for(tenants: usize) -> Known {
    let weight = u64::try_from(tenants).unwrap_or(u64::MAX);
    let (hasher, lifecycle) = (foldhash::fast::RandomState::default(), DefaultLifecycle::default());
    match OptionsBuilder::new().shards(1).estimated_items_capacity(tenants).weight_capacity(weight).build() {
        Ok(options) => Cache::with_options(options, UnitWeighter, hasher, lifecycle),
        // It is one if a capacity is not set.
        Err(_) => Cache::with(tenants, weight, UnitWeighter, hasher, lifecycle),
    }
}

impl Tenant {
    fn new(name: &str, state: State) -> Arc<Self> {
        if matches!(state, State::SetUp { .. }) {
            telemetry::tenant(TenantEvent::Added, name);
        }
        Arc::new(Self { name: name.into(), state })
    }
}

impl Drop for Tenant {
    fn drop(&mut self) {
        if matches!(self.state, State::SetUp { .. }) {
            telemetry::tenant(TenantEvent::Dropped, &self.name);
        }
    }
}

impl fmt::Display for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {{tenant}} is one that is allowed", self.stand_in.policy)?;
        if self.policy.is_some() {
            f.write_str("; each tenant has a policy of its own")?;
        }
        let origin = if self.keys.is_some() { "given" } else { "discovered" };
        write!(f, "; keys: {origin} for each tenant, of up to {} at a time", self.capacity)?;
        write!(f, ", and one more every {TENANT_INTERVAL:?}; {}, for each tenant", self.stand_in.cache)
    }
}

impl fmt::Debug for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tenants({self})")
    }
}
