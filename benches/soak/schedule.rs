//! When keys change and when the provider fails, and how.

use std::time::Duration;

use tower_jwt_auth::test_util::Answer;

/// Below this, everything happens sooner.
const LONG: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// Between two rotations.
    pub rotation: Duration,
    /// How many keys are published at a time.
    pub published: usize,
    /// Before the first outage.
    pub calm: Duration,
    pub outage_lasts: Duration,
    /// From the end of one outage to the start of the next.
    pub between: Duration,
}

impl Schedule {
    pub const fn of(duration: Duration) -> Self {
        const fn seconds(seconds: u64) -> Duration {
            Duration::from_secs(seconds)
        }
        if duration.as_secs() >= LONG.as_secs() {
            // The server asks for unknown keys every 30 s, by turns at 10 s and 40 s of a minute: in an outage, and without.
            Self {
                rotation: seconds(10),
                published: 12,
                calm: seconds(30),
                outage_lasts: seconds(15),
                between: seconds(45),
            }
        } else {
            // An outage first of all: the first unknown key meets it, and the server may not ask for another for 30 s.
            Self {
                rotation: seconds(2),
                published: 2,
                calm: seconds(0),
                outage_lasts: seconds(4),
                between: seconds(56),
            }
        }
    }
}

/// How a provider fails.
#[derive(Clone, Copy)]
pub struct Fault {
    pub name: &'static str,
    /// None: nobody listens.
    pub answer: Option<fn() -> Answer>,
}

/// One after the other.
pub const FAULTS: [Fault; 11] = [
    Fault { name: "status 500", answer: Some(|| Answer::status(500)) },
    Fault { name: "refuses connections", answer: None },
    Fault { name: "hangs", answer: Some(Answer::hanging) },
    Fault { name: "a page of HTML", answer: Some(|| Answer::of("<!doctype html><title>Back soon</title>")) },
    Fault { name: "a byte a second", answer: Some(|| Answer::of("{\"keys\":[]}".repeat(10)).dripping()) },
    Fault { name: "no keys", answer: Some(|| Answer::of("{\"keys\":[]}")) },
    Fault { name: "breaks connections", answer: Some(Answer::broken) },
    Fault { name: "100 MB", answer: Some(|| Answer::endless(100_000_000)) },
    Fault { name: "a gzip bomb", answer: Some(|| Answer::gzip_bomb(10_000_000)) },
    Fault { name: "a redirect", answer: Some(|| Answer::redirect_to("http://169.254.169.254/latest")) },
    Fault { name: "half a document", answer: Some(|| Answer::of("{\"keys\":[]}".repeat(10)).cut()) },
];
