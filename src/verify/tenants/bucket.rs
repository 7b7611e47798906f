use std::time::Duration;

use tokio::time::Instant;

/// How long it takes until one more tenant may have its keys fetched, once as many have as there is room for.
pub const TENANT_INTERVAL: Duration = Duration::from_secs(1);

/// Holds back what may be done a number of times at once, and from then on once in a [`TENANT_INTERVAL`].
#[derive(Debug)]
pub(super) struct Bucket {
    most: Duration,
    /// When all of it may be done again.
    full_at: Option<Instant>,
}

impl Bucket {
    pub(super) fn of(times: usize) -> Self {
        let times = u32::try_from(times).unwrap_or(u32::MAX);
        Self { most: TENANT_INTERVAL.saturating_mul(times), full_at: None }
    }

    /// # Errors
    ///
    /// How long it has to wait.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let full_at = self.full_at.map_or(now, |full_at| full_at.max(now));
        let missing = full_at.duration_since(now).saturating_add(TENANT_INTERVAL);
        if missing > self.most {
            return Err(missing.saturating_sub(self.most));
        }
        self.full_at = full_at.checked_add(TENANT_INTERVAL);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn as_often_at_once_as_it_holds_and_once_in_a_second_from_then_on() {
        let mut bucket = Bucket::of(3);
        let start = Instant::now();
        let at = |milliseconds: u64| start + Duration::from_millis(milliseconds);
        let wait = |milliseconds: u64| Err(Duration::from_millis(milliseconds));
        for (when, want) in [
            (0, Ok(())),
            (0, Ok(())),
            (100, Ok(())),
            (100, wait(900)),
            (999, wait(1)),
            (1_000, Ok(())),
            (1_000, wait(1_000)),
            (1_999, wait(1)),
            (2_500, Ok(())),
            (2_500, wait(500)),
            // It never holds more than it did at first.
            (100_000, Ok(())),
            (100_000, Ok(())),
            (100_000, Ok(())),
            (100_000, wait(1_000)),
        ] {
            assert_eq!(bucket.take(at(when)), want, "{when}");
        }
    }
}
