//! The provider: it rotates its keys, fails, and knows which of its documents the server must have by now.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use http::header::{CACHE_CONTROL, ETAG};
use serde_json::json;
use tokio::time::{Instant, sleep};
use tower_jwt_auth::jwks::REFETCH_COOLDOWN;
use tower_jwt_auth::test_util::{Answer, Idp, jwks_of};

use crate::key::{Held, Key, Version};
use crate::random::Random;
use crate::schedule::{FAULTS, Schedule};

const METADATA: &str = "/.well-known/openid-configuration";
const KEYS: &str = "/jwks.json";

/// How long after a good answer began the server has its keys for sure, however busy the machine is.
const ARRIVAL: Duration = Duration::from_secs(2);

/// How far apart the time of a request and that of a change must be for their order to be certain.
const DOUBT: Duration = Duration::from_millis(500);

/// How soon after an outage the server has asked again: by itself, or for an unknown key at the latest.
const RECOVERY: Duration = REFETCH_COOLDOWN;

/// Added to what is promised, for a machine that is busy.
const GRACE: Duration = Duration::from_secs(3);

pub struct Provider {
    idp: Idp,
    schedule: Schedule,
    state: Mutex<State>,
}

struct State {
    keys: Vec<Arc<Key>>,
    /// What it serves, and since when.
    moments: Vec<Moment>,
    /// When it was asked for its keys, whatever it said.
    asked: Vec<Instant>,
    /// How many of all requests have been looked at.
    read: usize,
    outages: Vec<Outage>,
    /// Below this, no version can be overdue any more.
    settled: Version,
}

#[derive(Clone, Copy)]
struct Moment {
    since: Instant,
    version: Version,
    is_well: bool,
}

#[derive(Clone, Copy)]
pub struct Outage {
    pub fault: &'static str,
    pub from: Instant,
    pub to: Option<Instant>,
}

impl Provider {
    pub async fn start(schedule: Schedule) -> Self {
        let idp = Idp::start("soaked-api").await.expect("a port");
        let first = Arc::new(Key::of(idp.issuer(), 0, 3 * schedule.rotation));
        let state = Mutex::new(State {
            keys: vec![first],
            moments: vec![Moment { since: Instant::now(), version: 0, is_well: true }],
            asked: Vec::new(),
            read: 0,
            outages: Vec::new(),
            settled: 0,
        });
        let provider = Self { idp, schedule, state };
        provider.serve(&provider.state());
        provider
    }

    pub fn issuer(&self) -> &str {
        self.idp.issuer().url()
    }

    pub fn audience(&self) -> &str {
        self.idp.issuer().audience()
    }

    pub async fn rotate_keys(self: Arc<Self>) {
        loop {
            sleep(self.schedule.rotation).await;
            self.rotate();
        }
    }

    /// Publishes one more key, and the oldest no longer.
    fn rotate(&self) {
        self.idp.issuer().rotate();
        let mut state = self.state();
        let now = state.now();
        let version = now.version + 1;
        state.keys.push(Arc::new(Key::of(self.idp.issuer(), version, 3 * self.schedule.rotation)));
        let published = state.keys.iter().filter(|key| key.withdrawn.get().is_none());
        if published.clone().count() > self.schedule.published {
            published.take(1).for_each(|oldest| _ = oldest.withdrawn.set(version));
        }
        state.moments.push(Moment { since: Instant::now(), version, ..now });
        if now.is_well {
            self.serve(&state);
        }
    }

    /// What is published, where it is published.
    fn serve(&self, state: &State) {
        let base = self.idp.issuer().url();
        let metadata = json!({ "issuer": base, "jwks_uri": self.idp.jwks_url() }).to_string();
        let published = state.keys.iter().filter(|key| key.withdrawn.get().is_none());
        let etag = format!("\"{}\"", state.now().version);
        let keys = Answer::of(jwks_of(published.map(|key| key.signing())));
        self.idp.serve_at(METADATA, Answer::of(metadata));
        self.idp.serve_at(KEYS, keys.with(ETAG, &etag).with(CACHE_CONTROL, "max-age=60"));
    }

    pub async fn have_outages(self: Arc<Self>) {
        sleep(self.schedule.calm).await;
        for fault in FAULTS.iter().cycle() {
            let answer = fault.answer.map(|answer| answer());
            {
                let mut state = self.state();
                let now = state.now();
                let from = Instant::now();
                state.moments.push(Moment { since: from, is_well: false, ..now });
                state.outages.push(Outage { fault: fault.name, from, to: None });
                if let Some(answer) = &answer {
                    self.idp.serve_at(METADATA, answer.clone());
                    self.idp.serve_at(KEYS, answer.clone());
                }
            }
            if answer.is_none() {
                self.idp.go_down().await;
            }
            sleep(self.schedule.outage_lasts).await;
            {
                let mut state = self.state();
                let now = state.now();
                let to = Instant::now();
                state.moments.push(Moment { since: to, is_well: true, ..now });
                self.serve(&state);
                if answer.is_none() {
                    self.idp.come_back().expect("the same port");
                }
                state.outages.last_mut().expect("there is one").to = Some(to);
            }
            sleep(self.schedule.between).await;
        }
    }

    /// What the server had of `key` between these moments.
    pub fn holding(&self, key: &Key, from: Instant, to: Instant) -> Held {
        let mut state = self.state();
        state.read_requests(&self.idp);
        key.held_by(state.oldest_at(from), state.newest_at(to))
    }

