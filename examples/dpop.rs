//! An axum app whose tokens are bound to a key of their sender (DPoP): a stolen one is worth nothing.
//!
//! ```sh
//! cargo run --example dpop        # with a demo issuer inside; makes a key, gets a token for it, and calls itself
//! ```
//!
//! ```text
//! 401 dpop_nonce_required   a proof, but no nonce yet
//! 200                       a proof with the nonce
//! 401 dpop_proof_replayed   the same proof again
//! 401 dpop_proof_invalid    no proof
//! 401 dpop_proof_invalid    a proof for another URL
//! 401 token_bound           a proof by another key: the token was stolen
//! 401 token_bound           the token as a bearer
//! 200                       a token that is bound to nothing, as a bearer
//! ```
//!
//! With `OIDC_ISSUER` and `AUDIENCE` it serves `/me` for the tokens of your provider instead. `BIND` (127.0.0.1:3000) is where
//! it listens, and clients reach it there: behind a proxy, [`Dpop::new`] takes the proxy's URL.

mod demo_issuer;
mod site;

use std::process::ExitCode;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderValue, Request, Response, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use demo_issuer::DemoIssuer;
use serde_json::{Value, json};
use site::{Outcome, Site, setting};
use tower::ServiceExt;
use tower_jwt_auth::binding::Dpop;
use tower_jwt_auth::error::ConfigError;
use tower_jwt_auth::jwks::JwksStatus;
use tower_jwt_auth::test_util::DpopKey;
use tower_jwt_auth::{Claims, Jwks, JwtAuthLayer, Verifier};

#[tokio::main]
async fn main() -> ExitCode {
    site::run(start()).await
}

async fn start() -> Outcome {
    match (setting("OIDC_ISSUER"), setting("AUDIENCE")) {
        (Some(issuer), Some(audience)) => {
            let site = Site::bind().await?;
            let app = app(&issuer, &audience, &site.url(""))?;
            site.serve(app).await
        }
        (None, None) => demonstrate().await,
        _ => Err("Set OIDC_ISSUER and AUDIENCE, or neither of them.".into()),
    }
}

/// `origin` is where clients reach it, as they write it.
fn app(issuer: &str, audience: &str, origin: &str) -> Result<Router, ConfigError> {
    let jwks = Jwks::discover(issuer)?;
    let dpop = Dpop::new(origin)?.with_nonces();
    let auth = JwtAuthLayer::new(Verifier::new(issuer, audience, jwks.clone())?).with_dpop(dpop);
    let me = async |Claims(claims): Claims<Value>| Json((*claims).clone());
    let readyz = async |State(jwks): State<Jwks>| -> (StatusCode, Json<JwksStatus>) {
        let status = jwks.status();
        let code = if status.state.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (code, Json(status))
    };
    let open = Router::new().route("/readyz", get(readyz).with_state(jwks)).route("/healthz", get("alive\n"));
    Ok(open.route("/me", get(me).post(me).layer(auth)))
}

/// A client that is what it says, one that has stolen its token, and what becomes of them.
async fn demonstrate() -> Outcome {
    let demo = DemoIssuer::start().await?;
    let app = app(&demo.url, demo_issuer::AUDIENCE, "https://api.example.com")?;
    let (client, thief) = (DpopKey::generate(), DpopKey::generate());
    let token = demo.token_with(&json!({ "cnf": { "jkt": client.thumbprint() } }));
    let url = "https://api.example.com/me";

    let without = client.proof("GET", url, &token);
    let answer = call(&app, "DPoP", &token, Some(&without), "a proof, but no nonce yet").await?;
    let nonce = answer.headers().get("dpop-nonce").ok_or("an answer without a nonce")?.to_str()?.to_owned();

    let good = client.proof_for("GET", url, &token).nonce(&nonce).sign();
    let elsewhere = client.proof_for("GET", "https://evil.example/me", &token).nonce(&nonce).sign();
    let stolen = thief.proof_for("GET", url, &token).nonce(&nonce).sign();
    call(&app, "DPoP", &token, Some(&good), "a proof with the nonce").await?;
    call(&app, "DPoP", &token, Some(&good), "the same proof again").await?;
    call(&app, "DPoP", &token, None, "no proof").await?;
    call(&app, "DPoP", &token, Some(&elsewhere), "a proof for another URL").await?;
    call(&app, "DPoP", &token, Some(&stolen), "a proof by another key: the token was stolen").await?;
    call(&app, "Bearer", &token, None, "the token as a bearer").await?;
    let unbound = demo.good_token();
    call(&app, "Bearer", &unbound, None, "a token that is bound to nothing, as a bearer").await?;
    Ok(())
}

async fn call(
    app: &Router,
    scheme: &str,
    token: &str,
    proof: Option<&str>,
    what: &str,
) -> Result<Response<()>, Box<dyn std::error::Error>> {
    let mut request = Request::get("/me").header("authorization", format!("{scheme} {token}"));
    if let Some(proof) = proof {
        request = request.header("dpop", HeaderValue::from_str(proof)?);
    }
    let (parts, body) = app.clone().oneshot(request.body(Body::empty())?).await?.into_parts();
    let problem: Value = serde_json::from_slice(&to_bytes(body, 1 << 16).await?)?;
    let code = problem.get("code").and_then(Value::as_str).unwrap_or_default();
    let line = format!("{} {code}", parts.status.as_u16());
    println!("{line:25} {what}");
    Ok(Response::from_parts(parts, ()))
}
