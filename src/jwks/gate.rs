//! Which tokens may cause a fetch, and which fetch a request waits for: pure decisions over the time that they are given.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// The shortest time between two attempts.
pub const REFETCH_COOLDOWN: Duration = Duration::from_secs(30);

/// The longest time between two attempts, reached by doubling while they are fruitless.
pub const MAX_REFETCH_COOLDOWN: Duration = Duration::from_secs(5 * 60);

/// Numbers the fetches of one key set, and decides which tokens with a key that is not in it may cause one.
///
/// Attempts for tokens count, whether they succeed or not; those that change nothing make the next one wait longer.
/// Scheduled fetches are no attempts: a rotation right after start-up heals at once.
///
/// All of it stands behind one lock, so that a request and the task never see two halves of it: the fetch that a request
/// is told to await is one that begins, or began, no earlier than the answer.
#[derive(Debug, Default)]
pub(super) struct RefetchGate {
    /// Fetches are numbered from 1. The last that has begun:
    begun: u64,
    /// The last that has ended; at most one is under way.
    ended: u64,
    /// The last that somebody waits for.
    wanted: u64,
    /// The last that was an attempt for a token.
    attempt: u64,
    attempted_at: Option<Instant>,
    /// Attempts in a row that changed nothing.
    fruitless: u32,
    /// Keys that a good fetch did not bring, by fingerprint, and since when.
    unknown: HashMap<u64, Instant>,
    /// Keys that requests are waiting for, and how many wait for each.
    waiting: HashMap<u64, usize>,
}

/// What a token whose key is not in the set may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Cause the fetch of this number, and await it.
    Refetch(u64),
    /// Await the fetch of this number, which is under way or asked for.
    Join(u64),
    /// Not wait: an attempt was made too recently, or a good fetch did not bring this key.
    Refuse,
}

/// How long a key that a good fetch did not bring is taken as unknown without asking again.
const UNKNOWN_FOR: Duration = Duration::from_secs(5 * 60);

const MAX_UNKNOWN: usize = 1024;

/// How many different keys requests may wait for at a time. Requests for the same key share a place: after a
/// rotation all of them want the new one.
pub(super) const MAX_AWAITED_KEYS: usize = 64;

/// How many requests may wait at a time, whatever for.
pub(super) const MAX_WAITERS: usize = 4096;

impl RefetchGate {
    /// What a token that wants `key` may do now; a [`Answer::Refetch`] has to be followed by waking the task.
    pub(super) fn ask(&mut self, key: u64, now: Instant) -> Answer {
        let answer = self.peek(key, now);
        if let Answer::Refetch(number) = answer {
            self.wanted = number;
            self.attempt = number;
            self.attempted_at = Some(now);
        }
        answer
    }

    /// What [`ask`](Self::ask) would say.
    pub(super) fn peek(&self, key: u64, now: Instant) -> Answer {
        let cooling = self.attempted_at.is_some_and(|last| now.duration_since(last) < self.cooldown());
        if self.is_known_unknown(key, now) {
            Answer::Refuse
        } else if self.begun > self.ended {
            Answer::Join(self.begun)
        } else if self.is_wanted() {
            Answer::Join(self.wanted)
        } else if cooling {
            Answer::Refuse
        } else {
            Answer::Refetch(self.begun.saturating_add(1))
        }
    }

    /// Asks for a fetch that begins from now on, whatever the cooldown says; returns its number.
    pub(super) fn want_next(&mut self) -> u64 {
        self.wanted = self.begun.saturating_add(1);
        self.wanted
    }

