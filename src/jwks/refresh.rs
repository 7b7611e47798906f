//! The one task that fetches a key set, and the only writer of its snapshot.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::Instrument;

use super::discovery::Discovery;
use super::fetch::{Document, Endpoint, FETCH_TIMEOUT, Fetch, Validators, fetch};
use super::schedule::{RefetchGate, after_failed_refetch, after_failure, after_success};
use super::set::KeySet;
use super::state::{JwksState, Snapshot};
use super::{Published, SkipReason};
use crate::error::{JwksError, JwksErrorKind};
use crate::telemetry;
use crate::token::AlgorithmSet;

/// What the task and the handles share.
pub(super) struct Shared {
    pub(super) published: Published,
    pub(super) gate: Mutex<RefetchGate>,
    /// Asks for a fetch; requests made while one is asked for already are the same request.
    pub(super) wanted: Notify,
    /// The last handle is gone.
    pub(super) abandoned: Notify,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            published: Published::new(Snapshot::cold()),
            gate: Mutex::new(RefetchGate::new()),
            wanted: Notify::new(),
            abandoned: Notify::new(),
        }
    }

    /// The gate is held for a few instructions at a time, and never across an await.
    pub(super) fn gate(&self) -> std::sync::MutexGuard<'_, RefetchGate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many fetches have begun and ended: what waiters watch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) begun: u64,
    pub(super) ended: u64,
}

impl Progress {
    pub(super) fn is_fetching(self) -> bool {
        self.begun > self.ended
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
    pub(super) progress: watch::Sender<Progress>,
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
        let mut due = Instant::now();
        loop {
            // In this order, so that a fetch that is due and asked for at once happens once.
            tokio::select! {
                biased;
                () = shared.abandoned.notified() => return,
                () = shared.wanted.notified() => {}
                () = sleep_until(due) => {}
            }
            shared.gate().begin();
            self.progress.send_modify(|progress| progress.begun = progress.begun.saturating_add(1));
            let started = Instant::now();
            let outcome = tokio::select! {
                () = shared.abandoned.notified() => return,
                outcome = self.attempt(&memory) => outcome,
            };
            due = self.publish(outcome, &mut memory, started, due);
            // Last of all: whoever is woken by it must find the new snapshot.
            self.progress.send_modify(|progress| progress.ended = progress.begun);
        }
    }

    /// One fetch, with discovery where the key set's URL is not known, within the time limit.
    ///
    /// It runs as a task of its own, so that a client that panics fails this attempt and not all that follow.
    async fn attempt(&self, memory: &Memory) -> Result<Fetched, JwksError> {
        let client = Arc::clone(&self.client);
        let origin = self.origin.clone();
        let Memory { key_set, validators, .. } = memory.clone();
        let failed = |kind| JwksError::new(kind, &self.name);
        let mut attempt = JoinSet::new();
        attempt.spawn(
            async move {
                let endpoint = match (key_set, origin) {
                    (Some(endpoint), _) | (None, Origin::Url(endpoint)) => endpoint,
                    (None, Origin::Issuer(discovery)) => discovery.key_set_of(&*client).await?,
                };
                let document = fetch(&*client, &endpoint, &validators).await?;
                Ok(Fetched { endpoint, document })
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
    fn publish(
        &self,
        outcome: Result<Fetched, JwksError>,
        memory: &mut Memory,
        started: Instant,
        due: Instant,
    ) -> Instant {
        let before = self.shared.published.load_full();
        let now = Instant::now();
        let (after, next) = match outcome.and_then(|fetched| self.read(fetched, memory)) {
            Ok((keys, max_age)) => {
                let after = before.refreshed(keys, now);
                let changed = after.generation() != before.generation();
                let mut gate = self.shared.gate();
                gate.conclude(changed);
                if changed {
                    gate.forget_unknown();
                }
                drop(gate);
                let skipped = after.keys().skipped().values().sum();
                let took = now.duration_since(started);
                telemetry::refreshed(
                    &self.name,
                    changed,
                    after.generation(),
                    after.keys().len(),
                    skipped,
                    took,
                );
                (after, now.checked_add(after_success(self.interval, max_age, fastrand::f64())))
            }
            Err(error) => {
                // The document may have moved: discover it anew next time, and ask for it whole.
                memory.forget_place();
                let was_attempt = self.shared.gate().conclude(false);
                let after = before.failed(error);
                let next = self.retry_at(&before, &after, was_attempt, now, due);
                (after, next)
            }
        };
        memory.announce_state(&self.name, after.state(now));
        self.shared.published.store(after);
        next.unwrap_or(now)
    }

    /// When to try again after a failure.
    ///
    /// A refetch that a token asked for leaves a series of tries that is under way as it is.
    fn retry_at(
        &self,
        before: &Snapshot,
        after: &Snapshot,
        was_attempt: bool,
        now: Instant,
        due: Instant,
    ) -> Option<Instant> {
        let failure = after.failure.as_ref()?;
        let next = match was_attempt {
            true if before.last_refresh_failed() => Some(due.max(now)),
            true => now.checked_add(after_failed_refetch(fastrand::f64())),
            false => now.checked_add(after_failure(failure.in_a_row, fastrand::f64())),
        };
        let retry_in = next.map(|next| next.duration_since(now)).unwrap_or_default();
        telemetry::refresh_failed(&self.name, &failure.error, failure.in_a_row, retry_in);
        next
    }

    /// The keys of a document, or none if it has not changed; a set that is worse than none is an error.
    fn read(
        &self,
        fetched: Fetched,
        memory: &mut Memory,
    ) -> Result<(Option<KeySet>, Option<Duration>), JwksError> {
        let Fetched { endpoint, document } = fetched;
        let (bytes, validators, max_age) = match document {
            Document::NotModified { max_age } => return Ok((None, max_age)),
            Document::Body { bytes, validators, max_age } => (bytes, validators, max_age),
        };
        let keys =
            KeySet::parse(&bytes, self.allowed).ok_or_else(|| endpoint.failed(JwksErrorKind::Unparsable))?;
        if keys.skipped().contains_key(&SkipReason::SecretMaterial) && !memory.warned_of_secrets {
            memory.warned_of_secrets = true;
            telemetry::secret_material_published(endpoint.name());
        }
        if keys.is_empty() {
            return Err(endpoint.failed(JwksErrorKind::NoUsableKey));
        }
        memory.key_set = Some(endpoint);
        memory.validators = validators;
        Ok((Some(keys), max_age))
    }
}

struct Fetched {
    endpoint: Endpoint,
    document: Document,
}

/// What the task knows from one fetch to the next.
#[derive(Debug, Clone, Default)]
struct Memory {
    /// Where the key set was last found.
    key_set: Option<Endpoint>,
    validators: Validators,
    warned_of_secrets: bool,
    announced: Option<JwksState>,
}

impl Memory {
    fn forget_place(&mut self) {
        self.key_set = None;
        self.validators = Validators::default();
    }

    fn announce_state(&mut self, name: &str, state: JwksState) {
        let from = self.announced.replace(state).unwrap_or(JwksState::Cold);
        if from != state {
            telemetry::state_changed(name, from.code(), state.code(), state.is_ready());
        }
    }
}
