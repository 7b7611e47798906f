//! Which fetches there may be, and when there must be one.

use std::time::Duration;

use tokio::time::Instant;

use crate::contract::{
    BACKOFF_AFTER_ATTEMPT, FETCH_TIMEOUT, LEAST_BACKOFF, MAX_BACKOFF, MAX_REFETCH_COOLDOWN,
    MIN_REFRESH_INTERVAL, REFETCH_COOLDOWN, REFRESH_INTERVAL,
};
use crate::history::{Fetched, Said};
use crate::rule::{Rule, Violation};

/// Judges each fetch by what has come before it.
///
/// When exactly one is due is random, and why there was one shows in nothing but its time. So all explanations are followed
/// that there can be; once none is left, the last fetch was one too many.
pub struct Budget {
    explanations: Vec<Explanation>,
    before: Option<Before>,
    /// Of the failures in a row: when the first began, and how many there are.
    series: Option<(Instant, u32)>,
}

/// What the layer may be up to.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Explanation {
    /// The next fetch on schedule comes no sooner.
    due: Instant,
    /// The last attempt for a token.
    attempt: Option<Instant>,
    /// Attempts in a row that changed nothing.
    fruitless: u32,
}

#[derive(Clone, Copy)]
struct Before {
    asked: Instant,
    ended: Instant,
    failed: bool,
    document: Option<usize>,
    max_age: Option<u64>,
}

/// Why a fetch may be made.
#[derive(Clone, Copy, PartialEq)]
enum Why {
    Scheduled,
    Attempt,
    ByHand,
}

/// What happened meanwhile that a fetch may be for.
pub struct Asking<'a> {
    /// From when until when each caller asked whose key was not there.
    pub callers: &'a [(Instant, Instant)],
    /// When somebody asked for a refresh.
    pub by_hand: &'a [Instant],
    /// How much later than it should something may happen.
    pub tolerance: Duration,
}

impl Budget {
    pub fn new() -> Self {
        let first = Explanation { due: Instant::now(), attempt: None, fruitless: 0 };
        Self { explanations: vec![first], before: None, series: None }
    }

    /// One more fetch, that has ended.
    pub fn spend(&mut self, fetch: &Fetched, asking: &Asking<'_>) -> Result<(), Violation> {
        let Some(ended) = fetch.ended else { return Ok(()) };
        self.check_overdue(fetch.asked, asking.tolerance)?;
        let before = self.before;
        if before.is_some_and(|before| fetch.asked + asking.tolerance < before.ended) {
            return Violation::of(Rule::FetchesAreWithinBudget, "two fetches at a time");
        }
        let (document, max_age, failed) = match ended.said {
            Said::Keys { document, max_age } => (Some(document), max_age, false),
            Said::Unchanged => (before.and_then(|before| before.document), None, false),
            Said::Nothing => (before.and_then(|before| before.document), None, true),
        };
        let changed = document != before.and_then(|before| before.document);
        let after = Before { asked: fetch.asked, ended: ended.at, failed, document, max_age };
        let explained: Vec<_> = self
            .explanations
            .iter()
            .flat_map(|explanation| {
                self.reasons(explanation, fetch.asked, asking)
                    .map(|why| explanation.after(why, before, &after, changed))
            })
            .collect();
        if explained.is_empty() {
            let since = before.map(|before| fetch.asked - before.ended);
            let may: Vec<_> = self.explanations.iter().map(|may| may.seen_from(fetch.asked)).collect();
            let says = format!("a fetch {since:?} after the one before, where {}", may.join(", or "));
            return Violation::of(Rule::FetchesAreWithinBudget, says);
        }
        self.explanations = the_most_permissive(explained);
        self.before = Some(after);
        self.count_failures(fetch.asked, failed)
    }

    fn reasons(
        &self,
        explanation: &Explanation,
        asked: Instant,
        asking: &Asking<'_>,
    ) -> impl Iterator<Item = Why> {
        let latest = asked + asking.tolerance;
        let is_scheduled = latest >= explanation.due;
        let somebody_asks =
            asking.callers.iter().any(|(from, to)| *from <= latest && asked <= *to + asking.tolerance);
        let gate_is_open = explanation.attempt.is_none_or(|last| latest >= last + explanation.cooldown());
        let before = self.before.map(|before| before.asked);
        let by_hand = asking.by_hand.iter().any(|by_hand| {
            *by_hand <= latest && before.is_none_or(|before| *by_hand + asking.tolerance >= before)
        });
        [
            is_scheduled.then_some(Why::Scheduled),
            (somebody_asks && gate_is_open).then_some(Why::Attempt),
            by_hand.then_some(Why::ByHand),
        ]
        .into_iter()
        .flatten()
    }

