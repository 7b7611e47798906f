use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, OnceLock};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};

use super::admission::Admission;
use super::entrance::Entrance;
use super::places::Places;
use crate::binding::{self, Proof};
use crate::error::{AuthError, AuthErrorKind, ConfigError};
use crate::handoff::provider_error;
use crate::rejection::{Anonymous, Caller, Denial, Refusals, Scheme};
use crate::replay::NonceRule;
use crate::source::{RequestHead, Source};
use crate::telemetry;
use crate::verify::{VerifiedToken, Verifiers};

/// Everything a layer is set to, and what it decides.
#[derive(Clone)]
pub(super) struct Door {
    /// One or more; the issuers of several are known and differ.
    entrances: Vec<Arc<Entrance>>,
    places: Places,
    /// Headers beside the usual ones that a secret is looked for in.
    secret_headers: Box<[HeaderName]>,
    pub(super) absence: Absence,
    /// Set once its settings have been told.
    announced: OnceLock<()>,
}

/// What a request without a token gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absence {
    Refused,
    Passes,
}

/// Where a request stands after its token was looked for and checked with what is here.
pub(super) enum Verdict {
    Verified {
        token: VerifiedToken,
        expiry_notice: Option<std::time::Duration>,
        proof: Option<Proof>,
    },
    Anonymous,
    Refused {
        error: AuthError,
        source: Option<Source>,
    },
    /// More has to be asked, of a provider, a store or the claims.
    Pending(Box<Admission>),
}

impl Verdict {
    fn refused(error: impl Into<AuthError>) -> Self {
        Self::Refused { error: error.into(), source: None }
    }

    pub(super) fn source(&self) -> Option<Source> {
        match self {
            Self::Verified { token, .. } => Some(token.source()),
            Self::Anonymous => None,
            Self::Refused { source, .. } => *source,
            Self::Pending(admission) => Some(admission.presented.source),
        }
    }

    /// The nonce that the answer has to bring for the next proof.
    pub(super) fn next_nonce(&self) -> Option<&HeaderValue> {
        match self {
            Self::Verified { proof, .. } => proof.as_ref(),
            Self::Pending(admission) => admission.proof.as_ref(),
            Self::Anonymous | Self::Refused { .. } => None,
        }
        .and_then(Proof::next_nonce)
    }
}

impl Door {
    pub(super) fn new(verifiers: Verifiers) -> Self {
        Self::with(vec![Arc::new(Entrance::new(verifiers))])
    }

