//! A Phonelink for the examples: the page that a browser is sent to, the token that it brings back, and the keys.
//!
//! Which algorithm the service signs with and how long its tokens live is documented nowhere: here it is ES256, and five
//! minutes.
#![allow(
    dead_code,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "it stands in for a provider, which is none of the crate's business, and each example uses a part"
)]

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::header::{self, HeaderName};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use super::browser;
use super::signing::{SigningKey, key_set, now, uuid};

const JSON: [(HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];

pub(crate) struct Settings {
    /// None: the origin of the stand-in. The service itself says `https://phone.link`.
    pub(crate) issuer: Option<String>,
    /// The number that every token tells, in E.164.
    pub(crate) phone: String,
    pub(crate) lifetime: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { issuer: None, phone: "+14155550123".to_owned(), lifetime: Duration::from_secs(300) }
    }
}

pub(crate) struct PhonelinkStandIn {
    /// With no slash behind it.
    pub(crate) base_url: String,
    pub(crate) issuer: String,
    service: Arc<Service>,
}

impl PhonelinkStandIn {
    /// Starts to serve on a port of its own, with a fresh key.
    pub(crate) async fn start(settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let issuer = settings.issuer.unwrap_or_else(|| base_url.clone());
        let (phone, lifetime) = (settings.phone, settings.lifetime.as_secs());
        let service = Service { issuer: issuer.clone(), phone, lifetime, key: SigningKey::es256(uuid())? };
        let service = Arc::new(service);
        let keys = key_set([&service.key]);
        let site = Router::new()
            .route("/.well-known/jwks.json", get(async || (JSON, keys)))
            .route("/auth", get(ask_for_the_code).post(send_back))
            .with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, site).await });
        Ok(Self { base_url, issuer, service })
    }

    pub(crate) fn jwks_url(&self) -> String {
        format!("{}/.well-known/jwks.json", self.base_url)
    }

    /// Where a sign-in starts: an app sends the browser there.
    pub(crate) fn auth_url(&self, client_id: &str, redirect_url: &str, nonce: &str) -> String {
        let pairs = [("client_id", client_id), ("redirect_url", redirect_url), ("nonce", nonce)];
        browser::with_query(&format!("{}/auth", self.base_url), &pairs)
    }

    /// The token that a browser would bring back.
    pub(crate) fn token(&self, client_id: &str, nonce: Option<&str>) -> String {
        self.service.token(client_id, nonce)
    }

    /// To sign what the service would not.
    pub(crate) fn key(&self) -> &SigningKey {
        &self.service.key
    }
}

struct Service {
    issuer: String,
    phone: String,
    lifetime: u64,
    key: SigningKey,
}

/// In the order in which the service's own type has them.
#[derive(Serialize)]
struct Claims<'a> {
    phone_e164: &'a str,
    verified: bool,
    method: &'static str,
    provider: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    sub: String,
    iss: &'a str,
    aud: &'a str,
    iat: u64,
    exp: u64,
    jti: String,
}

impl Service {
    fn token(&self, client_id: &str, nonce: Option<&str>) -> String {
        let iat = now();
        let claims = Claims {
            phone_e164: &self.phone,
            verified: true,
            method: "SMS",
            provider: "stand-in",
            nonce,
            // The session's, not the person's.
            sub: uuid(),
            iss: &self.issuer,
            aud: client_id,
            iat,
            exp: iat.saturating_add(self.lifetime),
            jti: uuid(),
        };
        self.key.sign(&serde_json::to_string(&claims).expect("strings and numbers are JSON"))
    }
}

/// What an app asks with, and the page's form again.
#[derive(Deserialize, Default)]
#[serde(default)]
struct SignIn {
    client_id: String,
    redirect_url: String,
    nonce: Option<String>,
}

impl SignIn {
    fn fault(&self) -> Option<&'static str> {
        if self.client_id.is_empty() {
            Some("The request names no client_id.")
        } else if !browser::is_on_this_machine(&self.redirect_url) {
            Some("The redirect_url is no http or https address of this machine.")
        } else {
            None
        }
    }
}

async fn ask_for_the_code(Query(sign_in): Query<SignIn>) -> Response {
    if let Some(fault) = sign_in.fault() {
        return browser::bad_request(fault);
    }
    let SignIn { client_id, redirect_url, nonce } = &sign_in;
    let mut fields = vec![("client_id", client_id.as_str()), ("redirect_url", redirect_url)];
    fields.extend(nonce.as_ref().map(|nonce| ("nonce", nonce.as_str())));
    let markup = format!(
        r#"<p>To sign in to <strong>{client}</strong>, enter the code that we would have sent to your phone.</p>
<form method="post" action="/auth">
{fields}
<label>Code <input name="code" value="000000" inputmode="numeric" autocomplete="one-time-code"></label>
<button>Verify my number</button>
</form>
<p><a href="{cancel}">Cancel</a></p>"#,
        client = browser::escape(client_id),
        fields = browser::hidden_fields(&fields),
        cancel = browser::escape(&browser::with_query(redirect_url, &[("error", "access_denied")])),
    );
    browser::page("Verify your phone number", &markup).into_response()
}

/// Any code will do. The nonce is in the token only, as with the service.
async fn send_back(State(service): State<Arc<Service>>, Form(sign_in): Form<SignIn>) -> Response {
    if let Some(fault) = sign_in.fault() {
        return browser::bad_request(fault);
    }
    let token = service.token(&sign_in.client_id, sign_in.nonce.as_deref());
    browser::see_other(&browser::with_query(&sign_in.redirect_url, &[("token", &token)]))
}
