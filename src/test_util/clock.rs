use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::clock::{Clock, SystemClock};

/// A wall clock that goes with tokio's time, and can be set apart from it; its clones are one clock.
///
/// Under [paused time](https://docs.rs/tokio/latest/tokio/time/fn.pause.html), an hour that is slept or advanced is an
/// hour for `exp` too, so that tokens expire, key sets are refreshed and outages pass in no time at all. For time that
/// stands still there is [`FixedClock`](crate::clock::FixedClock).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tower_jwt_auth::clock::Clock;
/// use tower_jwt_auth::test_util::TestClock;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// let clock = TestClock::default();
/// let before = clock.now();
/// tokio::time::advance(Duration::from_secs(60)).await;
/// clock.jump_back(Duration::from_secs(20)); // somebody has corrected the machine's time
/// assert_eq!(clock.now(), before + Duration::from_secs(40));
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct TestClock {
    started: Instant,
    /// What the wall clock showed, or would have shown, then.
    showed: Arc<Mutex<SystemTime>>,
}

impl TestClock {
    /// Shows `now` at this moment.
    #[must_use]
    pub fn at(now: SystemTime) -> Self {
        Self { started: Instant::now(), showed: Arc::new(Mutex::new(now)) }
    }

    /// Goes forward by `duration` at once.
    pub fn jump_forward(&self, duration: Duration) {
        *self.showed.lock().unwrap_or_else(PoisonError::into_inner) += duration;
    }

    /// Goes back by `duration` at once.
    pub fn jump_back(&self, duration: Duration) {
        *self.showed.lock().unwrap_or_else(PoisonError::into_inner) -= duration;
    }
}

/// Starts at the machine's time.
impl Default for TestClock {
    fn default() -> Self {
        Self::at(SystemClock.now())
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        *self.showed.lock().unwrap_or_else(PoisonError::into_inner) + self.started.elapsed()
    }
}
