//! Schedules: made from a seed, and made simpler.

use tower_jwt_auth::test_util::{Etags, Flaw};

use crate::random::Random;
use crate::step::{Mood, Origin, Step};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// A schedule of 5 steps, or many more.
///
/// Each seed has weights of its own, many of them nothing, and a tempo: schedules of few kinds of steps, and those in which
/// all happens within minutes, go deeper than those of everything.
pub fn of_seed(seed: u64) -> Vec<Step> {
    let mut random = Random::of(seed);
    let weights: [u64; KINDS] =
        std::array::from_fn(|_| if random.in_a_hundred(40) { 0 } else { random.between(1, 10) });
    let waits = random.between(2, 12);
    let tempo = random.one_of(&Tempo::ALL);
    let all = weights.iter().sum::<u64>() + waits;
    let length = random.between(5, 60);
    let mut schedule = Vec::new();
    for _ in 0..length {
        let mut ticket = random.below(all);
        let kind = weights.iter().position(|weight| {
            let is_it = ticket < *weight;
            ticket = ticket.saturating_sub(*weight);
            is_it
        });
        match kind {
            Some(kind) => schedule.push(step(kind, &mut random)),
            None => schedule.push(Step::Wait(tempo.wait(&mut random))),
        }
        follow_up(&mut schedule, &mut random);
    }
    schedule
}

/// What often comes of a step: a new key is used, and one that is gone is found to be.
fn follow_up(schedule: &mut Vec<Step>, random: &mut Random) {
    let good = Step::Good { callers: 1, lives: 300, over_ms: 0 };
    match schedule.last() {
        Some(Step::Rotate | Step::ReuseKid) if random.in_a_hundred(40) => schedule.push(good),
        Some(Step::Withdraw | Step::ReuseKid) if random.in_a_hundred(40) => {
            schedule.extend([Step::Refresh, Step::Again { callers: 5 }]);
        }
        _ => {}
    }
}

/// How long waits are.
#[derive(Debug, Clone, Copy)]
enum Tempo {
    /// Whatever happens in so many of a hundred.
    Any { percent: u64 },
    /// Just before and after the gate opens.
    OfTheGate,
    /// Just before and after keys grow stale, and expire.
    OfAges,
}

impl Tempo {
    const ALL: [Self; 6] = [
        Self::Any { percent: 35 },
        Self::Any { percent: 60 },
        Self::Any { percent: 82 },
        Self::Any { percent: 100 },
        Self::OfTheGate,
        Self::OfAges,
    ];

    fn wait(self, random: &mut Random) -> u64 {
        const GATE: [u64; 8] = [1, 29, 31, 31, 59, 61, 125, 301];
        const AGES: [u64; 6] = [30, 30, 60, 120, 2 * 3_600 - 60, 24 * 3_600 - 60];
        let percent = match self {
            Self::Any { percent } => percent,
            Self::OfTheGate => return random.one_of(&GATE) * SECOND,
            Self::OfAges => return random.one_of(&AGES) * SECOND,
        };
        let (least, most) = match random.below(percent) {
            0..20 => (1, 100),
            20..45 => (100, 3 * SECOND),
            45..65 => (3 * SECOND, 40 * SECOND),
            65..82 => (40 * SECOND, 10 * MINUTE),
            82..93 => (10 * MINUTE, 2 * HOUR),
            93..98 => (2 * HOUR, 8 * HOUR),
            _ => (20 * HOUR, 26 * HOUR),
        };
        random.between(least, most)
    }
}

const KINDS: usize = 15;

fn step(kind: usize, random: &mut Random) -> Step {
    match kind {
        0 => Step::Rotate,
        1 => Step::Withdraw,
        2 => Step::ReuseKid,
        3 => Step::Provider(random.one_of(&Mood::BAD)),
        4 => Step::Provider(Mood::Well),
        5 => Step::Provider(slow_or_frozen(random)),
        6 if random.in_a_hundred(50) => Step::Once(slow_or_frozen(random)),
        6 => Step::Once(random.one_of(&Mood::BAD)),
        7 => Step::Etags(random.one_of(&[Etags::Right, Etags::Absent, Etags::Stuck, Etags::Changing])),
        8 => Step::Jump(random.one_of(&[-3_600, -600, -31, -1, 1, 29, 31, 299, 3_600])),
        9 => Step::Good {
            callers: random.one_of(&[1, 1, 1, 2, 3, 10, 20]),
            lives: random.one_of(&[1, 30, 300, 300, 3_600, 90_000]),
            over_ms: random.one_of(&[0, 0, 300, 1_500]),
        },
        10 => Step::Again { callers: random.one_of(&[1, 2, 5, 20]) },
        11 => Step::Bad(random.one_of(Flaw::ALL)),
        12 => Step::Strays {
            kids: random.one_of(&[1, 1, 1, 2, 2, 3, 5, 5, 20, 66, 100]),
            from: random.one_of(&[Origin::Ours, Origin::Ours, Origin::Another]),
            over_ms: random.one_of(&[0, 0, 300, 1_000, 40_000]),
        },
        13 => Step::Hasty {
            callers: random.one_of(&[1, 1, 2, 5, 10, 70]),
            strangers: random.in_a_hundred(50),
            leave_after_ms: random.one_of(&[0, 1, 50, 500, 1_500]),
        },
        _ => Step::Refresh,
    }
}

fn slow_or_frozen(random: &mut Random) -> Mood {
    if random.in_a_hundred(70) {
        Mood::Slow(random.one_of(&[5, 100, 400, 900, 1_100, 1_900, 2_100, 4_900]))
    } else {
        Mood::Frozen { max_age: random.one_of(&[None, Some(0), Some(60), Some(300), Some(86_400)]) }
    }
}

/// What may take the place of `step` and is simpler, the simplest first.
pub fn simpler(step: &Step) -> Vec<Step> {
    let fewer = |n: u32| [1, n / 2, n - 1].into_iter().filter(move |fewer| (1..n).contains(fewer));
    match step.clone() {
        Step::Wait(ms) => {
            let round = [1, 1_000, 60_000, 3_600_000, ms / 2, ms / 1_000 * 1_000];
            round.into_iter().filter(|other| (1..ms).contains(other)).map(Step::Wait).collect()
        }
        Step::Good { callers, lives, over_ms } => {
            let mut all: Vec<_> =
                fewer(callers).map(|callers| Step::Good { callers, lives, over_ms }).collect();
            if over_ms > 0 {
                all.push(Step::Good { callers, lives, over_ms: 0 });
            }
            if lives != 300 {
                all.push(Step::Good { callers, lives: 300, over_ms });
            }
            all
        }
        Step::Strays { kids, from, over_ms } => {
            let mut all: Vec<_> = fewer(kids).map(|kids| Step::Strays { kids, from, over_ms }).collect();
            if over_ms > 0 {
                all.push(Step::Strays { kids, from, over_ms: 0 });
            }
            all
        }
        Step::Hasty { callers, strangers, leave_after_ms } => {
            fewer(callers).map(|callers| Step::Hasty { callers, strangers, leave_after_ms }).collect()
        }
        Step::Again { callers } => fewer(callers).map(|callers| Step::Again { callers }).collect(),
        Step::Once(mood) => vec![Step::Provider(mood)],
        Step::Provider(mood) if mood != Mood::Well && mood != Mood::Down => {
            vec![Step::Provider(Mood::Down)]
        }
        _ => Vec::new(),
    }
}
