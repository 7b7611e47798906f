use std::borrow::Cow;
use std::fmt;

use super::policy::ClaimCheck;
use super::times::TimeCheck;
use crate::error::AuthError;

/// What a [`Verifier`](super::Verifier) makes of one token, check by check: from
/// [`explain`](super::Verifier::explain).
///
/// Its [`Display`](fmt::Display) is a report to read. Values of the token are in it in debug builds, and otherwise only
/// [where they are asked for](Self::with_values); the signature and the text of the token never are. Its `Debug` shows no
/// value in any build.
///
/// # Security
///
/// It is for whoever runs the verifier, not for the client: it tells what the policy wants, and whether the signature of an
/// expired token is good.
#[derive(Clone)]
#[must_use]
pub struct Explanation {
    verdict: Result<(), AuthError>,
    checks: Vec<Check>,
    values: Values,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Values {
    Shown,
    Hidden,
}

/// One check of an [`Explanation`].
#[derive(Clone)]
pub struct Check {
    pub(super) step: Step,
    pub(super) name: &'static str,
    pub(super) outcome: Outcome,
    /// Nothing of the token.
    pub(super) note: Option<Cow<'static, str>>,
    /// What the token has, ready to be shown.
    pub(super) value: Option<String>,
}

/// How a [`Check`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The token satisfies it.
    Passed,
    /// The token does not.
    Failed(AuthError),
    /// It could not be made, for what failed before.
    NotReached,
    /// The policy does not ask for it.
    Off,
}

/// Which check, in the order of the [steps](super::Verifier#verification).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Parts,
    Header,
    Algorithm,
    Type,
    Claims,
    Claim(ClaimCheck),
    Profile,
    Time(TimeCheck),
    Key,
    Signature,
    /// In place of key and signature.
    Provider,
    /// By its place among the rules.
    Rule(usize),
}

impl Explanation {
    pub(super) fn new(verdict: Result<(), AuthError>, checks: Vec<Check>) -> Self {
        let values = if cfg!(debug_assertions) { Values::Shown } else { Values::Hidden };
        Self { verdict, checks, values }
    }

    /// Shows what the token says, in release builds too.
    ///
    /// # Security
    ///
    /// That may be personal data: `sub` names somebody.
    pub fn with_values(mut self) -> Self {
        self.values = Values::Shown;
        self
    }

    /// Shows nothing of what the token says, in debug builds neither.
    pub fn without_values(mut self) -> Self {
        self.values = Values::Hidden;
        self
    }

    /// What [`verify_or_ask`](super::Verifier::verify_or_ask) says.
    ///
    /// # Errors
    ///
    /// That of the first [check](Self::checks) that failed.
    pub fn verdict(&self) -> Result<(), AuthError> {
        self.verdict
    }

    /// Every check, in the order of the [steps](super::Verifier#verification).
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }
}

impl Check {
    /// The claim or the part of the token that it looks at, or the name of the [rule](super::Verifier::with_rule).
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The number of its [step](super::Verifier#verification).
    #[must_use]
    pub fn step(&self) -> u8 {
        self.step.number()
    }

    /// How it ended.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// What the policy wants, of a check that failed, or why it was not made. Nothing of the token is in it.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// What is said after the outcome.
    fn remarks(&self, values: Values) -> String {
        let value = self.value.as_deref().filter(|_| values == Values::Shown);
        let error = match self.outcome {
            Outcome::Failed(error) => Some(error.to_string()),
            _ => None,
        };
        let reasons: Vec<&str> = error.as_deref().into_iter().chain(self.note()).collect();
        let reasons = reasons.join("; ");
        match value {
            Some(value) if reasons.is_empty() => value.to_owned(),
            Some(value) => format!("{value}: {reasons}"),
            None => reasons,
        }
    }
}

impl Step {
    const fn number(self) -> u8 {
        match self {
            Self::Parts => 1,
            Self::Header => 2,
            Self::Algorithm | Self::Type => 3,
            Self::Claims => 4,
            Self::Claim(_) | Self::Profile => 5,
            Self::Time(_) => 6,
            Self::Key => 7,
            Self::Signature | Self::Provider => 8,
            Self::Rule(_) => 9,
        }
    }

    /// None of rules, which have names of their own.
    pub(super) const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Parts => "parts",
            Self::Header => "header",
            Self::Algorithm => "alg",
            Self::Type => "typ",
            Self::Claims => "claims",
            Self::Claim(ClaimCheck::Issuer) => "iss",
            Self::Claim(ClaimCheck::Audience) => "aud",
            Self::Claim(ClaimCheck::Subject) => "sub",
            Self::Claim(ClaimCheck::Binding) => "cnf",
            Self::Claim(ClaimCheck::Required) => "required",
            Self::Profile => "profile",
            Self::Time(TimeCheck::Expiry) => "exp",
            Self::Time(TimeCheck::NotBefore) => "nbf",
            Self::Time(TimeCheck::IssuedAt) => "iat",
            Self::Time(TimeCheck::Age) => "age",
            Self::Time(TimeCheck::Lifetime) => "lifetime",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Provider => "provider",
            Self::Rule(_) => return None,
        })
    }
}

/// The verdict, and a line for each check: step, name, outcome, and what there is to say.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.verdict {
            Ok(()) => f.write_str("accepted\n")?,
            Err(error) => writeln!(f, "refused ({}): {error}", error.code())?,
        }
        let width = self.checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
        for check in &self.checks {
            let line = format!(
                "  {}  {:width$}  {:11}  {}",
                check.step(),
                check.name,
                check.outcome.to_string(),
                check.remarks(self.values),
            );
            write!(f, "\n{}", line.trim_end())?;
        }
        Ok(())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            // One look down the column finds it.
            Self::Failed(_) => "FAILED",
            Self::NotReached => "not reached",
            Self::Off => "off",
        })
    }
}

impl fmt::Debug for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Explanation")
            .field("verdict", &self.verdict)
            .field("checks", &self.checks)
            .finish_non_exhaustive()
    }
}

/// Without the value.
impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("name", &self.name)
            .field("outcome", &self.outcome)
            .field("note", &self.note)
            .finish_non_exhaustive()
    }
}
