use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::Deserialize;

use super::Means;
use crate::clock::Clock;
use crate::error::{AuthError, AuthErrorKind, ConfigError};
use crate::fetch::Fetch;
use crate::jwks::Jwks;
use crate::layer::JwtAuthLayer;
use crate::replay::{MemoryReplayStore, Nonce, NonceRule, ReplayRule};
use crate::source::{CrossSiteRule, TokenSources};
use crate::verify::{VerifiedToken, Verifier};

const ISSUER: &str = "https://phone.link";
const JWKS_URL: &str = "https://phone.link/.well-known/jwks.json";

/// Proof of a phone number by [Phonelink].
///
/// It accepts what Phonelink's own `validate` accepts, and less: an empty client id, an empty nonce and a token without `exp`
/// are refused, and a token counts once. It is no session: take the number from it, and let it go.
///
/// # Flow
///
/// Phonelink's web client keeps the nonce in the tab, and the page sends both to its server in a JSON body: extract a
/// [`VerifiedPhone`](super::VerifiedPhone), or call [`validate`](PhonelinkValidator::validate).
///
/// A server that sends its users to Phonelink itself needs no script: it makes a [`Nonce`], sets its cookie, and puts
/// [`layer`](Self::layer) in front of the callback, where `?token=` and the cookie come together.
///
/// # Examples
///
/// ```no_run
/// use axum::{Json, Router, routing::{get, post}};
/// use tower_jwt_auth::Claims;
/// use tower_jwt_auth::provider::{Phonelink, PhonelinkClaims, PhonelinkValidator, VerifiedPhone};
///
/// async fn verify_phone(phone: VerifiedPhone) -> Json<String> {
///     Json(phone.phone_e164.clone())
/// }
///
/// async fn callback(Claims(phone): Claims<PhonelinkClaims>) -> String {
///     format!("{} is yours", phone.phone_e164)
/// }
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let phonelink = Phonelink::new("my-client-id")?;
/// let validator: PhonelinkValidator = phonelink.validator()?;
/// let app: Router = Router::new()
///     .route("/callback", get(callback))
///     .route_layer(validator.layer())
///     .route("/api/verify-phone", post(verify_phone))
///     .with_state(validator);
/// # Ok(()) }
/// ```
///
/// [Phonelink]: https://docs.phone.link
#[derive(Clone)]
#[must_use]
pub struct Phonelink {
    client_id: String,
    issuer: String,
    jwks_url: String,
    nonce: NonceRule,
    nonce_is: Asked,
    replay: Option<ReplayRule>,
    /// Where none is set: made when it is first needed, for the builder and its clones.
    own_replay: Arc<OnceLock<ReplayRule>>,
    cross_site: CrossSiteRule,
    leeway: Duration,
    means: Means,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Required,
    Optional,
}

impl Phonelink {
    /// Accepts tokens for the client `client_id`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `client_id` is empty.
    pub fn new(client_id: &str) -> Result<Self, ConfigError> {
        if client_id.is_empty() {
            return Err(ConfigError::new("the client id is empty: a token for any client would be accepted"));
        }
        Ok(Self {
            client_id: client_id.to_owned(),
            issuer: ISSUER.to_owned(),
            jwks_url: JWKS_URL.to_owned(),
            nonce: NonceRule::from_cookie(),
            nonce_is: Asked::Required,
            replay: None,
            own_replay: Arc::default(),
            cross_site: CrossSiteRule::default(),
            leeway: Duration::ZERO,
            means: Means::default(),
        })
    }

    /// Accepts tokens of `issuer` instead of `https://phone.link`.
    pub fn with_issuer(mut self, issuer: &str) -> Self {
        issuer.clone_into(&mut self.issuer);
        self
    }

    /// Fetches the keys from `url` instead of from Phonelink's.
    pub fn with_jwks_url(mut self, url: &str) -> Self {
        url.clone_into(&mut self.jwks_url);
        self.means.forget();
        self
    }

