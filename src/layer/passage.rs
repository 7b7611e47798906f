use std::sync::Arc;
use std::time::Duration;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response};

use super::door::{Door, Verdict};
use crate::binding;
use crate::error::AuthErrorKind;
use crate::rejection::{Caller, Denial, Refusals, Scheme};
use crate::source::Source;
use crate::telemetry;
use crate::verify::VerifiedToken;

/// How many seconds are left of a token that is about to expire.
const EXPIRES_IN: HeaderName = HeaderName::from_static("token-expires-in");

/// What the way back needs to know about a request that has been passed on or refused.
pub(super) struct Passage {
    door: Arc<Door>,
    /// In whose words it is refused.
    entrance: usize,
    caller: Caller,
    privacy: Privacy,
    /// Where the token was found.
    source: Option<Source>,
    /// Under which errors are told.
    scheme: Scheme,
    /// What few answers need.
    extra: Option<Box<Extra>>,
}

#[derive(Default)]
struct Extra {
    /// What is left of a token that is about to expire, in seconds.
    expires_in: Option<u64>,
    cookie: Option<HeaderValue>,
    /// For the next proof.
    nonce: Option<HeaderValue>,
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
    pub(super) fn of<B>(request: &Request<B>, verdict: &Verdict, entrance: usize, door: &Arc<Door>) -> Self {
        let privacy = match verdict.source() {
            _ if door.exposed_in(request) => Privacy::NoStoreNoReferrer,
            // A nonce is for one client, and not to be kept.
            _ if verdict.next_nonce().is_some() => Privacy::NoStore,
            Some(Source::Bearer | Source::Dpop) | None => Privacy::Ordinary,
            Some(_) => Privacy::NoStore,
        };
        let extra = verdict
            .next_nonce()
            .map(|nonce| Box::new(Extra { nonce: Some(nonce.clone()), ..Extra::default() }));
        let source = verdict.source();
        let scheme = door.scheme_of(source, request.headers());
        let caller = Caller::of(request.method(), request.headers());
        Self { door: Arc::clone(door), entrance, caller, privacy, source, scheme, extra }
    }

    /// Has the answer tell what is left of `token`, if it is less than `notice`.
    pub(super) fn note_expiry(&mut self, token: &VerifiedToken, notice: Option<Duration>) {
        let Some(notice) = notice else { return };
        let left = token.expires_in().filter(|left| *left < notice);
        if let Some(left) = left {
            self.extra.get_or_insert_default().expires_in = Some(left.as_secs());
        }
    }

    /// Has the answer set `cookie`.
    pub(super) fn set_cookie(&mut self, cookie: Option<HeaderValue>) {
        if cookie.is_some() {
            self.extra.get_or_insert_default().cookie = cookie;
        }
    }

    /// The answer to a link that was handed over.
    pub(super) fn hand_over<R: From<String>>(&self, response: Response<String>) -> Response<R> {
        telemetry::handed_over();
        let mut response = response.map(R::from);
        self.protect(&mut response);
        response
    }

    pub(super) fn door(&self) -> &Door {
        &self.door
    }

    pub(super) fn refuse<R: From<String>>(&self, denial: impl Into<Denial>) -> Response<R> {
        let denial = denial.into().with_scheme(self.scheme);
        telemetry::refused(&denial.error, self.source);
        let needs_nonce = denial.error.kind() == AuthErrorKind::ProofNonceRequired;
        let mut response = self.door.refuse(denial, self.caller, self.entrance).map(R::from);
        if let Some(nonce) = self.door.nonce(self.entrance).filter(|_| needs_nonce) {
            response.headers_mut().insert(binding::NONCE, nonce);
        }
        self.protect(&mut response);
        response
    }

    /// Gives the answer of the service behind the door what the door has to add.
    pub(super) fn finish<R: From<String>>(&mut self, response: &mut Response<R>) {
        self.put_into_the_words_of_the_door(response);
        self.protect(response);
        if let Some(extra) = self.extra.take() {
            let headers = response.headers_mut();
            if let Some(expires_in) = extra.expires_in {
                headers.insert(EXPIRES_IN, expires_in.into());
            }
            if let Some(cookie) = extra.cookie {
                headers.append(header::SET_COOKIE, cookie);
            }
            if let Some(nonce) = extra.nonce {
                headers.insert(binding::NONCE, nonce);
            }
        }
    }

    /// An extractor's refusal is put into the door's words, unless a handler has made another answer of it; what middleware
    /// has added to its header stays.
    fn put_into_the_words_of_the_door<R: From<String>>(&self, response: &mut Response<R>) {
        let Some(denial) =
            Refusals::take_pending(response).filter(|denial| response.status() == denial.error.status())
        else {
            return;
        };
        let mut answer = self.refuse(denial);
        let mut added = std::mem::take(response.headers_mut());
        for of_the_old_answer in OF_ONE_ANSWER {
            added.remove(of_the_old_answer);
        }
        // Where both have a field, the answer's own counts.
        added.extend(std::mem::take(answer.headers_mut()));
        *answer.headers_mut() = added;
        *response = answer;
    }

    fn protect<R>(&self, response: &mut Response<R>) {
        if self.privacy == Privacy::Ordinary {
            return;
        }
        let headers = response.headers_mut();
        if !says(headers, &header::CACHE_CONTROL, "no-store") {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        if self.privacy == Privacy::NoStoreNoReferrer {
            headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        }
    }
}

/// The fields that describe one answer, or the body that comes with it, and go with it when it is replaced.
const OF_ONE_ANSWER: [HeaderName; 10] = [
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
fn says(headers: &HeaderMap, name: &HeaderName, directive: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        // What stands between quotes is no directive; better to say it twice.
        .filter(|value| !value.contains('"'))
        .flat_map(|value| value.split(','))
        .any(|said| said.trim().eq_ignore_ascii_case(directive))
}
