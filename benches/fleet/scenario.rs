//! What happens in the 48 hours, and when.

use std::ops::Range;
use std::time::Duration;

use crate::random::Random;

pub const REPLICAS: u64 = 10_000;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
pub const END: u64 = 48 * HOUR;

const START_UP: u64 = MINUTE;
const DEPLOYMENT: Range<u64> = 12 * HOUR..12 * HOUR + 30 * MINUTE;
const NEW_KEY_PUBLISHED: u64 = 18 * HOUR;
const NEW_KEY_SIGNS: u64 = 20 * HOUR;
const OLD_KEY_REMOVED: u64 = 22 * HOUR;
const REFUSING: Range<u64> = 24 * HOUR..26 * HOUR;
const UNANNOUNCED: Range<u64> = 36 * HOUR..37 * HOUR;
const HANGING: Range<u64> = 40 * HOUR..42 * HOUR;
/// By then every replica has tried again: the longest pause, and a request that hung when the provider came back.
const RECOVERY: u64 = 2 * MINUTE;

/// A stretch of time that is reported as one.
pub struct Phase {
    pub name: &'static str,
    /// Its name in the picture, if it is an event.
    pub label: Option<&'static str>,
    /// In seconds from the start.
    pub seconds: Range<u64>,
    /// Every replica asks for its first keys, or its first after an outage: how fast is told, and not judged.
    pub is_wave: bool,
}

pub fn phases() -> Vec<Phase> {
    let after = "the hours after it";
    let ends = [
        ("start-up, all within a minute", Some("start-up"), START_UP, true),
        (after, None, DEPLOYMENT.start, false),
        ("rolling deployment", Some("deployment"), DEPLOYMENT.end, false),
        (after, None, NEW_KEY_PUBLISHED, false),
        ("rotation, published 2 h ahead", Some("rotation"), OLD_KEY_REMOVED, false),
        (after, None, REFUSING.start, false),
        ("outage, connections refused", Some("outage"), REFUSING.end, false),
        ("recovery", None, REFUSING.end + RECOVERY, true),
        (after, None, UNANNOUNCED.start, false),
        ("rotation without notice", Some("rotation without notice"), UNANNOUNCED.end, false),
        (after, None, HANGING.start, false),
        ("outage, requests hang", Some("outage, hanging"), HANGING.end, false),
        ("recovery", None, HANGING.end + RECOVERY, true),
        (after, None, END, false),
    ];
    let mut start = 0;
    let mut phases = Vec::new();
    for (name, label, end, is_wave) in ends {
        phases.push(Phase { name, label, seconds: start..end, is_wave });
        start = end;
    }
    phases
}

/// When the two replicas of a slot live: the one that starts with the fleet, and the one that the deployment replaces it
/// with.
pub fn lives(random: &mut Random) -> [Range<Duration>; 2] {
    let start = Duration::from_secs(START_UP).mul_f64(random.fraction());
    let took = Duration::from_secs(DEPLOYMENT.end - DEPLOYMENT.start);
    let replaced = Duration::from_secs(DEPLOYMENT.start) + took.mul_f64(random.fraction());
    [start..replaced, replaced..Duration::from_secs(END)]
}

/// How far apart the requests are that one replica gets, and until when that holds.
pub fn traffic(at: Duration) -> (Duration, Duration) {
    let busy = Duration::from_secs(UNANNOUNCED.start)..Duration::from_secs(UNANNOUNCED.end);
    if busy.contains(&at) {
        (Duration::from_secs(MINUTE), busy.end)
    } else if at < busy.start {
        (Duration::from_secs(15 * MINUTE), busy.start)
    } else {
        (Duration::from_secs(15 * MINUTE), Duration::from_secs(END))
    }
}

/// How the provider answers.
#[derive(Clone, Copy)]
pub enum Manner {
    /// With the keys of these numbers.
    Serves(&'static [usize]),
    Refuses,
    Hangs,
}

pub fn manner(second: u64) -> Manner {
    match second {
        _ if REFUSING.contains(&second) => Manner::Refuses,
        _ if HANGING.contains(&second) => Manner::Hangs,
        ..NEW_KEY_PUBLISHED => Manner::Serves(&[0]),
        NEW_KEY_PUBLISHED..OLD_KEY_REMOVED => Manner::Serves(&[0, 1]),
        _ if second < UNANNOUNCED.start => Manner::Serves(&[1]),
        _ => Manner::Serves(&[2]),
    }
}

/// The number of the key that signs the tokens of a moment.
pub fn signer(second: u64) -> usize {
    match second {
        ..NEW_KEY_SIGNS => 0,
        _ if second < UNANNOUNCED.start => 1,
        _ => 2,
    }
}
