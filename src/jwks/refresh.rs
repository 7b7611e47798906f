//! The one task that fetches a key set, and the only writer of its snapshot.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::Instrument;

use super::discovery::{Discovery, REDISCOVERED_AFTER};
use super::document::{Document, Validators, fetch};
use super::gate::RefetchGate;
use super::schedule::{after_failed_refetch, after_failure, after_first_success, after_success};
use super::set::KeySet;
use super::state::{Failure, Good, JwksState, Snapshot};
use super::{Published, SkipReason};
use crate::crypto;
use crate::error::{JwksError, JwksErrorKind};
use crate::fetch::{Endpoint, FETCH_TIMEOUT, Fetch};
use crate::sync::{Mutex, Notify, watch};
use crate::telemetry;
use crate::token::AlgorithmSet;

/// What the task and the handles share.
pub(super) struct Shared {
    pub(super) published: Published,
    pub(super) gate: Mutex<RefetchGate>,
    /// Wakes the task: the gate says what is wanted.
    pub(super) wanted: Notify,
    /// The last handle is gone.
    pub(super) abandoned: Notify,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            published: Published::new(Snapshot::cold()),
            gate: Mutex::new(RefetchGate::default()),
            wanted: Notify::new(),
            abandoned: Notify::new(),
        }
    }

    /// The gate is held for a few instructions at a time, and never across an await.
    pub(super) fn gate(&self) -> std::sync::MutexGuard<'_, RefetchGate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the keys come from.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    Url(Endpoint),
    Issuer(Discovery),
}

pub(super) struct Refresher {
    pub(super) shared: Arc<Shared>,
    /// The number of the last fetch that has ended: what waiters watch.
    pub(super) ended: watch::Sender<u64>,
    pub(super) client: Arc<dyn Fetch>,
    pub(super) origin: Origin,
    pub(super) name: Arc<str>,
    pub(super) allowed: AlgorithmSet,
    pub(super) interval: Duration,
}

impl Refresher {
    /// Starts the task on the runtime that the caller is in.
    ///
    /// It ends when the last handle does. Nothing waits for it without a time limit, so that even a runtime that
    /// shuts down under it leaves no request hanging.
    pub(super) fn start_on(self, runtime: &tokio::runtime::Handle) {
        let name = Arc::clone(&self.name);
        runtime.spawn(self.run().instrument(tracing::info_span!("jwks", endpoint = %name)));
    }

