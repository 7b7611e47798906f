//! Paused time, in which days take milliseconds, and real time, in which HTTP works.

use std::time::Duration;

use tokio::time::sleep;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// All is in memory, and happens at the very moment that it is due.
    Paused,
    /// Over HTTP, on a machine that has other things to do.
    Real,
}

impl Time {
    /// How much later than it should something may happen: under paused time that is what timers are rounded to.
    pub fn tolerance(self) -> Duration {
        Duration::from_millis(if self == Self::Paused { 3 } else { 500 })
    }

    /// How long it may take to note down what has happened.
    pub fn blur(self) -> Duration {
        Duration::from_millis(if self == Self::Paused { 0 } else { 100 })
    }

    /// In real time no pause is longer than a moment.
    pub fn scaled(self, duration: Duration) -> Duration {
        match self {
            Self::Paused => duration,
            Self::Real => duration.min(Duration::from_millis(300)),
        }
    }

    pub async fn pass(self, duration: Duration) {
        sleep(self.scaled(duration)).await;
    }

    /// Lets all happen that is due.
    pub async fn settle(self) {
        sleep(Duration::from_millis(if self == Self::Paused { 2 } else { 5 })).await;
        for _ in 0..64 {
            tokio::task::yield_now().await;
        }
    }
}
