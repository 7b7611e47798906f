use std::fmt;
use std::time::{Duration, SystemTime};

use crate::crypto::{self, MacKey};
use crate::error::ConfigError;
use crate::token::Algorithm;

/// For how long one nonce is given out: it is good until the end of the next such time, 5 to 10 minutes.
pub const NONCE_PERIOD: Duration = Duration::from_secs(5 * 60);

/// Nonces that nobody has to remember: a MAC of the time.
pub(super) struct Nonces(MacKey);

/// How long ago a nonce was the one that is given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NonceAge {
    Current,
    /// Its time is up: the next proof needs another.
    Previous,
}

impl Nonces {
    /// Of a secret that this process alone knows, and forgets.
    pub(super) fn of_this_process() -> Self {
        Self(MacKey::random())
    }

    pub(super) fn shared(secret: &[u8]) -> Result<Self, ConfigError> {
        let key = MacKey::new(Algorithm::Hs256, secret);
        key.map(Self).ok_or_else(|| {
            ConfigError::new(
                "a secret for nonces has 32 bytes or more: random ones, the same for every replica",
            )
        })
    }

    /// The one that is given out now.
    pub(super) fn current(&self, now: SystemTime) -> String {
        self.of_period(period(now))
    }

    /// None if it was not given out here lately.
    pub(super) fn age_of(&self, nonce: &str, now: SystemTime) -> Option<NonceAge> {
        let current = period(now);
        let is_of = |period| crypto::same(nonce.as_bytes(), self.of_period(period).as_bytes());
        if is_of(current) {
            Some(NonceAge::Current)
        } else if current.checked_sub(1).is_some_and(is_of) {
            Some(NonceAge::Previous)
        } else {
            None
        }
    }

    fn of_period(&self, period: u64) -> String {
        let message = [b"DPoP nonce ".as_slice(), &period.to_be_bytes()].concat();
        base64_simd::URL_SAFE_NO_PAD.encode_to_string(self.0.tag(&message))
    }
}

/// The number of a time.
fn period(now: SystemTime) -> u64 {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_secs().checked_div(NONCE_PERIOD.as_secs()).unwrap_or_default()
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonces([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_good_in_its_own_time_and_the_next_and_of_its_own_secret() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(300 * 6_000_000);
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let (nonces, others) = (Nonces::of_this_process(), Nonces::of_this_process());
        let nonce = nonces.current(start);
        for (seconds, want) in [
            (0, Some(NonceAge::Current)),
            (299, Some(NonceAge::Current)),
            (300, Some(NonceAge::Previous)),
            (599, Some(NonceAge::Previous)),
            (600, None),
            (86_400, None),
        ] {
            assert_eq!(nonces.age_of(&nonce, at(seconds)), want, "{seconds}");
            assert_eq!(others.age_of(&nonce, at(seconds)), None, "another process, {seconds}");
        }
        assert_eq!(nonces.age_of(&nonce, start - Duration::from_secs(1)), None, "of times to come");
        for other in ["", "a", &format!("A{nonce}"), &format!("{nonce}A"), &nonce.to_uppercase()] {
            assert_eq!(nonces.age_of(other, start), None, "{other}");
        }
        assert_eq!(nonces.current(SystemTime::UNIX_EPOCH), nonces.current(SystemTime::UNIX_EPOCH));
        assert_eq!(format!("{nonces:?}"), "Nonces([redacted])");
    }

    #[test]
    fn replicas_with_one_secret_of_32_bytes_know_each_others_nonces() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let [one, other] = [(); 2].map(|()| Nonces::shared(&[7; 32]).expect("a secret"));
        assert_eq!(other.age_of(&one.current(now), now), Some(NonceAge::Current));
        let third = Nonces::shared(&[8; 32]).expect("a secret");
        assert_eq!(third.age_of(&one.current(now), now), None);
        assert!(Nonces::shared(&[7; 31]).is_err());
    }
}
