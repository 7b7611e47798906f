//! Sign-in by magic links of magiclinksdev: a link becomes a session, and counts once.
//!
//! ```sh
//! cargo run --example magic_link       # with a stand-in of magiclinksdev inside: open http://127.0.0.1:3000
//!
//! # Your own server: its base URL, and the `aud` of your service account. MLD_ISSUER is the server's `iss` setting, where
//! # it is not the origin of the base URL; with MLD_API_KEY the server is asked about each token, instead of for its keys.
//! MLD_BASE_URL=https://magiclinks.example.com/api/v2/ MLD_AUDIENCE=ad9e9d84-92ea-4f07-bac9-5d898d59c83b \
//!     cargo run --example magic_link
//!
//! # A link: 201 with a `magicLink` to open in a browser
//! curl "${MLD_BASE_URL}magic-link/create" -H "X-API-KEY: $API_KEY" -H 'Content-Type: application/json' -d '{
//!     "magicLinkCreateParams": { "redirectURL": "http://127.0.0.1:3000/welcome",
//!     "jwtCreateParams": { "claims": { "email": "ada@example.com" } } } }'
//!
//! curl -i 127.0.0.1:3000/welcome                           # 401 token_missing, as problem+json
//! curl -i -H 'Accept: text/html' 127.0.0.1:3000/welcome    # the same as a page
//! curl -i 127.0.0.1:3000/welcome?jwt=$TOKEN                # 303 to /welcome, with the cookie; 401 token_replayed from then on
//! curl -i -X POST 127.0.0.1:3000/sign-out                  # 303 to /, and takes the cookie back
//! ```
//!
//! `BIND` (127.0.0.1:3000) is where it listens. A setting that is empty counts as not set. The cookie is `Secure`: Chromium
//! keeps it from 127.0.0.1 and localhost; from anywhere else it takes https.

mod pages {
    pub(crate) mod frame;
    pub(crate) mod magic_link;
    pub(crate) mod refusals;
}
mod site;
mod stand_in {
    pub(crate) mod browser;
    pub(crate) mod magiclinksdev;
    pub(crate) mod signing;
}

use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::error::ConfigError;
use tower_jwt_auth::provider::MagicLinksDev;

use pages::magic_link::{self as page, App, Links};
use site::{Outcome, Site, setting};
use stand_in::magiclinksdev::{MagicLinksDevStandIn, Settings};

#[tokio::main]
async fn main() -> ExitCode {
    site::run(start()).await
}

async fn start() -> Outcome {
    let provider = provider_from_env()?;
    let site = Site::bind().await?;
    let welcome = site.url("/welcome");
    let (provider, links) = if let Some(provider) = provider {
        (provider, Links::MadeFor(welcome))
    } else {
        let stand_in = MagicLinksDevStandIn::start(Settings::default()).await?;
        let MagicLinksDevStandIn { base_url, audience, api_key, .. } = &stand_in;
        println!("No server is set, so a stand-in runs. Open {} and ask for a link.", site.url("/"));
        println!("Another instance, which asks the same server about each token:");
        println!(
            "BIND=127.0.0.1:0 MLD_BASE_URL={base_url} MLD_AUDIENCE={audience} MLD_API_KEY={api_key} \
             cargo run --example magic_link"
        );
        (MagicLinksDev::new(base_url, audience)?, Links::ByTheStandIn(stand_in, welcome))
    };
    let auth = provider.layer()?.hand_off()?.single_use();
    site.serve(router(&auth, Arc::new(App::new(links)))?).await
}

fn router(auth: &JwtAuthLayer, app: Arc<App>) -> Result<Router, ConfigError> {
    Ok(Router::new()
        .route("/welcome", get(page::welcome))
        .route("/nickname", post(page::rename))
        .route_layer(auth.clone())
        .route("/", get(page::home).layer(auth.clone().optional()))
        .route("/links", post(page::send_link))
        .route_service("/sign-out", auth.logout()?)
        .layer(from_fn_with_state(page::refusal(&app), pages::refusals::as_pages))
        .with_state(app))
}

fn provider_from_env() -> Result<Option<MagicLinksDev>, String> {
    let (base_url, audience) = (setting("MLD_BASE_URL"), setting("MLD_AUDIENCE"));
    let (issuer, api_key) = (setting("MLD_ISSUER"), setting("MLD_API_KEY"));
    let (base_url, audience) = match (base_url, audience) {
        (None, None) if issuer.is_none() && api_key.is_none() => return Ok(None),
        (Some(base_url), Some(audience)) => (base_url, audience),
        (None, _) => {
            return Err("MLD_BASE_URL is not set: it is your server's, and ends in /api/v2/.".to_owned());
        }
        (_, None) => {
            return Err("MLD_AUDIENCE is not set: it is the `aud` of your service account.".to_owned());
        }
    };
    let unusable = |error| format!("MLD_BASE_URL cannot be used: {error}.");
    let mut provider = MagicLinksDev::new(&base_url, &audience).map_err(unusable)?;
    if let Some(issuer) = issuer {
        provider = provider.with_issuer(&issuer);
    }
    if let Some(api_key) = api_key {
        provider = provider.validated_remotely(&api_key);
    }
    Ok(Some(provider))
}