    /// Has the layer look for the expected nonce elsewhere than in the cookie of [`Nonce::to_cookie`].
    pub fn with_nonce(mut self, rule: NonceRule) -> Self {
        self.nonce = rule;
        self
    }

    /// Asks a store that several processes share, instead of the memory of this one, which tokens were used.
    pub fn with_replay_rule(mut self, rule: ReplayRule) -> Self {
        self.replay = Some(rule);
        self
    }

    /// Lets pages of `origin` send their proof to another origin than their own: `https://app.example.com`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `origin` is more or less than a scheme, a host and perhaps a port.
    pub fn with_trusted_origin(mut self, origin: &str) -> Result<Self, ConfigError> {
        self.cross_site.trust(origin)?;
        Ok(self)
    }

    /// Forgives a clock difference of `leeway`; none by default, as in Phonelink's own client.
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Accepts tokens without a nonce to compare with, as those are that Phonelink's iOS client gives to an app. One that is
    /// expected all the same is compared.
    ///
    /// # Security
    ///
    /// A page or an app that sends somebody else's token, be it in good faith, cannot then be told from one whose user asked for
    /// it. With a nonce or without, a token is good in the hand of whoever has stolen it and uses it first: it says its nonce
    /// to whoever reads it.
    pub fn insecure_without_nonce(mut self) -> Self {
        self.nonce_is = Asked::Optional;
        self
    }

    /// Fetches the keys with a client of your own.
    pub fn with_fetch(mut self, client: impl Fetch) -> Self {
        self.means.set_client(client);
        self
    }

    /// Judges times by `clock` instead of the machine's.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.means.set_clock(clock);
        // A store that judges by another clock would forget a token too soon.
        self.own_replay = Arc::default();
        self
    }

    /// The verifier alone: signature, `iss`, `aud`, `exp` and `verified`, but neither nonce nor replay. For both, use
    /// [`validator`](Self::validator).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a setting cannot work, as for [`Verifier::new`], or outside of a tokio runtime.
    pub fn verifier(&self) -> Result<Verifier, ConfigError> {
        #[derive(Deserialize)]
        struct Verdict {
            verified: bool,
        }
        let keys = self.jwks()?;
        let verifier = Verifier::new(&*self.issuer, &*self.client_id, keys)?
            .with_leeway(self.leeway)?
            .with_check("verified", |token| match token.read() {
                Ok(Verdict { verified: true }) => Ok(()),
                _ => Err(AuthErrorKind::PhoneNotVerified.into()),
            });
        Ok(self.means.judging(verifier))
    }

    /// The key set, for a readiness handler: the one that all that this builder gives use.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if its URL may not be fetched, or outside of a tokio runtime.
    pub fn jwks(&self) -> Result<Jwks, ConfigError> {
        self.means.key_set(&self.jwks_url)
    }

    /// What checks tokens, wherever they came from. All that one builder gives share the used tokens.
    ///
    /// # Errors
    ///
    /// As for [`verifier`](Self::verifier), or if the replay rule lets a token count more than once.
    pub fn validator(&self) -> Result<PhonelinkValidator, ConfigError> {
        let verifier = Arc::new(self.verifier()?);
        let own = || ReplayRule::single_use(MemoryReplayStore::new().with_shared_clock(verifier.clock()));
        let replay = self.replay.clone().unwrap_or_else(|| self.own_replay.get_or_init(own).clone());
        if !replay.is_single_use() {
            return Err(ConfigError::new(
                "Phonelink's tokens count once: make the replay rule with `ReplayRule::single_use`",
            ));
        }
        let (nonce, nonce_is, cross_site) = (self.nonce.clone(), self.nonce_is, self.cross_site.clone());
        let checks = Checks { verifier, nonce, nonce_is, replay, cross_site };
        Ok(PhonelinkValidator { checks: Arc::new(checks) })
    }

    /// The layer for a callback by `GET`: `?token=` and the cookie of the nonce.
    ///
    /// # Errors
    ///
    /// As for [`validator`](Self::validator).
    pub fn layer(&self) -> Result<JwtAuthLayer, ConfigError> {
        Ok(self.validator()?.layer())
    }
}

