//! When to fetch: pure decisions over the time and a random number that they are given.

use std::time::Duration;

/// How often a key set is fetched when all is well: once an hour, less or more a tenth so that replicas spread.
pub const REFRESH_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// The shortest interval that a provider's `Cache-Control: max-age` can ask for.
pub const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(60);

/// The longest pause between two tries while the provider fails.
pub const MAX_BACKOFF: Duration = Duration::from_secs(60);

const FIRST_BACKOFF: Duration = Duration::from_secs(1);

/// Keeps "full jitter" from meaning "at once".
const MIN_BACKOFF: Duration = Duration::from_millis(50);

/// The pause after a good refresh; `random` is uniform in 0..1.
pub(super) fn after_success(interval: Duration, max_age: Option<Duration>, random: f64) -> Duration {
    let interval = match max_age {
        Some(max_age) => max_age.min(interval),
        None => interval,
    };
    interval.mul_f64(0.9 + 0.2 * random).max(MIN_REFRESH_INTERVAL)
}

/// The pause after the `failures`th failure in a row: exponential, capped, with full jitter.
pub(super) fn after_failure(failures: u32, random: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let longest = FIRST_BACKOFF.saturating_mul(1 << doublings).min(MAX_BACKOFF);
    longest.mul_f64(random).max(MIN_BACKOFF)
}

/// The pause after a failed fetch that a token asked for, while all had been well: 5 to 10 s.
///
/// It is longer than the first pause of a series, so that the tokens of a moment cost one fetch whether the provider is
/// up or down, and short enough for a provider that stumbled in the middle of a rotation.
pub(super) fn after_failed_refetch(random: f64) -> Duration {
    Duration::from_secs(5).mul_f64(1.0 + random)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = REFRESH_INTERVAL;
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_good_refresh_is_repeated_hourly_give_or_take_a_tenth() {
        assert_eq!(after_success(HOUR, None, 0.0), HOUR.mul_f64(0.9));
        assert_eq!(after_success(HOUR, None, 0.5), HOUR);
        assert!(after_success(HOUR, None, 0.999_999) < HOUR.mul_f64(1.1));
    }

    #[test]
    fn max_age_shortens_the_interval_down_to_a_minute_and_never_lengthens_it() {
        let interval = |seconds| after_success(HOUR, Some(Duration::from_secs(seconds)), 0.5);
        assert_eq!(interval(300), Duration::from_secs(300));
        assert_eq!(interval(0), MIN_REFRESH_INTERVAL);
        assert_eq!(interval(86_400), HOUR);
    }

    #[test]
    fn failures_back_off_exponentially_up_to_a_minute() {
        for (failures, longest) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (40, 60), (u32::MAX, 60)] {
            assert_eq!(after_failure(failures, 1.0), Duration::from_secs(longest), "{failures}");
            assert_eq!(after_failure(failures, 0.0), MIN_BACKOFF, "{failures}");
        }
    }

    #[test]
    fn a_failed_refetch_is_repeated_in_five_to_ten_seconds() {
        assert_eq!(after_failed_refetch(0.0), 5 * SECOND);
        assert_eq!(after_failed_refetch(1.0), 10 * SECOND);
    }
}
