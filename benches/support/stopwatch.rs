//! The time that a piece of work takes on the processor, also on a machine that has other things to do.
#![allow(
    clippy::disallowed_methods,
    reason = "what is measured is the machine's time, which no test can set"
)]

use std::time::{Duration, Instant};

/// A wait shorter than this part of the time is the noise of the kernel's own count.
const UNDISTURBED: f64 = 0.03;

/// Runs since it was started.
pub struct Stopwatch {
    wall: Instant,
    on_processor: Option<Duration>,
}

impl Stopwatch {
    pub fn start() -> Self {
        let on_processor = on_processor();
        Self { wall: Instant::now(), on_processor }
    }

    /// The wall time; or, if this thread had to wait for a processor in between, the time that it had one. Only Linux tells:
    /// elsewhere it is the wall time, and the machine must be quiet.
    pub fn stop(self) -> Duration {
        let wall = self.wall.elapsed();
        match (self.on_processor, on_processor()) {
            (Some(start), Some(end)) => {
                let own = end.saturating_sub(start);
                if own.as_secs_f64() < wall.as_secs_f64() * (1.0 - UNDISTURBED) { own } else { wall }
            }
            _ => wall,
        }
    }
}

/// How long this thread has run. The kernel brings its count up to date when a thread offers to make way.
fn on_processor() -> Option<Duration> {
    std::thread::yield_now();
    let counts = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    counts.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
