//! When to fetch: pure decisions over the time and a random number that they are given.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// How often a key set is fetched when all is well: once an hour, less or more a tenth so that replicas spread.
pub const REFRESH_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// The shortest interval that a provider's `Cache-Control: max-age` can ask for.
pub const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(60);

/// The longest pause between two tries while the provider fails.
pub const MAX_BACKOFF: Duration = Duration::from_secs(60);

const FIRST_BACKOFF: Duration = Duration::from_secs(1);

/// Keeps "full jitter" from meaning "at once".
const MIN_BACKOFF: Duration = Duration::from_millis(50);

/// The pause after a good refresh; `random` is uniform in 0..1.
pub(super) fn after_success(interval: Duration, max_age: Option<Duration>, random: f64) -> Duration {
    let interval = match max_age {
        Some(max_age) => max_age.min(interval),
        None => interval,
    };
    interval.mul_f64(0.9 + 0.2 * random).max(MIN_REFRESH_INTERVAL)
}

/// The pause after the `failures`th failure in a row: exponential, capped, with full jitter.
pub(super) fn after_failure(failures: u32, random: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let longest = FIRST_BACKOFF.saturating_mul(1 << doublings).min(MAX_BACKOFF);
    longest.mul_f64(random).max(MIN_BACKOFF)
}

/// The pause after a failed fetch that a token asked for, while all had been well: 5 to 10 s.
///
/// It is longer than the first pause of a series, so that the tokens of a moment cost one fetch whether the provider is
/// up or down, and short enough for a provider that stumbled in the middle of a rotation.
pub(super) fn after_failed_refetch(random: f64) -> Duration {
    Duration::from_secs(5).mul_f64(1.0 + random)
}

/// Decides which tokens with a key that is not in the set may cause a fetch.
///
/// Attempts count, whether they succeed or not; those that change nothing make the next one wait longer. Scheduled
/// fetches are no attempts: a rotation right after start-up heals at once.
#[derive(Debug)]
pub(super) struct RefetchGate {
    /// Attempts in a row that changed nothing.
    fruitless: u32,
    last_attempt: Option<Instant>,
    /// Asked for and not yet begun or concluded.
    attempt: Attempt,
    /// Keys that a good fetch did not bring, by fingerprint, and since when.
    unknown: HashMap<u64, Instant>,
    /// Keys that requests are waiting for, and how many wait for each.
    waiting: HashMap<u64, usize>,
}

/// The answer of [`RefetchGate::ask`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Cause a fetch and wait for it.
    Refetch,
    /// Wait for the attempt that somebody else has asked for.
    Join,
    /// Do not wait: an attempt was made too recently, or a good fetch did not bring this key.
    Refuse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    None,
    Asked,
    Begun,
}

/// The shortest time between two attempts.
pub const REFETCH_COOLDOWN: Duration = Duration::from_secs(30);

/// The longest time between two attempts, reached by doubling while they are fruitless.
pub const MAX_REFETCH_COOLDOWN: Duration = Duration::from_secs(5 * 60);

/// How long a key that a good fetch did not bring is taken as unknown without asking again.
const UNKNOWN_FOR: Duration = Duration::from_secs(5 * 60);

const MAX_UNKNOWN: usize = 1024;

/// How many different keys requests may wait for at a time. Requests for the same key share a place: after a
/// rotation all of them want the new one.
pub(super) const MAX_AWAITED_KEYS: usize = 64;

/// How many requests may wait at a time, whatever for.
const MAX_WAITERS: usize = 4096;

impl RefetchGate {
    pub(super) fn new() -> Self {
        Self {
            fruitless: 0,
            last_attempt: None,
            attempt: Attempt::None,
            unknown: HashMap::new(),
            waiting: HashMap::new(),
        }
    }

    /// What a token that wants `key` may do now; [`Verdict::Refetch`] is the attempt, and has to be made.
    pub(super) fn ask(&mut self, key: u64, now: Instant) -> Verdict {
        let verdict = self.peek(key, now);
        if verdict == Verdict::Refetch {
            self.last_attempt = Some(now);
            self.attempt = Attempt::Asked;
        }
        verdict
    }

    /// What [`ask`](Self::ask) would say.
    pub(super) fn peek(&self, key: u64, now: Instant) -> Verdict {
        if self.is_known_unknown(key, now) {
            return Verdict::Refuse;
        }
        if self.attempt != Attempt::None {
            return Verdict::Join;
        }
        if self.last_attempt.is_some_and(|last| now.duration_since(last) < self.cooldown()) {
            return Verdict::Refuse;
        }
        Verdict::Refetch
    }

    /// A fetch begins: it serves the attempt, if one was asked for.
    pub(super) fn begin(&mut self) {
        if self.attempt == Attempt::Asked {
            self.attempt = Attempt::Begun;
        }
    }

