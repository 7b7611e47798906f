//! When to fetch: pure decisions over the time and a random number that they are given.

use std::time::Duration;

/// How often a key set is fetched when all is well: once an hour, less or more a tenth so that replicas spread.
///
/// What has brought replicas into step, a start or the end of an outage, is followed by a pause of a fifth of it or more:
/// they come apart at once, and none comes later than a tenth after the hour.
pub const REFRESH_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// The shortest interval that a provider's `Cache-Control: max-age` can ask for.
pub const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(60);

/// The longest pause between two tries while the provider fails.
pub const MAX_BACKOFF: Duration = Duration::from_secs(60);

const FIRST_BACKOFF: Duration = Duration::from_secs(1);

/// Keeps "full jitter" from meaning "at once".
const MIN_BACKOFF: Duration = Duration::from_millis(50);

/// The shortest and the longest pause, as parts of the interval, when all is well.
const STEADY: (f64, f64) = (0.9, 1.1);

/// The same for the first pause of replicas that may be in step.
///
/// As wide as it can be while nobody's second refresh meets the first of another: who comes first waits for 0.2 and then
/// for 0.9 at least, and by 1.1 the last has come. So the first round is spread over 0.9 of an interval, at hardly more
/// than the rate of all that follow. With the steady span alone it would be spread over 0.2, at five times that rate, and it
/// would take most of a day to come apart.
const COMING_APART: (f64, f64) = (0.2, 1.1);

/// The pause after a good refresh that follows a good one; `random` is uniform in 0..1.
pub(super) fn after_success(interval: Duration, max_age: Option<Duration>, random: f64) -> Duration {
    pause(STEADY, interval, max_age, random)
}

/// The pause after a good refresh that is the first, or the first after failures: other replicas have come to it at the
/// same time.
pub(super) fn after_first_success(interval: Duration, max_age: Option<Duration>, random: f64) -> Duration {
    pause(COMING_APART, interval, max_age, random)
}

