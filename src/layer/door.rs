use std::fmt;
use std::sync::{Arc, OnceLock};

use http::{Request, header};

use super::admission::Admission;
use super::entrance::Entrance;
use crate::error::{AuthError, AuthErrorKind, ConfigError};
use crate::handoff::provider_error;
use crate::rejection::{Anonymous, Refusals};
use crate::source::{Found, RequestHead, Source};
use crate::telemetry;
use crate::token::unverified_issuer;
use crate::verify::{VerifiedToken, Verifier};

/// Everything a layer is set to, and what it decides.
#[derive(Clone)]
pub(super) struct Door {
    /// One or more; the issuers of several are known and differ.
    entrances: Vec<Arc<Entrance>>,
    pub(super) absence: Absence,
    pub(super) refusals: Refusals,
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
            Self::Pending(admission) => Some(admission.source),
        }
    }
}

impl Door {
    pub(super) fn new(verifier: Arc<Verifier>) -> Self {
        Self::with(vec![Arc::new(Entrance::new(verifier))])
    }

    /// One door with the entrances of several.
    pub(super) fn any_of<'d>(doors: impl Iterator<Item = &'d Self>) -> Result<Self, ConfigError> {
        let entrances: Vec<_> = doors.flat_map(|door| door.entrances.iter().cloned()).collect();
        let mut issuers: Vec<_> = entrances.iter().map(|entrance| entrance.verifier.issuer()).collect();
        if issuers.contains(&None) {
            return Err(ConfigError::new(
                "one of the layers accepts any issuer: tokens of the others would be its own",
            ));
        }
        issuers.sort_unstable();
        if issuers.is_empty() || issuers.windows(2).any(|two| two.first() == two.last()) {
            return Err(ConfigError::new("several layers are one or more, each for an issuer of its own"));
        }
        Ok(Self::with(entrances))
    }

    fn with(entrances: Vec<Arc<Entrance>>) -> Self {
        Self {
            entrances,
            absence: Absence::Refused,
            refusals: Refusals::default(),
            announced: OnceLock::new(),
        }
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
    pub(super) fn renounce(&mut self) {
        self.announced = OnceLock::new();
    }

    pub(super) fn judge<B>(&self, request: &Request<B>) -> Verdict {
        match self.find(&RequestHead::of(request)) {
            Ok(Some((entrance, found))) => entrance.judge(&found, request, &self.entrances),
            Ok(None) => self.judge_absence(request),
            Err(error) => Verdict::refused(error),
        }
    }

    fn judge_absence<B>(&self, request: &Request<B>) -> Verdict {
        let hands_off = self.entrances().any(Entrance::expects_arrivals);
        match provider_error(request.method(), request.uri()).filter(|_| hands_off) {
            Some(kind) => Verdict::refused(kind),
            None if self.absence == Absence::Passes => Verdict::Anonymous,
            None => Verdict::refused(AuthErrorKind::TokenMissing),
        }
    }

    /// The one token of a request, and the entrance that it may come in by.
    fn find<'r>(&self, head: &RequestHead<'r>) -> Result<Option<(&Arc<Entrance>, Found<'r>)>, AuthError> {
        if let [only] = self.entrances.as_slice() {
            return Ok(only.sources.find(head)?.map(|found| (only, found)));
        }
        let mut candidates = Vec::new();
        for entrance in &self.entrances {
            if let Some(found) = entrance.sources.find(head)? {
                candidates.push((entrance, found));
            }
        }
        choose(candidates)
    }

    /// Whether the URI of `request` holds a token, to be read or not.
    pub(super) fn exposed_in<B>(&self, request: &Request<B>) -> bool {
        self.entrances().any(|entrance| entrance.sources.exposed_in(request))
    }

    /// Makes `request` fit to be passed on: with its token, or word that it has none, and with none in its URI.
    pub(super) fn admit<B>(&self, request: &mut Request<B>, token: Option<VerifiedToken>) {
        for entrance in self.entrances() {
            entrance.sources.scrub(request);
        }
        for (name, value) in request.headers_mut() {
            // Their `Debug` shows nothing from here on.
            if name == header::AUTHORIZATION || name == header::COOKIE {
                value.set_sensitive(true);
            }
        }
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

/// The entrance for the one token of a request, by the issuer that it says it has, which nothing but its keys will prove.
///
/// Tokens in different places are a conflict, but for cookies: of those, which a browser adds by itself, the first counts,
/// and none beside a token that was put there on purpose.
fn choose<'d, 'r>(
    mut candidates: Vec<(&'d Arc<Entrance>, Found<'r>)>,
) -> Result<Option<(&'d Arc<Entrance>, Found<'r>)>, AuthError> {
    if candidates.iter().any(|(_, found)| found.source != Source::Cookie) {
        candidates.retain(|(_, found)| found.source != Source::Cookie);
    }
    let Some((first, found)) = candidates.first() else { return Ok(None) };
    let (place, on_purpose) = (first.sources.place(found.source), found.source != Source::Cookie);
    let is_there =
        |(entrance, found): &(&Arc<Entrance>, Found<'_>)| entrance.sources.place(found.source) == place;
    if on_purpose && !candidates.iter().all(is_there) {
        return Err(AuthErrorKind::CredentialsConflict.into());
    }
    candidates.retain(is_there);
    let issuer = candidates.first().and_then(|(_, found)| unverified_issuer(&found.token));
    let chosen = candidates.into_iter().find(|(entrance, _)| entrance.verifier.issuer() == issuer.as_deref());
    chosen.map(Some).ok_or(AuthErrorKind::IssuerMismatch.into())
}

/// Every setting by name, and every protection that is off.
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