    async fn run(self) {
        let shared = Arc::clone(&self.shared);
        let mut memory = Memory::default();
        memory.announce_state(&self.name, JwksState::Cold);
        let mut due = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = shared.abandoned.notified() => return,
                () = shared.wanted.notified() => {
                    // A fetch that was due in the meantime may have served it.
                    if !shared.gate().is_wanted() {
                        continue;
                    }
                }
                () = sleep_until(due) => {}
            }
            shared.gate().begin();
            let started = Instant::now();
            let outcome = tokio::select! {
                () = shared.abandoned.notified() => return,
                outcome = self.attempt(&memory, due <= started) => outcome,
            };
            due = self.publish(outcome, &mut memory, started, due);
        }
    }

    /// One fetch, with discovery where the key set's URL is not known, or known for long and a fetch was due, within the
    /// time limit.
    ///
    /// It runs as a task of its own, so that a client that panics fails this attempt and not all that follow.
    async fn attempt(&self, memory: &Memory, is_due: bool) -> Result<Fetched, JwksError> {
        let client = Arc::clone(&self.client);
        let origin = self.origin.clone();
        let place = memory.place.clone();
        let failed = |kind| JwksError::new(kind, &self.name);
        let mut attempt = JoinSet::new();
        attempt.spawn(
            async move {
                let place = match (place, origin) {
                    (None, Origin::Url(endpoint)) => Place::found(endpoint),
                    (None, Origin::Issuer(discovery)) => Place::found(discovery.key_set_of(&*client).await?),
                    (Some(known), Origin::Issuer(discovery)) if is_due && known.is_old() => {
                        known.or_told_anew(discovery.key_set_of(&*client)).await
                    }
                    (Some(known), _) => known,
                };
                let document = fetch(&*client, &place.endpoint, &place.validators).await?;
                Ok(Fetched { place, document })
            }
            .in_current_span(),
        );
        match timeout(FETCH_TIMEOUT, attempt.join_next()).await {
            Ok(Some(Ok(outcome))) => outcome,
            Ok(Some(Err(panic))) => Err(failed(JwksErrorKind::Unreachable).because(panic)),
            Ok(None) => Err(failed(JwksErrorKind::Stopped)),
            Err(_) => Err(failed(JwksErrorKind::TimedOut)),
        }
    }

    /// Stores what an attempt brought and says when the next fetch is due.
    ///
    /// The order matters: whoever finds the attempt concluded, or is woken by its end, has to find the new snapshot.
    fn publish(
        &self,
        outcome: Result<Fetched, JwksError>,
        memory: &mut Memory,
        started: Instant,
        due: Instant,
    ) -> Instant {
        let before = self.shared.published.load_full();
        let now = Instant::now();
        let read = outcome.and_then(|fetched| self.read(fetched, memory));
        let (after, max_age) = match read {
            Ok((keys, max_age)) => (before.refreshed(keys, now), max_age),
            Err(error) => {
                // The document may have moved: discover it anew next time, and ask for it whole.
                memory.forget_place();
                (before.failed(error), None)
            }
        };
        let after = Arc::new(after);
        let changed = after.generation() != before.generation();
        self.shared.published.store(Arc::clone(&after));
        let (number, was_attempt) = self.shared.gate().conclude(changed);
        if was_attempt && !changed && matches!(self.origin, Origin::Issuer(_)) {
            // Or its issuer has moved it, and signs with keys that are elsewhere.
            memory.forget_place();
        }
        let next = if let Some(failure) = &after.failure {
            let next = retry_at(&before, failure, was_attempt, now, due);
            let retry_in = next.duration_since(now);
            telemetry::refresh_failed(&self.name, &failure.error, failure.in_a_row, retry_in);
            next
        } else {
            self.report(&after, changed, now.duration_since(started));
            self.refresh_at(&before, max_age, now, due)
        };
        memory.announce_state(&self.name, after.state(now));
        self.ended.send_replace(number);
        next
    }

    /// When to refresh after a good fetch. One that was asked for may bring the next one forward, as a shorter `max-age` does,
    /// and never puts it off: after a rotation all replicas are asked for the new key within moments, and would be in
    /// step from then on.
    fn refresh_at(
        &self,
        before: &Snapshot,
        max_age: Option<Duration>,
        now: Instant,
        due: Instant,
    ) -> Instant {
        let random = crypto::random_fraction();
        if before.good == Good::Never || before.last_refresh_failed() {
            return later(now, after_first_success(self.interval, max_age, random));
        }
        let next = later(now, after_success(self.interval, max_age, random));
        if due > now { next.min(due) } else { next }
    }

    fn report(&self, after: &Snapshot, changed: bool, took: Duration) {
        let skipped = after.keys().skipped().values().sum();
        telemetry::refreshed(&self.name, changed, after.generation(), after.keys().len(), skipped, took);
    }

    /// The keys of a document, or none if it has not changed; a set that is worse than none is an error.
    fn read(
        &self,
        fetched: Fetched,
        memory: &mut Memory,
    ) -> Result<(Option<KeySet>, Option<Duration>), JwksError> {
        let Fetched { place, document } = fetched;
        let (bytes, validators, max_age) = match document {
            Document::NotModified { max_age } => {
                memory.place = Some(place);
                return Ok((None, max_age));
            }
            Document::Body { bytes, validators, max_age } => (bytes, validators, max_age),
        };
        let endpoint = &place.endpoint;
        let keys =
            KeySet::parse(&bytes, self.allowed).ok_or_else(|| endpoint.failed(JwksErrorKind::Unparsable))?;
        if keys.skipped().contains_key(&SkipReason::SecretMaterial) && !memory.warned_of_secrets {
            memory.warned_of_secrets = true;
            telemetry::secret_material_published(endpoint.name());
        }
        if keys.is_empty() {
            return Err(endpoint.failed(JwksErrorKind::NoUsableKey));
        }
        memory.place = Some(Place { validators, ..place });
        Ok((Some(keys), max_age))
    }
}

/// When to try again after a failure. A refetch that a token asked for leaves a series of tries that is under way as it
/// is.
fn retry_at(before: &Snapshot, failure: &Failure, was_attempt: bool, now: Instant, due: Instant) -> Instant {
    let random = crypto::random_fraction();
    if was_attempt && before.last_refresh_failed() && due > now {
        due
    } else if was_attempt {
        later(now, after_failed_refetch(random))
    } else {
        later(now, after_failure(failure.in_a_row, random))
    }
}

fn later(now: Instant, pause: Duration) -> Instant {
    now.checked_add(pause).unwrap_or(now)
}

struct Fetched {
    place: Place,
    document: Document,
}

/// Where the key set is, and which version of it was seen there.
#[derive(Debug, Clone)]
struct Place {
    endpoint: Endpoint,
    /// When its issuer has said so, if it was asked.
    told: Instant,
    validators: Validators,
}

impl Place {
    fn found(endpoint: Endpoint) -> Self {
        Self { endpoint, told: Instant::now(), validators: Validators::default() }
    }

    fn is_old(&self) -> bool {
        self.told.elapsed() >= REDISCOVERED_AFTER
    }

    /// Where the metadata say that it is, if they can be read in half of the time that there is: the rest is for the keys.
    async fn or_told_anew(self, endpoint: impl Future<Output = Result<Endpoint, JwksError>>) -> Self {
        match timeout(FETCH_TIMEOUT.mul_f64(0.5), endpoint).await {
            Ok(Ok(endpoint)) if endpoint == self.endpoint => Self { told: Instant::now(), ..self },
            Ok(Ok(endpoint)) => Self::found(endpoint),
            // The place that is known goes on to count.
            Ok(Err(_)) | Err(_) => self,
        }
    }
}

/// What the task knows from one fetch to the next.
#[derive(Debug, Clone, Default)]
struct Memory {
    /// Where the key set was last found.
    place: Option<Place>,
    warned_of_secrets: bool,
    announced: Option<JwksState>,
}

impl Memory {
    fn forget_place(&mut self) {
        self.place = None;
    }

    fn announce_state(&mut self, name: &str, state: JwksState) {
        let from = self.announced.replace(state);
        if from != Some(state) {
            telemetry::state_changed(name, from.map(JwksState::code), state.code(), state.is_ready());
        }
    }
}
