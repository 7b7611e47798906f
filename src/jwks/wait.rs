//! The few occasions on which somebody waits for the key set, each with its limit.

use std::hash::BuildHasher;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::refresh::{Progress, Shared};
use super::schedule::Verdict;
use super::state::{Good, JwksStatus, Snapshot};
use super::{Jwks, Kind};
use crate::error::{JwksError, JwksErrorKind};
use crate::telemetry::{self, UnknownKey};
use crate::token::Algorithm;

/// How long a request waits for the first key set after start-up.
pub const FIRST_SET_WAIT: Duration = Duration::from_secs(1);

/// How long a request waits for a fetch that may bring the key of its token.
pub const REFETCH_WAIT: Duration = Duration::from_secs(2);

/// How old a set must be before a bad signature of a known key suggests that the `kid` was given to a new key.
const REUSED_KID_AGE: Duration = Duration::from_secs(60);

/// What a plausible token did not find in the key set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lack {
    /// There is no set yet.
    FirstSet,
    /// No key of this name and algorithm.
    Key { kid: Option<Box<str>>, algorithm: Algorithm },
    /// A key of this name and algorithm whose signature it is not, in keys of this generation.
    OtherKey { kid: Option<Box<str>>, algorithm: Algorithm, generation: u64 },
}

/// How the waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    /// The set is what it will be for now.
    Settled,
    /// A fetch was still under way when the time was up.
    InVain,
}

impl Lack {
    fn is_filled_by(&self, snapshot: &Snapshot) -> bool {
        match self {
            Self::FirstSet => snapshot.good != Good::Never,
            Self::Key { kid, algorithm } => {
                snapshot.keys().candidates(kid.as_deref(), *algorithm).next().is_some()
            }
            Self::OtherKey { generation, .. } => snapshot.generation() != *generation,
        }
    }
}

impl Jwks {
    /// Waits until the first key set is there, for as long as it takes: bound it with a timeout of your own.
    ///
    /// # Errors
    ///
    /// [`JwksErrorKind::Stopped`] if the refresh task has ended, as it does when its runtime shuts down.
    pub async fn ready(&self) -> Result<(), JwksError> {
        if let Kind::Remote { progress, .. } = &self.inner.kind {
            let mut progress = progress.clone();
            while !Lack::FirstSet.is_filled_by(&self.load()) {
                progress.changed().await.map_err(|_| self.stopped())?;
            }
        }
        Ok(())
    }

    /// Fetches the set now, whatever the schedule says, and waits for the outcome.
    ///
    /// A fetch that is under way is not taken for the answer: what it reads may be older than this call.
    ///
    /// # Errors
    ///
    /// Why the fetch failed; the last good keys stay.
    pub async fn refresh_now(&self) -> Result<JwksStatus, JwksError> {
        if let Kind::Remote { progress, .. } = &self.inner.kind {
            let mut progress = progress.clone();
            let wanted = progress.borrow().begun.saturating_add(1);
            self.inner.shared.wanted.notify_one();
            progress.wait_for(|progress| progress.ended >= wanted).await.map_err(|_| self.stopped())?;
        }
        match &self.load().failure {
            Some(failure) => Err(failure.error.clone()),
            None => Ok(self.status()),
        }
    }

    /// Follows the set: each [`changed`](JwksChanges::changed) is one refresh that ended.
    #[must_use]
    pub fn changes(&self) -> JwksChanges {
        let progress = match &self.inner.kind {
            Kind::Remote { progress, .. } => Some(progress.clone()),
            Kind::Fixed => None,
        };
        // The inner state alone: a follower keeps no task alive.
        JwksChanges { shared: std::sync::Arc::clone(&self.inner.shared), progress }
    }

    fn stopped(&self) -> JwksError {
        JwksError::new(JwksErrorKind::Stopped, &self.inner.name)
    }

    /// Whether waiting for what `lack` says could bring it.
    pub(crate) fn may_bring(&self, lack: &Lack) -> bool {
        let Kind::Remote { progress, .. } = &self.inner.kind else {
            return false;
        };
        match self.fingerprint(lack) {
            None => true,
            Some(_) if self.is_too_young_for(lack) => false,
            Some(key) => {
                progress.borrow().is_fetching()
                    || self.inner.shared.gate().peek(key, Instant::now()) != Verdict::Refuse
            }
        }
    }

    /// Waits, within the limits, for what `lack` says; causes a fetch only where the gate lets it.
    ///
    /// Whoever drops this future leaves the fetch running for the others: it belongs to the task.
    pub(crate) async fn wait_for(&self, lack: &Lack) -> Waited {
        let Kind::Remote { progress, .. } = &self.inner.kind else {
            return Waited::Settled;
        };
        let mut progress = progress.clone();
        let Some(key) = self.fingerprint(lack) else {
            let arrived =
                async { while !lack.is_filled_by(&self.load()) && progress.changed().await.is_ok() {} };
            return match timeout(FIRST_SET_WAIT, arrived).await {
                Ok(()) => Waited::Settled,
                Err(_) => Waited::InVain,
            };
        };
        let Some(_place) = Place::take(&self.inner.shared, key) else {
            telemetry::unknown_key(UnknownKey::Crowded);
            return Waited::Settled;
        };
        match timeout(REFETCH_WAIT, self.refetch_for(lack, key, &mut progress)).await {
            Ok(()) => Waited::Settled,
            Err(_) => Waited::InVain,
        }
    }

