use std::time::{Duration, SystemTime};

use serde::de::{Deserialize, Deserializer, Error};

/// Seconds since the Unix epoch, as a JSON number with or without a fraction ([RFC 7519 §2]).
///
/// Its range is 0 to 2^53: what lies outside is no time that anybody meant, and within it whole seconds are exact.
///
/// [RFC 7519 §2]: https://www.rfc-editor.org/rfc/rfc7519#section-2
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(crate) struct NumericDate(f64);

impl NumericDate {
    const MAX: f64 = 9_007_199_254_740_992.0;

    pub(crate) fn from_system_time(time: SystemTime) -> Self {
        Self(time.duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64()))
    }

    /// `None` where seconds are too many to be told apart.
    #[allow(clippy::cast_precision_loss, reason = "within the range, whole seconds are exact")]
    pub(super) fn from_whole_seconds(seconds: u64) -> Option<Self> {
        Some(Self(seconds as f64)).filter(|date| date.0 <= Self::MAX)
    }

    pub(crate) fn plus(self, duration: Duration) -> Self {
        Self(self.0 + duration.as_secs_f64())
    }

    /// How long after `earlier` this is; zero if it is not.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::try_from_secs_f64(self.0 - earlier.0).unwrap_or_default()
    }

    pub(crate) fn to_system_time(self) -> Option<SystemTime> {
        SystemTime::UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(self.0).ok()?)
    }
}

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        if (0.0..=Self::MAX).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err(Error::custom("not a time"))
        }
    }
}

#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    reason = "a test may stop at the first thing that is not as it says"
)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tests::for_all;

    #[test]
    fn a_numeric_date_is_a_number_in_range() {
        for (json, want) in [
            ("0", Some(0.0)),
            ("1700000000", Some(1_700_000_000.0)),
            ("1700000000.5", Some(1_700_000_000.5)),
            ("1.7e9", Some(1_700_000_000.0)),
            ("9007199254740992", Some(NumericDate::MAX)),
            ("9223372036854775808", None),
            ("1e400", None),
            ("-1", None),
            ("\"1700000000\"", None),
            ("true", None),
            ("null", None),
            ("[1700000000]", None),
            ("{}", None),
        ] {
            assert_eq!(serde_json::from_str::<NumericDate>(json).ok().map(|date| date.0), want, "{json}");
        }
    }

    /// A JSON number as it is written: whole, with a fraction, with an exponent, far too large.
    fn number() -> impl Strategy<Value = String> {
        let near_the_end =
            (9_007_199_254_740_985..9_007_199_254_741_000_u64).prop_map(|number| number.to_string());
        prop_oneof![
            "-?(0|[1-9][0-9]{0,15})",
            "-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?",
            near_the_end
        ]
    }

    /// Whether `number` is negative, and its value in millionths, or none if that is beyond any time.
    fn exactly(number: &str) -> (bool, Option<u128>) {
        let (negative, number) = number.strip_prefix('-').map_or((false, number), |number| (true, number));
        let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: u128 = format!("{whole}{fraction}").parse().expect("digits");
        let places = i32::try_from(fraction.len()).expect("a few");
        let shift = exponent.parse::<i32>().expect("an exponent") - places + 6;
        let power = 10_u128.checked_pow(shift.unsigned_abs());
        let millionths = match power {
            _ if digits == 0 => Some(0),
            power if shift < 0 => Some(power.map_or(0, |power| digits / power)),
            power => power.and_then(|power| digits.checked_mul(power)),
        };
        (negative, millionths)
    }

    #[test]
    fn a_number_is_a_time_exactly_if_it_lies_within_the_range_and_is_read_without_loss() {
        const LAST: u128 = 1 << 53;
        for_all(number(), |text| {
            let read = serde_json::from_str::<NumericDate>(&text).ok().map(|date| date.0);
            let (negative, micros) = exactly(&text);
            let want = match (negative, micros) {
                (true, Some(0)) => return Ok(()), // Nothing, or so little that it is nothing.
                (true, _) | (false, None) => None,
                (false, Some(micros)) if micros > (LAST + 8) * 1_000_000 => None,
                // A fraction at the very end is rounded to one side or the other.
                (false, Some(micros)) if micros > LAST * 1_000_000 && read.is_some() => {
                    Some(LAST * 1_000_000)
                }
                (false, Some(micros)) if micros > LAST * 1_000_000 => None,
                (false, Some(micros)) => Some(micros),
            };
            prop_assert_eq!(read.is_some(), want.is_some());
            let Some((read, want)) = read.zip(want) else { return Ok(()) };
            let error = (read - want as f64 / 1e6).abs();
            prop_assert!(error <= 1e-6 + read * 4.0 * f64::EPSILON, "{read} is off by {error}");
            if text.bytes().all(|byte| byte.is_ascii_digit()) {
                let whole = text.parse().ok().and_then(NumericDate::from_whole_seconds);
                prop_assert_eq!(whole.map(|date| date.0), Some(read), "the two readers");
                let since = NumericDate(read)
                    .to_system_time()
                    .map(|time| time.duration_since(SystemTime::UNIX_EPOCH));
                prop_assert_eq!(since.and_then(Result::ok).map(|since| since.as_nanos()), Some(want * 1_000));
            }
            Ok(())
        });
    }

    #[test]
    fn what_is_no_number_is_no_time() {
        for_all(
            prop_oneof![
                "\"[0-9]{0,12}\"",
                "\\[[0-9]{0,3}\\]",
                "0[0-9]{1,6}",
                "[+.][0-9]{1,6}",
                "[0-9]{1,3}\\.",
                "\\PC{0,6}"
            ],
            |text| {
                let is_number = serde_json::from_str::<serde_json::Number>(&text).is_ok();
                prop_assert_eq!(serde_json::from_str::<NumericDate>(&text).is_ok() && !is_number, false);
                Ok(())
            },
        );
    }
}
