use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::policy::Binding;
use super::{Authority, Presented, Tenants, VerifiedToken, Verifier};
use crate::clock::Clock;
use crate::error::{AuthError, AuthErrorKind, ConfigError};
use crate::source::Source;
use crate::token::{Algorithm, unverified_issuer};

/// The verifiers of several issuers, of which the issuer that a token says it has chooses the one that judges it.
///
/// | whose tokens | | what each has of its own |
/// |---|---|---|
/// | one issuer | [`Verifier`] | |
/// | a few issuers, at the same places | [`Verifier::any_of`] | policy and keys |
/// | a few, each at its own places, with its own realm | [`JwtAuthLayer::any_of`](crate::JwtAuthLayer::any_of) | the whole layer |
/// | many, whose issuers differ in one label or segment | [`Tenants`] | policy and keys, fetched when its first token comes |
///
/// Its clones are one.
///
/// What a token says of its issuer only chooses. The verifier that is chosen compares it once more, and verifies with its own
/// keys, so that none of them ever verifies a token of another issuer.
///
/// # Examples
///
/// ```
/// use tower_jwt_auth::{Jwks, JwtAuthLayer, Verifier};
/// # use tower_jwt_auth::test_util::Issuer;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let [staff, customers] = ["https://staff.example.com", "https://login.example.com"].map(|url| Issuer::new(url, "my-api"));
/// let one = Verifier::new("https://staff.example.com", "my-api", Jwks::from_json(staff.jwks())?)?;
/// let other = Verifier::new("https://login.example.com", "my-api", Jwks::from_json(customers.jwks())?)?;
/// let verifiers = Verifier::any_of([one, other])?;
///
/// assert!(verifiers.verify(&staff.good()).is_ok());
/// assert!(verifiers.verify(&customers.good()).is_ok());
/// // In the name of the one, by a key of the other.
/// let crossed = customers.token().claim("iss", staff.url()).sign();
/// assert_eq!(verifiers.verify(&crossed).unwrap_err().code(), "signature_invalid");
/// let layer = JwtAuthLayer::new(verifiers);
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Verifiers {
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    One(Arc<Verifier>),
    Several(Arc<Several>),
    Tenants(Arc<Tenants>),
}

struct Several {
    first: Arc<Verifier>,
    /// All of them, in the order that they were given in.
    verifiers: Vec<Arc<Verifier>>,
    by_issuer: HashMap<Box<str>, Arc<Verifier>, foldhash::fast::RandomState>,
}

impl Verifier {
    /// Accepts whatever one of `verifiers` accepts: the issuer that a token says it has chooses the one that judges it.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if there are none, two are for one issuer, or one accepts any.
    pub fn any_of<V: Into<Arc<Self>>>(
        verifiers: impl IntoIterator<Item = V>,
    ) -> Result<Verifiers, ConfigError> {
        let verifiers: Vec<Arc<Self>> = verifiers.into_iter().map(Into::into).collect();
        let by_issuer: Option<HashMap<_, _, _>> = verifiers
            .iter()
            .map(|verifier| Some((Box::from(verifier.issuer()?), Arc::clone(verifier))))
            .collect();
        let Some(by_issuer) = by_issuer else {
            return Err(ConfigError::new(
                "one of the verifiers accepts any issuer: tokens of the others would be its own",
            ));
        };
        let Some(first) = verifiers.first().filter(|_| by_issuer.len() == verifiers.len()).cloned() else {
            return Err(ConfigError::new(
                "name one or more verifiers, each for an issuer of its own: else it cannot be told whose a token is",
            ));
        };
        Ok(Verifiers { kind: Kind::Several(Arc::new(Several { first, verifiers, by_issuer })) })
    }
}

impl Verifiers {
    /// Verifies `token` with what is here now, as [`Verifier::verify`] does.
    ///
    /// # Errors
    ///
    /// As there; [`IssuerMismatch`](AuthErrorKind::IssuerMismatch) also if `token` is of none of the issuers.
    pub fn verify(&self, token: &str) -> Result<VerifiedToken, AuthError> {
        self.choose(token.as_bytes(), &Source::Direct.into())?.verify(token)
    }

    /// Verifies `token`, waiting where that may help, as [`Verifier::verify_or_ask`] does.
    ///
    /// # Errors
    ///
    /// As for [`verify`](Self::verify).
    pub async fn verify_or_ask(&self, token: &str) -> Result<VerifiedToken, AuthError> {
        self.verify_presented(token, &Source::Direct.into()).await
    }

    /// The verifier that would judge `token`: to [explain](Verifier::explain) what it makes of it.
    ///
    /// # Errors
    ///
    /// [`IssuerMismatch`](AuthErrorKind::IssuerMismatch) if there is none; of [`Tenants`], whatever keeps `token` from having
    /// keys fetched for it.
    pub fn verifier_for(&self, token: &str) -> Result<Arc<Verifier>, AuthError> {
        self.choose(token.as_bytes(), &Source::Direct.into()).map(Cow::into_owned)
    }

