use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use tower_service::Service;

use crate::error::{AuthError, AuthErrorKind, ConfigError};
use crate::rejection::{Caller, Refusals};
use crate::replay::{Receipt, ReplayRule};
use crate::source::{CookieName, CrossSiteRule, RequestHead, Source, cookie_that_ends};
use crate::telemetry;
use crate::verify::{Presented, Verifiers};

/// A service that ends the session: `POST` takes the cookie back and sends the browser on.
///
/// Made by [`JwtAuthLayer::logout`](crate::JwtAuthLayer::logout), and put *outside* of that layer. Where the layer has a
/// [store](crate::replay) by then, the token is revoked too, if it has a `jti` and an `exp`, so that a copy of the cookie is
/// worth nothing from then on; if that fails, the cookie is taken back all the same and the answer is 503. A request that
/// another site makes the browser send is refused, and so is a `GET`, which anybody can embed.
#[derive(Clone)]
#[must_use]
pub struct Logout {
    signed_in: Arc<[SignedIn]>,
    refusals: Refusals,
    destination: HeaderValue,
}

/// How many cookies of one name are revoked, which costs a question each; where there are more, signing out says that it
/// did not work.
const MOST_REVOKED: usize = 4;

/// One way to be signed in.
pub(crate) struct SignedIn {
    pub(crate) verifiers: Verifiers,
    pub(crate) cookie: CookieName,
    /// Where the nonce of the session is.
    pub(crate) nonce: Option<CookieName>,
    pub(crate) gives_receipts: bool,
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

    fn refuse(&self, error: AuthError, caller: Caller) -> Response<String> {
        telemetry::refused(&error, Some(Source::Cookie));
        let mut response = self.refusals.answer(error, caller);
        // The cookie is gone, so that there is nothing to come back with.
        response.headers_mut().remove(header::RETRY_AFTER);
        response
    }

    fn end(&self, mut response: Response<String>) -> Response<String> {
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for way in &*self.signed_in {
            for cookie in [Some(&way.cookie), way.nonce.as_ref()].into_iter().flatten() {
                headers.append(header::SET_COOKIE, cookie_that_ends(cookie));
            }
        }
        response
    }
}

impl SignedIn {
    /// The cookies of its name, the first few if there are many.
    fn cookies(&self, headers: &HeaderMap) -> Vec<String> {
        let texts = self.cookie.values(headers).filter_map(|value| std::str::from_utf8(value).ok());
        texts.take(MOST_REVOKED).map(str::to_owned).collect()
    }

    /// Whether some of them would go on being good.
    fn has_too_many(&self, headers: &HeaderMap) -> bool {
        self.replay.is_some() && self.cookie.values(headers).nth(MOST_REVOKED).is_some()
    }

    async fn revoke(&self, cookie: &str) -> Result<(), AuthError> {
        let Some(replay) = &self.replay else { return Ok(()) };
        let (token, receipt) = if self.gives_receipts { Receipt::split(cookie) } else { (cookie, None) };
        // Whoever has it may end it: that lets nobody in.
        let presented = Presented::by_anybody(Source::Cookie);
        let token = match self.verifiers.verify_presented(token, &presented).await {
            Ok(token) => token,
            Err(error) if error.status() == StatusCode::SERVICE_UNAVAILABLE => return Err(error),
            // Its key may be too new to be here.
            Err(error) if error.kind() == AuthErrorKind::KeyUnknown => {
                return Err(AuthErrorKind::KeysUnavailable.into());
            }
            // What lets nobody in needs no revoking.
            Err(_) => return Ok(()),
        };
        if self.gives_receipts {
            // The token alone is worth nothing, and ends nobody's session.
            match replay.check(&token, receipt.as_ref()).await {
                Ok(()) => {}
                Err(error) if error.status() == StatusCode::SERVICE_UNAVAILABLE => return Err(error),
                Err(_) => return Ok(()),
            }
        }
        replay.revoke(&token).await
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
        let caller = Caller::of(request.method(), request.headers());
        let refused = if request.method() == Method::POST {
            self.check(&request).err().map(|error| self.refuse(error, caller))
        } else {
            Some(only_post())
        };
        if let Some(answer) = refused {
            return Box::pin(std::future::ready(Ok(answer)));
        }
        let cookies: Vec<_> = self.signed_in.iter().map(|way| way.cookies(request.headers())).collect();
        let too_many = self.signed_in.iter().any(|way| way.has_too_many(request.headers()));
        let logout = self.clone();
        Box::pin(async move {
            let mut failed = too_many.then(|| AuthErrorKind::CredentialsConflict.into());
            for (way, cookies) in logout.signed_in.iter().zip(cookies) {
                for cookie in cookies {
                    // One that fails keeps no other from being revoked.
                    failed = way.revoke(&cookie).await.err().or(failed);
                }
            }
            if let Some(error) = failed {
                return Ok(logout.end(logout.refuse(error, caller)));
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
