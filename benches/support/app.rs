//! An axum app in front of which the layer stands, driven without sockets and without a runtime.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::any;
use http::{HeaderValue, Request, StatusCode, header};
use tower::{Layer, Service};
use tower_jwt_auth::{Claims, JwtAuthLayer};

use super::tokens::User;

/// A handler that takes eight typed claims, behind `layer`.
pub fn guarded(layer: JwtAuthLayer) -> Router {
    let handler = async |Claims(user): Claims<User>| {
        drop(user);
        StatusCode::NO_CONTENT
    };
    Router::new().route("/me", any(handler)).layer(layer).with_state(())
}

/// A handler behind a layer that does nothing: what any layer costs.
pub fn unguarded() -> Router {
    Router::new()
        .route("/me", any(async || StatusCode::NO_CONTENT))
        .layer(DoNothing::default())
        .with_state(())
}

/// Has a size, like any layer that is set to something: axum clones it for every request.
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

pub fn request(authorization: HeaderValue) -> Request<Body> {
    let request = Request::get("/me").header(header::AUTHORIZATION, authorization);
    request.body(Body::empty()).expect("a request")
}

/// The answer to `request`: nothing in here waits, so polling once is enough.
pub fn answer(app: &mut Router, request: Request<Body>) -> Response {
    let mut future = pin!(app.call(request));
    let answer: Poll<Result<Response, Infallible>> =
        future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    match answer {
        Poll::Ready(Ok(response)) => response,
        Poll::Pending => panic!("the app waits for something"),
    }
}

/// The status of the answer, which is dropped, as a server drops it once it is sent.
pub fn status(app: &mut Router, request: Request<Body>) -> StatusCode {
    answer(app, request).status()
}
