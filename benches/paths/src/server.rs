//! The routers that requests are sent to, without any sockets.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use http::header::{self, HeaderName, HeaderValue};
use http::{Request, StatusCode, Uri};
use serde::Deserialize;
use tokio::runtime::{Builder, Runtime};
use tower::{Layer, Service};
use tower_jwt_auth::fetch::{Fetch, FetchFuture, FetchRequest};
use tower_jwt_auth::jwks::SharedSecret;
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::{AuthError, Claims, Jwks, JwtAuthLayer, Verifier};

use crate::issuer::{AUDIENCE, ISSUER, Issuer, SECRET};

/// A router, and the runtime in which its key set is refreshed.
pub struct Server {
    router: Router,
    runtime: Runtime,
}

/// Eight claims, as a service may use.
#[derive(Deserialize)]
#[expect(dead_code, reason = "what matters is that they are read")]
struct User {
    iss: Box<str>,
    sub: Box<str>,
    exp: u64,
    iat: u64,
    email_verified: bool,
    tenant: u32,
    level: u8,
    scope: Box<str>,
}

impl Server {
    pub fn bare() -> Self {
        Self::new(Router::new().route("/me", get(async || StatusCode::NO_CONTENT)), runtime())
    }

    pub fn with_a_layer_that_does_nothing() -> Self {
        let Self { router, runtime } = Self::bare();
        Self::new(router.layer(DoNothing::default()), runtime)
    }

    /// Behind the layer as it is by default, but for the number of tokens that are remembered: over a key set that was
    /// fetched, or over a secret.
    pub fn guarded(issuer: &Issuer, algorithm: Algorithm, remembered: usize) -> Self {
        let runtime = runtime();
        let verifier = if algorithm.is_symmetric() {
            let secret = SharedSecret::new(algorithm, SECRET).expect("a secret");
            Verifier::new(ISSUER, AUDIENCE, secret)
        } else {
            let _in_it = runtime.enter();
            let jwks = Jwks::builder("https://issuer.example/jwks").expect("a URL");
            let jwks = jwks.with_fetch(Provider { jwks: issuer.jwks() }).spawn().expect("a runtime");
            runtime.block_on(jwks.ready()).expect("a key set");
            Verifier::new(ISSUER, AUDIENCE, jwks)
        };
        let verifier = verifier.expect("a policy").with_token_cache(remembered);
        let me = async |Claims(user): Claims<User>| {
            drop(user);
            StatusCode::NO_CONTENT
        };
        Self::new(Router::new().route("/me", get(me)).layer(JwtAuthLayer::new(verifier)), runtime)
    }

    fn new(router: Router, runtime: Runtime) -> Self {
        // As a server serves it: until then, axum puts the layers around each route anew for every request.
        let router = router.with_state(());
        Self { router, runtime }
    }

    /// Sends requests that do not count, and looks closely at how they end.
    pub fn expect_accepted(&mut self, tokens: impl Iterator<Item = Option<String>>) {
        for token in tokens {
            let response = self.wait_for_answer(token);
            let error = response.extensions().get::<AuthError>();
            assert_eq!(response.status(), StatusCode::NO_CONTENT, "{error:?}");
        }
    }

    /// [`expect_accepted`](Self::expect_accepted), for those that are refused.
    pub fn expect_refused(&mut self, tokens: impl Iterator<Item = Option<String>>, code: &str) {
        for token in tokens {
            let response = self.wait_for_answer(token);
            assert_eq!(response.extensions().get::<AuthError>().map(AuthError::code), Some(code));
        }
    }

    /// The first token of an unknown key waits for a fetch.
    fn wait_for_answer(&mut self, token: Option<String>) -> Response {
        let Ok(response) = self.runtime.block_on(self.router.call(request(&header(token))));
        response
    }

    /// What sends one request with each of `tokens`.
    pub fn prepare(self, tokens: impl Iterator<Item = Option<String>>, want: StatusCode) -> Box<dyn FnMut()> {
        let Self { mut router, runtime } = self;
        let headers: Vec<_> = tokens.map(header).collect();
        Box::new(move || {
            let _in_it = runtime.enter();
            for header in &headers {
                assert_eq!(answer(&mut router, request(header)), Some(want));
            }
        })
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime")
}

type Header = (HeaderName, HeaderValue);

/// A request without a token has another header instead: each makes a map of one.
fn header(token: Option<String>) -> Header {
    let (name, value) = match token {
        Some(token) => (header::AUTHORIZATION, format!("Bearer {token}")),
        None => (header::ACCEPT, "text/html".to_owned()),
    };
    let value = HeaderValue::try_from(value).expect("a header value");
    // The text is shared from its first clone on, as it is in a server that reads it from a socket.
    drop(value.clone());
    (name, value)
}

/// What a server makes of the bytes that it reads. It costs the same on all paths.
fn request((name, value): &Header) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = Uri::from_static("/me");
    request.headers_mut().insert(name, value.clone());
    request
}

/// Nothing that is counted waits, so polling once is enough.
fn answer(router: &mut Router, request: Request<Body>) -> Option<StatusCode> {
    let mut future = pin!(router.call(request));
    let answer: Poll<Result<Response, Infallible>> =
        future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    match answer {
        Poll::Ready(Ok(response)) => Some(response.status()),
        Poll::Pending => None,
    }
}

/// A layer that does nothing but, like any that is set to something, has a size: axum clones it for every request.
#[derive(Clone, Default)]
struct DoNothing {
    _settings: Arc<()>,
}

impl<S> Layer<S> for DoNothing {
    type Service = S;

    fn layer(&self, inner: S) -> S {
        inner
    }
}

/// Serves the issuer's key set from memory.
struct Provider {
    jwks: String,
}

impl Fetch for Provider {
    fn fetch(&self, _request: FetchRequest) -> FetchFuture<'_> {
        let body = self.jwks.clone().into_bytes();
        Box::pin(async { Ok(http::Response::new(body)) })
    }
}
