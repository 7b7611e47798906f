//! Subjects that take turns, so that a clock that drifts slows all of them alike.
//!
//! In each round every subject handles one block of a few milliseconds, and what is reported is the median over the
//! rounds of its time relative to another subject's in the same round. Nothing here needs more than `std`.

use std::time::Duration;

use super::stopwatch::Stopwatch;

/// How long one subject goes on before the next has its turn.
const BLOCK: Duration = Duration::from_millis(3);

/// The shortest time that says how many requests make a block.
const LONG_ENOUGH: Duration = Duration::from_millis(1);

/// Something that can be done any number of times in a row.
pub struct Subject {
    pub name: String,
    /// Handles as many requests as it is told to, and says how long that took.
    time: Box<dyn FnMut(usize) -> Duration>,
}

impl Subject {
    /// `run` handles as many requests as it is told to.
    pub fn new(name: impl Into<String>, mut run: impl FnMut(usize) + 'static) -> Self {
        Self::timed(name, move |requests| {
            let stopwatch = Stopwatch::start();
            run(requests);
            stopwatch.stop()
        })
    }

    /// One that knows better how long it took, as its work happens on other threads.
    pub fn timed(name: impl Into<String>, time: impl FnMut(usize) -> Duration + 'static) -> Self {
        Self { name: name.into(), time: Box::new(time) }
    }

    /// How many requests make a block.
    fn block(&mut self) -> usize {
        let mut requests = 8;
        // Not counted: the first request may set things up, or even wait for a fetch, and no other does.
        (self.time)(requests);
        loop {
            let time = (self.time)(requests);
            if time >= LONG_ENOUGH {
                let blocks = BLOCK.as_secs_f64() / time.as_secs_f64();
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_precision_loss,
                    clippy::cast_sign_loss,
                    reason = "a handful of thousands"
                )]
                return ((requests as f64 * blocks) as usize).max(1);
            }
            requests = requests.saturating_mul(2);
        }
    }
}

/// What one subject took: nanoseconds for one request, round by round.
#[derive(Debug, Clone)]
pub struct Samples {
    pub name: String,
    pub nanoseconds: Vec<f64>,
}

impl Samples {
    /// Nanoseconds for one request.
    pub fn median(&self) -> f64 {
        quantile(self.nanoseconds.clone(), 0.5)
    }

    /// How many times as long as `other` it took, each round compared with the same round of the other.
    pub fn median_ratio_to(&self, other: &Self) -> f64 {
        quantile(self.ratios_to(other), 0.5)
    }

    /// The middle half of those ratios: how far apart the rounds are.
    pub fn ratio_quartiles_to(&self, other: &Self) -> (f64, f64) {
        (quantile(self.ratios_to(other), 0.25), quantile(self.ratios_to(other), 0.75))
    }

    pub fn ratios_to(&self, other: &Self) -> Vec<f64> {
        self.nanoseconds.iter().zip(&other.nanoseconds).map(|(own, others)| own / others).collect()
    }
}

/// Lets the subjects take turns for so many rounds.
///
/// Each round begins with another subject and every other one runs backwards, so that none always follows the same one.
pub fn interleave(subjects: &mut [Subject], rounds: usize) -> Vec<Samples> {
    let blocks: Vec<_> = subjects.iter_mut().map(Subject::block).collect();
    let mut samples: Vec<_> = subjects
        .iter()
        .map(|subject| Samples { name: subject.name.clone(), nanoseconds: Vec::with_capacity(rounds) })
        .collect();
    for round in 0..rounds {
        for index in turns(subjects.len(), round) {
            #[allow(clippy::cast_precision_loss, reason = "a handful of thousands")]
            let requests = blocks[index] as f64;
            let time = (subjects[index].time)(blocks[index]);
            samples[index].nanoseconds.push(time.as_secs_f64() * 1e9 / requests);
        }
    }
    samples
}

fn turns(subjects: usize, round: usize) -> Vec<usize> {
    let mut turns: Vec<_> = (0..subjects).collect();
    if subjects > 0 {
        turns.rotate_left(round % subjects);
    }
    if round % 2 == 1 {
        turns.reverse();
    }
    turns
}

/// The value below which the part `q` of `values` lies: the nearest of them.
pub fn quantile(mut values: Vec<f64>, q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "an index of a vector that fits in memory"
    )]
    let index = (q * values.len().saturating_sub(1) as f64).round() as usize;
    values.get(index).copied().unwrap_or(f64::NAN)
}
