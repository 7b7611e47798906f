use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::SystemTime;

use tokio::time::Instant;

use super::{Mark, ReplayStore, StoreError, StoreFuture, TokenId};
use crate::clock::{Clock, SystemClock};
use crate::sync::Mutex;

/// How many tokens a [`MemoryReplayStore`] remembers: some 25 MB.
pub const MAX_REMEMBERED: usize = 100_000;

/// A [`ReplayStore`] in the memory of one process, which forgets everything when that ends.
///
/// It holds up to [`MAX_REMEMBERED`] tokens until 15 minutes after their `exp`, when they are refused whatever the leeway; when
/// it is full, others are refused, none is forgotten.
pub struct MemoryReplayStore {
    most: usize,
    clock: Arc<dyn Clock>,
    remembered: Mutex<Remembered>,
}

#[derive(Default)]
struct Remembered {
    entries: HashMap<TokenId, Entry, foldhash::fast::RandomState>,
    by_end: BTreeSet<(Instant, TokenId)>,
}

/// Both ends have to be reached, so that a wall clock that is set forwards or backwards revives no token.
#[derive(Debug, Clone, Copy)]
struct Entry {
    mark: Mark,
    until: SystemTime,
    end: Instant,
}

impl Entry {
    fn is_over(&self, now: SystemTime) -> bool {
        now >= self.until && Instant::now() >= self.end
    }
}

impl MemoryReplayStore {
    /// One with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self { most: MAX_REMEMBERED, clock: Arc::new(SystemClock), remembered: Mutex::default() }
    }

    /// Remembers up to `tokens` instead, and twice as many if the others were revoked.
    #[must_use]
    pub fn with_capacity(mut self, tokens: usize) -> Self {
        self.most = tokens;
        self
    }

    /// Judges by `clock` instead of the machine's.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    pub(crate) fn with_shared_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    fn change<T>(&self, change: impl FnOnce(&mut Remembered, SystemTime) -> T) -> T {
        let now = self.clock.now();
        // Nothing in there panics.
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.forget_what_is_over(now);
        change(&mut remembered, now)
    }
}

impl Remembered {
    fn forget_what_is_over(&mut self, now: SystemTime) {
        while let Some(first) = self.by_end.first().copied() {
            if self.entries.get(&first.1).is_some_and(|entry| !entry.is_over(now)) {
                return;
            }
            self.by_end.remove(&first);
            self.entries.remove(&first.1);
        }
    }

    fn put(&mut self, id: TokenId, mark: Mark, until: SystemTime, now: SystemTime) {
        let left = until.duration_since(now).unwrap_or_default();
        let started = Instant::now();
        let end = started.checked_add(left).unwrap_or(started);
        if let Some(old) = self.entries.insert(id, Entry { mark, until, end }) {
            self.by_end.remove(&(old.end, id));
        }
        self.by_end.insert((end, id));
    }
}

impl ReplayStore for MemoryReplayStore {
    fn insert(&self, id: TokenId, mark: Mark, until: SystemTime) -> StoreFuture<'_, Option<Mark>> {
        let outcome = self.change(|remembered, now| match remembered.entries.get(&id) {
            Some(entry) => Ok(Some(entry.mark)),
            None if remembered.entries.len() >= self.most => Err(StoreError::Full),
            None => {
                remembered.put(id, mark, until, now);
                Ok(None)
            }
        });
        Box::pin(std::future::ready(outcome))
    }

    fn find(&self, id: TokenId) -> StoreFuture<'_, Option<Mark>> {
        let found = self.change(|remembered, _| remembered.entries.get(&id).map(|entry| entry.mark));
        Box::pin(std::future::ready(Ok(found)))
    }

    fn deny(&self, id: TokenId, until: SystemTime) -> StoreFuture<'_, ()> {
        let outcome = self.change(|remembered, now| {
            let until = match remembered.entries.get(&id) {
                Some(entry) => entry.until.max(until),
                // Those who use tokens must not be able to keep one from being revoked by filling it up.
                None if remembered.entries.len() >= self.most.saturating_mul(2) => {
                    return Err(StoreError::Full);
                }
                None => until,
            };
            remembered.put(id, Mark::Revoked, until, now);
            Ok(())
        });
        Box::pin(std::future::ready(outcome))
    }
}

