//! Sign-in with passkeys by PasskeyMe: its hosted page, a session in a cookie, and JSON for scripts.
//!
//! ```sh
//! cargo run --example passkey       # with a stand-in of PasskeyMe inside: open http://127.0.0.1:3000
//!
//! # Your own app. PASSKEYME_VERIFY_URL and PASSKEYME_AUTH_URL name other addresses than those of
//! # https://auth.passkeyme.com for the verification of tokens and for the hosted page.
//! PASSKEYME_APP_ID=550e8400-e29b-41d4-a716-446655440000 cargo run --example passkey
//!
//! curl -i 127.0.0.1:3000/api/me                                       # 401 {…,"code":"token_missing","error":"No token provided"}
//! curl -i -H "Authorization: Bearer $TOKEN" 127.0.0.1:3000/api/me     # 200, the claims; Token-Expires-In in the last 5 minutes
//! curl -i "127.0.0.1:3000/signed-in?token=$TOKEN"                     # 403: a browser that was not sent from here
//! curl -i -X POST 127.0.0.1:3000/sign-out                             # 303 to /, and takes the cookie back
//! ```
//!
//! `BIND` (127.0.0.1:3000) is where it listens. A setting that is empty counts as not set. The cookies are `Secure`: Chromium
//! keeps them from 127.0.0.1 and localhost; from anywhere else it takes https.

mod pages {
    pub(crate) mod frame;
    pub(crate) mod passkey;
    pub(crate) mod passkey_state;
    pub(crate) mod refusals;
}
mod site;
mod stand_in {
    pub(crate) mod browser;
    pub(crate) mod passkeyme;
    pub(crate) mod signing;
}

use std::process::ExitCode;
use std::sync::Arc;

use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;
use tower_jwt_auth::error::ConfigError;
use tower_jwt_auth::provider::PasskeyMe;
use tower_jwt_auth::{Claims, JwtAuthLayer};

use pages::passkey::{self as page, HostedPage};
use pages::passkey_state::{sign_in, with_our_state};
use site::{Outcome, Site, setting};
use stand_in::passkeyme::{PasskeyMeStandIn, Settings};

#[tokio::main]
async fn main() -> ExitCode {
    site::run(start()).await
}

async fn start() -> Outcome {
    let app = App::from_env()?;
    let site = Site::bind().await?;
    let app = if let Some(app) = app {
        app
    } else {
        let stand_in = PasskeyMeStandIn::start(Settings::default()).await?;
        let (auth_url, verify_url) = (format!("{}/auth", stand_in.base_url), stand_in.verify_token_url());
        println!("No app is set, so a stand-in runs. Open {} and sign in.", site.url("/"));
        println!("Another instance, with the same stand-in:");
        println!(
            "BIND=127.0.0.1:0 PASSKEYME_APP_ID={} PASSKEYME_VERIFY_URL={verify_url} \
             PASSKEYME_AUTH_URL={auth_url} cargo run --example passkey",
            stand_in.app_id
        );
        App { id: stand_in.app_id.clone(), verify_url: Some(verify_url), auth_url: Some(auth_url) }
    };
    let mut provider = PasskeyMe::new(&app.id)?;
    if let Some(verify_url) = app.verify_url {
        provider = provider.with_verify_url(&verify_url);
    }
    let auth_url = app.auth_url.unwrap_or("https://auth.passkeyme.com/auth".to_owned());
    let hosted = HostedPage { auth_url, app_id: app.id, redirect_uri: site.url("/signed-in") };
    let unusable = |error| format!("PASSKEYME_VERIFY_URL cannot be used: {error}.");
    site.serve(router(&provider.layer().map_err(unusable)?.hand_off()?, hosted)?).await
}

fn router(auth: &JwtAuthLayer, hosted: HostedPage) -> Result<Router, ConfigError> {
    Ok(Router::new()
        .route("/signed-in", get(page::signed_in))
        .route("/me", get(page::me))
        .route("/api/me", get(me_as_json))
        .route_layer(auth.clone())
        .route("/", get(page::home).layer(auth.clone().optional()))
        .route_layer(from_fn(with_our_state))
        .route("/sign-in", get(sign_in))
        .route_service("/sign-out", auth.logout()?)
        .layer(from_fn_with_state(page::refusal(), pages::refusals::as_pages))
        .with_state(Arc::new(hosted)))
}

/// For scripts: the cookie, or the token in the `Authorization` header.
async fn me_as_json(Claims(user): Claims<Value>) -> Json<Value> {
    Json((*user).clone())
}

struct App {
    id: String,
    verify_url: Option<String>,
    auth_url: Option<String>,
}

impl App {
    fn from_env() -> Result<Option<Self>, &'static str> {
        let (verify_url, auth_url) = (setting("PASSKEYME_VERIFY_URL"), setting("PASSKEYME_AUTH_URL"));
        match setting("PASSKEYME_APP_ID") {
            Some(id) => Ok(Some(Self { id, verify_url, auth_url })),
            None if verify_url.is_none() && auth_url.is_none() => Ok(None),
            None => Err("PASSKEYME_APP_ID is not set: it is the UUID of your app."),
        }
    }
}
