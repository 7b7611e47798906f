//! The place of the metadata: what a router makes of it, and that no request has a say in it.

use axum::Router;
use axum::routing::get as on_get;
use serde_json::Value;
use tower_jwt_auth::error::ConfigError;
use tower_jwt_auth::resource::{ResourceMetadata, WELL_KNOWN_PATH};

use super::{PATH, RESOURCE, URL, challenge, document_of, layer};
use crate::support::app::{App, get};

#[tokio::test]
async fn a_router_takes_the_path_of_a_resource_for_what_it_is_to_the_letter() -> Result<(), ConfigError> {
    for letter in ('!'..='~').filter(|letter| !letter.is_ascii_alphanumeric()).map(String::from) {
        for form in ["/_", "/a_", "/a_b", "/_a/b", "/a/_", "/a/_b/c", "/a/__", "/a/_b_"] {
            let path = form.replace('_', &letter);
            let begins_a_segment = form.contains("/_");
            let is_refused = match &*letter {
                ":" | "*" => begins_a_segment,
                "." => path.split('/').any(|segment| segment == "." || segment == ".."),
                _ => "?#{}\"<>\\^`|".contains(&*letter),
            };
            let metadata = ResourceMetadata::new(&format!("https://api.example.com{path}"));
            assert_eq!(metadata.is_err(), is_refused, "{path}");
            let Ok(metadata) = metadata else { continue };
            let app = App::of(Router::new().route_service(metadata.path(), metadata.service()));
            assert_eq!(app.answer(get(metadata.path(), &[])).await.status, 200, "{path}");
            let other = format!("{WELL_KNOWN_PATH}{}", form.replace('_', "other"));
            assert_eq!(app.answer(get(&other, &[])).await.status, 404, "{path}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn no_request_has_a_say_in_where_the_metadata_is_and_what_it_says() -> Result<(), ConfigError> {
    let auth = layer();
    let metadata = auth.describe_resource(RESOURCE)?;
    let document = document_of(&metadata).await;
    let inside = Router::new().route("/mcp", on_get("tools")).layer(auth.with_resource_metadata(&metadata));
    let app = App::of(inside.route_service(metadata.path(), metadata.service()));
    for (origin, lines) in [
        ("", &[][..]),
        ("", &[("host", "evil.example")]),
        ("", &[("x-forwarded-host", "evil.example"), ("x-forwarded-prefix", "/evil")]),
        ("", &[("forwarded", "host=evil.example;proto=http"), ("x-forwarded-proto", "http")]),
        ("", &[("x-original-url", "/evil"), ("origin", "https://evil.example")]),
        ("https://evil.example", &[]),
    ] {
        let refused = app.answer(get(&format!("{origin}/mcp?resource=https://evil.example"), lines)).await;
        let want = format!("Bearer realm=\"api\", resource_metadata=\"{URL}\"");
        assert_eq!((refused.status, challenge(&refused)), (401, &*want), "{origin}, {lines:?}");
        let answer = app.answer(get(&format!("{origin}{PATH}?resource=https://evil.example"), lines)).await;
        let told: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!((answer.status, told), (200, document.clone()), "{origin}, {lines:?}");
    }
    Ok(())
}
