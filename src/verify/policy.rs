use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Keys, VerifiedToken};
use crate::clock::{Clock, SystemClock};
use crate::error::{AuthError, AuthErrorKind, ConfigError};
use crate::token::{AlgorithmSet, Audience, NumericDate, UnverifiedClaims, UnverifiedHeader};

/// The clock difference that is forgiven by default: enough for drift between synchronised machines.
pub const DEFAULT_LEEWAY: Duration = Duration::from_secs(30);

/// The most clock difference that can be forgiven: "no more than a few minutes" ([RFC 7519 §4.1.4]).
///
/// [RFC 7519 §4.1.4]: https://www.rfc-editor.org/rfc/rfc7519#section-4.1.4
pub const MAX_LEEWAY: Duration = Duration::from_secs(5 * 60);

/// Everything that a verifier asks of a token besides its signature.
#[derive(Clone)]
pub(super) struct Policy {
    /// None: any, by an `insecure_` call.
    pub(super) issuer: Option<String>,
    /// None: any, by an `insecure_` call.
    pub(super) audiences: Option<Vec<String>>,
    pub(super) algorithms: AlgorithmSet,
    pub(super) typ: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) expiry: Demand,
    pub(super) binding: Binding,
    pub(super) leeway: Duration,
    pub(super) max_age: Option<Duration>,
    pub(super) max_lifetime: Option<Duration>,
    pub(super) required: Vec<&'static str>,
    pub(super) rules: Vec<Rule>,
    pub(super) clock: Arc<dyn Clock>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Demand {
    Required,
    Optional,
}

/// What becomes of a token that is bound to a key of its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binding {
    Refuse,
    Ignore,
}

/// A rule of the application's own.
#[derive(Clone)]
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) accepts: Arc<dyn Fn(&VerifiedToken) -> bool + Send + Sync>,
}

impl Policy {
    pub(super) fn new(issuer: String, audience: String, keys: &Keys) -> Result<Self, ConfigError> {
        if issuer.is_empty() {
            return Err(ConfigError::new(
                "the issuer is empty: name the one whose tokens are accepted, as it stands in their `iss`",
            ));
        }
        check_audience(&audience)?;
        if let Keys::Set(jwks) = keys
            && let Some(keys_of) = jwks.issuer()
            && keys_of != issuer
        {
            return Err(ConfigError::new(format!(
                "the keys were discovered for {keys_of:?}, and verify no tokens of {issuer:?}"
            )));
        }
        Ok(Self {
            issuer: Some(issuer),
            audiences: Some(vec![audience]),
            algorithms: match keys {
                Keys::Set(_) => AlgorithmSet::asymmetric(),
                Keys::Secret(secret) => [secret.algorithm()].into(),
            },
            typ: None,
            subject: None,
            expiry: Demand::Required,
            binding: Binding::Refuse,
            leeway: DEFAULT_LEEWAY,
            max_age: None,
            max_lifetime: None,
            required: Vec::new(),
            rules: Vec::new(),
            clock: Arc::new(SystemClock),
        })
    }

