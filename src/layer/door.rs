use std::fmt;
use std::sync::{Arc, OnceLock};

use http::header::{self, HeaderMap, HeaderValue};
use http::{Request, Response};

use crate::error::{AuthError, AuthErrorKind};
use crate::rejection::{Anonymous, Caller, Refusals};
use crate::source::{CrossSiteRule, Found, RequestHead, Source, TokenSources};
use crate::telemetry;
use crate::verify::{Stop, VerifiedToken, Verifier, Want};

/// Everything a layer is set to, and what it decides.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) verifier: Arc<Verifier>,
    pub(super) sources: TokenSources,
    pub(super) cross_site: CrossSiteRule,
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

/// Where a request stands after its token was looked for and checked with the keys that are here.
pub(super) enum Verdict {
    Verified(VerifiedToken),
    Anonymous,
    Refused {
        error: AuthError,
        source: Option<Source>,
    },
    /// Whether it is good depends on keys that are being fetched.
    Pending {
        token: Box<str>,
        source: Source,
        want: Want,
    },
}

impl Verdict {
    fn refused(error: impl Into<AuthError>, source: Option<Source>) -> Self {
        Self::Refused { error: error.into(), source }
    }

    fn source(&self) -> Option<Source> {
        match self {
            Self::Verified(token) => Some(token.source()),
            Self::Anonymous => None,
            Self::Refused { source, .. } => *source,
            Self::Pending { source, .. } => Some(*source),
        }
    }
}

impl Door {
    pub(super) fn new(verifier: Arc<Verifier>) -> Self {
        Self {
            verifier,
            sources: TokenSources::default(),
            cross_site: CrossSiteRule::default(),
            absence: Absence::Refused,
            refusals: Refusals::default(),
            announced: OnceLock::new(),
        }
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
        let head = RequestHead::of(request);
        let Found { token, source } = match self.sources.find(&head) {
            Ok(Some(found)) => found,
            Ok(None) if self.absence == Absence::Passes => return Verdict::Anonymous,
            Ok(None) => return Verdict::refused(AuthErrorKind::TokenMissing, None),
            Err(error) => return Verdict::refused(error, None),
        };
        if source == Source::Cookie
            && let Err(error) = self.cross_site.check(&head)
        {
            return Verdict::refused(error, Some(source));
        }
        match self.verifier.check(&token, source) {
            Ok(verified) => Verdict::Verified(verified),
            Err(Stop::Refused(error)) => Verdict::refused(error, Some(source)),
            Err(Stop::Lacking(want)) => Verdict::Pending { token: token.into(), source, want },
        }
    }

    /// Makes `request` fit to be passed on: with its token, or word that it has none, and with none in its URI.
    pub(super) fn admit<B>(&self, request: &mut Request<B>, token: Option<VerifiedToken>) {
        self.sources.scrub(request);
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

/// Every setting by name, and every protection that is off.
impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; tokens from: {}", self.verifier, self.sources)?;
        if self.absence == Absence::Passes {
            f.write_str("; a token is optional")?;
        }
        if !self.cross_site.is_enforced() {
            f.write_str("; CROSS-SITE REQUESTS ARE ACCEPTED")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Door({self})")
    }
}

/// What the way back needs to know about a request that has been passed on or refused.
pub(super) struct Passage {
    door: Arc<Door>,
    caller: Caller,
    privacy: Privacy,
    /// Where the token was found.
    source: Option<Source>,
}

/// What an answer must forbid: shared caches know to keep answers to `Authorization` to themselves
/// ([RFC 9111 §3.5]), but nothing of tokens in cookies and URLs.
///
/// [RFC 9111 §3.5]: https://www.rfc-editor.org/rfc/rfc9111#section-3.5
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Privacy {
    Ordinary,
    NoStore,
    NoStoreNoReferrer,
}

impl Passage {
    /// Of `request` as it came in, before its URI is scrubbed.
    pub(super) fn of<B>(request: &Request<B>, verdict: &Verdict, door: &Arc<Door>) -> Self {
        let privacy = match verdict.source() {
            _ if door.sources.exposed_in(request) => Privacy::NoStoreNoReferrer,
            Some(Source::Bearer) | None => Privacy::Ordinary,
            Some(_) => Privacy::NoStore,
        };
        let source = verdict.source();
        Self { door: Arc::clone(door), caller: Caller::of(request.headers()), privacy, source }
    }

    pub(super) fn door(&self) -> &Door {
        &self.door
    }

    pub(super) fn refuse<R: From<String>>(&self, error: AuthError) -> Response<R> {
        telemetry::refused(&error, self.source);
        self.protect(self.door.refusals.answer(error, self.caller).map(R::from))
    }

    /// The answer of the service behind the door. An extractor's refusal is put into the door's words, unless a handler has
    /// made another answer of it; what middleware has added to its header stays.
    pub(super) fn finish<R: From<String>>(&self, mut response: Response<R>) -> Response<R> {
        match Refusals::take_pending(&mut response) {
            Some(error) if response.status() == error.status() => {
                let mut answer = self.refuse(error);
                let mut added = std::mem::take(response.headers_mut());
                for of_the_old_answer in OF_ONE_ANSWER {
                    added.remove(of_the_old_answer);
                }
                // Where both have a field, the answer's own counts.
                added.extend(std::mem::take(answer.headers_mut()));
                *answer.headers_mut() = added;
                answer
            }
            _ => self.protect(response),
        }
    }

    fn protect<R>(&self, mut response: Response<R>) -> Response<R> {
        if self.privacy == Privacy::Ordinary {
            return response;
        }
        let headers = response.headers_mut();
        if !says(headers, &header::CACHE_CONTROL, "no-store") {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        if self.privacy == Privacy::NoStoreNoReferrer {
            headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        }
        response
    }
}

/// The fields that describe one answer, or the body that comes with it, and go with it when it is replaced.
const OF_ONE_ANSWER: [header::HeaderName; 10] = [
    header::WWW_AUTHENTICATE,
    header::RETRY_AFTER,
    header::CACHE_CONTROL,
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::CONTENT_RANGE,
    header::TRANSFER_ENCODING,
    header::ETAG,
    header::LAST_MODIFIED,
];

/// Whether `directive` is among those of the header `name`.
fn says(headers: &HeaderMap, name: &header::HeaderName, directive: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        // What stands between quotes is no directive; better to say it twice.
        .filter(|value| !value.contains('"'))
        .flat_map(|value| value.split(','))
        .any(|said| said.trim().eq_ignore_ascii_case(directive))
}
