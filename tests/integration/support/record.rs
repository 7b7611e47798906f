//! What the tests show and what they keep secret, written down for `tests/secrecy`, which looks for the one in the other.
//!
//! Nothing is written unless that test has started the program.

use std::collections::HashSet;
use std::fmt::Display;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, Once, OnceLock, PoisonError};

use http::{Request, Response, header};
use serde::{Deserialize, Serialize};
use tracing_subscriber::fmt::format::FmtSpan;

/// Names the directory where the books are to be kept.
pub const DIRECTORY: &str = "JWT_AUTH_TEST_RECORD";

/// One thing that others could see, or one that they must not.
#[derive(Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The thread, which has the name of its test unless it is a runtime's own.
    pub test: String,
    pub what: String,
    /// As it is what was shown, in base64url what is secret.
    pub text: String,
}

struct Books {
    shown: Mutex<Book>,
    secrets: Mutex<Book>,
}

struct Book {
    file: File,
    /// Most things are shown many times.
    known: HashSet<u64>,
}

impl Book {
    fn new(path: &Path) -> Mutex<Self> {
        Mutex::new(Self { file: File::create(path).expect("a directory"), known: HashSet::new() })
    }

    /// `sketch` is what makes this another than those before.
    fn add(&mut self, what: &str, sketch: &[u8], write: impl FnOnce() -> String) {
        let mut hasher = DefaultHasher::new();
        (what, sketch).hash(&mut hasher);
        if self.known.insert(hasher.finish()) {
            let test = std::thread::current().name().unwrap_or_default().to_owned();
            let entry = Entry { test, what: what.to_owned(), text: write() };
            let mut line = serde_json::to_vec(&entry).expect("JSON");
            line.push(b'\n');
            self.file.write_all(&line).expect("room on the disk");
        }
    }
}

/// None if nobody wants a record. The first call begins to record what is logged where no test looks, and what is counted.
fn books() -> Option<&'static Books> {
    static BOOKS: OnceLock<Option<Books>> = OnceLock::new();
    static BEGUN: Once = Once::new();
    let books = BOOKS.get_or_init(|| {
        let directory = std::env::var_os(DIRECTORY)?;
        let open = |kind| Book::new(&Path::new(&directory).join(format!("{kind}.{}", std::process::id())));
        Some(Books { shown: open("shown"), secrets: open("secrets") })
    });
    let books = books.as_ref()?;
    BEGUN.call_once(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .without_time()
            .with_writer(|| Events)
            .finish();
        tracing::subscriber::set_global_default(subscriber).expect("the first one");
        #[cfg(feature = "metrics")]
        metrics::set_global_recorder(Metrics).expect("the first one");
    });
    Some(books)
}

/// Others could see `text`.
pub fn shown(what: &str, text: impl Display) {
    if let Some(books) = books() {
        let text = text.to_string();
        // Events differ in how long something took, and there are very many of them.
        let sketch: Vec<_> = text.bytes().filter(|byte| !byte.is_ascii_digit()).collect();
        books.shown.lock().unwrap_or_else(PoisonError::into_inner).add(what, &sketch, || text);
    }
}

/// Nobody may see `secret` or a part of it.
pub fn secret(what: &str, secret: impl AsRef<[u8]>) {
    if let Some(books) = books() {
        let secret = secret.as_ref();
        let write = || base64_simd::URL_SAFE_NO_PAD.encode_to_string(secret);
        books.secrets.lock().unwrap_or_else(PoisonError::into_inner).add(what, secret, write);
    }
}

/// The credentials in a request that is about to be sent.
pub fn sent<B>(request: &Request<B>) {
    for value in request.headers().get_all(header::AUTHORIZATION) {
        if let Some(scheme) = value.as_bytes().iter().position(|byte| *byte == b' ') {
            secret("a credential", value.as_bytes()[scheme..].trim_ascii());
        }
    }
    for value in request.headers().get_all("dpop") {
        secret("a proof", value.as_bytes());
    }
    for value in request.headers().get_all(header::COOKIE) {
        value.as_bytes().split(|byte| *byte == b';').for_each(cookie);
    }
    for pair in request.uri().query().unwrap_or_default().split('&') {
        match pair.split_once('=') {
            Some((name, value)) if name == "jwt" || value.split('.').count() == 3 => secret("a token", value),
            _ => {}
        }
    }
}

/// What a cookie holds; after a tilde, what makes a session count.
fn cookie(pair: &[u8]) {
    if let Some(equals) = pair.iter().position(|byte| *byte == b'=') {
        pair[equals + 1..].split(|byte| *byte == b'~').for_each(|part| secret("a cookie", part));
    }
}

/// A response, line by line.
pub fn answered(response: &Response<impl AsRef<[u8]>>) {
    shown("a status", response.status());
    for (name, value) in response.headers() {
        shown(&format!("the header {name}"), String::from_utf8_lossy(value.as_bytes()));
        if *name == header::SET_COOKIE {
            cookie(value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default());
        }
    }
    let kind = if response.status().is_success() { "the body of a success" } else { "the body of a refusal" };
    shown(kind, String::from_utf8_lossy(response.body().as_ref()));
    shown("Debug of the headers of an answer", format_args!("{:?}", response.headers()));
    if let Some(error) = response.extensions().get::<tower_jwt_auth::AuthError>() {
        shown("an error", format_args!("{error:?} {error}"));
    }
}

/// What is logged on threads where no test has a subscriber of its own.
struct Events;

impl Write for Events {
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        shown("an event", String::from_utf8_lossy(event));
        Ok(event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Takes down the names and the labels of what is counted.
#[cfg(feature = "metrics")]
struct Metrics;

#[cfg(feature = "metrics")]
impl metrics::Recorder for Metrics {
    fn describe_counter(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}

    fn describe_gauge(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}

    fn describe_histogram(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}

    fn register_counter(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Counter {
        shown("a metric", key);
        metrics::Counter::noop()
    }

    fn register_gauge(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Gauge {
        shown("a metric", key);
        metrics::Gauge::noop()
    }

    fn register_histogram(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Histogram {
        shown("a metric", key);
        metrics::Histogram::noop()
    }
}
