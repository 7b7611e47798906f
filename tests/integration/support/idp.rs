//! Identity providers that can be made to fail: [`Idp`] over real HTTP, [`ScriptedFetch`] in memory for paused time.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep};
use tower_jwt_auth::fetch::{Fetch, FetchError, FetchFuture, FetchRequest};

/// What a provider says when it is asked, and how.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Arc<[u8]>,
    manner: Manner,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    AtOnce,
    /// All of it, a while later.
    After(Duration),
    /// The head at once, then a byte a second.
    Dripping,
    /// The body with only half of what its length announces.
    Cut,
    /// This many bytes of blanks, without an announced length.
    Endless(usize),
    /// Nothing, and the connection stays open.
    Never,
    /// No answer: the connection breaks.
    Broken,
    /// The client itself panics; in memory only.
    Panic,
}

impl Answer {
    pub fn of(body: impl AsRef<[u8]>) -> Self {
        Self {
            status: 200,
            headers: HeaderMap::new(),
            body: Arc::from(body.as_ref()),
            manner: Manner::AtOnce,
        }
    }

    pub fn status(status: u16) -> Self {
        Self::of([]).with_status(status)
    }

    pub fn never() -> Self {
        Self::of([]).in_the_manner(Manner::Never)
    }

    pub fn broken() -> Self {
        Self::of([]).in_the_manner(Manner::Broken)
    }

    pub fn panicking() -> Self {
        Self::of([]).in_the_manner(Manner::Panic)
    }

    pub fn endless(bytes: usize) -> Self {
        Self::of([]).in_the_manner(Manner::Endless(bytes))
    }

    pub fn redirect_to(url: &str) -> Self {
        Self::status(302).with(header::LOCATION, url)
    }

    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.insert(name, HeaderValue::from_str(value).expect("a header value"));
        self
    }

    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub fn after(self, duration: Duration) -> Self {
        self.in_the_manner(Manner::After(duration))
    }

    pub fn dripping(self) -> Self {
        self.in_the_manner(Manner::Dripping)
    }

    pub fn cut(self) -> Self {
        self.in_the_manner(Manner::Cut)
    }

    fn in_the_manner(mut self, manner: Manner) -> Self {
        self.manner = manner;
        self
    }

    /// 304 instead, to a request that has this very document already.
    fn unless_known_to(&self, request: &HeaderMap) -> Self {
        let (sent, have) = if request.contains_key(header::IF_NONE_MATCH) {
            (header::IF_NONE_MATCH, header::ETAG)
        } else {
            (header::IF_MODIFIED_SINCE, header::LAST_MODIFIED)
        };
        let known = request.get(sent).is_some_and(|sent| self.headers.get(have) == Some(sent));
        let mut answer = self.clone();
        if known && self.status == 200 {
            (answer.status, answer.body) = (304, Arc::from([]));
        }
        answer
    }

    fn head(&self, content_length: Option<usize>) -> String {
        let mut head = format!("HTTP/1.1 {} So Be It\r\nconnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            _ = write!(head, "{name}: {}\r\n", value.to_str().expect("a text"));
        }
        if let Some(length) = content_length {
            _ = write!(head, "content-length: {length}\r\n");
        }
        head + "\r\n"
    }
}

/// One request that a provider has seen.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: Method,
    /// The path over HTTP, the whole URL in memory.
    pub target: String,
    pub headers: HeaderMap,
    pub body: String,
    pub at: Instant,
}

impl Seen {
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        Some(self.headers.get(name)?.to_str().expect("a text"))
    }
}

/// What both kinds of provider are told to say, and have been asked.
struct Script {
    answer: Answer,
    elsewhere: HashMap<String, Answer>,
    next: VecDeque<Answer>,
    seen: Vec<Seen>,
}

impl Script {
    fn new(answer: Answer) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self {
            answer,
            elsewhere: HashMap::new(),
            next: VecDeque::new(),
            seen: Vec::new(),
        }))
    }

    fn ask(&mut self, seen: Seen) -> Answer {
        let answer = self
            .next
            .pop_front()
            .unwrap_or_else(|| self.elsewhere.get(&seen.target).unwrap_or(&self.answer).clone());
        let answer = answer.unless_known_to(&seen.headers);
        self.seen.push(seen);
        answer
    }
}

fn locked(script: &Mutex<Script>) -> MutexGuard<'_, Script> {
    script.lock().expect("no test panics in here")
}

/// A provider in memory, for [`with_fetch`](tower_jwt_auth::jwks::JwksBuilder::with_fetch); clones are one provider.
#[derive(Clone)]
pub struct ScriptedFetch {
    script: Arc<Mutex<Script>>,
}

impl ScriptedFetch {
    pub fn serving(answer: Answer) -> Self {
        Self { script: Script::new(answer) }
    }

    /// Says this from now on.
    pub fn serve(&self, answer: Answer) {
        locked(&self.script).answer = answer;
    }

    /// Says this from now on to who asks for `url`.
    pub fn serve_at(&self, url: &str, answer: Answer) {
        locked(&self.script).elsewhere.insert(url.to_owned(), answer);
    }

    /// Says this once, before anything else.
    pub fn serve_once(&self, answer: Answer) {
        locked(&self.script).next.push_back(answer);
    }

    pub fn fetches(&self) -> usize {
        locked(&self.script).seen.len()
    }

