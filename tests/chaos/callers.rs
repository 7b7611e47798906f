//! Who comes to the door, with which token, and what they are told.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Collected};
use tokio::time::Instant;
use tower::ServiceExt;
use tower_jwt_auth::AuthError;
use tower_jwt_auth::error::AuthErrorKind;
use tower_jwt_auth::test_util::Flaw;

/// A token, and what is known of it without looking at it.
#[derive(Clone)]
pub struct Token {
    pub text: String,
    pub subject: String,
    pub kid: String,
    /// The public key of who signed it, as JSON; none for tokens of strangers.
    pub key: Option<String>,
    /// The strangers it came with, whose tokens have other names and nothing else.
    pub family: Option<u64>,
    /// Other than of time.
    pub flaw: Option<Flaw>,
    /// In seconds since the epoch.
    pub not_before: u64,
    pub expires: u64,
}

impl Token {
    /// Whether there is nothing wrong with it, but its time.
    pub fn is_good(&self) -> bool {
        self.key.is_some() && self.flaw.is_none()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, kid, flaw, not_before, expires, .. } = self;
        write!(f, "a token of {kid} for {subject}, {flaw:?}, good from {not_before} to {expires}")
    }
}

/// What a caller was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Came in, as this subject.
    Accepted(String),
    Refused(AuthErrorKind),
    /// Something that no caller is ever told.
    Odd(String),
}

pub struct Caller {
    pub token: Arc<Token>,
    /// When the request came.
    pub came: Option<Instant>,
    /// When it was answered, or went away.
    pub left: Option<Instant>,
    /// None for who went away.
    pub verdict: Option<Verdict>,
}

impl Caller {
    /// Has come, and not left.
    pub fn is_waiting(&self) -> bool {
        self.came.is_some() && self.left.is_none()
    }

    /// Until it left, or until `now`.
    pub fn waited(&self, now: Instant) -> Duration {
        let came = self.came.unwrap_or(now);
        self.left.unwrap_or(now).saturating_duration_since(came)
    }
}

/// Everybody who has come.
#[derive(Clone, Default)]
pub struct Callers(Arc<Mutex<Vec<Caller>>>);

impl Callers {
    pub fn lock(&self) -> MutexGuard<'_, Vec<Caller>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a caller with `token` so much later, who leaves after `patience`.
    pub fn send(&self, app: &Router, token: Arc<Token>, later: Duration, patience: Option<Duration>) {
        let app = app.clone();
        let request = Request::get("/").header("authorization", format!("Bearer {}", token.text));
        let request = request.body(Body::empty()).expect("a request");
        let mut visit = self.announce(token);
        tokio::spawn(async move {
            tokio::time::sleep(later).await;
            visit.note(|caller| caller.came = Some(Instant::now()));
            let answer = async { verdict(app, request).await };
            let verdict = match patience {
                None => Some(answer.await),
                Some(patience) => tokio::time::timeout(patience, answer).await.ok(),
            };
            visit.note(|caller| caller.verdict = verdict);
        });
    }

    fn announce(&self, token: Arc<Token>) -> Visit {
        let mut callers = self.lock();
        callers.push(Caller { token, came: None, left: None, verdict: None });
        Visit { callers: self.clone(), number: callers.len() - 1 }
    }
}

/// Ends however its task does.
struct Visit {
    callers: Callers,
    number: usize,
}

impl Visit {
    fn note(&mut self, change: impl FnOnce(&mut Caller)) {
        change(&mut self.callers.lock()[self.number]);
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let panicked = std::thread::panicking();
        self.note(|caller| {
            caller.left = Some(Instant::now());
            if panicked {
                caller.verdict = Some(Verdict::Odd("a panic".to_owned()));
            }
        });
    }
}

async fn verdict(app: Router, request: Request<Body>) -> Verdict {
    let response = app.oneshot(request).await.unwrap_or_else(|never| match never {});
    let (parts, body) = response.into_parts();
    let error = parts.extensions.get::<AuthError>().copied();
    let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    let is_whole = match parts.status {
        StatusCode::OK => error.is_none(),
        StatusCode::UNAUTHORIZED => parts.headers.contains_key(WWW_AUTHENTICATE),
        StatusCode::SERVICE_UNAVAILABLE => parts.headers.contains_key(RETRY_AFTER),
        _ => false,
    };
    match error {
        None if is_whole => Verdict::Accepted(String::from_utf8_lossy(&body).into_owned()),
        Some(error) if is_whole && error.status() == parts.status => Verdict::Refused(error.kind()),
        _ => Verdict::Odd(format!("{} {}", parts.status, String::from_utf8_lossy(&body))),
    }
}
