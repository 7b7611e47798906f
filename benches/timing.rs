//! Whether the time that a refusal takes tells where a guess at a secret is wrong: `cargo bench --bench timing`, with a
//! part of a name to see less.
//!
//! As dudect does it: guesses of two classes, wrong in the first byte and wrong elsewhere, come in random order; each is
//! timed alone, and Welch's t-test says how sure it is that the classes differ. Nothing is asserted: the machine has a part
//! in every time. What can be asserted is in `.ci/paths`, which counts instructions instead.
//!
//! `control` is a comparison that stops at the first difference: where that is not seen, nothing else would be either.
//! Signatures of public keys are shown for completeness. Whoever verifies one has no secret, so no time could give it away.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a measurement may stop at the first thing that is not as it says"
)]

#[path = "paths/src/guess.rs"]
mod guess;
#[expect(dead_code, reason = "the paths need more of it")]
#[path = "paths/src/issuer.rs"]
mod issuer;

use std::env;
use std::hint::black_box;
use std::time::Instant;

use tower_jwt_auth::token::Algorithm::{self, EdDsa, Es256, Hs256, Hs512, Rs256};

use guess::Wrong;
use issuer::Issuer;

/// Two classes of guesses.
struct Trial {
    name: String,
    measurements: usize,
    /// Makes the guess that comes next, of the first class or the second, and returns what it takes, in nanoseconds.
    time: Box<dyn FnMut(bool) -> f64>,
}

fn main() {
    // Cargo says that this is a benchmark.
    let part = env::args().skip(1).find(|argument| argument != "--bench").unwrap_or_default();
    println!("| guess | measurements | first byte, ns | elsewhere, ns | difference, ns | t | verdict |");
    println!("|---|--:|--:|--:|--:|--:|---|");
    for mut trial in trials().into_iter().filter(|trial| trial.name.contains(&part)) {
        let [first, elsewhere] = measure(&mut trial);
        let (one, other) = (Moments::of(&first), Moments::of(&elsewhere));
        let t = one.welch(&other);
        println!(
            "| {} | {} | {:.1} | {:.1} | {:+.2} | {t:+.2} | {} |",
            trial.name,
            first.len() + elsewhere.len(),
            one.mean,
            other.mean,
            other.mean - one.mean,
            verdict(t),
        );
    }
}

/// By the bounds that are usual for this test: 4.5 for a suspicion, 10 for certainty.
fn verdict(t: f64) -> &'static str {
    match t.abs() {
        t if t < 4.5 => "no difference seen",
        t if t < 10.0 => "a difference is likely",
        _ => "they differ",
    }
}

fn trials() -> Vec<Trial> {
    let places = [("middle", Wrong::Middle), ("last", Wrong::Last)];
    let mut trials = vec![control()];
    for (place, wrong) in places {
        for algorithm in [Hs256, Hs512] {
            trials.push(signature(algorithm, place, wrong, 400_000));
        }
        trials.push(nonce(place, wrong));
    }
    for algorithm in [Rs256, Es256, EdDsa] {
        trials.push(signature(algorithm, "last", Wrong::Last, 20_000));
    }
    trials
}

/// A comparison byte by byte, of as many as an HS512 has.
fn control() -> Trial {
    let secret = [7_u8; 64];
    let [mut first, mut last] = [secret; 2];
    first[0] ^= 1;
    last[63] ^= 1;
    trial("control, last byte", 400_000, (first, last), [0_u8; 64], move |guess| {
        black_box(guess.iter().zip(black_box(&secret)).all(|(one, other)| black_box(one) == other));
    })
}

fn signature(algorithm: Algorithm, place: &str, wrong: Wrong, measurements: usize) -> Trial {
    let issuer = Issuer::new();
    let verifier = guess::verifier(&issuer, algorithm);
    let [first, other] = guess::tokens(&issuer, algorithm, 0, [Wrong::First, wrong]);
    let name = format!("{}, {place} byte", algorithm.name());
    trial(name, measurements, (first, other), String::new(), move |token| guess::refuse(&verifier, token))
}

fn nonce(place: &str, wrong: Wrong) -> Trial {
    let issuer = Issuer::new();
    let ((token, first), (_, other)) = (guess::nonce(&issuer, Wrong::First), guess::nonce(&issuer, wrong));
    let buffer = first.clone();
    trial(format!("nonce, {place} byte"), 400_000, (first, other), buffer, move |guess| {
        guess::mismatch(&token, guess);
    })
}

/// Both classes are put into one place before they are timed, so that where they lie in memory says nothing.
fn trial<T: Clone + 'static>(
    name: impl Into<String>,
    measurements: usize,
    (first, other): (T, T),
    mut buffer: T,
    compare: impl Fn(&T) + 'static,
) -> Trial {
    let time = move |is_first| {
        buffer.clone_from(if is_first { &first } else { &other });
        let start = Instant::now();
        compare(black_box(&buffer));
        start.elapsed().as_nanos() as f64
    };
    Trial { name: name.into(), measurements, time: Box::new(time) }
}

/// The times of both classes, without the longest tenth of all: those were interrupted, whichever class they are of.
fn measure(trial: &mut Trial) -> [Vec<f64>; 2] {
    let mut random = random();
    for _ in 0..2_000 {
        (trial.time)(random());
    }
    let times: Vec<_> = (0..trial.measurements)
        .map(|_| {
            let is_first = random();
            (is_first, (trial.time)(is_first))
        })
        .collect();
    let mut sorted: Vec<_> = times.iter().map(|(_, time)| *time).collect();
    sorted.sort_by(f64::total_cmp);
    let longest = sorted[sorted.len() * 9 / 10];
    [true, false].map(|class| {
        let of_class = times.iter().filter(|(is_first, time)| *is_first == class && *time <= longest);
        of_class.map(|(_, time)| *time).collect()
    })
}

/// The same coins in every run: `SplitMix64`.
fn random() -> impl FnMut() -> bool {
    let mut state = 0_u64;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) & 1 == 1
    }
}

struct Moments {
    count: f64,
    mean: f64,
    variance: f64,
}

impl Moments {
    fn of(times: &[f64]) -> Self {
        let count = times.len() as f64;
        let mean = times.iter().sum::<f64>() / count;
        let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        Self { count, mean, variance }
    }

    /// Welch's t of two samples with variances of their own.
    fn welch(&self, other: &Self) -> f64 {
        let spread = self.variance / self.count + other.variance / other.count;
        (self.mean - other.mean) / spread.sqrt()
    }
}
