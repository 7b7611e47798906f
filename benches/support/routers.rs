//! The routers that stand beside any other: without a layer, with one that does nothing, and with this crate's.

use std::hint::black_box;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime};

use axum::Router;
use axum::extract::Extension;
use axum::routing::get;
use http::{Request, StatusCode};
use tower::{Layer, Service};
use tower_jwt_auth::{Claims, Jwks, JwtAuthLayer, Verifier};

use super::issuer::{AUDIENCE, Issuer, User};

pub fn bare() -> Router {
    finished(Router::new().route("/me", get(async || StatusCode::NO_CONTENT)))
}

pub fn with_a_layer_that_does_nothing() -> Router {
    finished(bare().layer(DoNothing::default()))
}

/// What any layer has to do that leaves something behind for the handler and judges times: an entry in the request's
/// extensions, a look at the clock for `exp`, and one at the clock by which keys grow old.
pub fn with_the_least_layer() -> Router {
    let handler = async |Extension(left): Extension<Left>| {
        black_box(&left);
        StatusCode::NO_CONTENT
    };
    finished(Router::new().route("/me", get(handler)).layer(Least::default()))
}

/// As a server serves it: until then, axum puts the layers around each route anew for every request.
fn finished(router: Router) -> Router {
    router.with_state(())
}

/// This crate, with the keys of `issuer` in memory.
pub fn guarded(verifier: Verifier) -> Router {
    let router = Router::new()
        .route(
            "/me",
            get(async |Claims(user): Claims<User>| {
                black_box(&user);
                StatusCode::NO_CONTENT
            }),
        )
        .layer(JwtAuthLayer::new(verifier));
    finished(router)
}

/// A verifier of `issuer` as the README makes it.
pub fn verifier(issuer: &Issuer) -> Verifier {
    let jwks = Jwks::from_json(issuer.jwks()).expect("a key set");
    Verifier::new(&issuer.url, AUDIENCE, jwks).expect("a verifier")
}

/// Passes everything on but, like any layer that is set to something, has a size: axum clones it for every request.
#[derive(Clone, Default)]
struct DoNothing {
    settings: Arc<()>,
}

#[derive(Clone)]
struct PassOn<S> {
    inner: S,
    settings: Arc<()>,
}

impl<S> Layer<S> for DoNothing {
    type Service = PassOn<S>;

    fn layer(&self, inner: S) -> PassOn<S> {
        PassOn { inner, settings: Arc::clone(&self.settings) }
    }
}

impl<S: Service<R>, R> Service<R> for PassOn<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.inner.call(request)
    }
}

/// As large as a verified token.
#[derive(Clone, Default)]
struct Left {
    _shared: Arc<()>,
    _source: [usize; 3],
}

#[derive(Clone, Default)]
struct Least {
    left: Left,
}

#[derive(Clone)]
struct LeaveAndPassOn<S> {
    inner: S,
    left: Left,
}

impl<S> Layer<S> for Least {
    type Service = LeaveAndPassOn<S>;

    fn layer(&self, inner: S) -> LeaveAndPassOn<S> {
        LeaveAndPassOn { inner, left: self.left.clone() }
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for LeaveAndPassOn<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    #[allow(clippy::disallowed_methods, reason = "what it costs is what is measured")]
    fn call(&mut self, mut request: Request<B>) -> S::Future {
        black_box((SystemTime::now(), Instant::now()));
        request.extensions_mut().insert(self.left.clone());
        self.inner.call(request)
    }
}
