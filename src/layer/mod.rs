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

mod admission;
mod described;
mod door;
mod entrance;
mod future;
mod passage;
mod places;
mod sender;
mod service;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Response;
use tower_layer::Layer;

pub use future::ResponseFuture;
pub use service::JwtAuthService;

use crate::binding::{ClientCertificates, Dpop};
use crate::error::ConfigError;
use crate::handoff::{HandOff, Logout};
use crate::jwks::Jwks;
use crate::rejection::Refusal;
use crate::replay::{MemoryReplayStore, NonceRule, ReplayRule};
use crate::source::TokenSources;
use crate::verify::{Verifier, Verifiers};
use door::{Absence, Door};
use entrance::Entrance;

/// Protects a service with a [`Verifier`].
///
/// See the [module docs](self).
#[derive(Clone)]
#[must_use]
pub struct JwtAuthLayer {
    door: Arc<Door>,
}

impl JwtAuthLayer {
    /// Lets in the tokens that `verifiers` accept. Where it is first put around a service, an event says what that means.
    ///
    /// Give it a [`Verifier`], those of [several issuers](Verifier::any_of), or [`Tenants`](crate::verify::Tenants); or an
    /// `Arc` of one, to use it elsewhere too.
    pub fn new(verifiers: impl Into<Verifiers>) -> Self {
        Self { door: Arc::new(Door::new(verifiers.into())) }
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

    /// Lets in whatever one of `layers` lets in: the issuer that a token says it has chooses the layer that judges it.
    ///
    /// Each keeps its own keys, sources, conditions, realm and hook, so that a token is judged by one layer only, from the
    /// places that this one reads, and refused in its words; a request without a token is refused in those of the first.
    /// What is set on the result is set for all of them, and replaces what each had, even where that was stricter: sources,
    /// nonce, proofs and certificates, for instance. Only [`single_use`](Self::single_use) leaves each the store that it has. Where
    /// one is [`without_grpc_answers`](Self::without_grpc_answers), all are.
    ///
    /// Of several cookies, one that only this host can have set (`__Host-`) counts before any other; then the order of the
    /// layers decides.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if there are none, two are for one issuer, one accepts any, or [tenants](crate::verify::Tenants), or one
    /// is [optional](Self::optional).
    ///
    /// # Examples
    ///
    /// ```
    /// # use tower_jwt_auth::{jwks::SharedSecret, token::Algorithm, JwtAuthLayer, Verifier};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let layer = |issuer: &str| -> Result<JwtAuthLayer, Box<dyn std::error::Error>> { Ok(JwtAuthLayer::new(Verifier::new(issuer, "my-api", SharedSecret::new(Algorithm::Hs256, [7; 32])?)?)) };
    /// # let (staff, customers) = (layer("https://staff.example.com")?, layer("https://login.example.com")?);
    /// let auth = JwtAuthLayer::any_of([staff.clone(), customers])?;
    /// assert!(JwtAuthLayer::any_of([staff.clone(), staff]).is_err());
    /// # Ok(()) }
    /// ```
    pub fn any_of(layers: impl IntoIterator<Item = Self>) -> Result<Self, ConfigError> {
        let layers: Vec<_> = layers.into_iter().collect();
        let all = Self { door: Arc::new(Door::any_of(layers.iter().map(|layer| &*layer.door))?) };
        let is_asked_first = all.door.entrances().any(|entrance| entrance.refusals.refuses_grpc_as_http());
        Ok(if is_asked_first { all.without_grpc_answers() } else { all })
    }

    /// Lets requests without a token pass; a bad token is still refused, the cookie of a session that is over included.
    pub fn optional(self) -> Self {
        self.change(|door| door.absence = Absence::Passes)
    }

    /// Looks for tokens in `sources` instead of the [default](crate::source) ones; to be set before a
    /// [hand-off](Self::hand_off), which is from a query to a cookie. One that has no cookie any more refuses every
    /// link; one that has no query any more takes nothing behind a token for a [receipt](crate::handoff).
    pub fn with_sources(self, sources: TokenSources) -> Self {
        self.set(sources, Entrance::set_sources)
    }

    /// Accepts each token once: by the store of the [rule](Self::with_replay_rule) that is set already or, where there is
    /// none, by a new one in memory, which the layer and its clones share. Another layer gets another store, by which a token
    /// counts once more: give several layers one store by a rule, and several processes one that they share.
    ///
    /// With a [hand-off](crate::handoff), the one use is the link; its browser goes on with the cookie. With a token in the query,
    /// `HEAD` and a prefetch are refused and use nothing up.
    pub fn single_use(self) -> Self {
        self.change_entrances(|entrance| {
            let rule = entrance.replay.take().unwrap_or_else(|| {
                let clock = entrance.verifiers.clock();
                ReplayRule::deny_list(MemoryReplayStore::new().with_shared_clock(clock))
            });
            entrance.replay = Some(rule.counting_once());
        })
    }

    /// Asks a store which tokens were used and which were revoked. Where each token counts once already, it goes on to.
    pub fn with_replay_rule(self, rule: ReplayRule) -> Self {
        self.set(rule, |entrance, rule| {
            let counts_once = entrance.replay.as_ref().is_some_and(ReplayRule::is_single_use);
            entrance.replay = Some(if counts_once { rule.counting_once() } else { rule });
        })
    }

    /// Accepts a token only with the nonce that the request expects in it.
    pub fn with_nonce(self, rule: NonceRule) -> Self {
        self.set(rule, |entrance, rule| entrance.nonce = Some(rule))
    }

    /// Accepts tokens that are bound to a key, with a proof of their sender's: see [`binding`](crate::binding).
    pub fn with_dpop(self, dpop: Dpop) -> Self {
        self.set(dpop, Entrance::set_dpop)
    }

    /// Accepts tokens that are bound to the certificate of a TLS client: see [`binding`](crate::binding).
    pub fn with_client_certificates(self, certificates: ClientCertificates) -> Self {
        self.set(certificates, Entrance::set_certificates)
    }

    /// Turns a token in a link into a cookie: see [`handoff`](crate::handoff).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the layer reads no query or no cookie.
    pub fn hand_off(self) -> Result<Self, ConfigError> {
        self.with_hand_off(HandOff::default())
    }

    /// Like [`hand_off`](Self::hand_off), with settings.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the layer reads no query or no cookie.
    pub fn with_hand_off(self, hand_off: HandOff) -> Result<Self, ConfigError> {
        if self.door.entrances().any(|e| !e.sources.reads_query() || e.sources.cookie().is_none()) {
            return Err(ConfigError::new(
                "a hand-off takes a token from the query and leaves a cookie: the layer has to read both",
            ));
        }
        Ok(self.change_entrances(|entrance| entrance.hand_off = Some(hand_off)))
    }

    /// A service that ends the session which a [hand-off](crate::handoff) began. It refuses in the words of this layer.
    ///
    /// It goes by what the layer is set to now, its cookies and its store above all, and hears of nothing that is set later:
    /// call it last.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the layer reads no cookie.
    pub fn logout(&self) -> Result<Logout, ConfigError> {
        let signed_in: Vec<_> = self.door.entrances().filter_map(Entrance::signed_in).collect();
        if signed_in.is_empty() {
            return Err(ConfigError::new(
                "signing out takes the cookie of a session back: the layer has to read one",
            ));
        }
        let refusals = self.door.entrances().next().map(|entrance| entrance.refusals.clone());
        Ok(Logout::of(signed_in, refusals.unwrap_or_default()))
    }

    /// Says in the answer's `Token-Expires-In` how many seconds are left of a token, once it is less than `left`: for
    /// clients that sign in again in time.
    pub fn with_expiry_notice(self, left: Duration) -> Self {
        self.change_entrances(|entrance| entrance.expiry_notice = Some(left))
    }

    /// Names what is protected, in challenges: `api` by default.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `realm` is empty or has quotes, backslashes or other than printable ASCII characters.
    pub fn with_realm(self, realm: &str) -> Result<Self, ConfigError> {
        self.try_change(|door| {
            door.entrances_mut().try_for_each(|entrance| entrance.refusals.set_realm(realm))
        })
    }

    /// Replaces or observes the answers to those who are not let in.
    ///
    /// `hook` gets the error and the answer as it would be. What it returns keeps its challenge: a 401 without one gets
    /// it back, and a success becomes the refusal that it is. gRPC callers get their
    /// [status](Self::without_grpc_answers) unasked. Where the answer depends on the request, a middleware around this layer
    /// has both: the [`AuthError`](crate::AuthError) is in the response's extensions.
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
        let hook = Arc::new(hook);
        self.change_entrances(|entrance| entrance.refusals.set_hook(Arc::clone(&hook) as _))
    }

