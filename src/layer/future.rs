use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::door::{Door, Privacy};
use crate::error::AuthError;
use crate::rejection::{Caller, Refusals};
use crate::source::Source;
use crate::verify::VerifiedToken;

pin_project! {
    /// The answer of a [`JwtAuthService`](super::JwtAuthService), to come.
    ///
    /// It boxes nothing unless the token has to wait for keys.
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
        Refused { response: Option<R> },
        Pending {
            verdict: Option<PendingVerdict>,
            source: Source,
            service: S,
            request: Option<Request<B>>,
            door: Arc<Door>,
            caller: Caller,
        },
        Admitted { #[pin] future: F, door: Arc<Door>, caller: Caller, privacy: Privacy },
    }
}

type PendingVerdict = Pin<Box<dyn Future<Output = Result<VerifiedToken, AuthError>> + Send>>;

impl<S, B> ResponseFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(super) fn refused(response: S::Response) -> Self {
        Self {
            step: Step::Refused {
                response: Some(response),
            },
        }
    }

    pub(super) fn pending(
        verdict: PendingVerdict,
        source: Source,
        service: S,
        request: Request<B>,
        door: Arc<Door>,
        caller: Caller,
    ) -> Self {
        let (verdict, request) = (Some(verdict), Some(request));
        Self {
            step: Step::Pending {
                verdict,
                source,
                service,
                request,
                door,
                caller,
            },
        }
    }

    pub(super) fn admitted(future: S::Future, door: Arc<Door>, caller: Caller, privacy: Privacy) -> Self {
        Self {
            step: Step::Admitted {
                future,
                door,
                caller,
                privacy,
            },
        }
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
                StepProjection::Refused { response } => match response.take() {
                    Some(response) => return Poll::Ready(Ok(response)),
                    None => return Poll::Pending,
                },
                StepProjection::Pending {
                    verdict,
                    source,
                    service,
                    request,
                    door,
                    caller,
                } => {
                    let (Some(waiting), true) = (verdict.as_mut(), request.is_some()) else {
                        return Poll::Pending;
                    };
                    let outcome = ready!(waiting.as_mut().poll(cx));
                    *verdict = None;
                    let Some(mut request) = request.take() else {
                        return Poll::Pending;
                    };
                    match outcome {
                        Ok(token) => {
                            door.admit(&mut request, Some(token));
                            Step::Admitted {
                                future: service.call(request),
                                door: Arc::clone(door),
                                caller: *caller,
                                privacy: Privacy::of(Some(*source)),
                            }
                        }
                        Err(error) => Step::Refused {
                            response: Some(door.refuse(error, Some(*source), *caller)),
                        },
                    }
                }
                StepProjection::Admitted {
                    future,
                    door,
                    caller,
                    privacy,
                } => {
                    let mut response = ready!(future.poll(cx))?;
                    if let Some(error) = Refusals::take_pending(&mut response) {
                        response = door.refuse(error, None, *caller);
                    }
                    privacy.protect(response.headers_mut());
                    return Poll::Ready(Ok(response));
                }
            };
            step.set(next);
        }
    }
}

impl<S, B> std::fmt::Debug for ResponseFuture<S, B>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