    /// One door with the entrances of several.
    pub(super) fn any_of<'d>(doors: impl Iterator<Item = &'d Self> + Clone) -> Result<Self, ConfigError> {
        if doors.clone().any(|door| door.absence == Absence::Passes) {
            return Err(ConfigError::new("one of the layers is optional: make the result optional, or none"));
        }
        let entrances: Vec<_> = doors.flat_map(|door| door.entrances.iter().cloned()).collect();
        if entrances.iter().any(|entrance| entrance.verifiers.are_of_tenants()) {
            return Err(ConfigError::new(
                "one of the layers accepts tenants: whose tokens are its own is not known beforehand",
            ));
        }
        let mut issuers: Vec<_> =
            entrances.iter().flat_map(|entrance| entrance.verifiers.issuers()).collect();
        if issuers.contains(&None) {
            return Err(ConfigError::new(
                "one of the layers accepts any issuer: tokens of the others would be its own",
            ));
        }
        issuers.sort_unstable();
        if issuers.is_empty() {
            return Err(ConfigError::new(
                "there is no layer: name one or more, each for an issuer of its own",
            ));
        }
        if issuers.windows(2).any(|two| two.first() == two.last()) {
            return Err(ConfigError::new(
                "two of the layers are for one issuer: it cannot be told whose a token is",
            ));
        }
        Ok(Self::with(entrances))
    }

    fn with(entrances: Vec<Arc<Entrance>>) -> Self {
        let (places, secret_headers) = (Places::of(&entrances), secret_headers_of(&entrances));
        Self { entrances, places, secret_headers, absence: Absence::Refused, announced: OnceLock::new() }
    }

    pub(super) fn entrances(&self) -> impl Iterator<Item = &Entrance> {
        self.entrances.iter().map(|entrance| &**entrance)
    }

    pub(super) fn entrances_mut(&mut self) -> impl Iterator<Item = &mut Entrance> {
        self.entrances.iter_mut().map(Arc::make_mut)
    }

    /// Says once, where the door is hung, everything that it is set to.
    pub(super) fn announce(&self) {
        self.announced.get_or_init(|| telemetry::guarding(self));
    }

    /// For a door that is set to something else from now on.
    pub(super) fn settle(&mut self) {
        self.places = Places::of(&self.entrances);
        self.secret_headers = secret_headers_of(&self.entrances);
        self.announced = OnceLock::new();
    }

    /// The verdict, and the entrance whose it is, in whose words it is told; the first, if no other.
    pub(super) fn judge<B>(&self, request: &Request<B>) -> (Verdict, usize) {
        let (index, found) = match self.places.find(&RequestHead::of(request)) {
            Ok(Some(found)) => found,
            Ok(None) => return (self.judge_absence(request), 0),
            Err(error) => return (Verdict::refused(error), 0),
        };
        match self.entrances.get(index) {
            Some(entrance) => (entrance.judge(&found, request, &self.entrances), index),
            // There is no such place.
            None => (Verdict::refused(AuthErrorKind::IssuerMismatch), 0),
        }
    }

    /// The answer to who is refused at the entrance `index`.
    pub(super) fn refuse(&self, denial: Denial, caller: Caller, index: usize) -> Response<String> {
        let entrance = self.entrances.get(index).or(self.entrances.first());
        match entrance {
            Some(entrance) => entrance.refusals.answer(denial, caller),
            None => Refusals::default().answer(denial, caller),
        }
    }

    /// The scheme that the errors of a request belong to, whose token was found at `source`.
    pub(super) fn scheme_of(&self, source: Option<Source>, headers: &HeaderMap) -> Scheme {
        let is_dpop = match source {
            Some(source) => source == Source::Dpop,
            // None could be read, or none is there.
            None => self.places.find_dpop(headers),
        };
        if is_dpop { Scheme::Dpop } else { Scheme::Bearer }
    }

    /// The nonce that proofs at the entrance `index` need now, if they need one.
    pub(super) fn nonce(&self, index: usize) -> Option<HeaderValue> {
        let entrance = self.entrances.get(index)?;
        entrance.dpop.as_ref()?.nonce(entrance.verifiers.clock().now())
    }

    fn judge_absence<B>(&self, request: &Request<B>) -> Verdict {
        let hands_off = self.entrances().any(Entrance::expects_arrivals);
        match provider_error(request.method(), request.uri()).filter(|_| hands_off) {
            Some(kind) => Verdict::refused(kind),
            None if self.absence == Absence::Passes => Verdict::Anonymous,
            None => Verdict::refused(AuthErrorKind::TokenMissing),
        }
    }

    /// Whether the URI of `request` holds a token, to be read or not.
    pub(super) fn exposed_in<B>(&self, request: &Request<B>) -> bool {
        self.places.exposed_in(request)
    }

    /// Makes `request` fit to be passed on: with its token, or word that it has none, and with none in its URI.
    pub(super) fn admit<B>(&self, request: &mut Request<B>, token: Option<VerifiedToken>) {
        self.places.scrub(request);
        // Their `Debug` shows nothing from here on.
        mark_sensitive(request.headers_mut(), &self.secret_headers);
        let extensions = request.extensions_mut();
        if let Some(token) = token {
            telemetry::admitted(token.source());
            extensions.insert(token);
        } else {
            telemetry::anonymous();
            // What another layer further out has verified is not this one's word.
            extensions.remove::<VerifiedToken>();
            extensions.insert(Anonymous);
        }
    }
}

/// Each once, however many entrances look into it.
fn secret_headers_of(entrances: &[Arc<Entrance>]) -> Box<[HeaderName]> {
    let rules = entrances.iter().filter_map(|entrance| entrance.nonce.as_ref());
    let proofs = entrances.iter().filter(|entrance| entrance.dpop.is_some()).map(|_| binding::PROOF);
    let names: HashSet<_> = rules.filter_map(NonceRule::header).cloned().chain(proofs).collect();
    names.into_iter().collect()
}

fn mark_sensitive(headers: &mut HeaderMap, others: &[HeaderName]) {
    if headers.len() == headers.keys_len() {
        for name in [&header::AUTHORIZATION, &header::COOKIE].into_iter().chain(others) {
            if let Some(value) = headers.get_mut(name) {
                value.set_sensitive(true);
            }
        }
        return;
    }
    // Some field is there in several lines, of which a lookup gives the first.
    for (name, value) in headers {
        if name == header::AUTHORIZATION || name == header::COOKIE || others.contains(name) {
            value.set_sensitive(true);
        }
    }
}

/// What is checked, whom it trusts, and every protection that is off.
impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, entrance) in self.entrances().enumerate() {
            if index > 0 {
                f.write_str("; OR ")?;
            }
            entrance.fmt(f)?;
        }
        if self.absence == Absence::Passes {
            f.write_str("; a token is optional")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Door({self})")
    }
}
