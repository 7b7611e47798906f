use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::guard::Guard;
use crate::claims::LayerMissing;
use crate::rejection::Refusals;

/// A service behind a [`Guard`].
///
/// See the [module docs](super).
#[derive(Debug, Clone)]
pub struct GuardService<S> {
    inner: S,
    guard: Guard,
}

impl<S> GuardService<S> {
    pub(super) fn new(inner: S, guard: Guard) -> Self {
        Self { inner, guard }
    }
}

impl<S, B, R> Service<Request<B>> for GuardService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    R: From<String>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = GuardFuture<S::Future, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let refused = match self.guard.judge(request.extensions()) {
            Ok(Ok(())) => return GuardFuture { answer: Answer::Inner { future: self.inner.call(request) } },
            // The layer finds the error in there on the way out, and answers in its own words.
            Ok(Err(denial)) => Refusals::pending(denial),
            Err(LayerMissing) => LayerMissing::answer(),
        };
        // It may hold a place for as long as it is ready, and is not called.
        self.inner = self.inner.clone();
        GuardFuture { answer: Answer::Refused { response: Some(refused.map(R::from)) } }
    }
}

pin_project! {
    /// The answer of a [`GuardService`], to come.
    #[must_use = "a future does nothing unless it is polled"]
    pub struct GuardFuture<F, R> {
        #[pin]
        answer: Answer<F, R>,
    }
}

pin_project! {
    #[project = AnswerProjection]
    enum Answer<F, R> {
        Inner { #[pin] future: F },
        Refused { response: Option<Response<R>> },
    }
}

impl<F, R, E> Future for GuardFuture<F, R>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().answer.project() {
            AnswerProjection::Inner { future } => Poll::Ready(ready!(future.poll(cx))),
            AnswerProjection::Refused { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                // Polled again after it was ready, which no caller may do: there is nothing left to say.
                None => Poll::Pending,
            },
        }
    }
}

impl<F, R> fmt::Debug for GuardFuture<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardFuture").finish_non_exhaustive()
    }
}
