//! What is asked of `exp`, `nbf` and `iat`, again on every use of a token.

use std::time::Duration;

use super::policy::{Demand, LateLinks, Policy, Strictness};
use super::profile::FAPI2_SKEW;
use crate::error::{AuthError, AuthErrorKind};
use crate::source::Source;
use crate::token::{NumericDate, UnverifiedClaims};

/// The claims about time, kept to be judged again on every use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Times {
    pub(super) exp: Option<NumericDate>,
    pub(super) nbf: Option<NumericDate>,
    pub(super) iat: Option<NumericDate>,
}

impl Times {
    pub(super) fn of(claims: &UnverifiedClaims<'_>) -> Self {
        Self { exp: claims.exp, nbf: claims.nbf, iat: claims.iat }
    }
}

/// Whether a token is within its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timeliness {
    InTime,
    /// A link whose token was good until it expired, if its signature is.
    Late,
}

/// What is asked of the times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeCheck {
    Expiry,
    NotBefore,
    IssuedAt,
    Age,
    Lifetime,
}

impl TimeCheck {
    /// In the order that they are made.
    pub(super) const ALL: [Self; 5] =
        [Self::Expiry, Self::NotBefore, Self::IssuedAt, Self::Age, Self::Lifetime];
}

impl Policy {
    /// Checks the times; a link that is late and nothing else is left for its signature to be told apart.
    pub(super) fn judge_timeliness(
        &self,
        times: &Times,
        now: NumericDate,
        source: Source,
    ) -> Result<Timeliness, AuthError> {
        let [first, rest @ ..] = TimeCheck::ALL;
        let expiry = self.judge_times(first, times, now);
        let may_be_late = self.late_links == LateLinks::Named && source == Source::Query;
        match expiry {
            Err(error) if error.kind() != AuthErrorKind::TokenExpired || !may_be_late => return Err(error),
            _ => {}
        }
        let others = rest.into_iter().try_for_each(|check| self.judge_times(check, times, now));
        match (expiry, others) {
            (Ok(()), others) => others.map(|()| Timeliness::InTime),
            (Err(_), Ok(())) => Ok(Timeliness::Late),
            (Err(expired), Err(_)) => Err(expired),
        }
    }

    pub(super) fn judge_times(
        &self,
        check: TimeCheck,
        times: &Times,
        now: NumericDate,
    ) -> Result<(), AuthError> {
        let required = |date: Option<NumericDate>, claim| {
            date.ok_or(AuthError::about(AuthErrorKind::ClaimMissing, claim))
        };
        let not_after = |date: NumericDate, skew| {
            if date > now.plus(skew) { Err(AuthErrorKind::TokenNotYetValid.into()) } else { Ok(()) }
        };
        match check {
            TimeCheck::Expiry => match times.exp {
                Some(exp) if now >= exp.plus(self.leeway) => Err(AuthErrorKind::TokenExpired.into()),
                None if self.expiry == Demand::Required => required(None, "exp").map(drop),
                _ => Ok(()),
            },
            TimeCheck::NotBefore => times.nbf.map_or(Ok(()), |nbf| not_after(nbf, self.skew())),
            TimeCheck::IssuedAt => match (times.iat, self.issued_at_skew()) {
                (Some(iat), Some(skew)) => not_after(iat, skew),
                _ => Ok(()),
            },
            TimeCheck::Age => {
                let Some(max_age) = self.max_age else { return Ok(()) };
                let iat = required(times.iat, "iat")?;
                not_after(iat, self.skew())?;
                if now >= iat.plus(max_age).plus(self.leeway) {
                    return Err(AuthErrorKind::TokenTooOld.into());
                }
                Ok(())
            }
            TimeCheck::Lifetime => {
                let Some(max_lifetime) = self.max_lifetime else { return Ok(()) };
                let iat = required(times.iat, "iat")?;
                let exp = required(times.exp, "exp")?;
                not_after(iat, self.skew())?;
                if exp > iat.plus(max_lifetime) {
                    return Err(AuthErrorKind::TokenTooOld.into());
                }
                Ok(())
            }
        }
    }

    /// How far a date may lie in the future at which a token begins to count.
    pub(super) fn skew(&self) -> Duration {
        match self.strictness {
            Strictness::Usual => self.leeway,
            Strictness::Fapi2 => FAPI2_SKEW,
        }
    }

    /// The same of `iat` where nothing else depends on it, if it is judged.
    pub(super) fn issued_at_skew(&self) -> Option<Duration> {
        match self.strictness {
            Strictness::Usual => self.issued_at_skew,
            Strictness::Fapi2 => Some(FAPI2_SKEW),
        }
    }

    /// What `error` is called of a token that was found at `source`, if its signature is good.
    pub(super) fn name_lateness(&self, error: AuthError, source: Source) -> AuthError {
        let is_late = error.kind() == AuthErrorKind::TokenExpired && source == Source::Query;
        if is_late && self.late_links == LateLinks::Named { AuthErrorKind::LinkExpired.into() } else { error }
    }
}
