//! The presets of the three providers, against what their servers were seen to answer and against their stand-ins.

mod any_of;
mod magiclinksdev;
mod passkeyme;
mod passkeyme_claims;
mod phonelink;
mod phonelink_body;
mod phonelink_once;
mod shared;

#[path = "../../../examples/stand_in"]
mod stand_in {
    pub(crate) mod browser;
    pub(crate) mod magiclinksdev;
    pub(crate) mod passkeyme;
    pub(crate) mod phonelink;
    pub(crate) mod signing;
}

use axum::Router;
use axum::routing::any;
use http::Uri;
use serde_json::{Value, json};
use tower_jwt_auth::verify::VerifiedToken;
use tower_jwt_auth::{JwtAuthLayer, Verifier};

use crate::support::app::{ACCEPTED, App};
use crate::support::issuer::NOW;

/// What `verifier` thinks of `token`, having asked.
async fn outcome(verifier: &Verifier, token: &str) -> &'static str {
    verifier.verify_or_ask(token).await.map_or_else(|error| error.code(), |_| ACCEPTED)
}

/// Any path, behind `layer`: it answers with the query that is left, and the claims.
fn app(layer: JwtAuthLayer) -> App {
    let inside = async |uri: Uri, token: VerifiedToken| {
        format!("{} {}", uri.query().unwrap_or_default(), token.payload())
    };
    App::of(Router::new().route("/", any(inside)).layer(layer))
}

/// `claims` with some replaced, or with null removed.
#[expect(clippy::needless_pass_by_value, reason = "the changes are written on the spot")]
fn changed(mut claims: Value, changes: Value) -> Value {
    let members = claims.as_object_mut().expect("claims");
    for (name, value) in changes.as_object().expect("changes") {
        match value {
            Value::Null => _ = members.remove(name),
            value => _ = members.insert(name.clone(), value.clone()),
        }
    }
    claims
}

/// Another signature under the same claims.
fn forged(token: &str) -> String {
    let (input, signature) = token.rsplit_once('.').expect("a signature");
    let mut signature = crate::support::issuer::decode(signature);
    signature[0] ^= 1;
    format!("{input}.{}", crate::support::issuer::encode(signature))
}
