use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use quick_cache::Equivalent;

use super::verified::Verified;
use crate::sync::Cache;
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
pub(super) enum Recalled {
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
/// token to token, and which nobody chooses but those who sign. Who knows the end of a token, as somebody must to have the
/// rest compared, has seen it whole.
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

    pub(super) fn get(&self, text: &[u8], generation: u64, now: NumericDate) -> Recalled {
        let entries = self.entries.as_ref().filter(|_| text.len() <= MAX_CACHED_TOKEN_BYTES);
        let Some(entry) = entries.and_then(|entries| entries.get(&Text(text))) else {
            return Recalled::Nothing;
        };
        // A clock that was set back makes an entry look younger than it is.
        let counts =
            entry.generation == generation && now >= entry.since && now.since(entry.since) < MAX_CACHED_AGE;
        if counts { Recalled::Accepted(entry.verified) } else { Recalled::Outdated }
    }

    /// Remembers that `text` was accepted; `recalled` is what was remembered of it before.
    ///
    /// A token that was never remembered has to come twice if it would drive another out: those that come once, of which
    /// there may be any number, drive out nobody and cost next to nothing.
    pub(super) fn insert(
        &self,
        text: &[u8],
        recalled: &Recalled,
        generation: u64,
        since: NumericDate,
        verified: Arc<Verified>,
    ) {
        if let Some(entries) = &self.entries
            && text.len() <= MAX_CACHED_TOKEN_BYTES
            && (matches!(recalled, Recalled::Outdated)
                || self.newcomers.is_worth_remembering(text, generation))
        {
            entries.insert(Text(text.into()), Entry { generation, since, verified });
        }
    }
}

/// Who has been here once. It says nothing of whether a token is good.
struct Newcomers {
    /// Not the fastest: its bits are taken apart, and it chooses by counting numbers too.
    hasher: foldhash::quality::RandomState,
    capacity: usize,
    /// How many more can be remembered before one that counts has to be forgotten for it.
    room_left: AtomicUsize,
    /// Of the keys that those were verified with who took the room.
    generation: AtomicU64,
    /// Marks of those that came last: each in any of four, which a part of its hash chooses.
    recent: Box<[[AtomicU32; 4]]>,
    strangers: AtomicU64,
}

/// Sixteen mebibytes, for caches of a million tokens; in larger ones some tokens have to come more often.
const MAX_RECENT: usize = 1 << 20;

impl Newcomers {
    fn of(capacity: usize) -> Self {
        let recent = (0..capacity.min(MAX_RECENT)).map(|_| [const { AtomicU32::new(0) }; 4]).collect();
        Self {
            hasher: foldhash::quality::RandomState::default(),
            capacity,
            room_left: AtomicUsize::new(capacity),
            generation: AtomicU64::new(0),
            recent,
            strangers: AtomicU64::new(0),
        }
    }

