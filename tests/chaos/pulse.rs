//! How late things are in real time: on a busy machine that is no fault of what is tested.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use crate::time::Time;

const BEAT: Duration = Duration::from_millis(10);

/// Beats in the background, and notes its longest delay.
pub struct Pulse {
    beats: Beats,
    task: Option<AbortHandle>,
}

#[derive(Default, Clone)]
struct Beats(Arc<Mutex<Beat>>);

#[derive(Default)]
struct Beat {
    /// When the next one is due; none if there is none.
    due: Option<Instant>,
    longest_delay: Duration,
}

impl Beats {
    /// With the delay of one that is due and has not come.
    fn now(&self) -> MutexGuard<'_, Beat> {
        let mut beat = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let late = beat.due.map_or(Duration::ZERO, |due| Instant::now().saturating_duration_since(due));
        beat.longest_delay = beat.longest_delay.max(late);
        beat
    }
}

impl Pulse {
    /// Under paused time nothing is late.
    pub fn of(time: Time) -> Self {
        let beats = Beats::default();
        let own = beats.clone();
        let beat = async move {
            loop {
                own.now().due = Some(Instant::now() + BEAT);
                sleep(BEAT).await;
            }
        };
        let task = (time == Time::Real).then(|| tokio::spawn(beat).abort_handle());
        Self { beats, task }
    }

    pub fn longest_delay(&self) -> Duration {
        self.beats.now().longest_delay
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
