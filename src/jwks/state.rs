use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::set::KeySet;
use crate::error::JwksError;

/// How long after the last good refresh a key set counts as stale: two missed ones. Its keys still verify.
pub const STALE_AFTER: Duration = Duration::from_secs(2 * 60 * 60);

/// How long after the last good refresh the keys expire: longer than most outages and most tokens' lives, and
/// shorter than for ever. From then on nothing can be checked.
pub const EXPIRED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Everything known about a key set at one moment; requests load one and never see it change.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(super) keys: Arc<KeySet>,
    /// Moves only when the keys change.
    pub(super) generation: u64,
    pub(super) good: Good,
    /// The last refresh, if it failed.
    pub(super) failure: Option<Failure>,
}

/// When the keys were last known to be what the provider publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Good {
    Never,
    At(Instant),
    /// They were given, not fetched.
    Always,
}

#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) error: JwksError,
    pub(super) in_a_row: u32,
}

impl Snapshot {
    pub(super) fn cold() -> Self {
        Self { keys: Arc::default(), generation: 0, good: Good::Never, failure: None }
    }

    pub(super) fn fixed(keys: KeySet) -> Self {
        Self { keys: Arc::new(keys), generation: 1, good: Good::Always, failure: None }
    }

    /// After a fetch that brought `fetched`, or, with `None`, word that nothing changed.
    pub(super) fn refreshed(&self, fetched: Option<KeySet>, now: Instant) -> Self {
        let (keys, generation) = match fetched {
            Some(fetched) if self.good == Good::Never || !fetched.has_same_keys(&self.keys) => {
                (Arc::new(fetched), self.generation.saturating_add(1))
            }
            _ => (Arc::clone(&self.keys), self.generation),
        };
        Self { keys, generation, good: Good::At(now), failure: None }
    }

    /// After a fetch that failed: the last good keys stay.
    pub(super) fn failed(&self, error: JwksError) -> Self {
        let in_a_row = self.failure.as_ref().map_or(0, |failure| failure.in_a_row).saturating_add(1);
        Self {
            keys: Arc::clone(&self.keys),
            generation: self.generation,
            good: self.good,
            failure: Some(Failure { error, in_a_row }),
        }
    }

    pub(crate) fn keys(&self) -> &KeySet {
        &self.keys
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn last_refresh_failed(&self) -> bool {
        self.failure.is_some()
    }

    pub(crate) fn state(&self, now: Instant) -> JwksState {
        match self.age(now) {
            Age::Unknown => JwksState::Cold,
            Age::Given => JwksState::Fresh,
            Age::Known(age) if age < STALE_AFTER => JwksState::Fresh,
            Age::Known(age) if age < EXPIRED_AFTER => JwksState::Stale,
            Age::Known(_) => JwksState::Expired,
        }
    }

    pub(super) fn is_older_than(&self, limit: Duration, now: Instant) -> bool {
        matches!(self.age(now), Age::Known(age) if age >= limit)
    }

    fn age(&self, now: Instant) -> Age {
        match self.good {
            Good::Never => Age::Unknown,
            Good::Always => Age::Given,
            Good::At(then) => Age::Known(now.duration_since(then)),
        }
    }

    pub(super) fn status(&self, now: Instant) -> JwksStatus {
        JwksStatus {
            state: self.state(now),
            keys: self.keys.len(),
            skipped: self.keys.skipped().iter().map(|(reason, count)| (reason.code(), *count)).collect(),
            generation: self.generation,
            age_seconds: match self.age(now) {
                Age::Known(age) => Some(age.as_secs()),
                Age::Unknown | Age::Given => None,
            },
            failures: self.failure.as_ref().map_or(0, |failure| failure.in_a_row),
            last_error: self.failure.as_ref().map(|failure| failure.error.code()),
        }
    }
}

/// How long ago the keys were last good.
enum Age {
    Unknown,
    Given,
    Known(Duration),
}

/// Where a key set stands: `Cold → Fresh → Stale → Expired`, and back to `Fresh` with every good refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum JwksState {
    /// No set has arrived yet. Requests wait up to a second for it, then get 503.
    Cold,
    /// The last good refresh is less than [`STALE_AFTER`] ago, or the keys were given and need none.
    Fresh,
    /// Refreshes have been missed; the keys still verify.
    Stale,
    /// The keys are too old to be trusted: requests get 503.
    Expired,
}

impl JwksState {
    /// Whether tokens can be verified.
    #[must_use]
    pub const fn is_ready(self) -> bool {
        matches!(self, Self::Fresh | Self::Stale)
    }

    /// The stable name, as it stands in logs and in the readiness snapshot.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Expired => "expired",
        }
    }
}

/// What a readiness handler shows of a key set; it serialises to JSON and holds no key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct JwksStatus {
    /// Where the set stands.
    pub state: JwksState,
    /// How many keys there are, whether or not they are too old to verify.
    pub keys: usize,
    /// How many entries were skipped, by the code of the [reason](super::SkipReason).
    pub skipped: BTreeMap<&'static str, usize>,
    /// How often the keys have changed.
    pub generation: u64,
    /// Seconds since the last good refresh; none if there was none, or if the keys were given.
    pub age_seconds: Option<u64>,
    /// Refreshes failed in a row.
    pub failures: u32,
    /// The code of the last refresh's [error](JwksError), if it failed; `stopped` once there will be no more.
    pub last_error: Option<&'static str>,
}
