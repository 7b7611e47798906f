use http::StatusCode;

use super::times::Timeliness;
use crate::error::{AuthError, AuthErrorKind};
use crate::jwks::{Lack, Waited};

/// Where a verification ended.
pub(crate) enum Stop {
    Refused(AuthError),
    /// All is well so far, but what comes next is not here.
    Lacking(Want),
}

impl Stop {
    /// No fetch, no call and no asking again for a token that cannot be let in.
    pub(super) fn for_a_token_that_is(self, timeliness: Timeliness) -> Self {
        let says_that_it_is_bad =
            matches!(&self, Self::Refused(error) if error.status() != StatusCode::SERVICE_UNAVAILABLE);
        match timeliness {
            Timeliness::Late if !says_that_it_is_bad => AuthErrorKind::TokenExpired.into(),
            _ => self,
        }
    }
}

/// What a plausible token lacks.
#[derive(Debug)]
pub(crate) enum Want {
    Keys(Lack),
    /// What its provider says of it.
    Answer,
}

impl From<AuthError> for Stop {
    fn from(error: AuthError) -> Self {
        Self::Refused(error)
    }
}

impl From<AuthErrorKind> for Stop {
    fn from(kind: AuthErrorKind) -> Self {
        Self::Refused(kind.into())
    }
}

/// The answer to a token for want of what it lacks.
pub(super) fn answer_for(want: &Want, waited: Waited) -> AuthError {
    let kind = match want {
        Want::Answer => AuthErrorKind::VerifierUnavailable,
        Want::Keys(Lack::FirstSet) => AuthErrorKind::KeysPending,
        Want::Keys(Lack::OtherKey { .. }) => AuthErrorKind::SignatureInvalid,
        // The token may be good: nobody could look.
        Want::Keys(Lack::Key { refresh_failed, .. }) if *refresh_failed || waited == Waited::InVain => {
            AuthErrorKind::KeysUnavailable
        }
        Want::Keys(Lack::Key { .. }) => AuthErrorKind::KeyUnknown,
    };
    kind.into()
}
