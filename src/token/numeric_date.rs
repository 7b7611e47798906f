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
mod tests {
    use super::*;

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
}
