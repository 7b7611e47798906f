use std::fmt;
use std::time::Duration;

use http::{Response, StatusCode};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Means;
use crate::clock::Clock;
use crate::error::{AuthError, AuthErrorKind, ConfigError};
use crate::fetch::Fetch;
use crate::jwks::Jwks;
use crate::layer::JwtAuthLayer;
use crate::rejection::Refusal;
use crate::remote::ValidationEndpoint;
use crate::source::TokenSources;
use crate::verify::{Authority, VerifiedToken, Verifier};

const ISSUER: &str = "https://passkeyme.com";
const VERIFY_URL: &str = "https://auth.passkeyme.com/api/auth/verify-token";
const COOKIE: &str = "passkeyme_token";

/// How far `iat` may lie in the future, as PasskeyMe's own client has it.
const ISSUED_AT_SKEW: Duration = Duration::from_secs(300);

/// What is left of a token when its client signs in again: the layer's answers then carry `Token-Expires-In`.
pub const EXPIRES_SOON: Duration = Duration::from_secs(300);

/// Sign-in with passkeys by [PasskeyMe].
///
/// It publishes no keys, so that its `verify-token` is asked about each token, once a minute at most: see
/// [`remote`](crate::remote). `iss`, `aud`, `exp` and `iat` are checked here too, and so are `app_id` and `user_id`, which
/// repeat `aud` and `sub`.
///
/// # Flow
///
/// 1. The browser goes to PasskeyMe's hosted page and comes back with `?token=`.
/// 2. The layer, with [`hand_off`](JwtAuthLayer::hand_off), sets the cookie `passkeyme_token` and sends the browser on.
/// 3. Scripts and apps send the token in the `Authorization` header instead; `?token=` and the cookie are for browsers.
/// 4. A link with a stranger's token would sign its victim in as the stranger, where no session is there yet: begin the
///    sign-in with a random `state` in a cookie, send it along, and compare it on the way back, as the example `passkey` does.
/// 5. Less than [five minutes](EXPIRES_SOON) before it ends, answers say so in `Token-Expires-In`.
///
/// A refusal is a 401 whose body has the `error` that PasskeyMe's samples have, beside the problem document's members; a
/// provider that cannot be asked is a 503. A [hook](JwtAuthLayer::with_refusal_hook) of your own takes the place of that.
///
/// # Security
///
/// The cookie's name is PasskeyMe's: a sibling host of the same domain can set one. Where you have such hosts that you do not
/// trust, read another with `with_sources`, `__Host-passkeyme` for one. And PasskeyMe takes 100 questions a minute: anybody
/// can use those up with invented tokens, so put a rate limit in front.
///
/// # Examples
///
/// ```no_run
/// use axum::{Router, routing::get};
/// use tower_jwt_auth::Claims;
/// use tower_jwt_auth::provider::{PasskeyMe, PasskeyMeClaims};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let auth = PasskeyMe::new("550e8400-e29b-41d4-a716-446655440000")?.layer()?.hand_off()?;
/// let app: Router = Router::new()
///     .route("/me", get(async |Claims(user): Claims<PasskeyMeClaims>| user.name.clone().unwrap_or_default()))
///     .route_layer(auth.clone())
///     .route_service("/sign-out", auth.logout()?);
/// # Ok(()) }
/// ```
///
/// [PasskeyMe]: https://docs.passkeyme.com
#[derive(Clone)]
#[must_use]
pub struct PasskeyMe {
    app_id: String,
    issuer: String,
    verified_by: VerifiedBy,
    means: Means,
}

#[derive(Clone)]
enum VerifiedBy {
    VerifyToken(String),
    Validate(String),
    Keys(Jwks),
}

impl PasskeyMe {
    /// Accepts tokens for the app `app_id`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `app_id` is empty.
    pub fn new(app_id: &str) -> Result<Self, ConfigError> {
        if app_id.is_empty() {
            return Err(ConfigError::new("the app id is empty: it is the UUID of your app"));
        }
        Ok(Self {
            app_id: app_id.to_owned(),
            issuer: ISSUER.to_owned(),
            verified_by: VerifiedBy::VerifyToken(VERIFY_URL.to_owned()),
            means: Means::default(),
        })
    }

    /// Accepts tokens of `issuer` instead of `https://passkeyme.com`.
    pub fn with_issuer(mut self, issuer: &str) -> Self {
        issuer.clone_into(&mut self.issuer);
        self
    }

    /// Asks the `verify-token` at `url`; PasskeyMe's newer documents name `https://api.passkeyme.com/auth/verify-token`.
    pub fn with_verify_url(mut self, url: &str) -> Self {
        self.verified_by = VerifiedBy::VerifyToken(url.to_owned());
        self.means.forget();
        self
    }

