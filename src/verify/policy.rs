use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::binding::Presented;
use super::profile::Profile;
use super::times::Timeliness;
use super::{Authority, VerifiedToken};
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
    pub(super) profile: Option<Profile>,
    pub(super) strictness: Strictness,
    pub(super) subject: Option<String>,
    pub(super) expiry: Demand,
    pub(super) binding: Binding,
    pub(super) leeway: Duration,
    pub(super) max_age: Option<Duration>,
    pub(super) max_lifetime: Option<Duration>,
    /// How far `iat` may lie in the future; none: it is not judged.
    pub(super) issued_at_skew: Option<Duration>,
    pub(super) late_links: LateLinks,
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
    /// It counts for who has proven all that it is bound to.
    Refuse,
    /// So it does, and no other token counts.
    Demand,
    Ignore,
}

/// Whether a token of whichever kind has to be fit for FAPI 2.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    Usual,
    Fapi2,
}

/// Whether an expired link is told from any other expired token, which costs a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LateLinks {
    Named,
    Unnamed,
}

/// A rule of the application's own, or of a provider's.
#[derive(Clone)]
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) judge: Arc<Judge>,
}

type Judge = dyn Fn(&VerifiedToken) -> Result<(), AuthError> + Send + Sync;

/// What is asked of claims that do not change with time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClaimCheck {
    Issuer,
    Audience,
    Subject,
    Binding,
    Required,
}

impl ClaimCheck {
    /// In the order that they are made.
    pub(super) const ALL: [Self; 5] =
        [Self::Issuer, Self::Audience, Self::Subject, Self::Binding, Self::Required];
}

impl Policy {
    pub(super) fn new(issuer: String, audience: String, authority: &Authority) -> Result<Self, ConfigError> {
        if issuer.is_empty() {
            return Err(ConfigError::new(
                "the issuer is empty: name the one whose tokens are accepted, as it stands in their `iss`",
            ));
        }
        check_audience(&audience)?;
        if let Authority::Endpoint(endpoint) = authority {
            endpoint.check_client()?;
        }
        if let Authority::Keys(jwks) = authority
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
            algorithms: match authority {
                Authority::Keys(_) => AlgorithmSet::asymmetric(),
                Authority::Secret(secret) => [secret.algorithm()].into(),
                Authority::Endpoint(_) => AlgorithmSet::every(),
            },
            typ: None,
            profile: None,
            strictness: Strictness::Usual,
            subject: None,
            expiry: Demand::Required,
            binding: Binding::Refuse,
            leeway: DEFAULT_LEEWAY,
            max_age: None,
            max_lifetime: None,
            issued_at_skew: None,
            late_links: LateLinks::Unnamed,
            required: Vec::new(),
            rules: Vec::new(),
            clock: Arc::new(SystemClock),
        })
    }

    pub(super) fn now(&self) -> NumericDate {
        NumericDate::from_system_time(self.clock.now())
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
            _ => self.profile.map_or(Ok(()), |profile| profile.check_header(header)),
        }
    }

    /// What the profile, if there is one, asks of sound claims.
    pub(super) fn check_profile(&self, payload: &str) -> Result<(), AuthError> {
        self.profile.map_or(Ok(()), |profile| profile.check_claims(payload, self.audiences()))
    }

    pub(super) fn check_claims(
        &self,
        claims: &UnverifiedClaims<'_>,
        presented: &Presented,
    ) -> Result<(), AuthError> {
        ClaimCheck::ALL.into_iter().try_for_each(|check| self.judge_claims(check, claims, presented))
    }

    pub(super) fn judge_claims(
        &self,
        check: ClaimCheck,
        claims: &UnverifiedClaims<'_>,
        presented: &Presented,
    ) -> Result<(), AuthError> {
        match check {
            ClaimCheck::Issuer => match &self.issuer {
                Some(issuer) if claims.iss.as_deref() != Some(issuer) => {
                    Err(AuthErrorKind::IssuerMismatch.into())
                }
                _ => Ok(()),
            },
            ClaimCheck::Audience if self.audiences.is_some() && claims.aud != Audience::Ours => {
                Err(AuthErrorKind::AudienceMismatch.into())
            }
            ClaimCheck::Subject
                if self.subject.is_some() && claims.sub.as_deref() != self.subject.as_deref() =>
            {
                Err(AuthError::about(AuthErrorKind::ClaimRefused, "sub"))
            }
            ClaimCheck::Binding => self.judge_binding(claims.cnf.as_deref(), presented),
            ClaimCheck::Required => {
                let is_absent = |index: usize| claims.present & (1 << index) == 0;
                match self.required.iter().enumerate().find(|(index, _)| is_absent(*index)) {
                    Some((_, claim)) => Err(AuthError::about(AuthErrorKind::ClaimMissing, claim)),
                    None => Ok(()),
                }
            }
            ClaimCheck::Audience | ClaimCheck::Subject => Ok(()),
        }
    }

    /// The last word on a token whose signature is good.
    pub(super) fn conclude(&self, token: &VerifiedToken, timeliness: Timeliness) -> Result<(), AuthError> {
        let ruling = self.rules.iter().try_for_each(|rule| (rule.judge)(token));
        match timeliness {
            Timeliness::InTime => ruling,
            Timeliness::Late if ruling.is_ok() => Err(AuthErrorKind::LinkExpired.into()),
            Timeliness::Late => Err(AuthErrorKind::TokenExpired.into()),
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
        match (self.leeway, self.skew()) {
            (leeway, skew) if leeway == skew => write!(f, "; exp and nbf hold within {leeway:?}")?,
            (leeway, skew) => write!(f, "; exp holds within {leeway:?}, nbf within {skew:?}")?,
        }
        if let Some(max_age) = self.max_age {
            write!(f, "; iat is at most {max_age:?} ago")?;
        }
        if let Some(skew) = self.issued_at_skew() {
            write!(f, "; iat is at most {skew:?} ahead")?;
        }
        if let Some(max_lifetime) = self.max_lifetime {
            write!(f, "; exp is at most {max_lifetime:?} after iat")?;
        }
        if let Some(subject) = &self.subject {
            write!(f, "; sub is {subject:?}")?;
        }
        if let Some(profile) = &self.profile {
            write!(f, "; {profile}")?;
        }
        if self.strictness == Strictness::Fapi2 {
            write!(f, "; {}", Profile::Fapi2)?;
        }
        let of_profile = self.profile.map_or(&[][..], Profile::claims);
        for claim in self.required.iter().filter(|claim| !of_profile.contains(claim)) {
            write!(f, "; {claim} is present")?;
        }
        for rule in &self.rules {
            write!(f, "; rule {:?} accepts", rule.name)?;
        }
        match self.binding {
            Binding::Refuse => f.write_str("; cnf is absent or proven"),
            Binding::Demand => f.write_str("; cnf is proven"),
            Binding::Ignore => f.write_str("; CNF IS IGNORED"),
        }
    }
}

/// How many claims a policy can require: one bit for each.
const MAX_REQUIRED: usize = 64;

impl Policy {
    pub(super) fn require(&mut self, claim: &'static str) -> Result<(), ConfigError> {
        if self.required.contains(&claim) {
            return Ok(());
        }
        if self.required.len() >= MAX_REQUIRED {
            return Err(ConfigError::new("no more than 64 claims can be required"));
        }
        self.required.push(claim);
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
