use std::fmt;
use std::sync::Arc;

use http::header::{self, HeaderMap, HeaderValue};
use http::{Request, Response};

use crate::error::{AuthError, AuthErrorKind};
use crate::jwks::Lack;
use crate::rejection::{Anonymous, Caller, Refusals};
use crate::source::{CrossSiteRule, Found, RequestHead, Source, TokenSources};
use crate::telemetry;
use crate::verify::{Stop, VerifiedToken, Verifier};

/// Everything a layer is set to, and what it decides.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) verifier: Arc<Verifier>,
    pub(super) sources: TokenSources,
    pub(super) cross_site: CrossSiteRule,
    pub(super) absence: Absence,
    pub(super) refusals: Refusals,
}

/// What a request without a token gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absence {
    Refused,
    Passes,
}

/// Where a request stands after its token was looked for and checked with the keys that are here.
pub(super) enum Verdict {
    Verified(VerifiedToken),
    Anonymous,
    Refused(AuthError, Option<Source>),
    /// Whether it is good depends on keys that are being fetched.
    Pending {
        token: Box<str>,
        source: Source,
        lack: Lack,
    },
}

impl Door {
    pub(super) fn new(verifier: Arc<Verifier>) -> Self {
        Self {
            verifier,
            sources: TokenSources::default(),
            cross_site: CrossSiteRule::default(),
            absence: Absence::Refused,
            refusals: Refusals::default(),
        }
    }

    pub(super) fn judge<B>(&self, request: &Request<B>) -> Verdict {
        let head = RequestHead::of(request);
        let Found { token, source } = match self.sources.find(&head) {
            Ok(Some(found)) => found,
            Ok(None) if self.absence == Absence::Passes => return Verdict::Anonymous,
            Ok(None) => return Verdict::Refused(AuthErrorKind::TokenMissing.into(), None),
            Err(error) => return Verdict::Refused(error, None),
        };
        if source == Source::Cookie
            && let Err(error) = self.cross_site.check(&head)
        {
            return Verdict::Refused(error, Some(source));
        }
        match self.verifier.check(&token, source) {
            Ok(verified) => Verdict::Verified(verified),
            Err(Stop::Refused(error)) => Verdict::Refused(error, Some(source)),
            Err(Stop::Lacking(lack)) => Verdict::Pending {
                token: token.into(),
                source,
                lack,
            },
        }
    }

    /// Makes `request` fit to be passed on: with its token, or word that it has none, and with none in its URI.
    pub(super) fn admit<B>(&self, request: &mut Request<B>, token: Option<VerifiedToken>) {
        self.sources.scrub(request);
        let extensions = request.extensions_mut();
        if let Some(token) = token {
            extensions.insert(token);
        } else {
            telemetry::anonymous();
            // What another layer further out has verified is not this one's word.
            extensions.remove::<VerifiedToken>();
            extensions.insert(Anonymous);
        }
    }

    pub(super) fn refuse<B: From<String>>(
        &self,
        error: AuthError,
        source: Option<Source>,
        caller: Caller,
    ) -> Response<B> {
        telemetry::refused(&error, source);
        let mut response = self.refusals.answer(error, caller).map(B::from);
        Privacy::of(source).protect(response.headers_mut());
        response
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door")
            .field("verifier", &self.verifier)
            .field("sources", &self.sources)
            .field("cross_site_rule", &self.cross_site.is_enforced())
            .field("absence", &self.absence)
            .finish_non_exhaustive()
    }
}

/// What the answer to a token from this place must forbid: shared caches know to keep answers to `Authorization` to
/// themselves ([RFC 9111 §3.5]), but nothing of cookies and queries.
///
/// [RFC 9111 §3.5]: https://www.rfc-editor.org/rfc/rfc9111#section-3.5
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Privacy {
    Ordinary,
    NoStore,
    NoStoreNoReferrer,
}

impl Privacy {
    pub(super) fn of(source: Option<Source>) -> Self {
        match source {
            Some(Source::Cookie) => Self::NoStore,
            Some(Source::Query) => Self::NoStoreNoReferrer,
            _ => Self::Ordinary,
        }
    }

    pub(super) fn protect(self, headers: &mut HeaderMap) {
        if self == Self::Ordinary {
            return;
        }
        if !says(headers, &header::CACHE_CONTROL, "no-store") {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        if self == Self::NoStoreNoReferrer {
            headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        }
    }
}

/// Whether `directive` is among those of the header `name`.
fn says(headers: &HeaderMap, name: &header::HeaderName, directive: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|said| said.trim().eq_ignore_ascii_case(directive))
}