    /// The fetch ended; returns whether it was an attempt.
    pub(super) fn conclude(&mut self, fruitful: bool) -> bool {
        if self.attempt != Attempt::Begun {
            return false;
        }
        self.attempt = Attempt::None;
        self.fruitless = if fruitful { 0 } else { self.fruitless.saturating_add(1) };
        true
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

    /// The keys changed: what was unknown may be there now, or come with the next rotation.
    pub(super) fn forget_unknown(&mut self) {
        self.unknown.clear();
    }

    /// Takes a place among those waiting for `key`; false if there is none left.
    pub(super) fn enter(&mut self, key: u64) -> bool {
        let waiters = self.waiting.values().fold(0_usize, |sum, count| sum.saturating_add(*count));
        let has_place = self.waiting.contains_key(&key) || self.waiting.len() < MAX_AWAITED_KEYS;
        if waiters >= MAX_WAITERS || !has_place {
            return false;
        }
        let count = self.waiting.entry(key).or_default();
        *count = count.saturating_add(1);
        true
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

    const HOUR: Duration = REFRESH_INTERVAL;
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_good_refresh_is_repeated_hourly_give_or_take_a_tenth() {
        assert_eq!(after_success(HOUR, None, 0.0), HOUR.mul_f64(0.9));
        assert_eq!(after_success(HOUR, None, 0.5), HOUR);
        assert!(after_success(HOUR, None, 0.999_999) < HOUR.mul_f64(1.1));
    }

    #[test]
    fn max_age_shortens_the_interval_down_to_a_minute_and_never_lengthens_it() {
        let interval = |seconds| after_success(HOUR, Some(Duration::from_secs(seconds)), 0.5);
        assert_eq!(interval(300), Duration::from_secs(300));
        assert_eq!(interval(0), MIN_REFRESH_INTERVAL);
        assert_eq!(interval(86_400), HOUR);
    }

    #[test]
    fn failures_back_off_exponentially_up_to_a_minute() {
        for (failures, longest) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (40, 60), (u32::MAX, 60)] {
            assert_eq!(after_failure(failures, 1.0), Duration::from_secs(longest), "{failures}");
            assert_eq!(after_failure(failures, 0.0), MIN_BACKOFF, "{failures}");
        }
    }

    #[test]
    fn a_failed_refetch_is_repeated_in_five_to_ten_seconds() {
        assert_eq!(after_failed_refetch(0.0), 5 * SECOND);
        assert_eq!(after_failed_refetch(1.0), 10 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn fruitless_attempts_are_ever_rarer_and_a_fruitful_one_resets_that() {
        let mut gate = RefetchGate::new();
        let mut now = Instant::now();
        let attempt = |gate: &mut RefetchGate, now| {
            assert_eq!(gate.ask(1, now), Verdict::Refetch);
            gate.begin();
            assert!(gate.conclude(false));
        };
        for gap in [30, 60, 120, 240, 300, 300] {
            attempt(&mut gate, now);
            now += (gap - 1) * SECOND;
            assert_eq!(gate.ask(1, now), Verdict::Refuse, "{gap} s have not passed");
            now += SECOND;
        }
        assert_eq!(gate.ask(1, now), Verdict::Refetch);
        assert_eq!(gate.ask(2, now), Verdict::Join, "asked for already");
        gate.begin();
        assert_eq!(gate.ask(2, now), Verdict::Join, "under way");
        assert!(gate.conclude(true));
        assert_eq!(gate.ask(2, now + 29 * SECOND), Verdict::Refuse);
        assert_eq!(gate.ask(2, now + 30 * SECOND), Verdict::Refetch);
    }

    #[tokio::test(start_paused = true)]
    async fn a_scheduled_fetch_is_no_attempt() {
        let mut gate = RefetchGate::new();
        gate.begin();
        assert!(!gate.conclude(false));
        assert_eq!(gate.ask(1, Instant::now()), Verdict::Refetch);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_a_good_fetch_did_not_bring_is_unknown_for_five_minutes() {
        let mut gate = RefetchGate::new();
        let now = Instant::now();
        gate.remember_unknown(1, now);
        assert_eq!(gate.ask(1, now + UNKNOWN_FOR - SECOND), Verdict::Refuse);
        assert_eq!(gate.ask(1, now + UNKNOWN_FOR), Verdict::Refetch);
        assert_eq!(gate.ask(2, now), Verdict::Join, "another key may ask");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded() {
        let mut gate = RefetchGate::new();
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
        let mut gate = RefetchGate::new();
        for key in 0..64 {
            assert!(gate.enter(key));
        }
        assert!(!gate.enter(64));
        assert!(gate.enter(63));
        gate.leave(0);
        assert!(gate.enter(64));
    }
}