    /// Nobody comes later than promised: neither a fetch, nor the end of one.
    pub fn check_overdue(&self, now: Instant, tolerance: Duration) -> Result<(), Violation> {
        let Some(before) = self.before else { return Ok(()) };
        let longest = if before.failed { MAX_BACKOFF } else { interval(before.max_age).mul_f64(1.1) };
        let pause = now - before.ended;
        if pause > longest + tolerance {
            return Violation::of(
                Rule::FetchesAreInTime,
                format!("no fetch for {pause:?}, {longest:?} at most"),
            );
        }
        Ok(())
    }

    pub fn check_under_way(asked: Instant, now: Instant, tolerance: Duration) -> Result<(), Violation> {
        let takes = now - asked;
        if takes > FETCH_TIMEOUT + tolerance {
            return Violation::of(Rule::FetchesAreInTime, format!("a fetch that takes {takes:?}"));
        }
        Ok(())
    }

    /// Random pauses may be short, and not all of them: this bound is crossed by chance in one of 10⁹ series.
    fn count_failures(&mut self, asked: Instant, failed: bool) -> Result<(), Violation> {
        let (since, failures) = self.series.unwrap_or((asked, 0));
        self.series = failed.then_some((since, failures + 1));
        let expected = (asked - since).as_secs_f64() / MAX_BACKOFF.as_secs_f64() * 2.0;
        // Attempts for tokens come on top.
        let attempts = (asked - since).as_secs_f64() / REFETCH_COOLDOWN.as_secs_f64();
        let most = 20.0 + expected + 8.0 * expected.sqrt() + attempts;
        if f64::from(failures) > most {
            let says = format!("{failures} failures in a row within {:?}", asked - since);
            return Violation::of(Rule::FetchesAreWithinBudget, says);
        }
        Ok(())
    }
}

impl Explanation {
    /// In words.
    fn seen_from(&self, now: Instant) -> String {
        let due = self.due.saturating_duration_since(now);
        let attempt = self.attempt.map(|attempt| now - attempt);
        format!(
            "one is due in {due:?} and the last attempt was {attempt:?} ago, {} fruitless",
            self.fruitless
        )
    }

    fn cooldown(&self) -> Duration {
        cooldown(self.fruitless)
    }

    fn after(self, why: Why, before: Option<Before>, after: &Before, changed: bool) -> Self {
        let failed_before = before.is_some_and(|before| before.failed);
        let is_first = before.is_none_or(|before| before.document.is_none());
        let due = match (after.failed, why) {
            (true, Why::Attempt) if failed_before => self.due.min(after.ended + BACKOFF_AFTER_ATTEMPT),
            (true, Why::Attempt) => after.ended + BACKOFF_AFTER_ATTEMPT,
            (true, _) => after.ended + LEAST_BACKOFF,
            (false, _) if is_first || failed_before => after.ended + least_pause(0.2, after.max_age),
            (false, Why::Scheduled) => after.ended + least_pause(0.9, after.max_age),
            (false, _) => self.due.min(after.ended + least_pause(0.9, after.max_age)),
        };
        let is_attempt = why == Why::Attempt;
        Self {
            due,
            attempt: if is_attempt { Some(after.asked) } else { self.attempt },
            fruitless: if changed { 0 } else { self.fruitless + u32::from(is_attempt) },
        }
    }

    /// Whether it explains whatever `other` does.
    fn permits_all_of(&self, other: &Self) -> bool {
        self.due <= other.due
            && self.attempt <= other.attempt
            && (self.attempt.is_none() || self.fruitless <= other.fruitless)
    }
}

fn the_most_permissive(explanations: Vec<Explanation>) -> Vec<Explanation> {
    let mut kept: Vec<Explanation> = Vec::new();
    for explanation in explanations {
        if !kept.iter().any(|other| other.permits_all_of(&explanation)) {
            kept.retain(|other| !explanation.permits_all_of(other));
            kept.push(explanation);
        }
    }
    kept
}

/// How long after an attempt there is no other, after so many that changed nothing.
pub fn cooldown(fruitless: u32) -> Duration {
    let doublings = fruitless.saturating_sub(1).min(10);
    (REFETCH_COOLDOWN * (1 << doublings)).min(MAX_REFETCH_COOLDOWN)
}

fn interval(max_age: Option<u64>) -> Duration {
    let asked_for = max_age.map_or(REFRESH_INTERVAL, Duration::from_secs);
    asked_for.clamp(MIN_REFRESH_INTERVAL, REFRESH_INTERVAL)
}

fn least_pause(part: f64, max_age: Option<u64>) -> Duration {
    interval(max_age).mul_f64(part).max(MIN_REFRESH_INTERVAL)
}