    /// Whether a fetch is asked for that has not begun.
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted > self.begun
    }

    /// The number of the last fetch that has begun.
    pub(super) fn begun(&self) -> u64 {
        self.begun
    }

    pub(super) fn begin(&mut self) {
        self.begun = self.begun.saturating_add(1);
    }

    /// The fetch under way has ended and what it brought is stored; returns its number and whether it was an attempt.
    pub(super) fn conclude(&mut self, changed: bool) -> (u64, bool) {
        self.ended = self.begun;
        let was_attempt = self.attempt == self.ended;
        if changed {
            self.fruitless = 0;
            // What was unknown may be there now, or come with the next rotation.
            self.unknown.clear();
        } else if was_attempt {
            self.fruitless = self.fruitless.saturating_add(1);
        }
        (self.ended, was_attempt)
    }

    fn cooldown(&self) -> Duration {
        let doublings = self.fruitless.saturating_sub(1).min(16);
        REFETCH_COOLDOWN.saturating_mul(1 << doublings).min(MAX_REFETCH_COOLDOWN)
    }

    fn is_known_unknown(&self, key: u64, now: Instant) -> bool {
        self.unknown.get(&key).is_some_and(|since| now.duration_since(*since) < UNKNOWN_FOR)
    }

    /// A good fetch did not bring `key`.
    pub(super) fn remember_unknown(&mut self, key: u64, now: Instant) {
        if self.unknown.len() >= MAX_UNKNOWN {
            self.unknown.retain(|_, since| now.duration_since(*since) < UNKNOWN_FOR);
        }
        if self.unknown.len() < MAX_UNKNOWN {
            self.unknown.insert(key, now);
        }
    }

    /// Takes a place among those waiting for `key`; false if there is none left.
    pub(super) fn enter(&mut self, key: u64) -> bool {
        let has_place = self.waiting.contains_key(&key) || self.waiting.len() < MAX_AWAITED_KEYS;
        if self.waiters() >= MAX_WAITERS || !has_place {
            return false;
        }
        let count = self.waiting.entry(key).or_default();
        *count = count.saturating_add(1);
        true
    }

    /// How many requests wait.
    pub(super) fn waiters(&self) -> usize {
        self.waiting.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    pub(super) fn leave(&mut self, key: u64) {
        if let Some(count) = self.waiting.get_mut(&key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.waiting.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn fruitless_attempts_are_ever_rarer_and_a_fruitful_one_resets_that() {
        let mut gate = RefetchGate::default();
        let mut now = Instant::now();
        for (number, gap) in (1..).zip([30, 60, 120, 240, 300, 300]) {
            assert_eq!(gate.ask(1, now), Answer::Refetch(number));
            gate.begin();
            assert_eq!(gate.conclude(false), (number, true));
            now += (gap - 1) * SECOND;
            assert_eq!(gate.ask(1, now), Answer::Refuse, "{gap} s have not passed");
            now += SECOND;
        }
        assert_eq!(gate.ask(1, now), Answer::Refetch(7));
        gate.begin();
        assert_eq!(gate.conclude(true), (7, true));
        assert_eq!(gate.ask(2, now + 29 * SECOND), Answer::Refuse);
        assert_eq!(gate.ask(2, now + 30 * SECOND), Answer::Refetch(8));
    }

    #[tokio::test(start_paused = true)]
    async fn everybody_awaits_the_same_attempt_whether_it_is_asked_for_or_under_way() {
        let mut gate = RefetchGate::default();
        let now = Instant::now();
        assert_eq!(gate.ask(1, now), Answer::Refetch(1));
        assert_eq!(gate.ask(2, now), Answer::Join(1), "asked for");
        gate.begin();
        assert_eq!(gate.ask(3, now), Answer::Join(1), "under way");
        gate.conclude(true);
        assert_eq!(gate.ask(4, now), Answer::Refuse, "over");
    }

    #[tokio::test(start_paused = true)]
    async fn a_fetch_that_is_asked_for_while_one_is_under_way_is_the_next_one() {
        let mut gate = RefetchGate::default();
        gate.begin();
        assert_eq!(gate.want_next(), 2);
        gate.conclude(false);
        assert!(gate.is_wanted());
        gate.begin();
        assert!(!gate.is_wanted(), "it serves everybody who asked");
    }

    #[tokio::test(start_paused = true)]
    async fn a_scheduled_fetch_is_no_attempt() {
        let mut gate = RefetchGate::default();
        gate.begin();
        assert_eq!(gate.conclude(false), (1, false));
        assert_eq!(gate.ask(1, Instant::now()), Answer::Refetch(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_scheduled_fetch_that_brings_other_keys_ends_a_row_of_fruitless_attempts() {
        let mut gate = RefetchGate::default();
        let mut now = Instant::now();
        for _ in 0..6 {
            gate.ask(1, now);
            gate.begin();
            gate.conclude(false);
            now += MAX_REFETCH_COOLDOWN;
        }
        gate.ask(1, now);
        gate.begin();
        gate.conclude(false);
        gate.begin();
        gate.conclude(true);
        assert_eq!(gate.ask(1, now + 29 * SECOND), Answer::Refuse);
        assert_eq!(gate.ask(1, now + 30 * SECOND), Answer::Refetch(9));
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_a_good_fetch_did_not_bring_is_unknown_for_five_minutes() {
        let mut gate = RefetchGate::default();
        let now = Instant::now();
        gate.remember_unknown(1, now);
        assert_eq!(gate.ask(1, now + 299 * SECOND), Answer::Refuse);
        assert_eq!(gate.peek(1, now + 300 * SECOND), Answer::Refetch(1));
        assert_eq!(gate.ask(2, now), Answer::Refetch(1), "another key may ask");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded() {
        let mut gate = RefetchGate::default();
        let now = Instant::now();
        for key in 0..10_000 {
            gate.remember_unknown(key, now);
        }
        assert_eq!(gate.unknown.len(), MAX_UNKNOWN);
        gate.remember_unknown(10_000, now + UNKNOWN_FOR);
        assert_eq!(gate.unknown.len(), 1, "old ones make place");
    }

    #[test]
    fn different_keys_share_64_places_and_the_same_key_one() {
        let mut gate = RefetchGate::default();
        for key in 0..64 {
            assert!(gate.enter(key));
        }
        assert!(!gate.enter(64));
        assert!(gate.enter(63));
        gate.leave(0);
        assert!(gate.enter(64));
    }
}
