//! The few occasions on which somebody waits for the key set, each with its limit.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use super::gate::Answer;
use super::refresh::Shared;
use super::state::{Good, JwksStatus, Snapshot};
use super::{Jwks, Kind};
use crate::error::{JwksError, JwksErrorKind};
use crate::sync::watch;
use crate::telemetry::{self, UnknownKey};
use crate::token::Algorithm;

/// How long a request waits for the first key set after start-up.
pub const FIRST_SET_WAIT: Duration = Duration::from_secs(1);

/// How long a request waits for a fetch that may bring the key of its token.
pub const REFETCH_WAIT: Duration = Duration::from_secs(2);

/// How old a set must be before a bad signature of a known key suggests that the `kid` was given to a new key.
const REUSED_KID_AGE: Duration = Duration::from_secs(60);

/// What a plausible token did not find in the key set that it was checked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lack {
    /// There is no set yet.
    FirstSet,
    /// No key of this name and algorithm.
    Key { kid: Option<Box<str>>, algorithm: Algorithm, refresh_failed: bool },
    /// A key of this name and algorithm whose signature it is not, in keys of this generation.
    OtherKey { kid: Option<Box<str>>, algorithm: Algorithm, generation: u64 },
}

/// How the waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    /// The set is what it will be for now.
    Settled,
    /// A fetch was still under way when the time was up, or there will be none.
    InVain,
}

impl Lack {
    fn is_filled_by(&self, snapshot: &Snapshot) -> bool {
        match self {
            Self::FirstSet => snapshot.good != Good::Never,
            Self::Key { kid, algorithm, .. } => {
                snapshot.keys().candidates(kid.as_deref(), *algorithm).next().is_some()
            }
            Self::OtherKey { generation, .. } => snapshot.generation() != *generation,
        }
    }

