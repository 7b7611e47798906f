use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Request;

use super::admission::{Admission, Progress, Session};
use super::door::Verdict;
use crate::binding::{ClientCertificates, Proof, ProofRule};
use crate::error::{AuthError, AuthErrorKind};
use crate::handoff::{Arrival, HandOff, SignedIn, may_use_up};
use crate::rejection::Refusals;
use crate::replay::{NonceRule, Receipt, ReplayRule};
use crate::source::{CrossSiteRule, Found, RequestHead, Source, TokenSources};
use crate::verify::{Stop, Verifiers};

/// One way in: tokens of one issuer or several, where they may come from, and what is asked besides their signature.
#[derive(Clone)]
pub(super) struct Entrance {
    pub(super) verifiers: Verifiers,
    pub(super) sources: TokenSources,
    pub(super) cross_site: CrossSiteRule,
    pub(super) nonce: Option<NonceRule>,
    pub(super) replay: Option<ReplayRule>,
    pub(super) hand_off: Option<HandOff>,
    pub(super) dpop: Option<Arc<ProofRule>>,
    pub(super) certificates: Option<ClientCertificates>,
    /// When less than this is left of a token, the answer says how much.
    pub(super) expiry_notice: Option<Duration>,
    pub(super) refusals: Refusals,
}

impl Entrance {
    pub(super) fn new(verifiers: Verifiers) -> Self {
        Self {
            verifiers,
            sources: TokenSources::default(),
            cross_site: CrossSiteRule::default(),
            nonce: None,
            replay: None,
            hand_off: None,
            dpop: None,
            certificates: None,
            expiry_notice: None,
            refusals: Refusals::default(),
        }
    }

    /// Judges a token with what is here; what takes time, or another question, is left to an [`Admission`]. `all` are the
    /// entrances of the door, this one among them.
    pub(super) fn judge<B>(
        self: &Arc<Self>,
        found: &Found<'_>,
        request: &Request<B>,
        all: &[Arc<Self>],
    ) -> Verdict {
        let source = found.source;
        self.try_judge(found, request, all).unwrap_or_else(|error| Verdict::Refused {
            error: found.refused_for(error),
            source: Some(source),
        })
    }

    fn try_judge<B>(
        self: &Arc<Self>,
        found: &Found<'_>,
        request: &Request<B>,
        all: &[Arc<Self>],
    ) -> Result<Verdict, AuthError> {
        let source = found.source;
        let head = RequestHead::of(request);
        if source == Source::Cookie {
            self.cross_site.check(&head)?;
        }
        let (text, receipt) = match source {
            Source::Cookie if self.gives_receipts() => {
                let (token, receipt) = Receipt::split(as_text(&found.token)?);
                (token.as_bytes(), receipt)
            }
            _ => (&*found.token, None),
        };
        let arrival = match self.hand_off {
            Some(_) if source == Source::Query => Some(Arrival::of(request, &self.sources)?),
            _ => None,
        };
        let sessions = match arrival {
            Some(_) => Session::all_of(all, head.headers)?,
            None => Vec::new(),
        };
        if source == Source::Query && self.is_single_use() && !may_use_up(&head) {
            return Err(AuthErrorKind::NavigationRequired.into());
        }
        let nonce = self.nonce_rule(source).map_or(Ok(None), |rule| rule.find(head.headers))?;

        let (presented, proof) = self.meet(found, request)?;
        let counts_once = self.replay.is_some() || proof.as_ref().is_some_and(Proof::counts_once);

        let verifier =
            self.verifiers.choose(text, &presented).map_err(|error| found.refused_unread_for(error))?;
        let progress = match verifier.check(text, &presented) {
            Ok(token) if arrival.is_none() && nonce.is_none() && !counts_once => {
                return Ok(Verdict::Verified { token, expiry_notice: self.expiry_notice, proof });
            }
            Ok(token) => Progress::Verified(token),
            Err(Stop::Refused(error)) => return Err(error),
            Err(Stop::Lacking(want)) => Progress::Lacking(verifier.into_owned(), want),
        };
        Ok(Verdict::Pending(Box::new(Admission {
            entrance: Arc::clone(self),
            text: as_text(text)?.into(),
            presented,
            proof,
            progress,
            nonce,
            receipt,
            arrival,
            sessions,
        })))
    }

    /// Whether a provider may send a browser here.
    pub(super) fn expects_arrivals(&self) -> bool {
        self.sources.reads_query() && (self.hand_off.is_some() || self.nonce.is_some())
    }

    /// Whether a cookie that it sets holds more than the token. Where no link is read, none is set, and what stands behind a
    /// token was given by nobody.
    pub(super) fn gives_receipts(&self) -> bool {
        self.hand_off.is_some() && self.is_single_use() && self.sources.reads_query()
    }

    fn is_single_use(&self) -> bool {
        self.replay.as_ref().is_some_and(ReplayRule::is_single_use)
    }

    /// Whether a token at `source` is the session that a link has become.
    pub(super) fn is_session(&self, source: Source) -> bool {
        source == Source::Cookie && self.hand_off.is_some()
    }

    /// Where the nonce of a token at `source` is.
    fn nonce_rule(&self, source: Source) -> Option<Cow<'_, NonceRule>> {
        let rule = self.nonce.as_ref()?;
        match self.sources.cookie() {
            Some(cookie) if self.is_session(source) => Some(Cow::Owned(rule.of_session(cookie))),
            _ => Some(Cow::Borrowed(rule)),
        }
    }

    pub(super) fn signed_in(&self) -> Option<SignedIn> {
        let cookie = self.sources.cookie()?.clone();
        Some(SignedIn {
            verifiers: self.verifiers.clone(),
            nonce: self.nonce.as_ref().map(|_| cookie.of_its_nonce()),
            cookie,
            gives_receipts: self.gives_receipts(),
            replay: self.replay.clone(),
            cross_site: self.cross_site.clone(),
        })
    }
}

fn as_text(token: &[u8]) -> Result<&str, AuthError> {
    std::str::from_utf8(token).map_err(|_| AuthErrorKind::TokenMalformed.into())
}

/// What is checked, whom it trusts, and every protection that is off.
impl fmt::Display for Entrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; tokens from: {}", self.verifiers, self.places())?;
        if let Some(dpop) = &self.dpop {
            write!(f, "; {dpop}")?;
        }
        if let Some(certificates) = &self.certificates {
            write!(f, "; {certificates}")?;
        }
        if let Some(nonce) = &self.nonce {
            write!(f, "; {nonce}")?;
        }
        if let Some(replay) = &self.replay {
            write!(f, "; {replay}")?;
        }
        if let Some(hand_off) = &self.hand_off {
            write!(f, "; {hand_off}")?;
        }
        write!(f, "{}{}", self.refusals, self.cross_site)
    }
}
