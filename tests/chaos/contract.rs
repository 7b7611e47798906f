//! The numbers that are promised, written down once more: a constant of the crate that is changed is to be noticed.

use std::time::Duration;

/// How long somebody waits for the first set.
pub const FIRST_SET_WAIT: Duration = Duration::from_secs(1);

/// How long somebody waits for a fetch that may bring a key.
pub const REFETCH_WAIT: Duration = Duration::from_secs(2);

/// How long a fetch may take.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// How often keys are fetched, unless a `max-age` shortens it.
pub const REFRESH_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// How far one can.
pub const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(60);

/// The longest pause after a failure.
pub const MAX_BACKOFF: Duration = Duration::from_secs(60);

/// The first pause after a failure is random, and at least this.
pub const LEAST_BACKOFF: Duration = Duration::from_millis(50);

/// After a failed attempt for a token while all had been well, there is a pause of at least this.
pub const BACKOFF_AFTER_ATTEMPT: Duration = Duration::from_secs(5);

/// The pause between two attempts for tokens.
pub const REFETCH_COOLDOWN: Duration = Duration::from_secs(30);

/// The same after some that were fruitless.
pub const MAX_REFETCH_COOLDOWN: Duration = Duration::from_secs(5 * 60);

/// How long a kid that was asked for in vain is taken as unknown.
pub const UNKNOWN_FOR: Duration = Duration::from_secs(5 * 60);

/// How old a set must be before a bad signature is taken for a reused kid.
pub const REUSED_KID_AGE: Duration = Duration::from_secs(60);

/// How many different keys may be waited for.
pub const MOST_AWAITED_KEYS: usize = 64;

/// How many requests may wait.
pub const MOST_WAITERS: usize = 4096;

/// How many tokens are remembered.
pub const MOST_CACHED_TOKENS: u64 = 1024;

/// From when on keys are stale, and from when on they are not used any more.
pub const STALE_AFTER: Duration = Duration::from_secs(2 * 60 * 60);
pub const EXPIRED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// How long after `exp`, and before `nbf`, a token is good.
pub const LEEWAY: Duration = Duration::from_secs(30);
