//! A phone number proved by Phonelink, in both ways that its result may come back. Nobody is signed in by it.
//!
//! ```sh
//! cargo run --example phone       # with a stand-in of Phonelink inside: open http://127.0.0.1:3000
//!
//! # Your own client: its callback URLs are /callback and /sdk-callback. PHONELINK_ISSUER and PHONELINK_JWKS_URL name another
//! # service than https://phone.link, both of them.
//! PHONELINK_CLIENT_ID=my-client-id cargo run --example phone
//!
//! curl -i 127.0.0.1:3000/start                        # 303 to Phonelink, with the nonce there and in a cookie
//! curl -i "127.0.0.1:3000/callback?token=$TOKEN"      # 400 nonce_missing: another browser than the one that started
//! curl -i -b "__Host-nonce=$NONCE" "127.0.0.1:3000/callback?token=$TOKEN"     # 200, once
//! curl -i 127.0.0.1:3000/api/verify-phone -d "{\"token\":\"$TOKEN\",\"nonce\":\"$NONCE\"}"
//!                                                     # 200 {"phone":"+14155550123","verified":true}, once; then 401 token_replayed
//! ```
//!
//! `BIND` (127.0.0.1:3000) is where it listens. A setting that is empty counts as not set. The cookie of the nonce is
//! `Secure`: Chromium keeps it from 127.0.0.1 and localhost; from anywhere else it takes https.

mod pages {
    pub(crate) mod frame;
    pub(crate) mod phone;
    pub(crate) mod refusals;
}
mod site;
mod stand_in {
    pub(crate) mod browser;
    pub(crate) mod phonelink;
    pub(crate) mod signing;
}

use std::process::ExitCode;
use std::sync::Arc;

use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tower_jwt_auth::provider::{Phonelink, PhonelinkValidator, VerifiedPhone};

use pages::phone::{self as page, Sender};
use site::{Outcome, Site, setting};
use stand_in::phonelink::{PhonelinkStandIn, Settings};

#[tokio::main]
async fn main() -> ExitCode {
    site::run(start()).await
}

async fn start() -> Outcome {
    let client = Client::from_env()?;
    let site = Site::bind().await?;
    let client = if let Some(client) = client {
        client
    } else {
        let stand_in = PhonelinkStandIn::start(Settings::default()).await?;
        println!("No client is set, so a stand-in runs. Open {} and verify a number.", site.url("/"));
        let (id, service) = ("demo-client".to_owned(), (stand_in.issuer.clone(), stand_in.jwks_url()));
        Client { id, service: Some(service) }
    };
    let mut phonelink = Phonelink::new(&client.id)?;
    let mut issuer = "https://phone.link".to_owned();
    if let Some((other, jwks_url)) = client.service {
        phonelink = phonelink.with_issuer(&other).with_jwks_url(&jwks_url);
        issuer = other;
    }
    let sender = Sender {
        auth_url: format!("{issuer}/auth"),
        client_id: client.id,
        callback: site.url("/callback"),
        sdk_callback: site.url("/sdk-callback"),
    };
    let unusable = |error| format!("PHONELINK_JWKS_URL cannot be used: {error}.");
    site.serve(router(phonelink.validator().map_err(unusable)?, Arc::new(sender))).await
}

fn router(validator: PhonelinkValidator, sender: Arc<Sender>) -> Router {
    Router::new()
        .route("/callback", get(page::callback))
        .route_layer(validator.layer())
        .route("/start", get(page::start))
        .route("/", get(page::home))
        .route("/sdk-callback", get(page::sdk_callback))
        .route("/api/verify-phone", post(verify_phone).with_state(validator))
        .layer(from_fn_with_state(page::refusal(), pages::refusals::as_pages))
        .with_state(sender)
}

/// What a page or an app posts that has kept its nonce itself.
async fn verify_phone(phone: VerifiedPhone) -> Json<Value> {
    Json(json!({ "phone": phone.phone_e164, "verified": phone.verified }))
}

struct Client {
    id: String,
    /// The issuer and its keys, where it is not Phonelink's own.
    service: Option<(String, String)>,
}

impl Client {
    fn from_env() -> Result<Option<Self>, &'static str> {
        let service = match (setting("PHONELINK_ISSUER"), setting("PHONELINK_JWKS_URL")) {
            (None, None) => None,
            (Some(issuer), Some(jwks_url)) => Some((issuer, jwks_url)),
            _ => {
                return Err(
                    "Set both PHONELINK_ISSUER and PHONELINK_JWKS_URL, or neither: they name one service.",
                );
            }
        };
        match setting("PHONELINK_CLIENT_ID") {
            Some(id) => Ok(Some(Self { id, service })),
            None if service.is_none() => Ok(None),
            None => Err("PHONELINK_CLIENT_ID is not set: it stands in the tokens' `aud`."),
        }
    }
}