    pub(super) fn now(&self) -> NumericDate {
        NumericDate::from_system_time(self.clock.now())
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(super) fn audiences(&self) -> &[String] {
        self.audiences.as_deref().unwrap_or_default()
    }

    pub(super) fn required(&self) -> &[&'static str] {
        &self.required
    }

    pub(super) fn check_header(&self, header: &UnverifiedHeader<'_>) -> Result<(), AuthError> {
        if !self.algorithms.contains(header.algorithm) {
            return Err(AuthErrorKind::AlgorithmUnsupported.into());
        }
        match &self.typ {
            Some(kind) if !header.typ_is(kind) => Err(AuthErrorKind::TypeMismatch.into()),
            _ => Ok(()),
        }
    }

    pub(super) fn check_claims(&self, claims: &UnverifiedClaims<'_>) -> Result<(), AuthError> {
        if let Some(issuer) = &self.issuer
            && claims.iss.as_deref() != Some(issuer)
        {
            return Err(AuthErrorKind::IssuerMismatch.into());
        }
        if self.audiences.is_some() && claims.aud != Audience::Ours {
            return Err(AuthErrorKind::AudienceMismatch.into());
        }
        if self.subject.is_some() && claims.sub.as_deref() != self.subject.as_deref() {
            return Err(AuthError::about(AuthErrorKind::ClaimRefused, "sub"));
        }
        if claims.bound && self.binding == Binding::Refuse {
            return Err(AuthErrorKind::TokenBound.into());
        }
        for (index, claim) in self.required.iter().enumerate() {
            if claims.present & (1 << index) == 0 {
                return Err(AuthError::about(AuthErrorKind::ClaimMissing, claim));
            }
        }
        Ok(())
    }

    pub(super) fn check_times(&self, times: &Times, now: NumericDate) -> Result<(), AuthError> {
        match times.exp {
            Some(exp) if now >= exp.plus(self.leeway) => return Err(AuthErrorKind::TokenExpired.into()),
            None if self.expiry == Demand::Required => {
                return Err(AuthError::about(AuthErrorKind::ClaimMissing, "exp"));
            }
            _ => {}
        }
        let is_future = |date: NumericDate| date > now.plus(self.leeway);
        if times.nbf.is_some_and(is_future) {
            return Err(AuthErrorKind::TokenNotYetValid.into());
        }
        if let Some(max_age) = self.max_age {
            let iat = times.iat.ok_or(AuthError::about(AuthErrorKind::ClaimMissing, "iat"))?;
            if is_future(iat) {
                return Err(AuthErrorKind::TokenNotYetValid.into());
            }
            if now >= iat.plus(max_age).plus(self.leeway) {
                return Err(AuthErrorKind::TokenTooOld.into());
            }
        }
        if let Some(max_lifetime) = self.max_lifetime {
            let iat = times.iat.ok_or(AuthError::about(AuthErrorKind::ClaimMissing, "iat"))?;
            let exp = times.exp.ok_or(AuthError::about(AuthErrorKind::ClaimMissing, "exp"))?;
            if is_future(iat) {
                return Err(AuthErrorKind::TokenNotYetValid.into());
            }
            if exp > iat.plus(max_lifetime) {
                return Err(AuthErrorKind::TokenTooOld.into());
            }
        }
        Ok(())
    }

    pub(super) fn check_rules(&self, token: &VerifiedToken) -> Result<(), AuthError> {
        match self.rules.iter().find(|rule| !(rule.accepts)(token)) {
            Some(rule) => Err(AuthError::about(AuthErrorKind::ClaimRefused, rule.name)),
            None => Ok(()),
        }
    }
}

pub(super) fn check_audience(audience: &str) -> Result<(), ConfigError> {
    if audience.is_empty() {
        return Err(ConfigError::new(
            "the audience is empty: name yourself as the issuer does in the `aud` of tokens for you",
        ));
    }
    Ok(())
}

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

/// Every check by name, and every one that is off.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.issuer {
            Some(issuer) => write!(f, "iss is {issuer:?}")?,
            None => f.write_str("ISSUER IS NOT CHECKED")?,
        }
        match &self.audiences {
            Some(audiences) => write!(f, "; aud has one of {audiences:?}")?,
            None => f.write_str("; AUDIENCE IS NOT CHECKED")?,
        }
        write!(f, "; alg is one of [{}]", self.algorithms)?;
        match &self.typ {
            Some(typ) => write!(f, "; typ is {typ:?}")?,
            None => f.write_str("; typ is not that of another kind of token")?,
        }
        match self.expiry {
            Demand::Required => f.write_str("; exp is required")?,
            Demand::Optional => f.write_str("; EXP IS NOT REQUIRED")?,
        }
        write!(f, "; exp and nbf hold within {:?}", self.leeway)?;
        if let Some(max_age) = self.max_age {
            write!(f, "; iat is at most {max_age:?} ago")?;
        }
        if let Some(max_lifetime) = self.max_lifetime {
            write!(f, "; exp is at most {max_lifetime:?} after iat")?;
        }
        if let Some(subject) = &self.subject {
            write!(f, "; sub is {subject:?}")?;
        }
        for claim in &self.required {
            write!(f, "; {claim} is present")?;
        }
        for rule in &self.rules {
            write!(f, "; rule {:?} accepts", rule.name)?;
        }
        match self.binding {
            Binding::Refuse => f.write_str("; cnf is absent"),
            Binding::Ignore => f.write_str("; CNF IS IGNORED"),
        }
    }
}

/// How many claims a policy can require: one bit for each.
const MAX_REQUIRED: usize = 64;

impl Policy {
    pub(super) fn require(&mut self, claim: &'static str) -> Result<(), ConfigError> {
        if self.required.len() >= MAX_REQUIRED {
            return Err(ConfigError::new("no more than 64 claims can be required"));
        }
        if !self.required.contains(&claim) {
            self.required.push(claim);
        }
        Ok(())
    }

    pub(super) fn add_audience(&mut self, audience: String) -> Result<(), ConfigError> {
        check_audience(&audience)?;
        let Some(audiences) = &mut self.audiences else {
            return Err(ConfigError::new(
                "any audience is accepted already: leave the one call or the other out",
            ));
        };
        audiences.push(audience);
        Ok(())
    }

    pub(super) fn narrow(&mut self, algorithms: AlgorithmSet) -> Result<(), ConfigError> {
        let narrowed: AlgorithmSet =
            algorithms.iter().filter(|algorithm| self.algorithms.contains(*algorithm)).collect();
        if narrowed.is_empty() || narrowed != algorithms {
            let allowed = self.algorithms;
            return Err(ConfigError::new(format!(
                "an allow-list can only narrow: [{algorithms}] is not within [{allowed}]"
            )));
        }
        self.algorithms = narrowed;
        Ok(())
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Policy({self})")
    }
}
