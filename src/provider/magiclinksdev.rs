use std::fmt;

use super::Means;
use crate::clock::Clock;
use crate::error::ConfigError;
use crate::fetch::{Endpoint, Fetch};
use crate::jwks::Jwks;
use crate::layer::JwtAuthLayer;
use crate::remote::ValidationEndpoint;
use crate::source::TokenSources;
use crate::verify::{Authority, Verifier};

/// Sign-in by magic links of [magiclinksdev], the service or a server of one's own.
///
/// The browser arrives with the token in `?jwt=`, appended to whatever was there; its `sub` is absent, so that an app puts
/// whom the link is for into a claim of its own. The token's times are those of the link's *creation*: by default it lasts
/// five minutes, the link an hour. A late click is [`link_expired`](crate::error::AuthErrorKind::LinkExpired), so that the
/// page can offer another link, where the keys are here that tell.
///
/// # Flow
///
/// 1. The app's backend asks the server for a link (`magic-link/create`, with its API key) and sends it to its user.
/// 2. The user clicks; the server uses the link up and sends the browser to the app with `?jwt=`.
/// 3. The layer verifies the token, sets it as cookie and sends the browser on to the same page without it.
/// 4. Handlers get the claims until the token expires, or [`Logout`](crate::handoff::Logout) is asked for.
///
/// # Examples
///
/// ```no_run
/// use axum::{Router, routing::get};
/// use serde::Deserialize;
/// use tower_jwt_auth::Claims;
/// use tower_jwt_auth::provider::MagicLinksDev;
///
/// #[derive(Deserialize)]
/// struct User {
///     email: String, // as the app has put it into the link
/// }
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let auth = MagicLinksDev::new("https://magiclinks.example.com/api/v2/", "ad9e9d84-92ea-4f07-bac9-5d898d59c83b")?
///     .layer()?
///     .hand_off()?
///     .single_use();
/// let app: Router = Router::new()
///     .route("/welcome", get(async |Claims(user): Claims<User>| format!("hello, {}", user.email)))
///     .route_layer(auth.clone())
///     .route_service("/sign-out", auth.logout()?);
/// # Ok(()) }
/// ```
///
/// [magiclinksdev]: https://docs.magiclinks.dev
#[derive(Clone)]
#[must_use]
pub struct MagicLinksDev {
    base_url: String,
    issuer: String,
    audience: String,
    jwks_url: Option<String>,
    api_key: Option<String>,
    validate_url: Option<String>,
    query: String,
    means: Means,
}

impl MagicLinksDev {
    /// Accepts the links of the service account whose `aud` is `audience`, from the server at `base_url`: its configured
    /// `baseURL`, which ends with a slash, like `https://magiclinks.example.com/api/v2/`.
    ///
    /// The issuer is taken to be the origin of that URL, as both the service and the quick start have it.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `base_url` may not be fetched or does not end with a slash, or `audience` is empty: another account of the
    /// same server can have any claims signed with the same key.
    pub fn new(base_url: &str, audience: &str) -> Result<Self, ConfigError> {
        let endpoint = Endpoint::new(base_url)?;
        if !base_url.ends_with('/') || endpoint.uri().query().is_some() {
            return Err(ConfigError::new(format!(
                "{} is no base URL of magiclinksdev: it ends with a slash, and has no query",
                endpoint.name()
            )));
        }
        if audience.is_empty() {
            return Err(ConfigError::new("the audience is empty: it is the `aud` of the service account"));
        }
        Ok(Self {
            base_url: base_url.to_owned(),
            issuer: endpoint.origin(),
            audience: audience.to_owned(),
            jwks_url: None,
            api_key: None,
            validate_url: None,
            query: "jwt".to_owned(),
            means: Means::default(),
        })
    }

    /// Accepts tokens of `issuer`: the server's `iss` setting.
    pub fn with_issuer(mut self, issuer: &str) -> Self {
        issuer.clone_into(&mut self.issuer);
        self
    }

    /// Fetches the keys from `url` instead of from `jwks.json` below the base URL.
    pub fn with_jwks_url(mut self, url: &str) -> Self {
        self.jwks_url = Some(url.to_owned());
        self.means.forget();
        self
    }

    /// Asks the server about each token (`jwt/validate`) with the API key of the service account, instead of verifying with
    /// its keys. See [`remote`](crate::remote) for what that costs.
    pub fn validated_remotely(mut self, api_key: &str) -> Self {
        self.api_key = Some(api_key.to_owned());
        self.means.forget();
        self
    }

    /// Asks at `url` instead of at `jwt/validate` below the base URL.
    pub fn with_validate_url(mut self, url: &str) -> Self {
        self.validate_url = Some(url.to_owned());
        self.means.forget();
        self
    }

    /// Reads the query parameter `name`, where links are made with another `redirectQueryKey`.
    pub fn with_query(mut self, name: &str) -> Self {
        name.clone_into(&mut self.query);
        self
    }

    /// Asks the server with a client of your own.
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
    /// [`ConfigError`] if a setting cannot work, as for [`Verifier::new`], or outside of a tokio runtime.
    pub fn verifier(&self) -> Result<Verifier, ConfigError> {
        let authority: Authority = match &self.api_key {
            Some(api_key) => {
                let url = self.url(self.validate_url.as_ref(), "jwt/validate");
                self.means.endpoint(|| ValidationEndpoint::magiclinksdev(&url, api_key))?.into()
            }
            None => self.jwks()?.into(),
        };
        let verifier = Verifier::new(&*self.issuer, &*self.audience, authority)?.distinguish_late_links();
        Ok(self.means.judging(verifier))
    }

    /// The key set, for a readiness handler: the one that the verifier and the layer of this builder use.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if its URL may not be fetched, or outside of a tokio runtime.
    pub fn jwks(&self) -> Result<Jwks, ConfigError> {
        self.means.key_set(&self.url(self.jwks_url.as_ref(), "jwks.json"))
    }

    /// The layer: the header, the cookie `__Host-jwt`, and the query parameter, of which the last counts, because the
    /// server appends its own.
    ///
    /// # Errors
    ///
    /// As for [`verifier`](Self::verifier).
    pub fn layer(&self) -> Result<JwtAuthLayer, ConfigError> {
        let sources = TokenSources::default().with_query(&self.query)?.taking_the_last_in_the_query();
        Ok(JwtAuthLayer::new(self.verifier()?).with_sources(sources))
    }

    fn url(&self, given: Option<&String>, path: &str) -> String {
        given.cloned().unwrap_or_else(|| format!("{}{path}", self.base_url))
    }
}

/// The API key is not shown.
impl fmt::Debug for MagicLinksDev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MagicLinksDev")
            .field("base_url", &self.base_url)
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}
