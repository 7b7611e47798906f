use std::fmt;
use std::sync::Arc;

use crate::error::{AuthError, AuthErrorKind};
use crate::verify::VerifiedToken;

/// One thing that a guard asks of a token.
#[derive(Clone)]
pub(super) struct Condition {
    pub(super) asks: Asks,
    /// What it is called where it is told of.
    pub(super) text: Arc<str>,
    /// What a refusal calls it.
    pub(super) name: Option<&'static str>,
}

#[derive(Clone)]
pub(super) enum Asks {
    /// For scopes: all of them, or one.
    Scopes { wanted: Arc<[Box<str>]>, any: bool, implies: Option<Arc<Implies>> },
    /// For claims that a function accepts.
    Claims(Arc<Judge>),
    /// For an authentication that a function accepts, and a challenge can ask for.
    Authentication { judge: Arc<Judge>, acr_values: Option<Box<str>>, max_age: Option<u64> },
}

/// What it would take to have what is asked for, the hardest first: conditions are judged in this order, so that nobody is
/// asked for what will not help, and a new sign-in is asked for all that it can bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rank {
    /// No sign-in changes it.
    Given,
    /// A stronger or a more recent one, which may ask for scopes too.
    BySignIn,
    ByConsent,
}

impl Rank {
    pub(super) const ALL: [Self; 3] = [Self::Given, Self::BySignIn, Self::ByConsent];
}

/// Whether the scope that is held, the first, stands for the one that is wanted, the second.
pub(super) type Implies = dyn Fn(&str, &str) -> bool + Send + Sync;

/// No is `Ok(false)`; claims that cannot be read are an error.
pub(super) type Judge = dyn Fn(&VerifiedToken) -> Result<bool, AuthError> + Send + Sync;

impl Condition {
    pub(super) fn rank(&self) -> Rank {
        match self.asks {
            Asks::Claims(_) => Rank::Given,
            Asks::Authentication { .. } => Rank::BySignIn,
            Asks::Scopes { .. } => Rank::ByConsent,
        }
    }

    pub(super) fn check(&self, token: &VerifiedToken) -> Result<(), AuthError> {
        let (holds, kind) = match &self.asks {
            Asks::Scopes { wanted, any, implies } => {
                let scopes = token.claims::<super::Scopes>()?;
                let has = |wanted: &str| scopes.have(wanted, implies.as_deref());
                let mut wanted = wanted.iter();
                let holds =
                    if *any { wanted.any(|wanted| has(wanted)) } else { wanted.all(|wanted| has(wanted)) };
                (holds, AuthErrorKind::ScopeInsufficient)
            }
            Asks::Claims(judge) => (judge(token)?, AuthErrorKind::PermissionDenied),
            Asks::Authentication { judge, .. } => (judge(token)?, AuthErrorKind::AuthenticationInsufficient),
        };
        match (holds, self.name) {
            (true, _) => Ok(()),
            (false, Some(name)) => Err(AuthError::about(kind, name)),
            (false, None) => Err(kind.into()),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name.unwrap_or(&self.text))
    }
}
