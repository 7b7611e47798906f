//! Claims with scopes in their type.

use axum::Router;
use axum::extract::FromRequestParts;
use axum::routing::get;
use serde_json::json;
use tower_jwt_auth::Claims;
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::authorize::{RequiredScopes, Scoped, Scopes};
use tower_jwt_auth::claims::ClaimsRejection;

use super::{anonymous, challenge, with};
use crate::support::app::{App, User, verifier};
use crate::support::record;

struct ReadAndWrite;

impl RequiredScopes for ReadAndWrite {
    const SCOPES: &'static [&'static str] = &["read", "write"];
}

fn app(layer: JwtAuthLayer) -> App {
    let required = async |user: Scoped<User, ReadAndWrite>| {
        record::shown("scoped claims", format_args!("{user:?} {:?}", user.clone().into_claims()));
        user.sub.clone()
    };
    App::of(Router::new().route("/", get(required)).layer(layer))
}

#[tokio::test]
async fn why_there_are_no_claims_can_be_read_and_said() {
    let parts = |request: http::Request<()>| request.into_parts().0;
    let rejection =
        Scoped::<User, ReadAndWrite>::from_request_parts(&mut parts(http::Request::new(())), &()).await;
    let rejection = rejection.expect_err("no layer");
    assert!(matches!(rejection.reason(), ClaimsRejection::LayerMissing));
    assert_eq!(rejection.to_string(), rejection.reason().to_string());
    assert!(rejection.to_string().contains("JwtAuthLayer"), "{rejection}");
}

#[tokio::test]
async fn a_handler_with_scopes_in_its_type_is_reached_with_all_of_them() {
    let app = app(JwtAuthLayer::new(verifier()));
    let answer = app.answer(with(json!({ "scope": "write read" }))).await;
    assert_eq!((answer.status, &*answer.body), (200, "alice"));

    let answer = app.answer(with(json!({ "scope": "read" }))).await;
    assert_eq!((answer.status, &*answer.code), (403, "scope_insufficient"));
    assert!(challenge(&answer).ends_with(", scope=\"read write\""), "{:?}", answer.headers);

    let answer = app.answer(with(json!({ "scope": "read write", "sub": null }))).await;
    assert_eq!((answer.status, &*answer.code), (401, "claims_mismatch"));
    let answer = app.answer(with(json!({ "scope": true }))).await;
    assert_eq!((answer.status, &*answer.code), (401, "claims_mismatch"));
}

#[tokio::test]
async fn behind_an_optional_layer_nobody_is_none_and_too_little_is_still_refused() {
    let maybe = async |user: Option<Scoped<User, ReadAndWrite>>| {
        user.map_or("nobody".to_owned(), |user| user.sub.clone())
    };
    let layer = JwtAuthLayer::new(verifier()).optional();
    let optional = App::of(Router::new().route("/", get(maybe)).layer(layer.clone()));
    assert_eq!(optional.answer(anonymous()).await.body, "nobody");
    assert_eq!(optional.answer(with(json!({ "scope": "read write" }))).await.body, "alice");
    assert_eq!(optional.answer(with(json!({ "scope": "read" }))).await.code, "scope_insufficient");

    let required = app(layer);
    let answer = required.answer(anonymous()).await;
    assert_eq!((answer.status, &*answer.code), (401, "token_missing"));
    assert_eq!(challenge(&answer), "Bearer realm=\"api\", scope=\"read write\"");
}

#[tokio::test]
async fn without_the_layer_it_is_a_mistake_in_the_program() {
    let handler = async |_: Scoped<User, ReadAndWrite>| "in";
    let answer =
        App::of(Router::new().route("/", get(handler))).answer(with(json!({ "scope": "read write" }))).await;
    assert_eq!(answer.status, 500);
    assert!(answer.body.contains("JwtAuthLayer"), "{}", answer.body);
}

#[tokio::test]
async fn a_handler_can_look_at_the_scopes_itself() {
    let price = async |scopes: Claims<Scopes>| {
        record::shown("scopes", format_args!("{scopes:?} {:?}", *scopes));
        if scopes.contains("price") { "40" } else { "ask for it" }
    };
    let app = App::of(Router::new().route("/", get(price)).layer(JwtAuthLayer::new(verifier())));
    assert_eq!(app.answer(with(json!({ "scope": "list price" }))).await.body, "40");
    assert_eq!(app.answer(with(json!({ "scope": "list" }))).await.body, "ask for it");
}
