use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::door::{Door, Verdict};
use super::future::ResponseFuture;
use super::passage::Passage;

/// A service behind a [`JwtAuthLayer`](super::JwtAuthLayer).
///
/// See the [module docs](super).
#[derive(Debug, Clone)]
pub struct JwtAuthService<S> {
    inner: S,
    door: Arc<Door>,
}

impl<S> JwtAuthService<S> {
    pub(super) fn new(inner: S, door: Arc<Door>) -> Self {
        Self { inner, door }
    }

    /// For a request that is not passed on, or not yet: a service may hold a permit or a place for as long as it is ready,
    /// and whoever waits for keys, or is turned away, must not keep it from others.
    fn give_back_readiness(&mut self)
    where
        S: Clone,
    {
        self.inner = self.inner.clone();
    }
}

impl<S, B, R> Service<Request<B>> for JwtAuthService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    R: From<String>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let (verdict, entrance) = self.door.judge(&request);
        let mut passage = Passage::of(&request, &verdict, entrance, &self.door);
        let token = match verdict {
            Verdict::Verified { token, expiry_notice, proof: _ } => {
                passage.note_expiry(&token, expiry_notice);
                Some(token)
            }
            Verdict::Anonymous => None,
            Verdict::Refused { error, .. } => {
                self.give_back_readiness();
                return ResponseFuture::answered(passage.refuse(error));
            }
            Verdict::Pending(admission) => {
                self.give_back_readiness();
                let service = self.inner.clone();
                return ResponseFuture::pending(Box::pin(admission.decide()), service, request, passage);
            }
        };
        self.door.admit(&mut request, token);
        ResponseFuture::admitted(self.inner.call(request), passage)
    }
}