    /// Asks the `validate` at `url` instead, `https://api.passkeyme.com/auth/validate` for one: the token then travels in a
    /// header, not in a URL.
    pub fn with_validate_url(mut self, url: &str) -> Self {
        self.verified_by = VerifiedBy::Validate(url.to_owned());
        self.means.forget();
        self
    }

    /// Verifies with keys that you were given, and asks nobody.
    pub fn with_jwks(mut self, keys: Jwks) -> Self {
        self.verified_by = VerifiedBy::Keys(keys);
        self
    }

    /// Asks PasskeyMe with a client of your own.
    pub fn with_fetch(mut self, client: impl Fetch) -> Self {
        self.means.set_client(client);
        self
    }

    /// Judges times by `clock` instead of the machine's.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.means.set_clock(clock);
        self
    }

    /// The verifier alone.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a setting cannot work, as for [`Verifier::new`].
    pub fn verifier(&self) -> Result<Verifier, ConfigError> {
        let authority = match &self.verified_by {
            VerifiedBy::VerifyToken(url) => {
                self.means.endpoint(|| ValidationEndpoint::passkeyme(url, &self.app_id))?.into()
            }
            VerifiedBy::Validate(url) => {
                self.means.endpoint(|| ValidationEndpoint::passkeyme_bearer(url, &self.app_id))?.into()
            }
            VerifiedBy::Keys(keys) => Authority::from(keys.clone()),
        };
        let app_id = self.app_id.clone();
        let verifier = Verifier::new(&*self.issuer, &*self.app_id, authority)?
            .with_issued_at_skew(ISSUED_AT_SKEW)
            .with_check("app_id and user_id", move |token| is_consistent(token, &app_id));
        Ok(self.means.judging(verifier))
    }

    /// The layer: the header, `?token=` and the cookie `passkeyme_token`.
    ///
    /// # Errors
    ///
    /// As for [`verifier`](Self::verifier).
    pub fn layer(&self) -> Result<JwtAuthLayer, ConfigError> {
        let sources = TokenSources::default().with_query("token")?.with_cookie(COOKIE)?;
        Ok(JwtAuthLayer::new(self.verifier()?)
            .with_sources(sources)
            .with_expiry_notice(EXPIRES_SOON)
            .with_refusal_hook(in_their_words))
    }
}

/// `app_id` repeats `aud` and `user_id` repeats `sub`, where they are there.
fn is_consistent(token: &VerifiedToken, app_id: &str) -> Result<(), AuthError> {
    #[derive(Deserialize)]
    struct Named {
        sub: Option<String>,
        #[serde(default, deserialize_with = "if_there")]
        app_id: Option<Value>,
        #[serde(default, deserialize_with = "if_there")]
        user_id: Option<Value>,
    }
    let Named { sub, app_id: named, user_id } = token.read()?;
    if named.is_some_and(|named| named != app_id) {
        return Err(AuthError::about(AuthErrorKind::ClaimRefused, "app_id"));
    }
    if user_id.is_some_and(|user_id| sub.is_none_or(|sub| user_id != *sub)) {
        return Err(AuthError::about(AuthErrorKind::ClaimRefused, "user_id"));
    }
    Ok(())
}

/// A null that is there is something.
fn if_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Adds the `error` that clients of PasskeyMe's sample servers look for.
fn in_their_words(refusal: Refusal) -> Response<String> {
    let error = match (refusal.error.kind(), refusal.error.status()) {
        (AuthErrorKind::TokenMissing, _) => "No token provided",
        (_, StatusCode::FORBIDDEN) => "Access denied",
        (_, StatusCode::SERVICE_UNAVAILABLE) => "Token verification failed",
        _ => "Invalid token",
    };
    let mut response = refusal.response;
    if let Ok(Value::Object(mut problem)) = serde_json::from_str(response.body()) {
        problem.insert("error".to_owned(), error.into());
        *response.body_mut() = Value::Object(problem).to_string();
    }
    response
}

impl fmt::Debug for PasskeyMe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasskeyMe")
            .field("app_id", &self.app_id)
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

/// What PasskeyMe says of a user.
///
/// # Examples
///
/// ```
/// use tower_jwt_auth::Claims;
/// use tower_jwt_auth::provider::PasskeyMeClaims;
///
/// async fn me(Claims(user): Claims<PasskeyMeClaims>) -> String {
///     user.email.clone().unwrap_or_else(|| user.sub.clone())
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct PasskeyMeClaims {
    /// The user.
    pub sub: String,
    /// The user again, where it is there.
    pub user_id: Option<String>,
    /// The app again, where it is there.
    pub app_id: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// Whether that was verified.
    pub email_verified: Option<bool>,
    /// What the user is called.
    pub name: Option<String>,
    /// Whether the user has registered a passkey.
    pub has_passkey: Option<bool>,
}

/// Claims are personal data: what they say is not for logs.
impl fmt::Debug for PasskeyMeClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasskeyMeClaims([redacted])")
    }
}
