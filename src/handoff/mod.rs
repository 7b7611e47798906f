//! From a link to a session: the token leaves the URL and becomes a cookie.
//!
//! A provider sends the browser back with the token in the query. A layer with a [`HandOff`] verifies it, sets it as the
//! cookie that it reads (`__Host-jwt` by default: `HttpOnly`, `Secure`, `SameSite=Lax`, `Path=/`, for as long as the token
//! lasts) and sends the browser on with a 303 to the same URL without the token, every other byte as it was. The address
//! bar, the history and the `Referer` are clean from then on.
//!
//! | what comes | answer |
//! |---|---|
//! | a good token in a link that is navigated to | 303, the cookie, `no-store`, `no-referrer` |
//! | a token that a script, a frame or a prefetch asks with, or `HEAD` | 400 `navigation_required`: nothing is used up |
//! | another subject than that of the session which is there | 403 `session_conflict`, unless [told otherwise](HandOff::insecure_replace_sessions) |
//! | a token that does not fit into a cookie | 401 `cookie_too_large` |
//! | `?error=access_denied` and the like, without a token | 401 `sign_in_denied` or `sign_in_failed`, 503 `sign_in_unavailable` |
//!
//! # Security
//!
//! Anybody can send somebody a link with a token of their own: who follows it acts in a stranger's account (login CSRF).
//! While a session is there such a link is refused; where there is none, only a [nonce](crate::replay::Nonce) tells.
//!
//! One host, one cookie, one layer: two layers that hand off to a cookie of the same name replace each other's sessions. Put
//! them behind [`any_of`](crate::JwtAuthLayer::any_of), which looks at the sessions of all.
//!
//! A link that is refused stays in the address bar, with its token: the answer forbids to store it and to send a `Referer`.
//!
//! With [`single_use`](crate::JwtAuthLayer::single_use) the link counts once. The cookie then holds a receipt behind the
//! token, after a `~`: without it the token, which other eyes may have seen in the URL, is worth nothing any more.
//!
//! # Examples
//!
//! ```
//! # use axum::{Router, routing::get};
//! # use tower_jwt_auth::{jwks::SharedSecret, token::Algorithm, JwtAuthLayer, Verifier};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let verifier = Verifier::new("https://login.example.com", "my-api", SharedSecret::new(Algorithm::Hs256, [7; 32])?)?;
//! let auth = JwtAuthLayer::new(verifier).hand_off()?.single_use();
//! let app: Router = Router::new()
//!     .route("/welcome", get("hello"))
//!     .route_layer(auth.clone())
//!     .route_service("/sign-out", auth.logout()?);
//! # Ok(()) }
//! ```

mod arrival;
mod logout;
mod provider_error;
mod same_subject;

use std::fmt;
use std::time::Duration;

pub(crate) use arrival::{Arrival, may_use_up, see_other};
pub use logout::Logout;
pub(crate) use logout::SignedIn;
pub(crate) use provider_error::provider_error;

use http::HeaderValue;

use crate::error::{AuthError, AuthErrorKind};
use crate::replay::Nonce;
use crate::source::{CookieName, SameSite, set_cookie};
use crate::verify::VerifiedToken;

/// How a token in a URL becomes a session.
///
/// See the [module docs](self).
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct HandOff {
    same_site: SameSite,
    other_session: OtherSession,
    subject: Option<&'static str>,
}

/// For the list of what a layer checks.
impl fmt::Display for HandOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("links become cookies")?;
        match self.other_session {
            OtherSession::Stays => Ok(()),
            OtherSession::IsReplaced => f.write_str(", SESSIONS OF OTHERS ARE REPLACED"),
        }
    }
}

/// What a link for somebody else does to the session that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OtherSession {
    Stays,
    IsReplaced,
}

impl Default for HandOff {
    fn default() -> Self {
        Self { same_site: SameSite::Lax, other_session: OtherSession::Stays, subject: None }
    }
}

impl HandOff {
    /// Sets the cookie with this attribute.
    pub fn with_same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Tells whom a token is for by `claim` instead of by `sub`, or, where there is none, by all claims that are not
    /// registered.
    pub fn with_subject_claim(mut self, claim: &'static str) -> Self {
        self.subject = Some(claim);
        self
    }

    /// Lets a link replace the session of another subject.
    ///
    /// # Security
    ///
    /// Whoever gets somebody to follow a link can sign them out of their account and into another.
    pub fn insecure_replace_sessions(mut self) -> Self {
        self.other_session = OtherSession::IsReplaced;
        self
    }

    /// The cookie `name` with `value`, for as long as `token` lasts.
    ///
    /// # Errors
    ///
    /// [`AuthErrorKind::CookieTooLarge`], or [`AuthErrorKind::LinkExpired`] in the leeway, when there is nothing left.
    pub(crate) fn cookie(
        &self,
        name: &CookieName,
        value: &str,
        token: &VerifiedToken,
    ) -> Result<HeaderValue, AuthError> {
        let left = token.expires_in();
        if left.is_some_and(|left| left < Duration::from_secs(1)) {
            return Err(AuthErrorKind::LinkExpired.into());
        }
        set_cookie(name, value, self.same_site, left)
    }

    /// The cookie beside the cookie `name` that keeps `nonce`, for as long as `token` lasts.
    ///
    /// # Errors
    ///
    /// As for [`cookie`](Self::cookie).
    pub(crate) fn nonce_cookie(
        &self,
        name: &CookieName,
        nonce: &Nonce,
        token: &VerifiedToken,
    ) -> Result<HeaderValue, AuthError> {
        self.cookie(&name.of_its_nonce(), nonce.as_str(), token)
    }

    /// `token` came in a link; `session` is the payload of the session that is there.
    ///
    /// # Errors
    ///
    /// [`AuthErrorKind::SessionConflict`] if the session is somebody else's.
    pub(crate) fn check_session(&self, token: &VerifiedToken, session: &str) -> Result<(), AuthError> {
        if self.other_session == OtherSession::IsReplaced
            || same_subject::is_of_same(token.payload(), session, self.subject)
        {
            Ok(())
        } else {
            Err(AuthErrorKind::SessionConflict.into())
        }
    }
}
