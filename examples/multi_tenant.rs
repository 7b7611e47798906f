//! An API that many tenants share, each of which signs in at an issuer of its own.
//!
//! ```sh
//! cargo run --example multi_tenant        # with the issuers of two tenants inside; prints curl lines with live tokens
//! curl -H "Authorization: Bearer $ACME" localhost:3000/me       # 200 {"name":"Ada Lovelace","tenant":"acme"}
//! curl -H "Authorization: Bearer $GLOBEX" localhost:3000/me     # 200 {"name":"Ada Lovelace","tenant":"globex"}
//! curl -H "Authorization: Bearer $CROSSED" localhost:3000/me    # 401 signature_invalid: globex's name, acme's key
//! curl -H "Authorization: Bearer $STRANGE" localhost:3000/me    # 401 issuer_mismatch: initech is no customer
//! curl -H "Authorization: Bearer $ELSEWHERE" localhost:3000/me  # 401 issuer_mismatch: no issuer of this pattern
//! curl localhost:3000/tenants                                   # 200, whose keys are here, and where they stand
//!
//! ISSUERS='https://{tenant}.login.example.com' CUSTOMERS=acme,globex AUDIENCE=my-api cargo run --example multi_tenant
//! ```
//!
//! No keys are fetched before a tenant's first token has come. `BIND` (127.0.0.1:3000) is where it listens.

mod demo_issuer;
mod site;

use std::collections::HashSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use demo_issuer::DemoIssuer;
use serde::Deserialize;
use serde_json::{Value, json};
use site::{Outcome, Site, setting};
use tower_jwt_auth::error::ConfigError;
use tower_jwt_auth::verify::Tenants;
use tower_jwt_auth::{Claims, JwtAuthLayer};

#[tokio::main]
async fn main() -> ExitCode {
    site::run(start()).await
}

async fn start() -> Outcome {
    let site = Site::bind().await?;
    let tenants = match (setting("ISSUERS"), setting("CUSTOMERS"), setting("AUDIENCE")) {
        (None, None, None) => {
            let [acme, globex, initech] = DemoIssuer::start_for(["acme", "globex", "initech"]).await?;
            print_curl_lines(&site.url(""), &acme, &globex, &initech);
            tenants(&acme.url.replace("/acme", "/{tenant}"), "acme,globex", demo_issuer::AUDIENCE)?
        }
        (Some(issuers), Some(customers), Some(audience)) => tenants(&issuers, &customers, &audience)?,
        _ => return Err("Set ISSUERS, CUSTOMERS and AUDIENCE, or none of them.".into()),
    };
    site.serve(app(Arc::new(tenants))).await
}

/// The customers, and what is asked of the tokens of each.
fn tenants(issuers: &str, customers: &str, audience: &str) -> Result<Tenants, ConfigError> {
    let customers: HashSet<String> = customers.split(',').map(|name| name.trim().to_owned()).collect();
    let tenants = Tenants::new(issuers, audience, move |tenant| customers.contains(tenant))?;
    Ok(tenants.with_policy(|tenant, verifier| match tenant {
        // Its clocks are good, and its tokens tell a name.
        "globex" => verifier.with_leeway(Duration::ZERO)?.require_claim("name"),
        _ => Ok(verifier),
    }))
}

fn app(tenants: Arc<Tenants>) -> Router {
    let auth = JwtAuthLayer::new(Arc::clone(&tenants));
    Router::new().route("/me", get(me).layer(auth)).route("/tenants", get(stand)).with_state(tenants)
}

/// Who somebody is takes both: two tenants may have a `sub` in common.
#[derive(Deserialize)]
struct User {
    iss: String,
    sub: String,
    name: Option<String>,
}

/// Reached with a verified token of a customer only.
async fn me(State(tenants): State<Arc<Tenants>>, Claims(user): Claims<User>) -> Json<Value> {
    let tenant = tenants.tenant_of(&user.iss);
    Json(json!({ "tenant": tenant, "name": user.name.as_ref().unwrap_or(&user.sub) }))
}

/// For whoever runs it.
async fn stand(State(tenants): State<Arc<Tenants>>) -> Json<Value> {
    let status = ["acme", "globex"].map(|tenant| json!({ tenant: tenants.status(tenant) }));
    Json(json!({ "here": tenants.count(), "status": status }))
}

fn print_curl_lines(app: &str, acme: &DemoIssuer, globex: &DemoIssuer, initech: &DemoIssuer) {
    println!(
        "No issuers are set, so those of two customers and a stranger run inside. Paste, in another terminal:\n"
    );
    let elsewhere = globex.url.replace("/globex", ".evil.example/globex");
    for (comment, token) in [
        ("200, of the tenant acme", acme.good_token()),
        ("200, of the tenant globex", globex.good_token()),
        (
            "401 signature_invalid: in the name of globex, by the key of acme",
            acme.token_with(&json!({ "iss": globex.url })),
        ),
        ("401 issuer_mismatch: of a tenant that is no customer", initech.good_token()),
        (
            "401 issuer_mismatch: of no issuer of this pattern",
            globex.token_with(&json!({ "iss": elsewhere })),
        ),
    ] {
        println!("# {comment}\ncurl -i -H 'Authorization: Bearer {token}' {app}/me\n");
    }
    println!("# 200, whose keys are here\ncurl -i {app}/tenants\n");
}
