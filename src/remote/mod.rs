//! Asking the provider about a token, where it publishes no keys or is to have the last word.
//!
//! A [`ValidationEndpoint`] takes the place of a key set in a [`Verifier`](crate::Verifier). Shape, issuer, audience and
//! times are checked first, so that a hopeless token costs no call; then the endpoint says whether it signed this token.
//! Whatever it says is kept for as long as it is worth anything: a yes for up to [60 s](ACCEPTED_FOR), but never longer
//! than the token lasts, a no for [5 s](REFUSED_FOR), and for a second that it gave no answer.
//!
//! One call is under way for one token, whoever asks; at most [32](MAX_CALLS) are for all. Each has
//! [5 s](crate::fetch::FETCH_TIMEOUT) and is not made again, no redirect is followed, and while the provider asks for
//! patience (429 or 503 with `Retry-After`) it is left alone. "The token is bad" is a 401, "nobody could be asked" a 503:
//! only a clear yes lets anybody in.
//!
//! # Security
//!
//! Every plausible token that was not seen before costs a call, and anybody can make up plausible tokens: put a rate limit
//! in front where the provider has one behind. A token that was revoked passes for up to 60 s more.
//!
//! # Examples
//!
//! ```no_run
//! use tower_jwt_auth::remote::{Credentials, ValidationEndpoint};
//! use tower_jwt_auth::{JwtAuthLayer, Verifier};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let endpoint = ValidationEndpoint::introspection(
//!     "https://login.example.com/introspect",
//!     &Credentials::basic("my-api", std::env::var("INTROSPECTION_SECRET")?),
//! )?;
//! let auth = JwtAuthLayer::new(Verifier::new("https://login.example.com", "my-api", endpoint)?);
//! # Ok(()) }
//! ```

mod answer;
#[cfg(test)]
mod interleavings;
mod introspection;
mod magiclinksdev;
mod passkeyme;

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use http::header::{self, HeaderValue};
use http::{Request, Response};
use tokio::time::{Instant, timeout};

pub use introspection::Credentials;

use crate::clock::{Clock, SystemClock};
use crate::crypto;
use crate::error::{AuthError, AuthErrorKind, ConfigError};
use crate::fetch::{
    Endpoint, FETCH_TIMEOUT, Fetch, FetchError, FetchRequest, KeepAlive, default_client, is_encoded,
};
use crate::sync::{Cache, Mutex, OnceCell, Semaphore};
use crate::telemetry;
use answer::{Answer, Trouble};

/// How long a yes is kept, if the token lasts that long.
pub const ACCEPTED_FOR: Duration = Duration::from_secs(60);

/// How long a no is kept.
pub const REFUSED_FOR: Duration = Duration::from_secs(5);

/// How many calls may be under way at a time; others wait for their turn, within the time limit.
pub const MAX_CALLS: usize = 32;

/// How long it is kept that the endpoint gave no answer about a token: those who ask at the same moment share it.
const UNANSWERED_FOR: Duration = Duration::from_secs(1);

/// How long anybody waits for an answer, their turn included: a little more than one call may take, so that who waits for
/// somebody else's gets its end.
const PATIENCE: Duration = Duration::from_secs(6);

/// How many tokens are remembered, by their hashes.
const MAX_QUESTIONS: usize = 10_000;

/// The longest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// A provider's endpoint that says whether a token is good; its clones share answers and limits.
///
/// See the [module docs](self).
#[derive(Clone)]
#[must_use]
pub struct ValidationEndpoint {
    inner: Arc<Inner>,
}

struct Inner {
    form: Arc<dyn WireForm>,
    endpoint: Endpoint,
    /// What stands against having one is said when a verifier is made with the endpoint.
    client: Result<Arc<dyn Fetch>, ConfigError>,
    questions: Questions,
    turns: Semaphore,
    /// Until when the provider does not want to be asked.
    paused_until: Mutex<Option<Instant>>,
}

/// By the hash of the token, of which nothing else is kept.
type Questions = Cache<[u8; 32], Arc<Question>>;

/// One token, to be asked about once.
#[derive(Default)]
struct Question {
    answer: OnceCell<(Answer, Instant)>,
}

/// How one provider wants to be asked, and what its answers mean.
trait WireForm: Send + Sync {
    /// The question whether `token` is good; `to` is the endpoint. None if it cannot be put.
    fn request(&self, to: &Endpoint, token: &str) -> Option<Request<Vec<u8>>>;

