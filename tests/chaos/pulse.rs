//! How late things are in real time: on a busy machine that is no fault of what is tested.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use crate::time::Time;

const BEAT: Duration = Duration::from_millis(10);

/// Beats in the background, and notes its longest delay.
pub struct Pulse {
    longest_ms: Arc<AtomicU64>,
    task: Option<AbortHandle>,
}

impl Pulse {
    /// Under paused time nothing is late.
    pub fn of(time: Time) -> Self {
        let longest_ms = Arc::<AtomicU64>::default();
        let longest = Arc::clone(&longest_ms);
        let beat = async move {
            loop {
                let due = Instant::now() + BEAT;
                sleep(BEAT).await;
                let late = Instant::now() - due;
                longest.fetch_max(late.as_millis().try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
            }
        };
        let task = (time == Time::Real).then(|| tokio::spawn(beat).abort_handle());
        Self { longest_ms, task }
    }

    pub fn longest_delay(&self) -> Duration {
        Duration::from_millis(self.longest_ms.load(Ordering::Relaxed))
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