impl fmt::Debug for Phonelink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Phonelink")
            .field("client_id", &self.client_id)
            .field("issuer", &self.issuer)
            .field("nonce", &self.nonce_is)
            .finish_non_exhaustive()
    }
}

/// Checks Phonelink's tokens; its clones, and the layers that it gives, share keys and used tokens.
#[derive(Clone)]
pub struct PhonelinkValidator {
    checks: Arc<Checks>,
}

struct Checks {
    verifier: Arc<Verifier>,
    nonce: NonceRule,
    nonce_is: Asked,
    replay: ReplayRule,
    #[cfg_attr(not(feature = "axum"), expect(dead_code, reason = "bodies are read by an extractor"))]
    cross_site: CrossSiteRule,
}

impl PhonelinkValidator {
    /// The claims of `token`, if it is good, was made for this very sign-in and was not used before.
    ///
    /// # Errors
    ///
    /// [`AuthErrorKind::NonceMissing`] if `nonce` is empty, [`AuthErrorKind::NonceMismatch`],
    /// [`AuthErrorKind::PhoneNotVerified`], [`AuthErrorKind::TokenReplayed`], [`AuthErrorKind::ClaimsMismatch`] and whatever
    /// a [`Verifier`] can say.
    pub async fn validate(&self, token: &str, nonce: &str) -> Result<PhonelinkClaims, AuthError> {
        let Checks { verifier, nonce_is, replay, .. } = &*self.checks;
        let nonce = match (nonce_is, nonce) {
            (Asked::Optional, "") => None,
            (_, nonce) => Some(Nonce::expected(nonce)?),
        };
        let verified: VerifiedToken = verifier.verify_or_ask(token).await?;
        if let Some(nonce) = nonce {
            nonce.check(&verified)?;
        }
        let claims = verified.read()?;
        replay.check(&verified, None).await?;
        Ok(claims)
    }

    /// The layer for a callback by `GET`: see [`Phonelink::layer`].
    pub fn layer(&self) -> JwtAuthLayer {
        let Checks { verifier, nonce, nonce_is, replay, .. } = &*self.checks;
        let layer = JwtAuthLayer::new(Arc::clone(verifier))
            .with_sources(TokenSources::query_only("token"))
            .with_replay_rule(replay.clone());
        layer.with_nonce(match nonce_is {
            Asked::Required => nonce.clone(),
            Asked::Optional => nonce.clone().if_there(),
        })
    }

    #[cfg(feature = "axum")]
    pub(super) fn wants_nonce(&self) -> bool {
        self.checks.nonce_is == Asked::Required
    }

    #[cfg(feature = "axum")]
    pub(super) fn cross_site(&self) -> &CrossSiteRule {
        &self.checks.cross_site
    }
}

impl fmt::Debug for PhonelinkValidator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Checks { verifier, replay, nonce_is, .. } = &*self.checks;
        write!(f, "PhonelinkValidator({verifier}; {replay}; nonce: {nonce_is:?})")
    }
}

/// What Phonelink says of a phone.
///
/// # Examples
///
/// ```
/// use tower_jwt_auth::Claims;
/// use tower_jwt_auth::provider::PhonelinkClaims;
///
/// async fn callback(Claims(phone): Claims<PhonelinkClaims>) -> String {
///     phone.phone_e164.clone()
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct PhonelinkClaims {
    /// The number, with its country code: `+14155550123`.
    pub phone_e164: String,
    /// Whether it was verified: never false in what is accepted.
    pub verified: bool,
    /// How: by SMS or voice call.
    pub method: Option<String>,
    /// Through whom.
    pub provider: Option<String>,
    /// The verification session: another one each time, not a user.
    pub sub: Option<String>,
    /// The token's own name.
    pub jti: Option<String>,
}

/// A phone number is personal data: it is not for logs.
impl fmt::Debug for PhonelinkClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhonelinkClaims([redacted])")
    }
}