    /// Whether a fetch could fill it: a bad signature of a known key says nothing about a set that was just fetched.
    fn is_worth_a_fetch(&self, snapshot: &Snapshot) -> bool {
        match self {
            Self::FirstSet | Self::Key { .. } => true,
            Self::OtherKey { .. } => snapshot.is_older_than(REUSED_KID_AGE, Instant::now()),
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
        if let Kind::Remote { ended, .. } = &self.inner.kind {
            let mut ended = ended.clone();
            while !Lack::FirstSet.is_filled_by(&self.load()) {
                ended.changed().await.map_err(|_| self.stopped())?;
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
        if let Kind::Remote { ended, .. } = &self.inner.kind {
            let mut ended = ended.clone();
            let number = self.inner.shared.gate().want_next();
            self.inner.shared.wanted.notify_one();
            ended.wait_for(|ended| *ended >= number).await.map_err(|_| self.stopped())?;
        }
        match &self.load().failure {
            Some(failure) => Err(failure.error.clone()),
            None => Ok(self.status()),
        }
    }

    /// Follows the set from now on, refresh by refresh.
    #[must_use]
    pub fn changes(&self) -> JwksChanges {
        let ended = match &self.inner.kind {
            Kind::Remote { ended, .. } => {
                let mut ended = ended.clone();
                ended.mark_unchanged();
                Some(ended)
            }
            Kind::Fixed => None,
        };
        // The inner state alone: a follower keeps no task alive.
        JwksChanges { shared: Arc::clone(&self.inner.shared), ended }
    }

    fn stopped(&self) -> JwksError {
        JwksError::new(JwksErrorKind::Stopped, &self.inner.name)
    }

    /// Whether waiting for what `lack` says could bring it, or it has come since.
    pub(crate) fn may_bring(&self, lack: &Lack) -> bool {
        if matches!(self.inner.kind, Kind::Fixed) {
            return false;
        }
        if *lack == Lack::FirstSet {
            return true;
        }
        let key = self.fingerprint(lack);
        let waits = lack.is_worth_a_fetch(&self.load())
            && self.inner.shared.gate().peek(key, Instant::now()) != Answer::Refuse;
        // In this order: an attempt that the gate knows to be over has stored its keys.
        let comes = waits || lack.is_filled_by(&self.load());
        if !comes {
            telemetry::unknown_key(UnknownKey::Refused);
        }
        comes
    }

    /// Waits, within the limits, for what `lack` says; causes a fetch only where the gate lets it.
    ///
    /// Whoever drops this future leaves the fetch running for the others: it belongs to the task.
    pub(crate) async fn wait_for(&self, lack: &Lack) -> Waited {
        let Kind::Remote { ended, .. } = &self.inner.kind else {
            return Waited::Settled;
        };
        let mut ended = ended.clone();
        let key = self.fingerprint(lack);
        let Some(_place) = Place::take(&self.inner.shared, key) else {
            // As with a key that has to wait for the next attempt: while the keys are fresh, it counts as unknown.
            telemetry::unknown_key(UnknownKey::Crowded);
            return Waited::Settled;
        };
        if Handle::try_current().is_err() {
            // There is no timer to wait by: the verifier is used outside of tokio.
            return Waited::InVain;
        }
        let waited = match lack {
            Lack::FirstSet => timeout(FIRST_SET_WAIT, self.first_set(&mut ended)).await,
            _ => timeout(REFETCH_WAIT, self.refetch_for(lack, key, &mut ended)).await,
        };
        waited.unwrap_or(Waited::InVain)
    }

    /// Asks for a fetch as [`wait_for`](Self::wait_for) would, and does not wait.
    pub(crate) fn request(&self, lack: &Lack) {
        if *lack != Lack::FirstSet {
            _ = self.ask(lack, self.fingerprint(lack));
        }
    }

    async fn first_set(&self, ended: &mut watch::Receiver<u64>) -> Waited {
        while !Lack::FirstSet.is_filled_by(&self.load()) {
            if ended.changed().await.is_err() {
                return Waited::InVain;
            }
        }
        Waited::Settled
    }

    /// Awaits fetches until one brings what `lack` says, or the gate sees no sense in another.
    async fn refetch_for(&self, lack: &Lack, key: u64, ended: &mut watch::Receiver<u64>) -> Waited {
        let begun_before = self.inner.shared.gate().begun();
        while !lack.is_filled_by(&self.load()) {
            let (Answer::Refetch(number) | Answer::Join(number)) = self.ask(lack, key) else {
                return Waited::Settled;
            };
            if ended.wait_for(|ended| *ended >= number).await.is_err() {
                // There will be no fetch any more.
                return Waited::InVain;
            }
            // One that was under way may have read the set before the key was in it: another may be asked for.
            if number > begun_before {
                self.note_if_unknown(lack, key);
                return Waited::Settled;
            }
        }
        Waited::Settled
    }

    /// Asks the gate, and wakes the task if that is the answer.
    fn ask(&self, lack: &Lack, key: u64) -> Answer {
        let answer = if lack.is_worth_a_fetch(&self.load()) {
            self.inner.shared.gate().ask(key, Instant::now())
        } else {
            Answer::Refuse
        };
        telemetry::unknown_key(match answer {
            Answer::Refetch(_) => UnknownKey::Refetched,
            Answer::Join(_) => UnknownKey::Joined,
            Answer::Refuse => UnknownKey::Refused,
        });
        if matches!(answer, Answer::Refetch(_)) {
            self.inner.shared.wanted.notify_one();
        }
        answer
    }

    fn note_if_unknown(&self, lack: &Lack, key: u64) {
        let snapshot = self.load();
        let is_named = matches!(lack, Lack::Key { .. });
        if is_named && !snapshot.last_refresh_failed() && !lack.is_filled_by(&snapshot) {
            self.inner.shared.gate().remember_unknown(key, Instant::now());
        }
    }

    fn fingerprint(&self, lack: &Lack) -> u64 {
        match lack {
            Lack::FirstSet => self.inner.fingerprints.hash_one(()),
            Lack::Key { kid, algorithm, .. } | Lack::OtherKey { kid, algorithm, .. } => {
                self.inner.fingerprints.hash_one((kid, algorithm))
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
    shared: Arc<Shared>,
    ended: Option<watch::Receiver<u64>>,
}

impl JwksChanges {
    /// Waits until a refresh has ended since the last call, and says where the set stands then; `None` once there will be
    /// no more.
    pub async fn changed(&mut self) -> Option<JwksStatus> {
        self.ended.as_mut()?.changed().await.ok()?;
        Some(self.shared.published.load().status(Instant::now()))
    }
}

impl fmt::Debug for JwksChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksChanges").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwks::gate::MAX_AWAITED_KEYS;

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
