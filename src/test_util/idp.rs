use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::ready;
use std::hash::BuildHasher;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::quality::FixedState;
use http::header::{self, HeaderMap, HeaderName};
use http::{Method, Response, Uri};
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::answer::{Answer, Manner};
use super::issuer::Issuer;
use super::server::Server;
use crate::fetch::{Fetch, FetchError, FetchFuture, FetchRequest};

const METADATA: &str = "/.well-known/openid-configuration";
const KEYS: &str = "/jwks.json";

/// What becomes of a connection that breaks.
const RESET: &str = "connection reset";

/// An identity provider that publishes what its [`Issuer`] has, and can be made to fail while it runs.
///
/// Over HTTP it listens on a port of its own on loopback. It is a [`Fetch`] too, which is asked in memory and needs no
/// wire: for tests under paused time, which real connections do not go with. There it is at the host of its issuer, and
/// refuses connections to any other, unless it was told what to say there. Its clones are one provider, which ends with the
/// last of them.
///
/// It serves its metadata at `/.well-known/openid-configuration` and its keys at `/jwks.json`, with an `ETag`, and answers
/// 304 where that is known. What it is told to [`serve`](Self::serve) takes the place of that.
///
/// # Examples
///
/// ```
/// use tower_jwt_auth::Jwks;
/// use tower_jwt_auth::test_util::{Answer, Idp};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let idp = Idp::start("my-api").await?;
/// let jwks = Jwks::discover(idp.issuer().url())?;
/// jwks.ready().await?;
///
/// idp.serve(Answer::status(500));
/// assert!(jwks.refresh_now().await.is_err());
/// assert!(jwks.status().state.is_ready()); // with the keys that it has
///
/// idp.recover();
/// idp.issuer().rotate();
/// assert_eq!(jwks.refresh_now().await?.keys, 2);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Idp {
    inner: Arc<Inner>,
}

struct Inner {
    issuer: Issuer,
    script: Arc<Script>,
    server: Option<Server>,
}

/// How the documents of an [`Idp`] are told apart by its clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Etags {
    /// One for each content.
    #[default]
    Right,
    /// None.
    Absent,
    /// The same for all contents: a client that sends it is told that nothing has changed, whatever has.
    Stuck,
    /// Another in each answer, though nothing has changed.
    Changing,
}

/// One request that a provider has seen.
#[derive(Clone)]
#[non_exhaustive]
pub struct Seen {
    /// GET, or POST with its [`body`](Self::body).
    pub method: Method,
    /// Path and query over HTTP, the whole URL in memory.
    pub target: String,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body, as text.
    pub body: String,
    /// When, in tokio's time.
    pub at: Instant,
}

impl Seen {
    pub(super) fn new(method: Method, target: String, headers: HeaderMap, body: &[u8]) -> Self {
        let body = String::from_utf8_lossy(body).into_owned();
        Self { method, target, headers, body, at: Instant::now() }
    }

    /// The value of the header field `name`, if it is text.
    #[must_use]
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A request for the verdict on a token has it inside.
impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.target.split('?').next();
        f.debug_struct("Seen").field("method", &self.method).field("path", &path).finish_non_exhaustive()
    }
}

impl Idp {
    /// Listens on a loopback port; its issuer is the URL there, and issues for `audience`.
    ///
    /// # Errors
    ///
    /// If the machine gives no port.
    pub async fn start(audience: &str) -> io::Result<Self> {
        Self::start_with(|url| Issuer::new(url, audience)).await
    }

    /// Listens on a loopback port, and publishes what the issuer has that `issuer` makes of the URL there.
    ///
    /// # Errors
    ///
    /// If the machine gives no port.
    pub async fn start_with(issuer: impl FnOnce(String) -> Issuer) -> io::Result<Self> {
        let script = Arc::new(Script::default());
        let server = Server::start(Arc::clone(&script)).await?;
        let issuer = issuer(server.url(""));
        script.lock().published = Some(issuer.clone());
        Ok(Self { inner: Arc::new(Inner { issuer, script, server: Some(server) }) })
    }

