//! Requests as a server hands them to a router, without the server: no socket, no runtime.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use aws_lc_rs::signature::ParsedPublicKey;
use http::{HeaderValue, Request, Response, StatusCode, Uri, header};
use tower::Service;

use super::interleave::Subject;
use super::issuer::split;

/// How often a future may say that it is not ready: a lock held by a background task, but never a fetch.
const PATIENCE: u32 = 5_000_000;

/// `Authorization` values, ready to be sent in a circle.
#[derive(Clone)]
pub struct Callers {
    values: Arc<[Box<str>]>,
    next: usize,
}

impl Callers {
    pub fn with<T: AsRef<str>>(tokens: impl IntoIterator<Item = T>) -> Self {
        let values = tokens.into_iter().map(|token| format!("Bearer {}", token.as_ref()).into()).collect();
        Self { values, next: 0 }
    }

    /// The next request. Its header is copied, so that the text of each token is as near as one just received.
    pub fn next<B: Default>(&mut self) -> Request<B> {
        let value = &self.values[self.next];
        self.next = (self.next + 1) % self.values.len();
        let mut request = Request::new(B::default());
        *request.uri_mut() = Uri::from_static("/me");
        let value = HeaderValue::from_str(value).expect("a token is ASCII");
        request.headers_mut().insert(header::AUTHORIZATION, value);
        request
    }
}

/// The status that `service` answers with, polled by hand.
pub fn answer<S, B, R>(service: &mut S, request: Request<B>) -> StatusCode
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible>,
{
    let mut context = Context::from_waker(Waker::noop());
    while service.poll_ready(&mut context).is_pending() {
        std::thread::yield_now();
    }
    let mut future = pin!(service.call(request));
    for _ in 0..PATIENCE {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut context) {
            return answer.map_or_else(|never| match never {}, |response| response.status());
        }
        std::hint::spin_loop();
    }
    panic!("a request that waits for something: what would be measured is not its own work");
}

/// Sends the requests of `callers` to `service`, and stops should one be answered with anything but `status`.
pub fn knock<S, B, R>(mut service: S, mut callers: Callers, status: StatusCode) -> impl FnMut(usize)
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible>,
    B: Default,
{
    move |requests| {
        for _ in 0..requests {
            assert_eq!(answer(&mut service, callers.next()), status);
        }
    }
}

/// Verifies the signatures of `tokens` in a circle, and nothing else.
pub fn raw(name: &str, key: ParsedPublicKey, tokens: &[String]) -> Subject {
    let signed: Vec<_> = tokens.iter().map(|token| split(token)).collect();
    let mut next = 0;
    Subject::new(name, move |requests| {
        for _ in 0..requests {
            let (input, signature) = &signed[next];
            next = (next + 1) % signed.len();
            key.verify_sig(input.as_bytes(), signature).expect("a good signature");
        }
    })
}
