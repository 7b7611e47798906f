use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
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
    entries: Option<Entries>,
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
        Self { capacity, entries }
    }

    /// One as large, with nothing in it.
    pub(super) fn emptied(&self) -> Self {
        Self::new(self.capacity)
    }

    pub(super) fn get(&self, text: &[u8], generation: u64, now: NumericDate) -> Option<Arc<Verified>> {
        if text.len() > MAX_CACHED_TOKEN_BYTES {
            return None;
        }
        let entry = self.entries.as_ref()?.get(&Text(text))?;
        // A clock that was set back makes an entry look younger than it is.
        let counts =
            entry.generation == generation && now >= entry.since && now.since(entry.since) < MAX_CACHED_AGE;
        counts.then_some(entry.verified)
    }

    pub(super) fn insert(&self, text: &[u8], generation: u64, since: NumericDate, verified: Arc<Verified>) {
        if let Some(entries) = &self.entries
            && text.len() <= MAX_CACHED_TOKEN_BYTES
        {
            entries.insert(Text(text.into()), Entry { generation, since, verified });
        }
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
