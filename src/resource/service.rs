use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use tower_service::Service;

/// How long a client or a cache may go without asking again: a change of authorization servers reaches all within an hour,
/// and a client that is turned away may ask at once.
pub const METADATA_MAX_AGE: Duration = Duration::from_secs(60 * 60);

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");
const ANY: HeaderValue = HeaderValue::from_static("*");

/// Answers every `GET` with a [`ResourceMetadata`](super::ResourceMetadata), whatever its path is.
///
/// Made by [`ResourceMetadata::service`](super::ResourceMetadata::service). Scripts of any origin may read it, and a CORS
/// preflight passes.
#[derive(Debug, Clone)]
#[must_use]
pub struct ResourceMetadataService {
    document: Arc<str>,
}

impl ResourceMetadataService {
    pub(super) fn new(document: Arc<str>) -> Self {
        Self { document }
    }

    fn answer(&self, method: &Method) -> Response<String> {
        let mut response = Response::new(String::new());
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
        match *method {
            Method::GET | Method::HEAD => self.describe(&mut response, method),
            Method::OPTIONS => {
                *response.status_mut() = StatusCode::NO_CONTENT;
                let headers = response.headers_mut();
                headers.insert(header::ALLOW, METHODS);
                headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
                // MCP clients say which version they speak.
                headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ANY);
            }
            _ => {
                *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
                response.headers_mut().insert(header::ALLOW, METHODS);
            }
        }
        response
    }

    fn describe(&self, response: &mut Response<String>, method: &Method) {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_LENGTH, self.document.len().into());
        let caching = format!("public, max-age={}", METADATA_MAX_AGE.as_secs());
        if let Ok(caching) = HeaderValue::try_from(caching) {
            headers.insert(header::CACHE_CONTROL, caching);
        }
        if method == Method::GET {
            response.body_mut().push_str(&self.document);
        }
    }
}

impl<B> Service<Request<B>> for ResourceMetadataService {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.answer(request.method())))
    }
}