    /// Publishes what `issuer` has, in memory only: to be handed to
    /// [`with_fetch`](crate::jwks::JwksBuilder::with_fetch).
    #[must_use]
    pub fn in_memory(issuer: Issuer) -> Self {
        let script = Arc::new(Script::default());
        script.lock().published = Some(issuer.clone());
        Self { inner: Arc::new(Inner { issuer, script, server: None }) }
    }

    /// Who signs the tokens of this provider.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.inner.issuer
    }

    /// The URL of `path` at this provider.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        match &self.inner.server {
            Some(server) => server.url(path),
            None => format!("{}{path}", self.issuer().url().trim_end_matches('/')),
        }
    }

    /// Where its keys are.
    #[must_use]
    pub fn jwks_url(&self) -> String {
        self.url(KEYS)
    }

    /// Says this from now on, whatever it is asked, and in memory at whichever host.
    pub fn serve(&self, answer: Answer) {
        self.script().answer = Some(answer);
    }

    /// Says this from now on to who asks for `target`: a path with its query, or in memory a whole URL.
    pub fn serve_at(&self, target: &str, answer: Answer) {
        self.script().elsewhere.insert(target.to_owned(), answer);
    }

    /// Says this once, before anything else, and in memory at whichever host.
    pub fn serve_once(&self, answer: Answer) {
        self.script().next.push_back(answer);
    }

    /// Publishes what its issuer has again, as if it had never been told otherwise.
    pub fn recover(&self) {
        let mut script = self.script();
        script.answer = None;
        script.elsewhere.clear();
        script.next.clear();
        script.etags = Etags::Right;
    }

    /// Gives its documents such `ETag`s from now on.
    pub fn set_etags(&self, etags: Etags) {
        self.script().etags = etags;
    }

    /// Refuses connections from now on, and breaks those that it has.
    pub async fn go_down(&self) {
        self.script().is_down = true;
        self.inner.script.went_down.notify_waiters();
        if let Some(server) = &self.inner.server {
            server.stop().await;
        }
    }

    /// Comes back, on the same port.
    ///
    /// # Errors
    ///
    /// If somebody else has the port now.
    pub fn come_back(&self) -> io::Result<()> {
        self.script().is_down = false;
        self.inner.server.as_ref().map_or(Ok(()), Server::resume)
    }

    /// How often it was asked.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.script().seen.len()
    }

    /// What it was asked, in order.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.script().seen.clone()
    }

    /// How many bytes of bodies its clients have taken from it over HTTP.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.inner.script.sent.load(Ordering::Relaxed)
    }

    fn script(&self) -> MutexGuard<'_, State> {
        self.inner.script.lock()
    }
}

impl fmt::Debug for Idp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idp").field("issuer", self.issuer()).finish_non_exhaustive()
    }
}

/// Answers in memory. What takes a wire to go wrong fails here as a client would have it fail in the end: a body that drips
/// takes a second a byte, and one that is cut off is an error.
impl Fetch for Idp {
    fn fetch(&self, request: FetchRequest) -> FetchFuture<'_> {
        let (parts, body) = request.http.into_parts();
        let script = &*self.inner.script;
        // From before it is looked whether it is down, so that nothing is missed.
        let went_down = script.went_down.notified();
        if let Some(why) = self.script().refuses(&parts.uri) {
            return Box::pin(ready(Err(failed(why))));
        }
        let answer = script.ask(Seen::new(parts.method, parts.uri.to_string(), parts.headers, &body));
        Box::pin(async move {
            tokio::select! {
                biased;
                () = went_down => Err(failed(RESET)),
                response = say(answer, request.max_body) => response,
            }
        })
    }
}

fn failed(why: &str) -> FetchError {
    FetchError::Failed(why.into())
}