    pub fn seen(&self) -> Vec<Seen> {
        locked(&self.script).seen.clone()
    }

    /// The time between each fetch and the one before it.
    pub fn gaps(&self) -> Vec<Duration> {
        let seen = self.seen();
        seen.windows(2).map(|two| two[1].at - two[0].at).collect()
    }
}

impl Fetch for ScriptedFetch {
    fn fetch(&self, request: FetchRequest) -> FetchFuture<'_> {
        let (parts, body) = request.http.into_parts();
        let answer = locked(&self.script).ask(Seen {
            method: parts.method,
            target: parts.uri.to_string(),
            headers: parts.headers,
            body: String::from_utf8(body).expect("text"),
            at: Instant::now(),
        });
        Box::pin(async move {
            match answer.manner {
                Manner::AtOnce => {}
                Manner::After(duration) => sleep(duration).await,
                Manner::Broken => return Err(FetchError::Failed("connection refused".into())),
                Manner::Panic => panic!("a client that panics, as it was told to"),
                Manner::Never => std::future::pending().await,
                manner => unreachable!("{manner:?} takes a wire: use an Idp"),
            }
            let mut response = Response::new(answer.body.to_vec());
            *response.status_mut() = answer.status.try_into().expect("a status");
            *response.headers_mut() = answer.headers;
            Ok(response)
        })
    }
}

/// A provider over HTTP on a port of its own.
pub struct Idp {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
    sent: Arc<AtomicUsize>,
    server: Option<AbortHandle>,
}

impl Idp {
    pub async fn serving(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mut idp = Self {
            address: listener.local_addr().expect("an address"),
            script: Script::new(answer),
            sent: Arc::default(),
            server: None,
        };
        idp.listen(listener);
        idp
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Says this from now on.
    pub fn serve(&self, answer: Answer) {
        locked(&self.script).answer = answer;
    }

    /// Says this from now on to who asks for `path`.
    pub fn serve_at(&self, path: &str, answer: Answer) {
        locked(&self.script).elsewhere.insert(path.to_owned(), answer);
    }

    /// Refuses connections from now on, and breaks those that it has.
    pub async fn go_down(&mut self) {
        let server = self.server.take().expect("a running server");
        server.abort();
        while !server.is_finished() {
            tokio::task::yield_now().await;
        }
    }

    /// Comes back on the same port.
    pub fn come_back(&mut self) {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("an option");
        socket.bind(self.address).expect("the same port");
        self.listen(socket.listen(1024).expect("a listener"));
    }

    pub fn requests(&self) -> usize {
        locked(&self.script).seen.len()
    }

    pub fn seen(&self) -> Vec<Seen> {
        locked(&self.script).seen.clone()
    }

    /// How many bytes of bodies the other side has let it send.
    pub fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    fn listen(&mut self, listener: TcpListener) {
        let (script, sent) = (Arc::clone(&self.script), Arc::clone(&self.sent));
        let server = tokio::spawn(async move {
            // Connections end with the server, as those of a process do.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (script, sent) = (Arc::clone(&script), Arc::clone(&sent));
                connections.spawn(async move { _ = converse(stream, &script, &sent).await });
                while connections.try_join_next().is_some() {}
            }
        });
        self.server = Some(server.abort_handle());
    }
}

impl Drop for Idp {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

async fn converse(mut stream: TcpStream, script: &Mutex<Script>, sent: &AtomicUsize) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let mut seen = parse(&String::from_utf8_lossy(&head));
    let length = seen.header(header::CONTENT_LENGTH).map_or(0, |length| length.parse().expect("a number"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    seen.body = String::from_utf8(body).expect("text");
    let answer = locked(script).ask(seen);
    let body = &*answer.body;
    match answer.manner {
        Manner::After(duration) => sleep(duration).await,
        Manner::Never => std::future::pending().await,
        Manner::Broken => return Ok(()),
        _ => {}
    }
    match answer.manner {
        Manner::Dripping => {
            stream.write_all(answer.head(Some(body.len())).as_bytes()).await?;
            for byte in body {
                stream.write_all(&[*byte]).await?;
                sent.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_secs(1)).await;
            }
        }
        Manner::Endless(bytes) => {
            stream.write_all(answer.head(None).as_bytes()).await?;
            let blanks = vec![b' '; 64 * 1024];
            for _ in 0..bytes.div_ceil(blanks.len()) {
                stream.write_all(&blanks).await?;
                sent.fetch_add(blanks.len(), Ordering::Relaxed);
            }
        }
        manner => {
            let half = if manner == Manner::Cut { body.len() / 2 } else { body.len() };
            stream.write_all(answer.head(Some(body.len())).as_bytes()).await?;
            stream.write_all(&body[..half]).await?;
            sent.fetch_add(half, Ordering::Relaxed);
        }
    }
    stream.shutdown().await
}

/// A request whose body is still to be read.
fn parse(head: &str) -> Seen {
    let mut lines = head.lines();
    let mut first = lines.next().expect("a request line").split(' ');
    let method = first.next().expect("a method").parse().expect("a method");
    let target = first.next().expect("a target").to_owned();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| {
            let name: HeaderName = name.parse().expect("a header name");
            (name, HeaderValue::from_str(value).expect("a header value"))
        })
        .collect();
    Seen { method, target, headers, body: String::new(), at: Instant::now() }
}
