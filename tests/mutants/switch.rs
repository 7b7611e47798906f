//! Which mutant is on, if any: `.ci/mutants` puts this into the tree as `src/mutant.rs`.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

static ON: LazyLock<usize> =
    LazyLock::new(|| std::env::var("MUTANT").ok().and_then(|number| number.parse().ok()).unwrap_or(0));

/// Where to write which mutants' code is reached.
static REACHED_IN: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("MUTANTS_REACHED").ok());

static REACHED: [AtomicBool; 10_000] = [const { AtomicBool::new(false) }; 10_000];

pub(crate) fn is_on(number: usize) -> bool {
    if let Some(path) = REACHED_IN.as_ref()
        && REACHED.get(number).is_some_and(|reached| !reached.swap(true, Ordering::Relaxed))
        && let Ok(mut file) = OpenOptions::new().create(true).append(true).open(path)
    {
        _ = writeln!(file, "{number}");
    }
    *ON == number
}

/// An iterator, or the mutant's in its place.
pub(crate) enum Either<A, B> {
    Own(A),
    Mutant(B),
}

impl<A: Iterator, B: Iterator<Item = A::Item>> Either<A, B> {
    pub(crate) fn new(own: A, mutant: Option<B>) -> Self {
        mutant.map_or(Self::Own(own), Self::Mutant)
    }
}

impl<A: Iterator, B: Iterator<Item = A::Item>> Iterator for Either<A, B> {
    type Item = A::Item;

    fn next(&mut self) -> Option<A::Item> {
        match self {
            Self::Own(own) => own.next(),
            Self::Mutant(mutant) => mutant.next(),
        }
    }
}
