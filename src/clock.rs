//! The wall clock: it judges the times in claims, how old what is kept of a token is, and until when a store remembers
//! one. Refresh and back-off run on monotonic time.
//!
//! A clock that was set is asked for all of that, where it was set: [`Verifier::with_clock`](crate::Verifier::with_clock),
//! [`MemoryReplayStore::with_clock`](crate::replay::MemoryReplayStore::with_clock). The machine's is asked by what is not of
//! one verifier alone: a `Retry-After` that is a date is an agreement with the provider, and Redis is told how long to
//! remember a token.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// What time it is, as far as tokens are concerned.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> SystemTime;
}

/// The machine's clock: the default.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// A clock that stands still until it is moved, for tests; its clones share one time.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tower_jwt_auth::clock::{Clock, FixedClock};
///
/// let clock = FixedClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
/// let later = clock.now() + Duration::from_secs(60);
/// clock.set(later);
/// assert_eq!(clock.now(), later);
/// ```
#[derive(Debug, Clone)]
pub struct FixedClock {
    now: Arc<Mutex<SystemTime>>,
}

impl FixedClock {
    /// Stands at `now`.
    #[must_use]
    pub fn at(now: SystemTime) -> Self {
        Self { now: Arc::new(Mutex::new(now)) }
    }

    /// Stands `seconds` after the Unix epoch.
    #[must_use]
    pub fn at_unix(seconds: u32) -> Self {
        let since_epoch = Duration::from_secs(u64::from(seconds));
        Self::at(SystemTime::UNIX_EPOCH.checked_add(since_epoch).unwrap_or(SystemTime::UNIX_EPOCH))
    }

    /// Moves to `now`, forwards or backwards.
    pub fn set(&self, now: SystemTime) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl Clock for FixedClock {
    fn now(&self) -> SystemTime {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
