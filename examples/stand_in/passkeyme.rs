//! A PasskeyMe for the examples: its hosted page, and the three documented forms in which it verifies a token.
//!
//! The service publishes no key. It signs with a secret of its own here as well, so that nobody but the stand-in can say
//! what a token is worth. Where the documentation leaves something open, a comment says what was chosen.
#![allow(
    dead_code,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "it stands in for a provider, which is none of the crate's business, and each example uses a part"
)]

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::net::TcpListener;

use self::availability::{Availability, or_down, or_too_many};
use super::browser;
use super::signing::{SigningKey, now, uuid};

// By their paths, so that this file too can be taken in by its own.
#[path = "passkeyme/api.rs"]
mod api;
#[path = "passkeyme/availability.rs"]
mod availability;

/// How far `iat` may lie ahead, in seconds.
const MAX_SKEW: u64 = 300;

pub(crate) struct Settings {
    pub(crate) issuer: String,
    /// The app of [`PasskeyMeStandIn::token`]. The page takes any: the stand-in has no list of apps.
    pub(crate) app_id: String,
    pub(crate) lifetime: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        let issuer = "https://passkeyme.com".to_owned();
        Self { issuer, app_id: uuid(), lifetime: Duration::from_secs(3600) }
    }
}

pub(crate) struct PasskeyMeStandIn {
    /// With no slash behind it.
    pub(crate) base_url: String,
    pub(crate) issuer: String,
    pub(crate) app_id: String,
    /// The `sub` of every token.
    pub(crate) user_id: String,
    service: Arc<Service>,
}

impl PasskeyMeStandIn {
    /// Starts to serve on a port of its own, with a fresh secret.
    pub(crate) async fn start(settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let Settings { issuer, app_id, lifetime } = settings;
        let (key, user_id, availability) = (SigningKey::hs256()?, uuid(), Availability::default());
        let lifetime = lifetime.as_secs();
        let service =
            Service { issuer: issuer.clone(), user_id: user_id.clone(), lifetime, key, availability };
        let service = Arc::new(service);
        let site = Router::new()
            .route("/api/auth/verify-token", get(api::verify_token))
            .route("/auth/verify-token", get(api::verify_token))
            .route("/auth/validate", get(api::validate))
            .route_layer(from_fn_with_state(service.clone(), or_too_many))
            .route("/auth", get(ask_for_the_passkey).post(send_back))
            .layer(from_fn_with_state(service.clone(), or_down))
            .with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, site).await });
        Ok(Self { base_url, issuer, app_id, user_id, service })
    }

    /// The first of the three forms; `/auth/verify-token` and `/auth/validate` are the others.
    pub(crate) fn verify_token_url(&self) -> String {
        format!("{}/api/auth/verify-token", self.base_url)
    }

    pub(crate) fn validate_url(&self) -> String {
        format!("{}/auth/validate", self.base_url)
    }

    /// Where a sign-in starts: an app sends the browser there.
    pub(crate) fn auth_url(&self, redirect_uri: &str, state: &str) -> String {
        let pairs = [("app_id", self.app_id.as_str()), ("redirect_uri", redirect_uri), ("state", state)];
        browser::with_query(&format!("{}/auth", self.base_url), &pairs)
    }

    /// The token that a browser would bring back.
    pub(crate) fn token(&self) -> String {
        self.token_issued(now())
    }

    /// One of another time, in unix seconds: an expired one, say.
    pub(crate) fn token_issued(&self, iat: u64) -> String {
        self.service.token(&self.app_id, iat)
    }

    /// To sign what the service would not.
    pub(crate) fn key(&self) -> &SigningKey {
        &self.service.key
    }

    /// While it is down, the service answers 503 to everything.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.service.availability.is_down.store(is_down, Relaxed);
    }

    /// With the limit, of 100 verifications in a minute, the next is answered 429. At start there is none.
    pub(crate) fn set_limited(&self, is_limited: bool) {
        self.service.availability.is_limited.store(is_limited, Relaxed);
    }
}

struct Service {
    issuer: String,
    user_id: String,
    lifetime: u64,
    key: SigningKey,
    availability: Availability,
}