/// Uniform in a span that begins no sooner than the shortest interval: were a draw below it raised to it, all of those
/// would come at the same moment.
fn pause((from, to): (f64, f64), interval: Duration, max_age: Option<Duration>, random: f64) -> Duration {
    let interval = max_age.map_or(interval, |max_age| max_age.min(interval)).max(MIN_REFRESH_INTERVAL);
    let (from, to) = (interval.mul_f64(from).max(MIN_REFRESH_INTERVAL), interval.mul_f64(to));
    from.saturating_add(to.saturating_sub(from).mul_f64(random))
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
    use proptest::option;
    use proptest::prelude::*;

    use super::*;
    use crate::tests::for_all;

    const HOUR: Duration = REFRESH_INTERVAL;
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_good_refresh_is_repeated_hourly_give_or_take_a_tenth() {
        assert_eq!(after_success(HOUR, None, 0.0), HOUR.mul_f64(0.9));
        assert_eq!(after_success(HOUR, None, 0.5), HOUR);
        assert!(after_success(HOUR, None, 0.999_999) < HOUR.mul_f64(1.1));
    }

    #[test]
    fn the_first_pause_comes_earlier_and_never_later() {
        assert_eq!(after_first_success(HOUR, None, 0.0), HOUR.mul_f64(0.2));
        assert_eq!(after_first_success(HOUR, None, 0.5), HOUR.mul_f64(0.65));
        assert!(after_first_success(HOUR, None, 0.999_999) < HOUR.mul_f64(1.1));
    }

    #[test]
    fn max_age_shortens_the_interval_down_to_a_minute_and_never_lengthens_it() {
        for (max_age, shortest, shortest_first, longest) in [
            (86_400, 3_240, 720, 3_960),
            (600, 540, 120, 660),
            (300, 270, 60, 330),
            (65, 60, 60, 71),
            (60, 60, 60, 66),
            (0, 60, 60, 66),
        ] {
            for (after, shortest) in
                [(after_success as fn(_, _, _) -> _, shortest), (after_first_success, shortest_first)]
            {
                let pause = |random| after(HOUR, Some(max_age * SECOND), random);
                assert_eq!(pause(0.0), shortest * SECOND, "max-age={max_age}");
                assert!(pause(0.999_999) <= (longest + 1) * SECOND, "max-age={max_age}");
                assert!(pause(0.1) > pause(0.0), "max-age={max_age}: even the shortest spread");
            }
        }
    }

    #[test]
    fn replicas_that_start_together_come_apart_at_once() {
        for interval in [HOUR, 10 * MINUTE, 5 * MINUTE] {
            let mean = REPLICAS / interval.as_secs_f64() * 60.0;
            let peak = busiest_minute(interval, after_first_success);
            assert!(peak <= 1.5 * mean, "{interval:?}: {peak} a minute, {mean} on average");
        }
        let in_step = busiest_minute(HOUR, after_success);
        assert!(in_step > 4.0 * REPLICAS / 60.0, "why there is a first pause of its own: {in_step}");
    }

    const REPLICAS: f64 = 10_000.0;
    const MINUTE: Duration = Duration::from_secs(60);

    /// How many of 10,000 replicas, whose first sets have come within a minute, refresh in the busiest minute of the ten
    /// intervals after that.
    #[expect(clippy::arithmetic_side_effects, reason = "days and thousands are far from any limit")]
    fn busiest_minute(interval: Duration, first: fn(Duration, Option<Duration>, f64) -> Duration) -> f64 {
        let mut random = pseudo_random();
        let mut minutes = vec![0_u32; 10 * usize::try_from(interval.as_secs() / 60).expect("a number")];
        let mut replica = 0.0;
        while replica < REPLICAS {
            let mut at = MINUTE.mul_f64(random()) + first(interval, None, random());
            while let Some(minute) =
                usize::try_from(at.as_secs() / 60).ok().and_then(|at| minutes.get_mut(at))
            {
                *minute += 1;
                at += after_success(interval, None, random());
            }
            replica += 1.0;
        }
        minutes.into_iter().max().unwrap_or(0).into()
    }

    /// The same numbers in every run, uniform in 0..1: `SplitMix64`.
    fn pseudo_random() -> impl FnMut() -> f64 {
        let mut state = 0_u64;
        move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            f64::from(u32::try_from(z >> 32).unwrap_or(0)) / f64::from(u32::MAX)
        }
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

    /// What a builder takes for an interval, what a provider may say in `max-age`, and a random number.
    fn settings() -> impl Strategy<Value = (Duration, Option<Duration>, f64)> {
        let interval = (60_000..=3_600_000_u64).prop_map(Duration::from_millis);
        let max_age = prop_oneof![0..8_000_u64, any::<u64>()].prop_map(Duration::from_secs);
        (interval, option::of(max_age), 0.0..=1.0_f64)
    }

    #[test]
    fn no_pause_after_a_good_refresh_leaves_its_span_whatever_is_asked_for() {
        for_all(settings(), |(interval, max_age, random)| {
            let asked = max_age.map_or(interval, |max_age| max_age.min(interval)).as_nanos();
            let asked = asked.max(60_000_000_000);
            let latest = asked * 11 / 10 + 1;
            for (name, pause, earliest) in [
                ("steady", after_success(interval, max_age, random), asked * 9 / 10),
                ("first", after_first_success(interval, max_age, random), asked / 5),
            ] {
                let earliest = earliest.max(60_000_000_000) - 1;
                let pause = pause.as_nanos();
                prop_assert!(
                    (earliest..=latest).contains(&pause),
                    "{name}: {pause} of {earliest}..={latest}"
                );
            }
            Ok(())
        });
    }

    #[test]
    fn a_pause_grows_with_its_random_number_and_a_max_age_never_lengthens_it() {
        for_all((settings(), 0.0..=1.0_f64), |((interval, max_age, random), other)| {
            let (less, more) = if random < other { (random, other) } else { (other, random) };
            for after in [after_success, after_first_success] {
                let pause = |random| after(interval, max_age, random);
                prop_assert!(pause(less) <= pause(more));
                prop_assert!(pause(random) <= after(interval, None, random));
                prop_assert!(pause(0.0) + SECOND < pause(1.0), "replicas in step could not come apart");
            }
            Ok(())
        });
    }

    #[test]
    fn a_back_off_is_never_zero_never_shrinks_and_never_exceeds_its_power_of_two_or_a_minute() {
        let failures = prop_oneof![0..12_u32, any::<u32>()];
        for_all((failures, 0.0..=1.0_f64), |(failures, random)| {
            let power = 2_u64.checked_pow(failures.saturating_sub(1)).unwrap_or(u64::MAX);
            let longest = Duration::from_secs(power.min(60));
            let pause = after_failure(failures, random);
            prop_assert!(pause <= longest && pause >= Duration::from_millis(50), "{pause:?} of {longest:?}");
            prop_assert_eq!(after_failure(failures, 1.0), longest);
            prop_assert!(pause <= after_failure(failures.saturating_add(1), random));
            let refetch = after_failed_refetch(random);
            prop_assert!(refetch >= 5 * SECOND && refetch <= 10 * SECOND, "{refetch:?}");
            Ok(())
        });
    }
}