    /// A key that the server has for sure; or, while there is none, that it has if the last document has arrived.
    pub fn signer(&self, random: &mut Random) -> Arc<Key> {
        let mut state = self.state();
        state.read_requests(&self.idp);
        let now = Instant::now();
        let (oldest, newest) = (state.oldest_at(now), state.newest_at(now));
        let held_by = |oldest, newest| -> Vec<_> {
            state.keys.iter().filter(|key| key.held_by(oldest, newest) == Held::Yes).collect()
        };
        let mut held = held_by(oldest, newest);
        if held.is_empty() {
            held = held_by(newest, newest);
        }
        Arc::clone(held[(random.fraction() * held.len() as f64) as usize])
    }

    pub fn newest(&self) -> Arc<Key> {
        Arc::clone(self.state().keys.last().expect("there is a key"))
    }

    /// One of the keys that were withdrawn of late, if any was.
    pub fn withdrawn(&self, random: &mut Random) -> Option<Arc<Key>> {
        let state = self.state();
        let gone: Vec<_> =
            state.keys.iter().rev().filter(|key| key.withdrawn.get().is_some()).take(4).collect();
        gone.get((random.fraction() * gone.len() as f64) as usize).map(|key| Arc::clone(key))
    }

    /// Whether the last refresh of the server may have failed, at any moment between these.
    pub fn may_be_missed(&self, from: Instant, to: Instant) -> bool {
        let mut state = self.state();
        state.read_requests(&self.idp);
        let last = state.outages.iter().rev().find(|outage| outage.from <= to);
        last.is_some_and(|outage| outage.to.is_none_or(|end| !state.has_recovered(end, from)))
    }

    /// Says so if the server has not got a document for longer than it may be without.
    pub fn overdue(&self) -> Option<String> {
        let mut state = self.state();
        state.read_requests(&self.idp);
        let now = Instant::now();
        let oldest = state.oldest_at(now);
        state.settled = state.settled.max(oldest);
        let published = state.moments.iter().find(|moment| moment.version > state.settled)?;
        let (version, since) = (published.version, published.since);
        let due = state.due(since)? + ARRIVAL;
        if now <= due {
            return None;
        }
        state.settled = version;
        Some(format!("version {version} was not fetched in {:.1} s", (now - since).as_secs_f64()))
    }

    pub fn counts(&self) -> Counts {
        let mut state = self.state();
        state.read_requests(&self.idp);
        let good = state.asked.iter().filter(|at| state.is_good(**at)).count();
        Counts { rotations: state.now().version, fetches: state.asked.len(), good_fetches: good }
    }

    /// When it began to have events.
    pub fn started(&self) -> Instant {
        self.state().moments[0].since
    }

    pub fn outages(&self) -> Vec<Outage> {
        self.state().outages.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics here")
    }
}

pub struct Counts {
    pub rotations: usize,
    /// Requests for the keys that arrived.
    pub fetches: usize,
    /// Of those, the ones that had a good answer for certain.
    pub good_fetches: usize,
}

impl State {
    fn now(&self) -> Moment {
        *self.moments.last().expect("there is a first one")
    }

    fn read_requests(&mut self, idp: &Idp) {
        if idp.requests() > self.read {
            let seen = idp.seen();
            self.asked
                .extend(seen[self.read..].iter().filter(|seen| seen.target == KEYS).map(|seen| seen.at));
            self.read = seen.len();
        }
    }

    /// What may have been served to a request of this moment, the newest first.
    fn around(&self, at: Instant) -> impl Iterator<Item = &Moment> {
        let until = |index: usize| self.moments.get(index + 1).map(|next| next.since);
        (0..self.moments.len())
            .rev()
            .skip_while(move |index| self.moments[*index].since > at + DOUBT)
            .take_while(move |index| until(*index).is_none_or(|until| until + DOUBT >= at))
            .map(|index| &self.moments[index])
    }

    /// The server has this version, or a newer one.
    fn oldest_at(&self, from: Instant) -> Version {
        let mut arrived = self.asked.iter().rev().filter(|at| **at + ARRIVAL <= from);
        let certain = arrived.find_map(|at| {
            self.around(*at).map(|moment| moment.is_well.then_some(moment.version)).min().flatten()
        });
        certain.unwrap_or(0)
    }

    /// The server has this version, or an older one.
    fn newest_at(&self, to: Instant) -> Version {
        let mut asked = self.asked.iter().rev().filter(|at| **at <= to);
        let possible = asked.find_map(|at| {
            self.around(*at).filter(|moment| moment.is_well).map(|moment| moment.version).max()
        });
        possible.unwrap_or(0)
    }

    /// Whether it has had a good answer between the end of an outage and this moment, or should have.
    fn has_recovered(&self, end: Instant, by: Instant) -> bool {
        let mut since = self.asked.iter().rev().filter(|at| **at > end && **at + ARRIVAL <= by);
        since.any(|at| self.is_good(*at)) || end + RECOVERY + GRACE < by
    }

    /// Whether a request of this moment had a good answer for certain.
    fn is_good(&self, at: Instant) -> bool {
        self.around(at).all(|moment| moment.is_well)
    }

    /// When the server must have a document of `since`: an unknown key makes it ask, every 30 s at most. Where that meets
    /// an outage, it asks again when that is over. Not known as long as an outage lasts.
    fn due(&self, since: Instant) -> Option<Instant> {
        let mut due = since + REFETCH_COOLDOWN + GRACE;
        for outage in &self.outages {
            if outage.from < due && outage.to.is_none_or(|end| end > since) {
                due = due.max(outage.to? + RECOVERY + GRACE);
            }
        }
        Some(due)
    }
}
