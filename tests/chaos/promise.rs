//! When a key that is not held must be fetched for who brings a token of it.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;
use tower_jwt_auth::error::AuthErrorKind;

use crate::budget::cooldown;
use crate::callers::Caller;
use crate::contract::{EXPIRED_AFTER, MOST_AWAITED_KEYS, REUSED_KID_AGE, UNKNOWN_FOR};
use crate::history::{Fetched, History};
use crate::oracle::Fate;
use crate::provider::Provider;

/// Who has asked for keys that were not held: each may have caused an attempt, and be in the way of the next.
#[derive(Default)]
pub struct Promise {
    asked: BTreeMap<usize, Asked>,
}

/// From when until when somebody asked, and for which key.
pub struct Asked {
    pub kid: String,
    pub from: Instant,
    pub to: Instant,
}

/// What else matters.
pub struct Circumstances<'a> {
    pub history: &'a History,
    pub provider: &'a Provider,
    pub fetches: &'a [Fetched],
    pub tolerance: Duration,
}

impl Promise {
    /// The caller of this number has asked, and may do so still.
    pub fn note(&mut self, number: usize, asked: Asked) {
        self.asked.insert(number, asked);
    }

    /// Whether a good token of a key that is not held had to be let in all the same.
    ///
    /// The bound: its key has been published, and the provider has told the truth within 0.9 s, since a moment before it
    /// came. Nobody asked in vain before that moment so shortly that the gate was still shut: within the cooldown, 30 s to 5 min,
    /// or for the same kid within 5 min. And a kid that was given to a new key is found out once the set is a minute old.
    pub fn is_due(
        &self,
        number: usize,
        caller: &Caller,
        came: Instant,
        first: &[Fate],
        all: &Circumstances<'_>,
    ) -> bool {
        let key = caller.token.key.as_ref();
        let published = key.and_then(|key| all.provider.publishes(key));
        let (Some(published), Some(truthful)) = (published, all.provider.truthful_since()) else {
            return false;
        };
        let since = published.max(truthful);
        let is_kept_out = self.is_shut(number, caller, came, since, all)
            || self.is_crowded(number, came)
            || is_busy(all.fetches, came, since)
            || !may_be_asked_for(all, came, first);
        since + all.tolerance < came && !is_kept_out
    }

    /// Whether the gate may be.
    fn is_shut(
        &self,
        number: usize,
        caller: &Caller,
        came: Instant,
        since: Instant,
        all: &Circumstances<'_>,
    ) -> bool {
        let cooldown = cooldown(all.history.unchanged_at(came));
        // An attempt from then on would have brought the key. One for somebody who came before may have been made until then.
        let cooling = |asked: &Asked| asked.from <= since && came < asked.to.min(since) + cooldown;
        let is_unknown = |asked: &Asked| {
            asked.kid == caller.token.kid && asked.from < came && came < asked.to + UNKNOWN_FOR
        };
        self.others(number).any(|asked| cooling(asked) || is_unknown(asked))
    }

    /// Whether the waiting room may be full.
    fn is_crowded(&self, number: usize, came: Instant) -> bool {
        let there = |asked: &&Asked| asked.from <= came && came <= asked.to;
        let kids: HashSet<_> = self.others(number).filter(there).map(|asked| &asked.kid).collect();
        kids.len() >= MOST_AWAITED_KEYS - 1
    }

    fn others(&self, number: usize) -> impl Iterator<Item = &Asked> {
        self.asked.iter().filter(move |(other, _)| **other != number).map(|(_, asked)| asked)
    }
}

/// Whether a fetch was under way that could not bring it, or one of its time failed.
fn is_busy(fetches: &[Fetched], came: Instant, since: Instant) -> bool {
    let under_way =
        |fetch: &&Fetched| fetch.asked <= since && fetch.ended.is_none_or(|ended| came <= ended.at);
    fetches.iter().rev().take(50).any(|fetch| under_way(&fetch))
}

/// Whether the set is neither missing nor too old to be used, and old enough to be doubted where it has another key of the
/// name.
fn may_be_asked_for(all: &Circumstances<'_>, came: Instant, first: &[Fate]) -> bool {
    let is_reused = first.contains(&Fate::Refused(AuthErrorKind::SignatureInvalid));
    let least = if is_reused { REUSED_KID_AGE } else { Duration::ZERO };
    all.history.at(came).all(|view| {
        let age = view.good_at.map(|then| came.saturating_duration_since(then));
        age.is_some_and(|age| (least..EXPIRED_AFTER).contains(&age))
    })
}
