//! An authorization server that says yes: the code flow with PKCE (RFC 7636), clients that register themselves (RFC 7591), and
//! tokens for the resource that they are asked for (RFC 8707). A real one asks the user first.
#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "it stands in for a provider, which is none of the crate's business"
)]

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::{Form, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::browser::{is_on_this_machine, see_other, with_query};
use super::signing::{SigningKey, base64url, key_set, now, uuid};

/// In seconds.
const TOKEN_LIFETIME: u64 = 600;

pub(crate) struct AuthorizationServer {
    pub(crate) issuer: String,
    /// The one resource that it makes tokens for.
    resource: String,
    scopes: Vec<String>,
    key: SigningKey,
    /// The redirect URIs of each client.
    clients: Mutex<HashMap<String, Vec<String>>>,
    codes: Mutex<HashMap<String, Grant>>,
}

/// What a code is good for, once.
struct Grant {
    client_id: String,
    redirect_uri: String,
    challenge: String,
    scope: String,
}

type Parameters = HashMap<String, String>;

impl AuthorizationServer {
    /// Starts to serve tokens for `resource` with any of `scopes`, on a port of its own.
    pub(crate) async fn start(resource: &str, scopes: &[&str]) -> io::Result<Arc<Self>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let server = Arc::new(Self {
            issuer: format!("http://{}", listener.local_addr()?),
            resource: resource.to_owned(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            key: SigningKey::es256(uuid())?,
            clients: Mutex::default(),
            codes: Mutex::default(),
        });
        let app = Router::new()
            .route("/.well-known/oauth-authorization-server", get(metadata))
            .route("/jwks.json", get(keys))
            .route("/register", post(register))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .with_state(Arc::clone(&server));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(server)
    }

    /// A token for Ada, with the scopes in `scope`.
    pub(crate) fn token(&self, client_id: &str, scope: &str) -> String {
        let now = now();
        let claims = json!({
            "iss": self.issuer, "aud": self.resource, "sub": "ada", "client_id": client_id, "scope": scope,
            "iat": now, "exp": now.saturating_add(TOKEN_LIFETIME), "jti": uuid(),
        });
        self.key.sign(&claims.to_string())
    }

    fn knows(&self, scope: &str) -> bool {
        scope.split(' ').all(|scope| self.scopes.iter().any(|known| known == scope))
    }
}

async fn metadata(State(server): State<Arc<AuthorizationServer>>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", server.issuer);
    Json(json!({
        "issuer": server.issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "registration_endpoint": at("/register"),
        "jwks_uri": at("/jwks.json"),
        "scopes_supported": server.scopes,
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn keys(State(server): State<Arc<AuthorizationServer>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/jwk-set+json")], key_set([&server.key]))
}

async fn register(State(server): State<Arc<AuthorizationServer>>, Json(client): Json<Value>) -> Response {
    let uris: Vec<String> = serde_json::from_value(client["redirect_uris"].clone()).unwrap_or_default();
    if uris.is_empty() || !uris.iter().all(|uri| is_on_this_machine(uri)) {
        return error("invalid_redirect_uri");
    }
    let client_id = uuid();
    let answer = json!({
        "client_id": client_id,
        "client_name": client["client_name"],
        "redirect_uris": uris,
        "token_endpoint_auth_method": "none",
    });
    locked(&server.clients).insert(client_id, uris);
    (StatusCode::CREATED, Json(answer)).into_response()
}

/// Says yes at once, to a client that is known, at an address that is known.
async fn authorize(
    State(server): State<Arc<AuthorizationServer>>,
    Query(request): Query<Parameters>,
) -> Response {
    let of = |name: &str| request.get(name).map_or("", String::as_str);
    let (client_id, redirect_uri) = (of("client_id"), of("redirect_uri"));
    let is_registered =
        locked(&server.clients).get(client_id).is_some_and(|uris| uris.iter().any(|uri| uri == redirect_uri));
    if !is_registered {
        // Whoever it is, the browser is not sent there.
        return error("invalid_request");
    }
    let code = uuid();
    let outcome = match (of("response_type"), of("code_challenge_method")) {
        ("code", "S256") if of("resource") != server.resource => ("error", "invalid_target"),
        ("code", "S256") if !server.knows(of("scope")) => ("error", "invalid_scope"),
        ("code", "S256") => ("code", &*code),
        ("code", _) => ("error", "invalid_request"),
        _ => ("error", "unsupported_response_type"),
    };
    if outcome.0 == "code" {
        let grant = Grant {
            client_id: client_id.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            challenge: of("code_challenge").to_owned(),
            scope: of("scope").to_owned(),
        };
        locked(&server.codes).insert(code.clone(), grant);
    }
    let mut answer = vec![outcome, ("iss", &*server.issuer)];
    answer.extend(request.get("state").map(|state| ("state", &**state)));
    see_other(&with_query(redirect_uri, &answer))
}

async fn token(State(server): State<Arc<AuthorizationServer>>, Form(request): Form<Parameters>) -> Response {
    let of = |name: &str| request.get(name).map_or("", String::as_str);
    if of("grant_type") != "authorization_code" {
        return error("unsupported_grant_type");
    }
    if of("resource") != server.resource {
        return error("invalid_target");
    }
    let grant = locked(&server.codes).remove(of("code")).filter(|grant| {
        let challenge = base64url(digest(&SHA256, of("code_verifier").as_bytes()));
        (&*grant.client_id, &*grant.redirect_uri, &grant.challenge)
            == (of("client_id"), of("redirect_uri"), &challenge)
    });
    let Some(Grant { client_id, scope, .. }) = grant else { return error("invalid_grant") };
    let answer = json!({
        "access_token": server.token(&client_id, &scope),
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFETIME,
        "scope": scope,
    });
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

fn error(code: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": code }))).into_response()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