/// In the order of the documentation's sample.
#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    email: &'static str,
    name: &'static str,
    aud: &'a str,
    iss: &'a str,
    iat: u64,
    exp: u64,
    user_id: &'a str,
    app_id: &'a str,
    has_passkey: bool,
    email_verified: bool,
}

impl Service {
    fn token(&self, app_id: &str, iat: u64) -> String {
        let claims = Claims {
            sub: &self.user_id,
            email: "ada@example.com",
            name: "Ada Lovelace",
            aud: app_id,
            iss: &self.issuer,
            iat,
            exp: iat.saturating_add(self.lifetime),
            user_id: &self.user_id,
            app_id,
            has_passkey: true,
            email_verified: true,
        };
        self.key.sign(&serde_json::to_string(&claims).expect("strings and numbers are JSON"))
    }

    /// The claims, if the service would vouch for them to `app_id`, or to any app if there is none.
    fn check(&self, token: &str, app_id: Option<&str>) -> Result<Map<String, Value>, &'static str> {
        const INVALID: &str = "Invalid token";
        let (signed, signature) = token.rsplit_once('.').ok_or(INVALID)?;
        let (_, claims) = signed.split_once('.').ok_or(INVALID)?;
        let decode = |part: &str| BASE64URL.decode_to_vec(part).map_err(|_| INVALID);
        if !self.key.verifies(signed, &decode(signature)?) {
            return Err(INVALID);
        }
        let claims: Map<String, Value> = serde_json::from_slice(&decode(claims)?).map_err(|_| INVALID)?;
        let seconds = |name| claims.get(name).and_then(Value::as_u64).ok_or(INVALID);
        let says = |name, text| claims.get(name).and_then(Value::as_str) == Some(text);
        // By the documented sample, a token is good in the very second in which it expires.
        if seconds("exp")? < now() {
            Err("Token expired")
        } else if seconds("iat")? > now() + MAX_SKEW {
            Err("Token issued in the future")
        } else if !says("iss", &self.issuer) {
            Err("Invalid issuer")
        } else if app_id.is_some_and(|app_id| !says("aud", app_id)) {
            Err("Invalid audience")
        } else {
            Ok(claims)
        }
    }
}

/// What an app asks with, and the page's form again.
#[derive(Deserialize, Default)]
#[serde(default)]
struct SignIn {
    app_id: String,
    redirect_uri: String,
    state: Option<String>,
}

impl SignIn {
    fn fault(&self) -> Option<&'static str> {
        if self.app_id.is_empty() {
            Some("The request names no app_id.")
        } else if !browser::is_on_this_machine(&self.redirect_uri) {
            Some("The redirect_uri is no http or https address of this machine.")
        } else {
            None
        }
    }

    /// The address of the app with `pairs`, and with its state if it gave one.
    fn back_with(&self, pairs: &[(&str, &str)]) -> String {
        let state = self.state.iter().map(|state| ("state", state.as_str()));
        let pairs: Vec<_> = pairs.iter().copied().chain(state).collect();
        browser::with_query(&self.redirect_uri, &pairs)
    }
}

async fn ask_for_the_passkey(Query(sign_in): Query<SignIn>) -> Response {
    if let Some(fault) = sign_in.fault() {
        return browser::bad_request(fault);
    }
    let mut fields = vec![("app_id", sign_in.app_id.as_str()), ("redirect_uri", &sign_in.redirect_uri)];
    fields.extend(sign_in.state.as_ref().map(|state| ("state", state.as_str())));
    let cancelled = [("error", "access_denied"), ("error_description", "The user cancelled the sign-in")];
    let markup = format!(
        r#"<p>The app <strong>{app}</strong> wants to know who you are.</p>
<form method="post" action="/auth">
{fields}
<button>Sign in with a passkey</button>
</form>
<p><a href="{cancel}">Cancel</a></p>"#,
        app = browser::escape(&sign_in.app_id),
        fields = browser::hidden_fields(&fields),
        cancel = browser::escape(&sign_in.back_with(&cancelled)),
    );
    browser::page("Sign in", &markup).into_response()
}

async fn send_back(State(service): State<Arc<Service>>, Form(sign_in): Form<SignIn>) -> Response {
    if let Some(fault) = sign_in.fault() {
        return browser::bad_request(fault);
    }
    let token = service.token(&sign_in.app_id, now());
    browser::see_other(&sign_in.back_with(&[("token", &token)]))
}
