//! A magiclinksdev 0.7 for the examples: links, tokens and their validation over real HTTP on loopback.
//!
//! What a client can see is as it was seen at a real server, or as its source says: statuses, content types, the words
//! of its errors, and the traits that surprise. A link works once, for HEAD as well, and its token is as old as the link.
#![allow(
    dead_code,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "it stands in for a provider, which is none of the crate's business, and each example uses a part"
)]

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use self::api::Failure;
use super::signing::{SigningKey, key_set, now, uuid};

// By their paths, so that this file too can be taken in by its own.
#[path = "magiclinksdev/api.rs"]
mod api;
#[path = "magiclinksdev/go.rs"]
mod go;

const HOUR: u64 = 3600;
const REGISTERED_CLAIMS: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// A client of the service: what its tokens have as `aud`, and what it shows to the API.
#[derive(Clone)]
pub(crate) struct ServiceAccount {
    pub(crate) audience: String,
    pub(crate) api_key: String,
}

impl ServiceAccount {
    pub(crate) fn new() -> Self {
        Self { audience: uuid(), api_key: uuid() }
    }
}

pub(crate) struct Settings {
    /// None: the origin of the stand-in, with no slash behind it, as the quick start has it.
    pub(crate) issuer: Option<String>,
    pub(crate) account: ServiceAccount,
    /// One more, whose tokens the first must not accept.
    pub(crate) other_account: ServiceAccount,
}

impl Default for Settings {
    fn default() -> Self {
        Self { issuer: None, account: ServiceAccount::new(), other_account: ServiceAccount::new() }
    }
}

pub(crate) struct MagicLinksDevStandIn {
    /// Ends in `/api/v2/`, to which the names of the endpoints are appended.
    pub(crate) base_url: String,
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) api_key: String,
    pub(crate) other_account: ServiceAccount,
    service: Arc<Service>,
}

impl MagicLinksDevStandIn {
    /// Starts to serve on a port of its own, with fresh keys.
    pub(crate) async fn start(settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let base_url = format!("{origin}/api/v2/");
        let issuer = settings.issuer.unwrap_or(origin);
        let keys = [SigningKey::eddsa(uuid())?, SigningKey::rs256(uuid())?];
        let accounts = [settings.account.clone(), settings.other_account.clone()];
        let (links, base) = (Mutex::default(), base_url.clone());
        let service = Arc::new(Service { base_url: base, issuer: issuer.clone(), accounts, keys, links });
        // The server looks at no method.
        let api = Router::new()
            .route("/api/v2/jwks.json", any(jwks))
            .route("/api/v2/redirect", any(redirect))
            .route("/api/v2/jwt/create", any(api::create_jwt))
            .route("/api/v2/jwt/validate", any(api::validate_jwt))
            .route("/api/v2/magic-link/create", any(api::create_magic_link))
            .route("/api/v2/ready", any(async || StatusCode::OK))
            .fallback(not_found)
            .with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, api).await });
        let (account, other_account) = (settings.account, settings.other_account);
        let (audience, api_key) = (account.audience, account.api_key);
        Ok(Self { base_url, issuer, audience, api_key, other_account, service })
    }

    pub(crate) fn jwks_url(&self) -> String {
        format!("{}jwks.json", self.base_url)
    }

    /// A link as the API makes them, for an hour. Its token ages from now on, clicked or not, and may live for less than
    /// the API allows: with zero it comes expired, as after a late click.
    pub(crate) fn magic_link(
        &self,
        redirect_url: &str,
        claims: Value,
        jwt_lifespan: Duration,
    ) -> io::Result<String> {
        let target = api::web_url(redirect_url).map_err(io::Error::other)?;
        let jwt = self.jwt(claims, jwt_lifespan)?;
        Ok(self.service.new_link(go::with_query_pair(target, "jwt", &jwt), HOUR).0)
    }

    /// A token as the API makes them.
    pub(crate) fn jwt(&self, claims: Value, lifespan: Duration) -> io::Result<String> {
        let [account, _] = &self.service.accounts;
        let claims = self.service.claims(account, claims, lifespan.as_secs());
        let claims = claims.map_err(|failure| io::Error::other(failure.message))?;
        Ok(self.service.keys[0].sign(&claims))
    }

    /// The key of `EdDSA` or `RS256`, to sign what the API would not.
    pub(crate) fn key(&self, alg: &str) -> Option<&SigningKey> {
        self.service.key(alg)
    }
}

struct Service {
    base_url: String,
    issuer: String,
    accounts: [ServiceAccount; 2],
    keys: [SigningKey; 2],
    links: Mutex<HashMap<String, Link>>,
}

struct Link {
    target: String,
    expires: u64,
}

impl Service {
    /// The default key for the empty `alg`.
    fn key(&self, alg: &str) -> Option<&SigningKey> {
        self.keys.iter().find(|key| alg.is_empty() || key.alg() == alg)
    }

    /// The claims of a token from now on: the client's, sorted, and then the registered ones. `sub` is not among them.
    fn claims(&self, account: &ServiceAccount, custom: Value, lifespan: u64) -> Result<String, Failure> {
        let custom = match go::through_any(custom) {
            Value::Null => String::new(),
            Value::Object(custom) if REGISTERED_CLAIMS.iter().any(|name| custom.contains_key(*name)) => {
                return Err(Failure::bad_request("Do not provide JWT registered claims."));
            }
            Value::Object(custom) if custom.is_empty() => String::new(),
            custom @ Value::Object(_) => {
                let custom = go::json(&custom);
                let members = custom.strip_prefix('{').and_then(|custom| custom.strip_suffix('}'));
                format!("{},", members.unwrap_or_default())
            }
            _ => return Err(Failure::internal()),
        };
        let (iat, jti) = (now(), uuid());
        let (iss, aud, exp) = (json!(self.issuer), json!([account.audience]), iat.saturating_add(lifespan));
        Ok(format!(
            r#"{{{custom}"iss":{iss},"aud":{aud},"exp":{exp},"nbf":{iat},"iat":{iat},"jti":"{jti}"}}"#
        ))
    }

    /// A link to `target`, and its secret.
    fn new_link(&self, target: String, lifespan: u64) -> (String, String) {
        let secret = uuid();
        let link = Link { target, expires: now().saturating_add(lifespan) };
        self.links.lock().expect("no holder of the lock panics").insert(secret.clone(), link);
        (format!("{}redirect?secret={secret}", self.base_url), secret)
    }
}

async fn jwks(State(service): State<Arc<Service>>) -> String {
    // axum's content type for text is what the server sends, by an oversight of its own.
    key_set(&service.keys)
}

async fn redirect(
    State(service): State<Arc<Service>>,
    method: Method,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    let secret = query.into_iter().find(|(name, _)| name == "secret").map(|(_, secret)| secret);
    let Some(secret) = secret.filter(|secret| !secret.is_empty()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let link = service.links.lock().expect("no holder of the lock panics").remove(&secret);
    match link.filter(|link| now() <= link.expires) {
        Some(link) => go::see_other(&method, &link.target),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, [("x-content-type-options", "nosniff")], "404 page not found\n").into_response()
}
