//! Times as people say them: "expired 3 minutes ago", "expires in 4 hours".

use std::fmt;
use std::time::Duration;

use super::policy::Policy;
use super::times::{TimeCheck, Times};
use crate::token::NumericDate;

/// What `times` say at `now` about the one that `check` judges: none if it is not there, or there is nothing to say.
pub(super) fn say(check: TimeCheck, policy: &Policy, times: &Times, now: NumericDate) -> Option<String> {
    let (date, past, future) = match check {
        TimeCheck::Expiry => (times.exp?, "expired", "expires"),
        TimeCheck::NotBefore => (times.nbf?, "became valid", "becomes valid"),
        // Of a token of any age, `iat` says enough.
        TimeCheck::Age if policy.max_age.is_none() => return None,
        TimeCheck::IssuedAt | TimeCheck::Age => (times.iat?, "issued", "to be issued"),
        TimeCheck::Lifetime => {
            let (exp, iat) = (times.exp?, times.iat?);
            return Some(if exp < iat {
                "expires before it is issued".to_owned()
            } else {
                format!("lives for {}", InWords(exp.since(iat)))
            });
        }
    };
    let words = if date > now {
        format!("{future} in {}", InWords(date.since(now)))
    } else {
        format!("{past} {} ago", InWords(now.since(date)))
    };
    // It decides only about a date that is on the wrong side of the limit.
    let leeway = match check {
        TimeCheck::Expiry => (now >= date).then_some(policy.leeway),
        TimeCheck::NotBefore => (date > now).then_some(policy.skew()),
        TimeCheck::IssuedAt => policy.issued_at_skew().filter(|_| date > now),
        TimeCheck::Age => {
            let is_out = |max_age: &Duration| date > now || now >= date.plus(*max_age);
            let leeway = if date > now { policy.skew() } else { policy.leeway };
            policy.max_age.filter(is_out).map(|_| leeway)
        }
        TimeCheck::Lifetime => None,
    };
    let Some(leeway) = leeway.filter(|leeway| !leeway.is_zero()) else { return Some(words) };
    let side = if policy.judge_times(check, times, now).is_ok() { "within" } else { "beyond" };
    Some(format!("{words}, {side} the leeway of {}", InWords(leeway)))
}

/// A span of time, rounded to the largest unit that there are at least two of.
pub(super) struct InWords(pub(super) Duration);

/// In seconds.
const UNITS: [(u64, &str); 4] =
    [(365 * 24 * 60 * 60, "years"), (24 * 60 * 60, "days"), (60 * 60, "hours"), (60, "minutes")];

