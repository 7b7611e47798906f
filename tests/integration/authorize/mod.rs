//! Whether a good token is enough: each guard with what it turns away and what it lets in.

mod answers;
mod extractor;
mod guards;

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use http::{Method, Request};
use serde_json::Value;
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::authorize::Guard;

use crate::support::app::{ACCEPTED, Answer, App, Place, get, verifier};
use crate::support::issuer::{claims_with, shared_key};

/// A route behind `guard`, behind the default layer.
fn behind(guard: Guard) -> App {
    behind_both(guard, JwtAuthLayer::new(verifier()))
}

fn behind_both(guard: Guard, layer: JwtAuthLayer) -> App {
    App::of(Router::new().route("/", any(async || "in").layer(guard)).layer(layer))
}

/// With a good token that has `claims` too.
fn with(claims: Value) -> Request<Body> {
    Place::Header.carry(Method::GET, &shared_key().token(&claims_with(claims)))
}

async fn code(app: &App, claims: Value) -> String {
    app.answer(with(claims)).await.code
}

/// Those in `good` are let in, those in `bad` are turned away with `refusal`.
async fn holds_against(
    guard: Guard,
    good: impl IntoIterator<Item = Value>,
    bad: impl IntoIterator<Item = Value>,
    refusal: &str,
) {
    let app = behind(guard);
    for claims in good {
        assert_eq!(code(&app, claims.clone()).await, ACCEPTED, "{claims}");
    }
    for claims in bad {
        assert_eq!(code(&app, claims.clone()).await, refusal, "{claims}");
    }
}

fn anonymous() -> Request<Body> {
    get("/", &[])
}

fn challenge(answer: &Answer) -> &str {
    answer.header("www-authenticate").expect("a challenge")
}