impl Default for MemoryReplayStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryReplayStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let remembered = self.change(|remembered, _| remembered.entries.len());
        f.debug_struct("MemoryReplayStore")
            .field("remembered", &remembered)
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::FixedClock;

    const HOUR: Duration = Duration::from_secs(3600);

    fn id(name: &str) -> TokenId {
        TokenId::new("https://issuer.example", name)
    }

    fn store() -> (MemoryReplayStore, FixedClock) {
        let clock = FixedClock::at_unix(1_800_000_000);
        (MemoryReplayStore::new().with_clock(clock.clone()), clock)
    }

    #[tokio::test]
    async fn the_first_to_insert_finds_nothing_and_the_rest_find_the_first() {
        let (store, clock) = store();
        let until = clock.now() + HOUR;
        assert_eq!(store.insert(id("a"), Mark::HandedOver([1; 32]), until).await.expect("room"), None);
        let second = store.insert(id("a"), Mark::Used, until).await.expect("room");
        assert_eq!(second, Some(Mark::HandedOver([1; 32])));
        assert_eq!(store.insert(id("b"), Mark::Used, until).await.expect("room"), None);
    }

    #[tokio::test]
    async fn what_is_revoked_stays_so_for_as_long_as_anybody_asked() {
        let (store, clock) = store();
        store.insert(id("a"), Mark::Used, clock.now() + HOUR).await.expect("room");
        store.deny(id("a"), clock.now() + HOUR / 2).await.expect("room");
        assert_eq!(store.find(id("a")).await.expect("an answer"), Some(Mark::Revoked));
        store.revoke("https://issuer.example", "b", clock.now() + HOUR).await.expect("room");
        assert_eq!(store.find(id("b")).await.expect("an answer"), Some(Mark::Revoked));
        assert_eq!(store.find(id("c")).await.expect("an answer"), None);
    }

    #[tokio::test]
    async fn a_full_store_refuses_and_forgets_nothing() {
        let (store, clock) = store();
        let store = store.with_capacity(2);
        let until = clock.now() + HOUR;
        for name in ["a", "b"] {
            assert_eq!(store.insert(id(name), Mark::Used, until).await.expect("room"), None);
        }
        assert!(matches!(store.insert(id("c"), Mark::Used, until).await, Err(StoreError::Full)));
        assert_eq!(store.insert(id("a"), Mark::Used, until).await.expect("an answer"), Some(Mark::Used));
        store.deny(id("a"), until).await.expect("a token that is in there can always be revoked");
        for name in ["c", "d"] {
            store.deny(id(name), until).await.expect("what was used leaves room for as much to be revoked");
        }
        assert!(matches!(store.deny(id("e"), until).await, Err(StoreError::Full)));
        assert!(matches!(store.insert(id("e"), Mark::Used, until).await, Err(StoreError::Full)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_forgotten_when_both_clocks_say_that_it_is_over() {
        let (store, clock) = store();
        let start = clock.now();
        let is_new = async |name: &str| {
            let found = store.find(id(name)).await.expect("an answer");
            found.is_none()
        };
        store.insert(id("a"), Mark::Used, start + HOUR).await.expect("room");
        clock.set(start + 2 * HOUR); // set forwards
        assert!(!is_new("a").await, "no hour has passed");
        tokio::time::advance(2 * HOUR).await;
        clock.set(start - HOUR); // set backwards
        assert!(!is_new("a").await, "the token is good again");
        clock.set(start + HOUR);
        assert!(is_new("a").await);
    }
}