    /// Refuses a gRPC call as any other request, by a 401 for one, instead of by status 200 and a `grpc-status`: for a layer
    /// that a proxy asks before it passes a request on (`auth_request`, `ext_authz`), as that takes a 2xx for a yes. Clients of
    /// gRPC understand 401, 403 and 503 too.
    pub fn without_grpc_answers(self) -> Self {
        self.change_entrances(|entrance| entrance.refusals.refuse_grpc_as_http())
    }

    /// Lets pages of `origin` send the cookie with unsafe requests: `https://app.example.com`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `origin` is more or less than a scheme, a host and perhaps a port.
    pub fn with_trusted_origin(self, origin: &str) -> Result<Self, ConfigError> {
        self.try_change(|door| {
            door.entrances_mut().try_for_each(|entrance| entrance.cross_site.trust(origin))
        })
    }

    /// Lets any site make a browser send the cookie along.
    ///
    /// # Security
    ///
    /// A form on any page of the web then acts as the user who looks at it, unless the cookie is `SameSite=Strict` or
    /// another defence against cross-site request forgery stands before this layer.
    pub fn insecure_accept_cross_site_requests(self) -> Self {
        self.change_entrances(|entrance| entrance.cross_site.disable())
    }

    /// Gives each entrance a `setting` of its own.
    fn set<T: Clone>(self, setting: T, set: impl Fn(&mut Entrance, T)) -> Self {
        self.change_entrances(|entrance| set(entrance, setting.clone()))
    }

    fn change_entrances(self, change: impl FnMut(&mut Entrance)) -> Self {
        self.change(|door| door.entrances_mut().for_each(change))
    }

    fn change(mut self, change: impl FnOnce(&mut Door)) -> Self {
        let door = Arc::make_mut(&mut self.door);
        change(door);
        door.settle();
        self
    }

    fn try_change(
        mut self,
        change: impl FnOnce(&mut Door) -> Result<(), ConfigError>,
    ) -> Result<Self, ConfigError> {
        let door = Arc::make_mut(&mut self.door);
        change(door)?;
        door.settle();
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
