//! Challenges as they come through a layer, read by a parser that nobody here wrote; each that there can be is written in
//! `rejection::tests::every_challenge`.

use std::collections::BTreeMap;

use axum::Router;
use axum::routing::any;
use http::Method;
use serde_json::{Value, json};
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::authorize::{Guard, require, require_acr, require_scopes};
use tower_jwt_auth::error::{AuthErrorKind, ConfigError};
use tower_jwt_auth::resource::ResourceMetadata;

use crate::refusal::refusals;
use crate::support::app::{Answer, App, Place, verifier};
use crate::support::issuer::{claims_with, shared_key};

const URL: &str = "https://api.example.com/.well-known/oauth-protected-resource/mcp";

/// The layer with and without what a challenge can say besides what is wrong.
fn layers() -> Result<[(&'static str, JwtAuthLayer); 4], ConfigError> {
    let layer = || JwtAuthLayer::new(verifier());
    let metadata = ResourceMetadata::new("https://api.example.com/mcp")?;
    Ok([
        ("", layer()),
        ("scope", layer().with_scope_hint(["openid", "items:read"])?),
        ("resource_metadata", layer().with_resource_metadata(&metadata)),
        (
            "scope resource_metadata",
            layer().with_resource_metadata(&metadata).with_scope_hint(["openid", "items:read"])?,
        ),
    ])
}

/// The parameters of the one challenge of `answer`, if it has one.
fn parameters(answer: &Answer) -> Option<BTreeMap<String, String>> {
    let text = answer.header("www-authenticate")?;
    let challenges = http_auth::parse_challenges(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let [challenge] = &*challenges else { panic!("one challenge expected: {text}") };
    assert_eq!(challenge.scheme, "Bearer", "{text}");
    let parameters = challenge.params.iter();
    let parameters: BTreeMap<_, _> =
        parameters.map(|(name, value)| ((*name).to_owned(), value.to_unescaped())).collect();
    assert_eq!(parameters.len(), challenge.params.len(), "each once: {text}");
    Some(parameters)
}

/// What the body says is wrong.
fn detail(answer: &Answer) -> Value {
    serde_json::from_str::<Value>(&answer.body).expect("JSON")["detail"].take()
}

fn wanted(members: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(members.clone()).expect("texts")
}

#[tokio::test]
async fn every_refusal_of_a_layer_is_challenged_as_it_is_set() -> Result<(), ConfigError> {
    for (set, layer) in layers()? {
        let app = App::behind(layer);
        for (kind, request) in refusals() {
            let answer = app.answer(request).await;
            let mut want = json!({ "realm": "api" });
            match (answer.status, kind) {
                (401, AuthErrorKind::TokenMissing) => {}
                (401, _) => want["error"] = json!("invalid_token"),
                (400, _) => want["error"] = json!("invalid_request"),
                _ => {
                    assert_eq!(parameters(&answer), None, "{kind:?}");
                    continue;
                }
            }
            if want.get("error").is_some() {
                want["error_description"] = detail(&answer);
            }
            if set.contains("scope") && answer.status == 401 {
                want["scope"] = json!("openid items:read");
            }
            if set.contains("resource_metadata") {
                want["resource_metadata"] = json!(URL);
            }
            assert_eq!(parameters(&answer), Some(wanted(&want)), "{kind:?}, {set:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_guard_is_told_of_in_the_words_of_the_layer() -> Result<(), ConfigError> {
    let of = |guard: Guard, layer: JwtAuthLayer| {
        App::of(Router::new().route("/", any("in")).layer(guard).layer(layer))
    };
    let good = claims_with(json!({ "scope": "items:write items:read", "acr": "gold", "staff": true }));
    for (set, layer) in layers()? {
        for (guard, status, members) in [
            (
                require_scopes(["items:read", "items:write"])?,
                403,
                json!({ "error": "insufficient_scope", "scope": "items:read items:write" }),
            ),
            (
                require(|claims: &Value| claims["staff"] == true),
                403,
                json!({ "error": "insufficient_scope" }),
            ),
            (
                require_acr(["gold", "silver"])?,
                401,
                json!({ "error": "insufficient_user_authentication", "acr_values": "gold silver" }),
            ),
        ] {
            let app = of(guard, layer.clone());
            let poor = Place::Header
                .carry(Method::GET, &shared_key().token(&claims_with(json!({ "scope": "items:read" }))));
            let answer = app.answer(poor).await;
            let mut want = members;
            want["realm"] = json!("api");
            want["error_description"] = detail(&answer);
            if set.contains("scope") && status == 401 {
                want["scope"] = json!("openid items:read");
            }
            if set.contains("resource_metadata") {
                want["resource_metadata"] = json!(URL);
            }
            assert_eq!((answer.status, parameters(&answer)), (status, Some(wanted(&want))), "{set:?}");

            let rich = Place::Header.carry(Method::GET, &shared_key().token(&good));
            let answer = app.answer(rich).await;
            assert_eq!((answer.status, parameters(&answer)), (200, None), "{set:?}");
        }
    }
    Ok(())
}