    /// What `response` says of `token`. Redirects and encoded bodies do not get here.
    fn read(&self, token: &str, response: &Response<Vec<u8>>) -> Answer;

    /// For logs.
    fn name(&self) -> &'static str;
}

/// Says that the provider was asked about a token, and that it is good: only here can one be made.
pub(crate) struct Vouched(());

impl ValidationEndpoint {
    /// magiclinksdev's `jwt/validate`, at `url`, asked with the API key of a service account.
    ///
    /// It is sent `{"jwtValidateParams":{"jwt":"…"}}`, and 200 with `{"jwtValidateResults":{"claims":{…}}}`, the claims of
    /// this very token, is a yes.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `url` may not be fetched (it must be https, or http on this machine), `api_key` is none, or there
    /// is no HTTP client.
    pub fn magiclinksdev(url: &str, api_key: &str) -> Result<Self, ConfigError> {
        Self::new(url, magiclinksdev::Validate::new(api_key)?)
    }

    /// PasskeyMe's `verify-token`, at `url`: the token travels in the query of that URL, which nothing here logs.
    ///
    /// It is asked with `GET …?token=…&app_id=…`, and a 2xx with `{"valid":true}` is a yes.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] as for [`magiclinksdev`](Self::magiclinksdev), or if `app_id` is empty.
    pub fn passkeyme(url: &str, app_id: &str) -> Result<Self, ConfigError> {
        Self::new(url, passkeyme::VerifyToken::new(app_id)?)
    }

    /// PasskeyMe's `auth/validate`, at `url`: the token travels in the `Authorization` header, the app id in
    /// `X-PasskeyMe-App-ID`; a 2xx with `{"valid":true}` is a yes.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] as for [`passkeyme`](Self::passkeyme).
    pub fn passkeyme_bearer(url: &str, app_id: &str) -> Result<Self, ConfigError> {
        Self::new(url, passkeyme::Validate::new(app_id)?)
    }

    /// OAuth 2.0 Token Introspection ([RFC 7662]) of access tokens that are JWTs, at `url`.
    ///
    /// [RFC 7662]: https://www.rfc-editor.org/rfc/rfc7662
    ///
    /// # Errors
    ///
    /// [`ConfigError`] as for [`magiclinksdev`](Self::magiclinksdev).
    pub fn introspection(url: &str, credentials: &Credentials) -> Result<Self, ConfigError> {
        Self::new(url, introspection::Introspection::new(credentials)?)
    }

    fn new(url: &str, form: impl WireForm + 'static) -> Result<Self, ConfigError> {
        let endpoint = Endpoint::new(url)?;
        if endpoint.uri().query().is_some() {
            return Err(ConfigError::new(format!("{} has a query: leave it out", endpoint.name())));
        }
        Ok(Self::of(Arc::new(form), endpoint, default_client(KeepAlive::Yes)))
    }

    fn of(form: Arc<dyn WireForm>, endpoint: Endpoint, client: Result<Arc<dyn Fetch>, ConfigError>) -> Self {
        Self {
            inner: Arc::new(Inner {
                form,
                endpoint,
                client,
                questions: Cache::new(MAX_QUESTIONS),
                turns: Semaphore::new(MAX_CALLS),
                paused_until: Mutex::new(None),
            }),
        }
    }

    /// Asks with a client of your own: a private CA, mTLS, a proxy.
    pub fn with_fetch(self, client: impl Fetch) -> Self {
        let Inner { form, endpoint, .. } = &*self.inner;
        Self::of(Arc::clone(form), endpoint.clone(), Ok(Arc::new(client)))
    }

    /// # Errors
    ///
    /// [`ConfigError`] if there is no client to ask with.
    pub(crate) fn check_client(&self) -> Result<(), ConfigError> {
        self.inner.client.as_ref().map(drop).map_err(Clone::clone)
    }

    /// The answer about `token` that is here already: none if it has to be asked for.
    pub(crate) fn recall(&self, token: &[u8]) -> Option<Result<Vouched, AuthError>> {
        let question = self.inner.questions.get(&crypto::sha256(token))?;
        let (answer, since) = question.answer.get()?;
        (since.elapsed() < keep(answer)).then(|| verdict(answer))
    }

    /// Asks about `token`, unless the answer is here or on its way.
    ///
    /// # Errors
    ///
    /// What the endpoint says against the token, or [`AuthErrorKind::VerifierUnavailable`].
    pub(crate) async fn ask(&self, token: &str) -> Result<Vouched, AuthError> {
        let asked = Instant::now();
        let answer = timeout(PATIENCE, self.answer(token, asked)).await;
        answer.unwrap_or(Err(AuthErrorKind::VerifierUnavailable.into()))
    }

