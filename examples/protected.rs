//! An axum app whose `/me` is reached with a verified token only.
//!
//! ```sh
//! cargo run --example protected                  # with a demo issuer inside; prints curl lines with live tokens
//! curl -H "Authorization: Bearer $TOKEN" localhost:3000/me     # 200, the claims as JSON
//! curl -b "__Host-jwt=$TOKEN" localhost:3000/me                # 200
//! curl "localhost:3000/me?jwt=$TOKEN"                          # 200
//! curl -i localhost:3000/me                                    # 401, with a challenge
//! curl localhost:3000/maybe                                    # 200, for nobody in particular
//! curl localhost:3000/readyz                                   # 200, where the key set stands
//!
//! OIDC_ISSUER=https://login.example.com AUDIENCE=my-api cargo run --example protected       # your own provider
//! JWKS_URL=https://login.example.com/keys ISSUER=https://login.example.com AUDIENCE=my-api cargo run --example protected
//! ```
//!
//! `BIND` (127.0.0.1:3000) is where it listens. A setting that is empty counts as not set.

mod demo_issuer;
mod site;

use std::process::ExitCode;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::get;
use axum::{Json, Router};
use demo_issuer::DemoIssuer;
use serde_json::{Value, json};
use site::{Outcome, Site, setting};
use tower_jwt_auth::jwks::JwksStatus;
use tower_jwt_auth::{Claims, Jwks, JwtAuthLayer, Verifier};

#[tokio::main]
async fn main() -> ExitCode {
    site::run(start()).await
}

async fn start() -> Outcome {
    let provider = Provider::from_env()?;
    let site = Site::bind().await?;
    let (issuer, audience, jwks) = match provider {
        Provider::Demo => {
            let demo = DemoIssuer::start().await?;
            demo.print_curl_lines(&site.url(""));
            (demo.url.clone(), demo_issuer::AUDIENCE.to_owned(), Jwks::discover(&demo.url)?)
        }
        Provider::Discovered { issuer, audience } => (issuer.clone(), audience, Jwks::discover(&issuer)?),
        Provider::Named { issuer, audience, jwks_url } => (issuer, audience, Jwks::remote(&jwks_url)?),
    };
    let auth = JwtAuthLayer::new(Verifier::new(issuer, audience, jwks.clone())?);
    site.serve(app(auth, jwks)).await
}

fn app(auth: JwtAuthLayer, jwks: Jwks) -> Router {
    Router::new()
        .route("/me", get(me).post(me).layer(auth.clone()))
        .route("/maybe", get(maybe).layer(auth.optional()))
        .route("/", get(Html("<h1>A public page</h1><p><a href=\"/me\">/me</a> asks for a token.</p>\n")))
        .route("/healthz", get("alive\n"))
        .route("/readyz", get(readyz).with_state(jwks))
}

/// Reached with a verified token only.
async fn me(Claims(claims): Claims<Value>) -> Json<Value> {
    Json((*claims).clone())
}

/// Reached with a verified token or none; a bad one is refused here too.
async fn maybe(claims: Option<Claims<Value>>) -> Json<Value> {
    Json(json!({ "signed_in": claims.is_some(), "claims": claims.map(|claims| (*claims).clone()) }))
}

/// For an orchestrator: whether tokens can be verified, and why not.
async fn readyz(State(jwks): State<Jwks>) -> (StatusCode, Json<JwksStatus>) {
    let status = jwks.status();
    let code = if status.state.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(status))
}

/// Whose tokens are accepted.
enum Provider {
    Demo,
    Discovered { issuer: String, audience: String },
    Named { issuer: String, audience: String, jwks_url: String },
}

impl Provider {
    fn from_env() -> Result<Self, &'static str> {
        match (setting("OIDC_ISSUER"), setting("JWKS_URL"), setting("ISSUER"), setting("AUDIENCE")) {
            (None, None, None, None) => Ok(Self::Demo),
            (Some(_), Some(_), _, _) | (Some(_), _, Some(_), _) => Err(
                "Set either OIDC_ISSUER or JWKS_URL and ISSUER, not both: they name the provider in two ways.",
            ),
            (None, None, None, Some(_)) => {
                Err("AUDIENCE is set, but not OIDC_ISSUER, or JWKS_URL and ISSUER.")
            }
            (None, Some(_), None, _) => {
                Err("JWKS_URL is set, but not ISSUER, as it stands in the tokens' `iss`.")
            }
            (None, None, Some(_), _) => {
                Err("ISSUER is set, but not JWKS_URL; OIDC_ISSUER alone would find it.")
            }
            (_, _, _, None) => {
                Err("AUDIENCE is not set: name this service as it stands in the tokens' `aud`.")
            }
            (Some(issuer), None, None, Some(audience)) => Ok(Self::Discovered { issuer, audience }),
            (None, Some(jwks_url), Some(issuer), Some(audience)) => {
                Ok(Self::Named { issuer, audience, jwks_url })
            }
        }
    }
}
