//! The place of the metadata, and what a router makes of it.

use axum::Router;
use tower_jwt_auth::error::ConfigError;
use tower_jwt_auth::resource::{ResourceMetadata, WELL_KNOWN_PATH};

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