    /// [`verify_or_ask`](Self::verify_or_ask) for a token that is `presented` so.
    pub(crate) async fn verify_presented(
        &self,
        token: &str,
        presented: &Presented,
    ) -> Result<VerifiedToken, AuthError> {
        self.choose(token.as_bytes(), presented)?.verify_presented(token, presented).await
    }

    /// The verifier for the token that `text` may be.
    ///
    /// What names no issuer, and so is no good token, gets the first, which will say what is wrong with it.
    pub(crate) fn choose(
        &self,
        text: &[u8],
        presented: &Presented,
    ) -> Result<Cow<'_, Arc<Verifier>>, AuthError> {
        match &self.kind {
            Kind::One(verifier) => Ok(Cow::Borrowed(verifier)),
            Kind::Several(several) => {
                let chosen = match unverified_issuer(text) {
                    Some(issuer) => several.by_issuer.get(&*issuer),
                    None => Some(&several.first),
                };
                chosen.map(Cow::Borrowed).ok_or(AuthErrorKind::IssuerMismatch.into())
            }
            Kind::Tenants(tenants) => tenants.choose(text, presented),
        }
    }

    /// The issuers whose metadata leads to their keys.
    pub(crate) fn discovered_issuers(&self) -> impl Iterator<Item = &str> {
        let verifiers = match &self.kind {
            Kind::One(verifier) => std::slice::from_ref(verifier),
            Kind::Several(several) => several.verifiers.as_slice(),
            Kind::Tenants(_) => &[],
        };
        verifiers.iter().filter_map(|verifier| match &verifier.authority {
            Authority::Keys(jwks) => jwks.issuer(),
            _ => None,
        })
    }

    /// Whose tokens are accepted, where that is known before they come; none of it if anybody's.
    pub(crate) fn issuers(&self) -> Vec<Option<&str>> {
        match &self.kind {
            Kind::One(verifier) => vec![verifier.issuer()],
            Kind::Several(several) => several.verifiers.iter().map(|verifier| verifier.issuer()).collect(),
            Kind::Tenants(_) => Vec::new(),
        }
    }

    /// Whether the issuers are those of a pattern.
    pub(crate) fn are_of_tenants(&self) -> bool {
        matches!(self.kind, Kind::Tenants(_))
    }

    /// Whether one of them takes proofs of possession that are signed by `algorithm`.
    pub(crate) fn take_proofs_of(&self, algorithm: Algorithm) -> bool {
        let takes = |verifier: &Arc<Verifier>| verifier.policy.strictness.takes_proofs_of(algorithm);
        match &self.kind {
            Kind::One(verifier) => takes(verifier),
            Kind::Several(several) => several.verifiers.iter().any(takes),
            // Each has a policy of its own, that nobody has seen yet.
            Kind::Tenants(_) => true,
        }
    }

    /// Whether all of them accept bound tokens only, in `Authorization`.
    pub(crate) fn demand_binding(&self) -> bool {
        let demands = |verifier: &Arc<Verifier>| verifier.policy.binding == Binding::Demand;
        match &self.kind {
            Kind::One(verifier) => demands(verifier),
            Kind::Several(several) => several.verifiers.iter().all(demands),
            Kind::Tenants(_) => false,
        }
    }

    /// What times are judged by: that of the first, if there are several.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        match &self.kind {
            Kind::One(verifier) => verifier.clock(),
            Kind::Several(several) => several.first.clock(),
            Kind::Tenants(tenants) => tenants.clock(),
        }
    }
}

impl From<Verifier> for Verifiers {
    fn from(verifier: Verifier) -> Self {
        Arc::new(verifier).into()
    }
}

impl From<Arc<Verifier>> for Verifiers {
    fn from(verifier: Arc<Verifier>) -> Self {
        Self { kind: Kind::One(verifier) }
    }
}

impl From<Tenants> for Verifiers {
    fn from(tenants: Tenants) -> Self {
        Arc::new(tenants).into()
    }
}

impl From<Arc<Tenants>> for Verifiers {
    fn from(tenants: Arc<Tenants>) -> Self {
        Self { kind: Kind::Tenants(tenants) }
    }
}

/// What each of them checks.
impl fmt::Display for Verifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::One(verifier) => verifier.fmt(f),
            Kind::Several(several) => {
                for (index, verifier) in several.verifiers.iter().enumerate() {
                    if index > 0 {
                        f.write_str("; OR ")?;
                    }
                    verifier.fmt(f)?;
                }
                Ok(())
            }
            Kind::Tenants(tenants) => tenants.fmt(f),
        }
    }
}

impl fmt::Debug for Verifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifiers({self})")
    }
}
