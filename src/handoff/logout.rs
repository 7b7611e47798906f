use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use tower_service::Service;

use crate::error::{AuthError, ConfigError};
use crate::rejection::{Caller, Refusals};
use crate::replay::{Receipt, ReplayRule};
use crate::source::{CookieName, CrossSiteRule, RequestHead, Source, cookie_that_ends};
use crate::verify::Verifier;

/// A service that ends the session: `POST` takes the cookie back and sends the browser on.
///
/// Made by [`JwtAuthLayer::logout`](crate::JwtAuthLayer::logout), and put *outside* of that layer. Where the layer has a
/// [store](crate::replay), the token is revoked too, so that a copy of the cookie is worth nothing from then on; if that
/// fails the cookie is taken back all the same and the answer is 503. A request that another site makes the browser send is
/// refused, and so is a `GET`, which anybody can embed.
#[derive(Clone)]
#[must_use]
pub struct Logout {
    signed_in: Arc<[SignedIn]>,
    refusals: Refusals,
    destination: HeaderValue,
}

/// One way to be signed in.
pub(crate) struct SignedIn {
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) cookie: CookieName,
    pub(crate) replay: Option<ReplayRule>,
    pub(crate) cross_site: CrossSiteRule,
}

impl Logout {
    pub(crate) fn of(signed_in: Vec<SignedIn>, refusals: Refusals) -> Self {
        Self { signed_in: signed_in.into(), refusals, destination: HeaderValue::from_static("/") }
    }

    /// Sends the browser to `path` on this host, instead of to `/`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `path` does not begin with one slash, or has characters that no URL has.
    pub fn with_destination(mut self, path: &str) -> Result<Self, ConfigError> {
        let leaves = !path.starts_with('/') || path.starts_with("//") || path.starts_with("/\\");
        // A browser takes tabs out before it looks for the slashes.
        let is_written = path.bytes().all(|byte| byte.is_ascii_graphic());
        let destination = HeaderValue::from_str(path).ok().filter(|_| !leaves && is_written);
        self.destination = destination.ok_or_else(|| {
            ConfigError::new(format!("{path:?} is no path on this host: write one like \"/signed-out\""))
        })?;
        Ok(self)
    }

    fn check<B>(&self, request: &Request<B>) -> Result<(), AuthError> {
        self.signed_in.iter().try_for_each(|way| way.cross_site.check(&RequestHead::of(request)))
    }

    fn end(&self, mut response: Response<String>) -> Response<String> {
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for way in &*self.signed_in {
            headers.append(header::SET_COOKIE, cookie_that_ends(&way.cookie));
        }
        response
    }
}

impl SignedIn {
    async fn revoke(&self, cookie: &str) -> Result<(), AuthError> {
        let Some(replay) = &self.replay else { return Ok(()) };
        let (token, _) = Receipt::split(cookie);
        match self.verifier.verify_found(token, Source::Cookie).await {
            Ok(token) => replay.revoke(&token).await,
            Err(error) if error.status() == StatusCode::SERVICE_UNAVAILABLE => Err(error),
            // What lets nobody in needs no revoking.
            Err(_) => Ok(()),
        }
    }
}

impl<B> Service<Request<B>> for Logout {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let caller = Caller::of(request.headers());
        let refused = if request.method() == Method::POST {
            self.check(&request).err().map(|error| self.refusals.answer(error, caller))
        } else {
            Some(only_post())
        };
        if let Some(answer) = refused {
            return Box::pin(std::future::ready(Ok(answer)));
        }
        let cookies: Vec<_> = self
            .signed_in
            .iter()
            .map(|way| way.cookie.find(request.headers()).ok().flatten().map(Cow::into_owned))
            .collect();
        let logout = self.clone();
        Box::pin(async move {
            let mut failed = None;
            for (way, cookie) in logout.signed_in.iter().zip(cookies) {
                if let Some(cookie) = cookie
                    && let Err(error) = way.revoke(&cookie).await
                {
                    // The others are revoked all the same.
                    failed = Some(error);
                }
            }
            if let Some(error) = failed {
                return Ok(logout.end(logout.refusals.answer(error, caller)));
            }
            let mut response = Response::new(String::new());
            *response.status_mut() = StatusCode::SEE_OTHER;
            response.headers_mut().insert(header::LOCATION, logout.destination.clone());
            Ok(logout.end(response))
        })
    }
}

fn only_post() -> Response<String> {
    let mut response = Response::new(String::new());
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}

impl fmt::Debug for Logout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logout").field("destination", &self.destination).finish_non_exhaustive()
    }
}
