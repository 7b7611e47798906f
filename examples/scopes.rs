//! An axum app where a good token is not enough: each route says what it asks for.
//!
//! ```sh
//! cargo run --example scopes      # with a demo issuer inside; prints curl lines with live tokens
//! curl -H "Authorization: Bearer $READER" localhost:3000/items              # 200
//! curl -i -X POST -H "Authorization: Bearer $READER" localhost:3000/items   # 403, scope="items:write"
//! curl -X POST -H "Authorization: Bearer $WRITER" localhost:3000/items      # 201
//! curl -H "Authorization: Bearer $WRITER" localhost:3000/items              # 200: who may write may read
//! curl -i -X DELETE -H "Authorization: Bearer $WRITER" localhost:3000/items # 401, acr_values="mfa" max_age="300"
//! curl -X DELETE -H "Authorization: Bearer $STRONG" localhost:3000/items    # 204
//! curl -i -H "Authorization: Bearer $WRITER" localhost:3000/admin           # 403, without a scope to ask for
//! curl -H "Authorization: Bearer $ADMIN" localhost:3000/admin               # 200
//! ```
//!
//! `BIND` (127.0.0.1:3000) is where it listens.

mod demo_issuer;
mod site;

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use demo_issuer::DemoIssuer;
use serde::Deserialize;
use serde_json::json;
use site::{Outcome, Site};
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::authorize::{
    RequiredScopes, Scoped, require_acr, require_max_age, require_roles, require_scopes,
};
use tower_jwt_auth::error::ConfigError;

#[tokio::main]
async fn main() -> ExitCode {
    site::run(start()).await
}

async fn start() -> Outcome {
    let demo = DemoIssuer::start().await?;
    let site = Site::bind().await?;
    print_curl_lines(&demo, &site.url(""));
    let auth = JwtAuthLayer::discover(&demo.url, demo_issuer::AUDIENCE)?;
    site.serve(app()?.layer(auth)).await
}

#[derive(Deserialize)]
struct User {
    name: String,
}

fn app() -> Result<Router, ConfigError> {
    let read = require_scopes(["items:read"])?
        .with_scope_hierarchy(|held, wanted| (held, wanted) == ("items:write", "items:read"));
    let sensitive = require_scopes(["items:write"])?
        .and(require_acr(["mfa"])?)
        .and(require_max_age(Duration::from_secs(5 * 60)));
    let admin = require_roles(["realm_access", "roles"], ["admin"])?;
    Ok(Router::new()
        .route("/items", get(async || "a chair\n").layer(read))
        .route("/items", post(create))
        .route("/items", delete(async || StatusCode::NO_CONTENT).layer(sensitive))
        .route("/admin", get(async || "welcome\n").layer(admin)))
}

struct WriteItems;

impl RequiredScopes for WriteItems {
    const SCOPES: &'static [&'static str] = &["items:write"];
}

/// What it asks for stands in its type, for those who prefer that.
async fn create(user: Scoped<User, WriteItems>) -> (StatusCode, String) {
    (StatusCode::CREATED, format!("a table, by {}\n", user.name))
}

fn print_curl_lines(demo: &DemoIssuer, app: &str) {
    #[allow(clippy::disallowed_methods, reason = "a demo token says when its user signed in")]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let bearer = |claims| format!("curl -i -H 'Authorization: Bearer {}'", demo.token_with(&claims));
    let reader = bearer(json!({ "scope": "items:read" }));
    let writer = bearer(json!({ "scope": "items:write" }));
    let strong = bearer(json!({ "scope": "items:write", "acr": "mfa", "auth_time": now }));
    let admin = bearer(json!({ "realm_access": { "roles": ["admin"] } }));
    println!(
        "# 200, and 403 with scope=\"items:write\"\n{reader} {app}/items\n{reader} -X POST {app}/items\n"
    );
    println!("# 201, and 200: who may write may read\n{writer} -X POST {app}/items\n{writer} {app}/items\n");
    println!("# 401 with acr_values=\"mfa\" and max_age=\"300\"\n{writer} -X DELETE {app}/items\n");
    println!("# 204 for who has signed in with two factors just now\n{strong} -X DELETE {app}/items\n");
    println!("# 403, and 200 with the role\n{writer} {app}/admin\n{admin} {app}/admin\n");
}
