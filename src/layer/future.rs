use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::admission::Admitted;
use super::passage::Passage;
use crate::error::AuthError;

pin_project! {
    /// The answer of a [`JwtAuthService`](super::JwtAuthService), to come.
    ///
    /// It boxes nothing unless more is asked than keys that are here can answer.
    #[must_use = "a future does nothing unless it is polled"]
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        step: Step<S, B, S::Future, S::Response>,
    }
}

pin_project! {
    #[project = StepProjection]
    enum Step<S, B, F, R> {
        Answered { response: Option<R> },
        Pending { verdict: PendingVerdict, waiting: Option<Box<Waiting<S, B>>> },
        Readying { waiting: Option<Box<Waiting<S, B>>> },
        Admitted { #[pin] future: F, passage: Passage },
    }
}

/// What is needed to pass a request on, once it may be.
struct Waiting<S, B> {
    service: S,
    request: Request<B>,
    passage: Passage,
}

type PendingVerdict = Pin<Box<dyn Future<Output = Result<Admitted, AuthError>> + Send>>;

impl<S, B> ResponseFuture<S, B>
where
    S: Service<Request<B>>,
{
    /// The door's own answer.
    pub(super) fn answered(response: S::Response) -> Self {
        Self { step: Step::Answered { response: Some(response) } }
    }

    pub(super) fn pending(
        verdict: PendingVerdict,
        service: S,
        request: Request<B>,
        passage: Passage,
    ) -> Self {
        let waiting = Box::new(Waiting { service, request, passage });
        Self { step: Step::Pending { verdict, waiting: Some(waiting) } }
    }

    pub(super) fn admitted(future: S::Future, passage: Passage) -> Self {
        Self { step: Step::Admitted { future, passage } }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: From<String>,
{
    type Output = Result<Response<R>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut step = self.project().step;
        loop {
            let next = match step.as_mut().project() {
                StepProjection::Answered { response } => match response.take() {
                    Some(response) => return Poll::Ready(Ok(response)),
                    // Polled again after it was ready, which no caller may do: there is nothing left to say.
                    None => return Poll::Pending,
                },
                StepProjection::Pending { verdict, waiting } => {
                    let outcome = ready!(verdict.as_mut().poll(cx));
                    let Some(mut waiting) = waiting.take() else { return Poll::Pending };
                    let Waiting { request, passage, .. } = &mut *waiting;
                    match outcome {
                        Ok(Admitted::HandedOver(response)) => {
                            Step::Answered { response: Some(passage.hand_over(response)) }
                        }
                        Ok(Admitted::PassedOn { token, expiry_notice, cookie }) => {
                            passage.note_expiry(&token, expiry_notice);
                            passage.set_cookie(cookie);
                            passage.door().admit(request, Some(token));
                            Step::Readying { waiting: Some(waiting) }
                        }
                        Err(error) => Step::Answered { response: Some(passage.refuse(error)) },
                    }
                }
                StepProjection::Readying { waiting } => {
                    let Some(candidate) = waiting.as_mut() else { return Poll::Pending };
                    ready!(candidate.service.poll_ready(cx))?;
                    // The one that was polled ready is the one that is called.
                    let Some(waiting) = waiting.take() else { return Poll::Pending };
                    let Waiting { mut service, request, passage } = *waiting;
                    Step::Admitted { future: service.call(request), passage }
                }
                StepProjection::Admitted { future, passage } => {
                    let mut response = ready!(future.poll(cx))?;
                    passage.finish(&mut response);
                    return Poll::Ready(Ok(response));
                }
            };
            step.set(next);
        }
    }
}

impl<S, B> fmt::Debug for ResponseFuture<S, B>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