async fn say(answer: Answer, max_body: usize) -> Result<Response<Vec<u8>>, FetchError> {
    let body = answer.body.to_vec();
    let body = match answer.manner {
        Manner::AtOnce => body,
        Manner::After(duration) => {
            sleep(duration).await;
            body
        }
        Manner::Dripping => {
            sleep(Duration::from_secs(1) * u32::try_from(body.len()).unwrap_or(u32::MAX)).await;
            body
        }
        Manner::Endless(bytes) if bytes > max_body => return Err(FetchError::TooLarge),
        Manner::Endless(bytes) => vec![b' '; bytes],
        Manner::Cut | Manner::Broken => return Err(failed(RESET)),
        Manner::Hanging => std::future::pending().await,
    };
    let mut response = Response::new(body);
    *response.status_mut() = answer.status.try_into().expect("a status");
    *response.headers_mut() = answer.headers;
    Ok(response)
}

/// What a provider is told to say, and has been asked: its two fronts, HTTP and memory, share it.
#[derive(Default)]
pub(super) struct Script {
    state: Mutex<State>,
    /// How many bytes of bodies have gone over the wire.
    pub(super) sent: AtomicUsize,
    /// Breaks what is under way in memory.
    went_down: Notify,
}

#[derive(Default)]
struct State {
    published: Option<Issuer>,
    answer: Option<Answer>,
    elsewhere: HashMap<String, Answer>,
    next: VecDeque<Answer>,
    etags: Etags,
    is_down: bool,
    seen: Vec<Seen>,
}

impl Script {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ask(&self, seen: Seen) -> Answer {
        let mut state = self.lock();
        let answer = state.next.pop_front();
        let answer = answer
            .or_else(|| state.elsewhere.get(&seen.target).cloned())
            .or_else(|| state.answer.clone())
            .unwrap_or_else(|| state.publish(&seen.target));
        let answer = answer.unless_known_to(&seen.headers);
        state.seen.push(seen);
        answer
    }
}

impl State {
    /// Why there is no connection in memory to the host of `url`, if there is none.
    fn refuses(&self, url: &Uri) -> Option<&'static str> {
        let is_told = self.answer.is_some() || !self.next.is_empty();
        let has_it = is_told || self.elsewhere.contains_key(&url.to_string()) || self.is_at(url);
        if self.is_down {
            Some("connection refused")
        } else if has_it {
            None
        } else {
            Some("connection refused: this provider is at the host of its issuer")
        }
    }

    /// Whether it publishes anything at the host of `url`.
    fn is_at(&self, url: &Uri) -> bool {
        let own = self.published.as_ref().and_then(|issuer| issuer.url().parse().ok());
        own.is_some_and(|own| host_of(&own) == host_of(url))
    }

    fn publish(&mut self, target: &str) -> Answer {
        let Some(issuer) = &self.published else { return Answer::status(404) };
        let base = issuer.url().trim_end_matches('/');
        let document = match path_of(target).strip_prefix(&path_of(base)) {
            Some(METADATA) => {
                json!({ "issuer": issuer.url(), "jwks_uri": format!("{base}{KEYS}") }).to_string()
            }
            Some(KEYS) => issuer.jwks(),
            _ => return Answer::status(404),
        };
        let etag = match self.etags {
            Etags::Absent => return Answer::of(document),
            Etags::Right => FixedState::default().hash_one(&document),
            Etags::Stuck => 0,
            Etags::Changing => self.seen.len().try_into().unwrap_or(u64::MAX),
        };
        Answer::of(document).with(header::ETAG, &format!("\"{etag:x}\""))
    }
}

/// Scheme, host and port of a URL.
fn host_of(url: &Uri) -> Option<(&str, String, u16)> {
    let scheme = url.scheme_str()?;
    let usual = if scheme == "https" { 443 } else { 80 };
    Some((scheme, url.host()?.to_ascii_lowercase(), url.port_u16().unwrap_or(usual)))
}

/// The path of a URL, or of the target of a request; none where there is only a `/`.
fn path_of(target: &str) -> String {
    let path = target.parse().map(|uri: Uri| uri.path().to_owned()).unwrap_or_default();
    path.trim_end_matches('/').to_owned()
}
