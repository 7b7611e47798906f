//! Turns under load, round after round.

use crate::app::App;
use crate::load::{self, Figures};
use crate::provider::{Manner, Provider};
use crate::server::Server;
use crate::support::interleave::quantile;
use crate::tokens::TokenFile;

/// How many turns each server has, and how long one is.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    pub rounds: usize,
    pub seconds: u32,
}

/// A server, where its keys are, and what the requests to it carry.
pub struct Subject<'a> {
    pub server: Server,
    pub provider: &'a Provider,
    pub tokens: &'a TokenFile,
}

/// What one turn of a server came to.
pub struct Turn {
    pub load: Figures,
    /// On a processor, for each request: what others do on the machine hardly shows in it.
    pub microseconds: f64,
}

/// All turns of one server.
pub struct Outcome {
    pub app: App,
    pub manner: Manner,
    turns: Vec<Turn>,
}

/// Lets the servers take turns; each round begins with another one.
pub async fn take(subjects: &[Subject<'_>], pace: Pace) -> Result<Vec<Outcome>, String> {
    let mut outcomes: Vec<_> = subjects
        .iter()
        .map(|subject| Outcome {
            app: subject.server.app,
            manner: subject.provider.manner,
            turns: Vec::new(),
        })
        .collect();
    for round in 0..pace.rounds {
        eprintln!("round {} of {} ...", round + 1, pace.rounds);
        for turn in 0..subjects.len() {
            let index = (round + turn) % subjects.len();
            outcomes[index].turns.push(subjects[index].turn(pace.seconds).await?);
        }
    }
    Ok(outcomes)
}

impl Subject<'_> {
    async fn turn(&self, seconds: u32) -> Result<Turn, String> {
        let before = self.server.processor_time();
        let load = load::put_on(self.server.port, self.tokens, seconds).await?;
        let used =
            before.zip(self.server.processor_time()).map(|(before, after)| after.saturating_sub(before));
        #[allow(clippy::cast_precision_loss, reason = "a handful of millions")]
        let microseconds = used.map_or(f64::NAN, |used| used.as_secs_f64() * 1e6 / load.requests as f64);
        Ok(Turn { load, microseconds })
    }
}

impl Outcome {
    /// The median over the turns.
    pub fn median(&self, figure: impl Fn(&Turn) -> f64) -> f64 {
        quantile(self.turns.iter().map(figure).collect(), 0.5)
    }

    /// How much of the throughput of `other` it has, each turn compared with that of the same round; the lowest, the median
    /// and the highest.
    pub fn ratio_to(&self, other: &Self) -> [f64; 3] {
        let both = self.turns.iter().zip(&other.turns);
        let ratios: Vec<_> = both
            .map(|(own, others)| own.load.requests_per_second() / others.load.requests_per_second())
            .collect();
        [0.0, 0.5, 1.0].map(|part| quantile(ratios.clone(), part))
    }

    /// Good tokens that did not get a 204.
    pub fn not_let_in(&self) -> u64 {
        self.turns.iter().map(|turn| turn.load.refused + turn.load.unanswered).sum()
    }
}
