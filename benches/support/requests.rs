//! Requests as a server hands them to a router, without the server: no socket, no runtime.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use aws_lc_rs::signature::ParsedPublicKey;
use axum::Router;
use axum::body::Body;
use http::{HeaderValue, Request, Response, StatusCode, Uri, header};
use tower::Service;

use super::interleave::Subject;
use super::issuer::split;

/// How often a future may say that it is not ready: a lock held by a background task, but never a fetch.
const PATIENCE: u32 = 5_000_000;

/// A service that answers a request with this `Authorization`.
pub type Door = Box<dyn FnMut(HeaderValue) -> StatusCode + Send>;

/// The door of a router.
pub fn door(router: Router) -> Door {
    door_of::<_, Body, _>(router)
}

/// The door of a service: it is polled ready, called and polled by hand, request after request, as a server does.
pub fn door_of<S, B, R>(mut service: S) -> Door
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible> + Send + 'static,
    B: Default,
{
    Box::new(move |authorization| {
        let mut request = Request::new(B::default());
        *request.uri_mut() = Uri::from_static("/me");
        request.headers_mut().insert(header::AUTHORIZATION, authorization);
        answer(&mut service, request)
    })
}

fn answer<S, B, R>(service: &mut S, request: Request<B>) -> StatusCode
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

/// What the header says for a token.
pub fn bearer(token: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("Bearer {token}")).expect("a token is ASCII")
}

/// The headers of callers who come in a circle.
#[derive(Clone)]
pub struct Callers {
    values: Arc<[Box<str>]>,
    next: usize,
    again: Again,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    Comes,
    Never,
}

impl Callers {
    pub fn with<T: AsRef<str>>(tokens: impl IntoIterator<Item = T>) -> Self {
        let values = tokens.into_iter().map(|token| format!("Bearer {}", token.as_ref()).into()).collect();
        Self { values, next: 0, again: Again::Comes }
    }

    /// None comes a second time: should there be too few of them, the program stops.
    pub fn once(self) -> Self {
        Self { again: Again::Never, ..self }
    }

    /// It is copied, so that the text of each token is as near as one that was just received.
    fn next(&mut self) -> HeaderValue {
        if self.next == self.values.len() {
            assert!(
                self.again == Again::Comes,
                "this machine is too fast for so few tokens: make more of them"
            );
            self.next = 0;
        }
        let value = &self.values[self.next];
        self.next += 1;
        HeaderValue::from_str(value).expect("a token is ASCII")
    }
}

/// Sends the callers to the door, and stops should one be answered with anything but `status`.
pub fn knock(mut door: Door, mut callers: Callers, status: StatusCode) -> impl FnMut(usize) + Send {
    move |requests| {
        for _ in 0..requests {
            assert_eq!(door(callers.next()), status);
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
