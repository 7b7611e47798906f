//! An MCP server whose tools take a token that was made for it, as the authorization of MCP (2026-07-28) demands.
//!
//! ```sh
//! cargo run --example mcp_server     # with an authorization server inside, which says yes; prints curl lines with live tokens
//!
//! # 401, with a challenge that says where the metadata is, and which scope to ask for
//! curl -i -X POST localhost:3000/mcp
//! curl -i localhost:3000/.well-known/oauth-protected-resource/mcp     # 200: whom to ask for a token
//! curl -i -X POST "localhost:3000/mcp?access_token=$READER"           # 401: nothing reads the query
//!
//! # 200; then 403 insufficient_scope, with every scope that is needed; then 200
//! curl -i -H "Authorization: Bearer $READER" --json "$LIST" localhost:3000/mcp
//! curl -i -H "Authorization: Bearer $READER" --json "$ADD" localhost:3000/mcp
//! curl -i -H "Authorization: Bearer $WRITER" --json "$ADD" localhost:3000/mcp
//! ```
//!
//! `BIND` (127.0.0.1:3000) is where it listens; `OIDC_ISSUER` is an authorization server of your own, which has to make
//! tokens for the resource `http://127.0.0.1:3000/mcp`. A setting that is empty counts as not set.

mod mcp;
mod site;
mod stand_in {
    pub(crate) mod authorization_server;
    pub(crate) mod browser;
    pub(crate) mod signing;
}

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::request::Parts;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, RequestPartsExt, Router};
use serde_json::{Value, json};
use site::{Outcome, Site, setting};
use stand_in::authorization_server::AuthorizationServer;
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::authorize::{RequiredScopes, Scoped, require_scopes};
use tower_jwt_auth::claims::RegisteredClaims;
use tower_jwt_auth::resource::WELL_KNOWN_PATH;
use tower_jwt_auth::source::TokenSources;

/// Without it, nothing goes.
const READ: &str = "notes:read";
const WRITE: &str = "notes:write";

struct AddNotes;

impl RequiredScopes for AddNotes {
    /// All of them, so that one more round is enough.
    const SCOPES: &'static [&'static str] = &[READ, WRITE];
}

type Notes = Arc<Mutex<Vec<String>>>;

#[tokio::main]
async fn main() -> ExitCode {
    site::run(start()).await
}

async fn start() -> Outcome {
    let site = Site::bind().await?;
    // Its name, and the one audience whose tokens it takes: what another server was given is worth nothing here.
    let resource = site.url("/mcp");
    let issuer = if let Some(issuer) = setting("OIDC_ISSUER") {
        issuer
    } else {
        let server = AuthorizationServer::start(&resource, &[READ, WRITE]).await?;
        let tokens = [READ.to_owned(), AddNotes::SCOPES.join(" ")].map(|scope| server.token("curl", &scope));
        mcp::print_curl_lines(&resource, &tokens);
        server.issuer.clone()
    };
    let auth = JwtAuthLayer::discover(&issuer, &resource)?.with_sources(TokenSources::bearer_only());
    let metadata = auth.describe_resource(&resource)?.with_scopes([READ])?.with_name("Notes");
    let auth = auth.with_resource_metadata(&metadata).with_scope_hint([READ])?;
    let app = Router::new()
        .route("/mcp", post(receive).with_state(Notes::default()))
        .layer(require_scopes([READ])?)
        .layer(auth)
        .layer(from_fn_with_state(site.url(""), mcp::refuse_other_origins))
        .route_service(metadata.path(), metadata.service())
        .route_service(WELL_KNOWN_PATH, metadata.service());
    site.serve(app).await
}

/// Each tool may ask for more than the server does; what is refused here is answered in the words of the layer.
async fn receive(State(notes): State<Notes>, mut parts: Parts, Json(message): Json<Value>) -> Response {
    let call = match mcp::receive(&parts.headers, &message, &tools()) {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    match &*call.tool {
        "list_notes" => call.text(&notes.lock().unwrap_or_else(PoisonError::into_inner).join("\n")),
        "add_note" => match parts.extract::<Scoped<RegisteredClaims, AddNotes>>().await {
            Ok(user) => {
                let author = user.sub.as_deref().unwrap_or("somebody");
                let note = format!("{author}: {}", call.text_argument());
                notes.lock().unwrap_or_else(PoisonError::into_inner).push(note);
                call.text("noted")
            }
            Err(refusal) => refusal.into_response(),
        },
        _ => call.unknown(),
    }
}

fn tools() -> Value {
    let (nothing, text) = (
        json!({ "type": "object" }),
        json!({ "type": "object", "properties": { "text": { "type": "string" } } }),
    );
    json!([{ "name": "list_notes", "inputSchema": nothing }, { "name": "add_note", "inputSchema": text }])
}