    /// Whether the newcomer `text` is to be remembered: while there is room, always; from then on if it came not long ago.
    ///
    /// Threads that come at a time may miss each other, which costs a verification more or an entry too many.
    fn is_worth_remembering(&self, text: &[u8], generation: u64) -> bool {
        if self.generation.swap(generation, Ordering::Relaxed) != generation {
            // With the keys, all that was remembered has become worthless.
            self.room_left.store(self.capacity, Ordering::Relaxed);
        }
        if let Some(left) = self.room_left.load(Ordering::Relaxed).checked_sub(1) {
            self.room_left.store(left, Ordering::Relaxed);
            return true;
        }
        let hash = self.hasher.hash_one(Text(text));
        let index = usize::try_from(hash >> 32).unwrap_or_default().checked_rem(self.recent.len());
        let Some(marks) = index.and_then(|index| self.recent.get(index)) else { return false };
        #[allow(clippy::cast_possible_truncation, reason = "the other half chose the four")]
        let own = hash as u32;
        if marks.iter().any(|mark| mark.load(Ordering::Relaxed) == own) {
            return true;
        }
        // Any of the four: in a fixed order, tokens that always come in the same one could keep each other out for ever.
        let any = self.hasher.hash_one(self.strangers.fetch_add(1, Ordering::Relaxed));
        let [first, second, third, fourth] = marks;
        let mark = match any % 4 {
            0 => first,
            1 => second,
            2 => third,
            _ => fourth,
        };
        mark.store(own, Ordering::Relaxed);
        false
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
    use std::cell::Cell;
    use std::collections::HashMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::Verifier;
    use crate::jwks::SharedSecret;
    use crate::tests::for_all;
    use crate::token::Algorithm;

    #[test]
    fn a_newcomer_is_remembered_while_there_is_room_and_when_it_comes_again_afterwards() {
        let newcomers = Newcomers::of(3);
        let comes = |text: &[u8]| newcomers.is_worth_remembering(text, 1);
        assert!([b"a", b"b", b"c"].iter().all(|text| comes(*text)), "there is room");
        assert_eq!([comes(b"d"), comes(b"d")], [false, true]);
        // Texts are told apart by their ends.
        let [one, other] = [b"1", b"2"].map(|end| [b"x".repeat(40), end.repeat(40)].concat());
        assert_eq!([comes(&one), comes(&one), comes(&other)], [false, true, false]);
        assert!(!Newcomers::of(0).is_worth_remembering(b"a", 1), "there is no room at all");
        // Other keys: nobody who was remembered counts any more.
        let comes = |text: &[u8]| newcomers.is_worth_remembering(text, 2);
        assert_eq!([b"e", b"f", b"g", b"h"].map(|text| comes(text)), [true, true, true, false]);
    }

    #[test]
    fn a_whole_new_generation_of_tokens_is_remembered_within_a_few_rounds() {
        // What a seed does to a small cache evens out over many of them.
        for (capacity, caches) in [(64_u32, 1_000), (1_024, 100), (200_000, 1)] {
            let all = usize::try_from(capacity).expect("a number") * caches;
            let left = [1_000, 200, 40, 10, 2].map(|permille| all * permille / 1_000);
            let mut strangers_left = [0; 5];
            for _ in 0..caches {
                let newcomers = Newcomers::of(usize::try_from(capacity).expect("a number"));
                let comes = |n: u32| newcomers.is_worth_remembering(&n.to_be_bytes(), 1);
                (0..capacity).for_each(|n| assert!(comes(n)));
                // In the same order each time, as the worst.
                let mut strangers: Vec<_> = (capacity..2 * capacity).collect();
                for left in &mut strangers_left {
                    strangers.retain(|n| !comes(*n));
                    *left += strangers.len();
                }
            }
            let few_enough = strangers_left.iter().zip(&left).all(|(left, most)| left <= most);
            assert!(few_enough, "of {all} there are {strangers_left:?} left after each round, not {left:?}");
        }
    }

    #[test]
    fn what_is_kept_of_newcomers_is_bounded() {
        assert_eq!(Newcomers::of(1024).recent.len(), 1024);
        assert_eq!(Newcomers::of(1 << 40).recent.len(), 1_048_576);
    }

    /// A verified token, unlike any other in that it is another.
    fn verified() -> Arc<Verified> {
        const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.\
            eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIiwiYXVkIjoibXktYXBpIiwic3ViIjoiYWRhIiwiZXhwIjo0MTAyNDQ0ODAwfQ.\
            s3-InWBpIjbe79O4AeduBf3C7_0UG7faSxBgkdIpi0c";
        let secret = SharedSecret::new(Algorithm::Hs256, [7; 32]).expect("a secret");
        let verifier = Verifier::new("https://login.example.com", "my-api", secret).expect("a policy");
        verifier.verify(TOKEN).expect("a good token");
        let entries = verifier.cache.entries.expect("a cache");
        entries.get(&Text(TOKEN.as_bytes())).expect("it is remembered").verified
    }

    /// Texts that begin alike, that end alike, and one that is too long to be kept.
    fn texts() -> Vec<Vec<u8>> {
        let ends = [b"x".repeat(40), b"y".repeat(40)];
        let mut texts: Vec<_> = [&b""[..], b"a", b"b", b"ab"]
            .iter()
            .flat_map(|start| ends.each_ref().map(|end| [start, &end[..]].concat()))
            .collect();
        texts.push(b"z".repeat(MAX_CACHED_TOKEN_BYTES + 1));
        texts
    }

    /// Somebody comes with one of the [`texts`], under one of three generations, so long after whoever came before; or before
    /// that, where the clock was set back.
    fn visits() -> impl Strategy<Value = Vec<(usize, u64, i16)>> {
        let later = prop_oneof![0..3_i16, 0..320_i16, -100..0_i16];
        let generation = prop_oneof![3 => Just(1_u64), 1 => 2..4_u64];
        vec((0..texts().len(), generation, later), 1..40)
    }

    #[test]
    fn what_is_recalled_is_what_was_last_accepted_of_that_very_text_under_those_keys_and_not_long_ago() {
        let texts = texts();
        let verified: Vec<_> = (0..40).map(|_| verified()).collect();
        let hits = Cell::new(0);
        for_all((0..6_usize, visits()), |(capacity, visits)| {
            let cache = TokenCache::new(capacity);
            let mut model = HashMap::new();
            let mut now = 1_800_000_000.0;
            for ((text, generation, later), verified) in visits.into_iter().zip(&verified) {
                now += f64::from(later);
                let at = NumericDate::from_system_time(
                    std::time::SystemTime::UNIX_EPOCH + Duration::from_secs_f64(now),
                );
                let recalled = cache.get(&texts[text], generation, at);
                let is_too_long = texts[text].len() > MAX_CACHED_TOKEN_BYTES;
                prop_assert!(!is_too_long || matches!(recalled, Recalled::Nothing));
                let counts = model.get(&text).is_some_and(|(since, under, _)| {
                    *under == generation && (0.0..300.0).contains(&(now - since))
                });
                match (&recalled, model.get(&text)) {
                    (Recalled::Nothing, _) => {}
                    (Recalled::Accepted(known), Some((_, _, last))) if counts => {
                        prop_assert!(Arc::ptr_eq(known, last), "another token's");
                        hits.set(hits.get() + 1);
                    }
                    (Recalled::Outdated, Some(_)) if !counts => {}
                    (Recalled::Accepted(_), _) => {
                        return Err(TestCaseError::fail("it counts no longer, or was never there"));
                    }
                    (Recalled::Outdated, _) => {
                        return Err(TestCaseError::fail("it counts still, or was never there"));
                    }
                }
                if !matches!(recalled, Recalled::Accepted(_)) {
                    cache.insert(&texts[text], &recalled, generation, at, Arc::clone(verified));
                    model.insert(text, (now, generation, Arc::clone(verified)));
                }
                let kept = texts.iter().filter(|text| !matches!(cache.get(text, 0, at), Recalled::Nothing));
                prop_assert!(kept.count() <= capacity);
            }
            Ok(())
        });
        assert!(hits.get() > 100, "only {} hits: this shows nothing", hits.get());
    }
}
