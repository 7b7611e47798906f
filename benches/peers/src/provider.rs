//! A provider on loopback, for the peers that insist on fetching: one issuer for each algorithm, with one key.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::issuer::{Algorithm, Issuer};

/// The realm of the Keycloak that it also pretends to be.
pub const REALM: &str = "demo";

pub struct Provider {
    issuers: Vec<Issuer>,
}

impl Provider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let issuers: Vec<_> = Algorithm::ALL
            .into_iter()
            .map(|algorithm| Issuer::new(format!("http://{address}/{}", algorithm.name()), algorithm))
            .collect();
        let documents = issuers.iter().flat_map(documents).collect::<HashMap<_, _>>();
        let app = Router::new().route("/{*path}", get(document)).with_state(Arc::new(documents));
        #[allow(clippy::disallowed_methods, reason = "it has to serve while others are measured")]
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { issuers }
    }

    pub fn issuers(&self) -> impl Iterator<Item = &Issuer> {
        self.issuers.iter()
    }
}

type Documents = Arc<HashMap<String, String>>;

async fn document(
    State(documents): State<Documents>,
    Path(path): Path<String>,
) -> Result<([(&'static str, &'static str); 1], String), StatusCode> {
    let document = documents.get(&path).ok_or(StatusCode::NOT_FOUND)?;
    Ok(([("content-type", "application/json")], document.clone()))
}

fn documents(issuer: &Issuer) -> [(String, String); 3] {
    let (name, url) = (issuer.algorithm.name(), &issuer.url);
    let discovery = json!({
        "issuer": url,
        "jwks_uri": format!("{url}/jwks"),
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [name],
    })
    .to_string();
    [
        (format!("{name}/jwks"), issuer.jwks()),
        (format!("{name}/.well-known/openid-configuration"), discovery.clone()),
        (format!("{name}/realms/{REALM}/.well-known/openid-configuration"), discovery),
    ]
}
