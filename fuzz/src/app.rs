//! An app behind the layer, and what became of a request to it.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::extract::OriginalUri;
use http::{Request, Response, StatusCode, Uri};
use tower_jwt_auth::verify::VerifiedToken;
use tower_jwt_auth::{AuthError, JwtAuthLayer};
use tower_layer::Layer;
use tower_service::Service;

/// What the app saw of a request that reached it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub uri: Uri,
    pub original_uri: Option<Uri>,
    pub token: Option<VerifiedToken>,
}

/// What a client gets.
pub struct Answer {
    pub response: Response<String>,
    pub seen: Option<Seen>,
}

impl Answer {
    /// The code of the refusal, or `ok`.
    pub fn code(&self) -> &'static str {
        match (self.response.extensions().get::<AuthError>(), &self.seen) {
            (Some(error), None) => error.code(),
            (None, Some(_)) => "ok",
            _ => panic!("refused and let in, or neither"),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name).map(|value| value.to_str().expect("a header that is text"))
    }
}

/// Sends `request`.
pub fn send(layer: &JwtAuthLayer, request: Request<()>) -> Answer {
    let mut service = layer.layer(App);
    assert!(service.poll_ready(&mut Context::from_waker(Waker::noop())).is_ready());
    let Ok(mut response) = at_once(service.call(request));
    let seen = response.extensions_mut().remove();
    Answer { response, seen }
}

/// What `work` comes to. There is nothing to wait for.
pub fn at_once<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("nothing is to be waited for"),
    }
}

#[derive(Clone)]
struct App;

impl Service<Request<()>> for App {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let mut response = Response::new(String::new());
        *response.status_mut() = StatusCode::ACCEPTED;
        response.extensions_mut().insert(Seen {
            uri: request.uri().clone(),
            original_uri: request.extensions().get().map(|OriginalUri(uri)| uri.clone()),
            token: request.extensions().get().cloned(),
        });
        ready(Ok(response))
    }
}