    async fn answer(&self, token: &str, asked: Instant) -> Result<Vouched, AuthError> {
        let questions = &self.inner.questions;
        let hash = crypto::sha256(token.as_bytes());
        loop {
            let Ok(question) = questions.get_or_insert_with(&hash, || Ok::<_, Infallible>(Arc::default()));
            // Whoever gives up in the middle of a call leaves it to the next who waits.
            let (answer, since) = question.answer.get_or_init(|| self.inner.put(token)).await;
            // An answer that came while somebody waited for it is theirs, however short it is kept.
            if *since >= asked || since.elapsed() < keep(answer) {
                return verdict(answer);
            }
            questions.remove_if(&hash, |kept| Arc::ptr_eq(kept, &question));
        }
    }
}

fn verdict(answer: &Answer) -> Result<Vouched, AuthError> {
    match answer {
        Answer::Accepted => Ok(Vouched(())),
        Answer::Refused(kind) => Err((*kind).into()),
        Answer::Unavailable(Trouble { pause: Some(pause), .. }) => {
            Err(AuthError::until(AuthErrorKind::VerifierUnavailable, *pause))
        }
        Answer::Unavailable(_) => Err(AuthErrorKind::VerifierUnavailable.into()),
    }
}

/// For how long `answer` is worth anything. That the token expires is seen by whoever uses it.
fn keep(answer: &Answer) -> Duration {
    match answer {
        Answer::Accepted => ACCEPTED_FOR,
        Answer::Refused(_) => REFUSED_FOR,
        Answer::Unavailable(_) => UNANSWERED_FOR,
    }
}

impl Inner {
    /// Puts the question to the provider, within the limits.
    async fn put(&self, token: &str) -> (Answer, Instant) {
        let started = Instant::now();
        let answer = match timeout(FETCH_TIMEOUT, self.call(token)).await {
            Ok(answer) => answer,
            Err(_) => Answer::unavailable("timed_out"),
        };
        if let Answer::Unavailable(Trouble { pause: Some(pause), .. }) = &answer {
            self.pause_for(*pause);
        }
        let now = Instant::now();
        telemetry::asked(self.endpoint.name(), answer.code(), answer.cause(), now.duration_since(started));
        (answer, now)
    }

    async fn call(&self, token: &str) -> Answer {
        // The semaphore is never closed.
        let Ok(_turn) = self.turns.acquire().await else { return Answer::unavailable("closed") };
        if let Some(rest) = self.pause_left() {
            return Answer::Unavailable(Trouble::paused(rest));
        }
        let Ok(client) = &self.client else { return Answer::unavailable("no_client") };
        let Some(mut request) = self.form.request(&self.endpoint, token) else {
            return Answer::unavailable("no_request");
        };
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        match client.fetch(FetchRequest { http: request, max_body: MAX_ANSWER_BYTES }).await {
            Ok(response) => self.judge(token, &response),
            Err(FetchError::TooLarge) => Answer::unavailable("too_large"),
            Err(FetchError::Failed(source)) => Answer::Unavailable(Trouble::unreachable(&*source)),
        }
    }

    fn judge(&self, token: &str, response: &Response<Vec<u8>>) -> Answer {
        if response.status().is_redirection() {
            return Answer::unavailable("redirected");
        }
        if is_encoded(response.headers()) {
            return Answer::unavailable("encoded");
        }
        if response.body().len() > MAX_ANSWER_BYTES {
            return Answer::unavailable("too_large");
        }
        if let Some(pause) = answer::pause(response, SystemClock.now()) {
            return Answer::Unavailable(Trouble::throttled(pause));
        }
        self.form.read(token, response)
    }

    fn pause_for(&self, pause: Duration) {
        let until = Instant::now().checked_add(pause);
        let mut paused_until = self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        *paused_until = until.max(*paused_until);
    }

    fn pause_left(&self) -> Option<Duration> {
        let until = *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        until?.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}

/// Says who is asked, and in which way.
impl fmt::Display for ValidationEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { form, endpoint, .. } = &*self.inner;
        write!(f, "the word of {} ({}), kept for {ACCEPTED_FOR:?}", endpoint.name(), form.name())
    }
}

impl fmt::Debug for ValidationEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValidationEndpoint({self})")
    }
}
