//! The door: a [`JwtAuthLayer`] in front of a service lets in verified tokens and nobody else.
//!
//! It fits any Tower service over `http::Request` whose response body can be made from a `String`, as those of axum
//! and hyper can; map the others' with `tower_http`'s `MapResponseBodyLayer`. Answers to CORS preflights belong to a
//! CORS layer *outside* of this one: browsers send them without credentials. Of two layers, one inside the other, the inner
//! finds no token in the query: the outer has scrubbed it.
//!
//! # Examples
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use serde::Deserialize;
//! use tower_jwt_auth::{Claims, JwtAuthLayer};
//!
//! #[derive(Deserialize)]
//! struct User {
//!     sub: String,
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let auth = JwtAuthLayer::discover("https://login.example.com", "my-api")?;
//! let app: Router = Router::new()
//!     .route("/me", get(async |Claims(user): Claims<User>| user.sub.clone()))
//!     .layer(auth);
//! # Ok(()) }
//! ```

mod door;
mod future;
mod service;

use std::fmt;
use std::sync::Arc;

use http::Response;
use tower_layer::Layer;

pub use future::ResponseFuture;
pub use service::JwtAuthService;

use crate::error::ConfigError;
use crate::jwks::Jwks;
use crate::rejection::Refusal;
use crate::source::TokenSources;
use crate::verify::Verifier;
use door::{Absence, Door};

/// Protects a service with a [`Verifier`].
///
/// See the [module docs](self).
#[derive(Clone)]
#[must_use]
pub struct JwtAuthLayer {
    door: Arc<Door>,
}

impl JwtAuthLayer {
    /// Lets in the tokens that `verifier` accepts. Where it is first put around a service, an event says what that means.
    ///
    /// Give it an `Arc<Verifier>` to use the verifier elsewhere too.
    pub fn new(verifier: impl Into<Arc<Verifier>>) -> Self {
        Self { door: Arc::new(Door::new(verifier.into())) }
    }

    /// Lets in the tokens of `issuer` for `audience`, with keys that [discovery](Jwks::discover) finds and refreshes.
    ///
    /// It does not wait for the provider: see [`Jwks::ready`].
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `issuer` is no URL that may be fetched, `audience` is empty, or outside of a tokio runtime.
    pub fn discover(issuer: &str, audience: &str) -> Result<Self, ConfigError> {
        Ok(Self::new(Verifier::new(issuer, audience, Jwks::discover(issuer)?)?))
    }

    /// Lets requests without a token pass; a bad token is still refused.
    pub fn optional(self) -> Self {
        self.change(|door| door.absence = Absence::Passes)
    }

    /// Looks for tokens in `sources` instead of the [default](crate::source) ones.
    pub fn with_sources(self, sources: TokenSources) -> Self {
        self.change(|door| door.sources = sources)
    }

    /// Names what is protected, in challenges: `api` by default.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `realm` is empty or has quotes, backslashes or other than printable ASCII characters.
    pub fn with_realm(self, realm: &str) -> Result<Self, ConfigError> {
        self.try_change(|door| door.refusals.set_realm(realm))
    }

    /// Replaces or observes the answers to those who are not let in.
    ///
    /// `hook` gets the error and the answer as it would be. What it returns keeps its challenge: a 401 without one gets
    /// it back, and a success becomes the refusal that it is. gRPC callers get their status unasked. Where the answer depends on the request, a middleware around this
    /// layer has both: the [`AuthError`](crate::AuthError) is in the response's extensions.
    ///
    /// # Examples
    ///
    /// ```
    /// # use tower_jwt_auth::{jwks::SharedSecret, token::Algorithm, JwtAuthLayer, Verifier};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let verifier = Verifier::new("https://login.example.com", "my-api", SharedSecret::new(Algorithm::Hs256, [7; 32])?)?;
    /// let auth = JwtAuthLayer::new(verifier).with_refusal_hook(|mut refusal| {
    ///     *refusal.response.body_mut() = format!("please sign in ({})", refusal.error.code());
    ///     refusal.response.headers_mut().insert("content-type", http::HeaderValue::from_static("text/plain"));
    ///     refusal.response
    /// });
    /// # Ok(()) }
    /// ```
    pub fn with_refusal_hook(
        self,
        hook: impl Fn(Refusal) -> Response<String> + Send + Sync + 'static,
    ) -> Self {
        self.change(|door| door.refusals.set_hook(hook))
    }

    /// Lets pages of `origin` send the cookie with unsafe requests: `https://app.example.com`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `origin` is more or less than a scheme, a host and perhaps a port.
    pub fn with_trusted_origin(self, origin: &str) -> Result<Self, ConfigError> {
        self.try_change(|door| door.cross_site.trust(origin))
    }

    /// Lets any site make a browser send the cookie along.
    ///
    /// # Security
    ///
    /// A form on any page of the web then acts as the user who looks at it, unless the cookie is `SameSite=Strict` or
    /// another defence against cross-site request forgery stands before this layer.
    pub fn insecure_accept_cross_site_requests(self) -> Self {
        self.change(|door| door.cross_site.disable())
    }

    fn change(mut self, change: impl FnOnce(&mut Door)) -> Self {
        let door = Arc::make_mut(&mut self.door);
        change(door);
        door.renounce();
        self
    }

    fn try_change(
        mut self,
        change: impl FnOnce(&mut Door) -> Result<(), ConfigError>,
    ) -> Result<Self, ConfigError> {
        let door = Arc::make_mut(&mut self.door);
        change(door)?;
        door.renounce();
        Ok(self)
    }
}

impl<S> Layer<S> for JwtAuthLayer {
    type Service = JwtAuthService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        self.door.announce();
        JwtAuthService::new(inner, Arc::clone(&self.door))
    }
}

impl fmt::Debug for JwtAuthLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JwtAuthLayer({})", self.door)
    }
}
