use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use quick_cache::Equivalent;
use quick_cache::sync::Cache;

use super::verified::Verified;
use crate::token::NumericDate;

/// How long an accepted token is remembered.
pub const MAX_CACHED_AGE: Duration = Duration::from_secs(5 * 60);

/// Longer tokens are verified every time, which bounds the memory of a full cache.
pub const MAX_CACHED_TOKEN_BYTES: usize = 4 * 1024;

/// How many tokens are remembered by default.
const DEFAULT_CAPACITY: usize = 1024;

/// The tokens that one verifier has accepted, by their whole text.
///
/// It can only repeat a yes: an entry counts for the key-set generation that it was made under, refused tokens never
/// enter, and time is judged by the caller on every hit.
pub(super) struct TokenCache {
    capacity: usize,
    /// None if it has no room at all.
    entries: Option<Entries>,
    newcomers: Newcomers,
}

/// What is remembered of a text.
pub(super) enum Memory {
    /// It was accepted, under this generation and not long ago.
    Accepted(Arc<Verified>),
    /// It was accepted, which counts no longer.
    Outdated,
    Nothing,
}

type Entries = Cache<Text<Box<[u8]>>, Entry, quick_cache::UnitWeighter, foldhash::fast::RandomState>;

#[derive(Clone)]
struct Entry {
    generation: u64,
    since: NumericDate,
    verified: Arc<Verified>,
}

/// The text of a token, compared as a whole and hashed by its end: that is the end of a signature, which differs from
/// token to token, and which nobody chooses but those who sign.
#[derive(PartialEq, Eq)]
struct Text<T>(T);

/// As many characters as say more than any hash keeps of them.
const HASHED_BYTES: usize = 32;

impl<T: AsRef<[u8]>> Hash for Text<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let text = self.0.as_ref();
        state.write(text.last_chunk::<HASHED_BYTES>().map_or(text, |end| end));
    }
}

impl Equivalent<Text<Box<[u8]>>> for Text<&[u8]> {
    fn equivalent(&self, other: &Text<Box<[u8]>>) -> bool {
        *self.0 == *other.0
    }
}

impl Default for TokenCache {
    fn default() -> Self {
        Self::new(DEFAULT_CAPACITY)
    }
}

impl TokenCache {
    pub(super) fn new(capacity: usize) -> Self {
        let entries = (capacity > 0).then(|| {
            Cache::with(
                capacity,
                u64::try_from(capacity).unwrap_or(u64::MAX),
                quick_cache::UnitWeighter,
                foldhash::fast::RandomState::default(),
                quick_cache::sync::DefaultLifecycle::default(),
            )
        });
        Self { capacity, entries, newcomers: Newcomers::of(capacity) }
    }

    /// One as large, with nothing in it.
    pub(super) fn emptied(&self) -> Self {
        Self::new(self.capacity)
    }

    pub(super) fn get(&self, text: &[u8], generation: u64, now: NumericDate) -> Memory {
        let entries = self.entries.as_ref().filter(|_| text.len() <= MAX_CACHED_TOKEN_BYTES);
        let Some(entry) = entries.and_then(|entries| entries.get(&Text(text))) else {
            return Memory::Nothing;
        };
        // A clock that was set back makes an entry look younger than it is.
        let counts =
            entry.generation == generation && now >= entry.since && now.since(entry.since) < MAX_CACHED_AGE;
        if counts { Memory::Accepted(entry.verified) } else { Memory::Outdated }
    }

    /// Remembers that `text` was accepted; `memory` is what was remembered of it before.
    ///
    /// A token that was never remembered has to come twice if it would drive another out: those that come once, of which
    /// there may be any number, drive out nobody and cost next to nothing.
    pub(super) fn insert(
        &self,
        text: &[u8],
        memory: &Memory,
        generation: u64,
        since: NumericDate,
        verified: Arc<Verified>,
    ) {
        if let Some(entries) = &self.entries
            && text.len() <= MAX_CACHED_TOKEN_BYTES
            && (matches!(memory, Memory::Outdated) || self.newcomers.admit(text))
        {
            entries.insert(Text(text.into()), Entry { generation, since, verified });
        }
    }
}

/// Who has been here once. It says nothing of whether a token is good.
struct Newcomers {
    hasher: foldhash::fast::RandomState,
    /// How many can still be admitted at once, as nobody is driven out by them.
    places: AtomicUsize,
    /// The hashes of those that came last, each in the one place that is its own.
    seen: Box<[AtomicU64]>,
}

/// Half a mebibyte of hashes, for the largest caches.
const MAX_SEEN: usize = 1 << 16;

impl Newcomers {
    fn of(capacity: usize) -> Self {
        let seen = capacity.saturating_mul(4).min(MAX_SEEN);
        let seen = (0..seen).map(|_| AtomicU64::new(0)).collect();
        Self { hasher: foldhash::fast::RandomState::default(), places: AtomicUsize::new(capacity), seen }
    }

    /// Whether there is a place, or it has come before and nobody since that shares its place here.
    fn admit(&self, text: &[u8]) -> bool {
        // A few too many or too few make no difference: they are bounded by the cache itself.
        if let Some(left) = self.places.load(Ordering::Relaxed).checked_sub(1) {
            self.places.store(left, Ordering::Relaxed);
            return true;
        }
        let hash = self.hasher.hash_one(Text(text));
        let place = usize::try_from(hash).unwrap_or_default().checked_rem(self.seen.len());
        let place = place.and_then(|place| self.seen.get(place));
        place.is_some_and(|place| place.swap(hash, Ordering::Relaxed) == hash)
    }
}

impl fmt::Display for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.capacity {
            0 => f.write_str("no token cache"),
            capacity => write!(f, "up to {capacity} accepted tokens cached for {MAX_CACHED_AGE:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_is_admitted_while_there_is_room_and_at_the_second_coming_afterwards() {
        let newcomers = Newcomers::of(3);
        for first in [b"a", b"b", b"c"] {
            assert!(newcomers.admit(first), "there is room");
        }
        assert_eq!([newcomers.admit(b"d"), newcomers.admit(b"d")], [false, true]);
        // Texts are told apart by their ends.
        let (one, other) =
            ([b"x".repeat(9), b"1".repeat(40)].concat(), [b"x".repeat(9), b"2".repeat(40)].concat());
        assert_eq!([newcomers.admit(&one), newcomers.admit(&one)], [false, true]);
        assert!(!newcomers.admit(&other), "another");
        assert!(!Newcomers::of(0).admit(b"a"), "there is no room at all");
    }

    #[test]
    fn what_is_kept_of_newcomers_is_bounded() {
        assert_eq!(Newcomers::of(1024).seen.len(), 4096);
        assert_eq!(Newcomers::of(1 << 40).seen.len(), MAX_SEEN);
    }
}