    /// Asks for a fetch as [`wait_for`](Self::wait_for) would, and does not wait.
    pub(crate) fn request(&self, lack: &Lack) {
        if let Some(key) = self.fingerprint(lack)
            && self.ask(lack, key) == Verdict::Refetch
        {
            self.inner.shared.wanted.notify_one();
        }
    }

    async fn refetch_for(&self, lack: &Lack, key: u64, progress: &mut watch::Receiver<Progress>) {
        let current = *progress.borrow();
        if current.is_fetching() {
            telemetry::unknown_key(UnknownKey::Joined);
            _ = progress.wait_for(|progress| progress.ended >= current.begun).await;
            if lack.is_filled_by(&self.load()) {
                return;
            }
            // It may have read the set before the key was in it: one more may be asked for.
        }
        let next = progress.borrow().begun.saturating_add(1);
        let verdict = self.ask(lack, key);
        match verdict {
            Verdict::Refuse => return telemetry::unknown_key(UnknownKey::Refused),
            Verdict::Join => telemetry::unknown_key(UnknownKey::Joined),
            Verdict::Refetch => {
                telemetry::unknown_key(UnknownKey::Refetched);
                self.inner.shared.wanted.notify_one();
            }
        }
        _ = progress.wait_for(|progress| progress.ended >= next).await;
        self.note_if_unknown(lack, key);
    }

    fn ask(&self, lack: &Lack, key: u64) -> Verdict {
        if self.is_too_young_for(lack) {
            return Verdict::Refuse;
        }
        self.inner.shared.gate().ask(key, Instant::now())
    }

    /// A bad signature of a known key says nothing about a set that was just fetched.
    fn is_too_young_for(&self, lack: &Lack) -> bool {
        matches!(lack, Lack::OtherKey { .. }) && !self.load().is_older_than(REUSED_KID_AGE, Instant::now())
    }

    fn note_if_unknown(&self, lack: &Lack, key: u64) {
        let snapshot = self.load();
        if matches!(lack, Lack::Key { .. })
            && !snapshot.last_refresh_failed()
            && !lack.is_filled_by(&snapshot)
        {
            self.inner.shared.gate().remember_unknown(key, Instant::now());
        }
    }

    fn fingerprint(&self, lack: &Lack) -> Option<u64> {
        match lack {
            Lack::FirstSet => None,
            Lack::Key { kid, algorithm } | Lack::OtherKey { kid, algorithm, .. } => {
                Some(self.inner.fingerprints.hash_one((kid, algorithm)))
            }
        }
    }
}

/// A place in the waiting room, given back when its request is answered or dropped.
struct Place<'a> {
    shared: &'a Shared,
    key: u64,
}

impl<'a> Place<'a> {
    fn take(shared: &'a Shared, key: u64) -> Option<Self> {
        // Made only when there is one: a place that is dropped gives itself back, and takes the gate for it.
        let entered = shared.gate().enter(key);
        entered.then(|| Self { shared, key })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.shared.gate().leave(self.key);
    }
}

/// Follows a key set from refresh to refresh; made by [`Jwks::changes`].
#[derive(Clone)]
pub struct JwksChanges {
    shared: std::sync::Arc<Shared>,
    progress: Option<watch::Receiver<Progress>>,
}

impl JwksChanges {
    /// Waits for the next refresh to end and says where the set stands then; `None` once there will be no more.
    pub async fn changed(&mut self) -> Option<JwksStatus> {
        let progress = self.progress.as_mut()?;
        loop {
            progress.changed().await.ok()?;
            if !progress.borrow_and_update().is_fetching() {
                return Some(self.shared.published.load().status(Instant::now()));
            }
        }
    }
}

impl std::fmt::Debug for JwksChanges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JwksChanges").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwks::schedule::MAX_AWAITED_KEYS;

    #[test]
    fn a_full_waiting_room_turns_away_and_every_place_is_given_back() {
        let shared = Shared::new();
        let keys = 0..u64::try_from(MAX_AWAITED_KEYS).expect("a small number");
        for _ in 0..2 {
            let places: Vec<_> = keys.clone().filter_map(|key| Place::take(&shared, key)).collect();
            assert_eq!(places.len(), MAX_AWAITED_KEYS);
            assert!(Place::take(&shared, keys.end).is_none(), "a key too many");
            assert!(Place::take(&shared, 0).is_some(), "a key that is waited for already");
        }
    }
}