impl fmt::Display for InWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.saturating_add(Duration::from_millis(500)).as_secs();
        for (unit, name) in UNITS {
            if seconds >= unit.saturating_mul(2) {
                let count = seconds.saturating_add(unit / 2).checked_div(unit).unwrap_or_default();
                return write!(f, "{count} {name}");
            }
        }
        match seconds {
            0 => f.write_str("less than a second"),
            1 => f.write_str("1 second"),
            seconds => write!(f, "{seconds} seconds"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, FixedClock};
    use crate::jwks::SharedSecret;
    use crate::token::Algorithm;
    use crate::verify::Authority;
    use crate::verify::policy::Strictness;

    const NOW: u32 = 1_800_000_000;

    fn at(seconds: u32) -> NumericDate {
        NumericDate::from_system_time(FixedClock::at_unix(seconds).now())
    }

    fn policy() -> Policy {
        let secret = SharedSecret::new(Algorithm::Hs256, [7; 32]).expect("a secret");
        Policy::new("issuer".to_owned(), "api".to_owned(), &Authority::from(secret)).expect("a policy")
    }

    #[test]
    fn a_span_is_said_in_the_largest_unit_that_there_are_two_of() {
        for (milliseconds, want) in [
            (0, "less than a second"),
            (499, "less than a second"),
            (500, "1 second"),
            (1_499, "1 second"),
            (1_500, "2 seconds"),
            (119_000, "119 seconds"),
            (119_900, "2 minutes"),
            (180_000, "3 minutes"),
            (3_600_000, "60 minutes"),
            (7_200_000, "2 hours"),
            (14_399_000, "4 hours"),
            (172_800_000, "2 days"),
            (63_072_000_000, "2 years"),
        ] {
            assert_eq!(InWords(Duration::from_millis(milliseconds)).to_string(), want, "{milliseconds}");
        }
        assert!(InWords(Duration::MAX).to_string().ends_with(" years"));
    }

    #[test]
    fn a_time_says_on_which_side_of_now_it_is_and_whether_the_leeway_saved_it() {
        use TimeCheck::{Age, Expiry, IssuedAt, Lifetime, NotBefore};
        let mut skewed = policy();
        skewed.issued_at_skew = Some(Duration::from_secs(60));
        let mut aged = policy();
        aged.max_age = Some(Duration::from_secs(600));
        let mut strict = policy();
        strict.leeway = Duration::ZERO;
        let mut fapi = aged.clone();
        fapi.strictness = Strictness::Fapi2;
        let mut at_once = fapi.clone();
        at_once.max_age = Some(Duration::ZERO);
        for (check, policy, date, want) in [
            (Expiry, policy(), NOW + 14_400, "expires in 4 hours"),
            (Expiry, policy(), NOW, "expired less than a second ago, within the leeway of 30 seconds"),
            (Expiry, policy(), NOW - 20, "expired 20 seconds ago, within the leeway of 30 seconds"),
            (Expiry, policy(), NOW - 30, "expired 30 seconds ago, beyond the leeway of 30 seconds"),
            (Expiry, strict, NOW - 180, "expired 3 minutes ago"),
            (NotBefore, policy(), NOW - 10, "became valid 10 seconds ago"),
            (NotBefore, policy(), NOW, "became valid less than a second ago"),
            (NotBefore, policy(), NOW + 30, "becomes valid in 30 seconds, within the leeway of 30 seconds"),
            (
                NotBefore,
                fapi.clone(),
                NOW + 11,
                "becomes valid in 11 seconds, beyond the leeway of 10 seconds",
            ),
            (Age, fapi.clone(), NOW + 11, "to be issued in 11 seconds, beyond the leeway of 10 seconds"),
            (Age, at_once, NOW, "issued less than a second ago, within the leeway of 30 seconds"),
            (Age, fapi, NOW - 620, "issued 10 minutes ago, within the leeway of 30 seconds"),
            (NotBefore, policy(), NOW + 31, "becomes valid in 31 seconds, beyond the leeway of 30 seconds"),
            (IssuedAt, policy(), NOW - 10, "issued 10 seconds ago"),
            (IssuedAt, policy(), NOW + 10, "to be issued in 10 seconds"),
            (IssuedAt, skewed.clone(), NOW, "issued less than a second ago"),
            (IssuedAt, skewed, NOW + 10, "to be issued in 10 seconds, within the leeway of 60 seconds"),
            (Age, aged.clone(), NOW + 10, "to be issued in 10 seconds, within the leeway of 30 seconds"),
            (Age, aged.clone(), NOW, "issued less than a second ago"),
            (Age, aged.clone(), NOW - 599, "issued 10 minutes ago"),
            (Age, aged.clone(), NOW - 600, "issued 10 minutes ago, within the leeway of 30 seconds"),
            (Age, aged, NOW - 660, "issued 11 minutes ago, beyond the leeway of 30 seconds"),
        ] {
            let date = Some(at(date));
            let times = Times { exp: date, nbf: date, iat: date };
            assert_eq!(say(check, &policy, &times, at(NOW)).as_deref(), Some(want), "{check:?}");
        }
        let times = Times { exp: Some(at(NOW)), nbf: None, iat: Some(at(NOW - 300)) };
        assert_eq!(say(Lifetime, &policy(), &times, at(NOW)).as_deref(), Some("lives for 5 minutes"));
        assert_eq!(say(NotBefore, &policy(), &times, at(NOW)), None);
        assert_eq!(say(Age, &policy(), &times, at(NOW)), None, "of any age");
        let times = Times { exp: times.exp, nbf: None, iat: times.exp };
        assert_eq!(
            say(Lifetime, &policy(), &times, at(NOW)).as_deref(),
            Some("lives for less than a second")
        );
        let times = Times { exp: Some(at(NOW - 300)), nbf: None, iat: times.exp };
        let want = Some("expires before it is issued");
        assert_eq!(say(Lifetime, &policy(), &times, at(NOW)).as_deref(), want);
    }
}
