//! What a person reads who was not let in. A script goes on getting the problem document.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{Html, Response};
use tower_jwt_auth::AuthError;
use tower_jwt_auth::error::AuthErrorKind as Kind;

use super::frame::page;

/// The page of an example for a refusal.
pub(crate) type PageOf = Arc<dyn Fn(&AuthError) -> Html<String> + Send + Sync>;

/// A middleware around the layer, because the layer's own hook does not see who asks. Only the body changes, and its type:
/// status, challenge and `no-store` stay.
pub(crate) async fn as_pages(State(page_of): State<PageOf>, request: Request, next: Next) -> Response {
    let is_for_a_person = takes_html(request.headers());
    let mut response = next.run(request).await;
    let Some(error) = response.extensions().get::<AuthError>().copied() else { return response };
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
    if is_for_a_person {
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, html);
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = page_of(&error).0.into();
    }
    response
}

fn takes_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// The page for `error`: what it means, what to do about it, and the code for whoever is asked for help.
pub(crate) fn page_for(error: &AuthError, (title, why): (&str, &str), what_next: &str) -> Html<String> {
    let code = error.code();
    page(title, &format!("<p>{why}</p>\n{what_next}\n<p class=\"code\">Code: {code}</p>"))
}

/// A title and a sentence for what may happen with any provider.
pub(crate) fn words(error: &AuthError) -> (&'static str, &'static str) {
    match error.kind() {
        Kind::TokenMissing => ("Please sign in", "This page is for those who are signed in."),
        Kind::LinkExpired => ("This link is too old", "It was good for a few minutes. Ask for a new one."),
        Kind::TokenExpired => ("You were signed out", "Your session has come to its end. Sign in again."),
        Kind::TokenReplayed => {
            ("This link was used already", "It signs in once, in one browser. Ask for a new one.")
        }
        Kind::TokenRevoked => ("You have signed out", "This session has been ended. Sign in again."),
        Kind::SessionConflict => (
            "Somebody else is signed in here",
            "The link is for another account than the one in use, which was left as it is. If you know who has sent it, \
             sign out first, and ask for a new link.",
        ),
        Kind::SignInDenied => ("You were not signed in", "The sign-in was cancelled. You can try again."),
        Kind::CrossSiteRequest => {
            ("Nothing was changed", "Another site has sent this request in your name, and it was refused.")
        }
        Kind::NavigationRequired => (
            "Open this link by itself",
            "It signs nobody in from inside another page, and it was not used up.",
        ),
        _ if error.retry_after().is_some() => (
            "You cannot be signed in right now",
            "The sign-in service does not answer. That is not your fault: try again in a moment.",
        ),
        _ => {
            ("You could not be signed in", "Something about this sign-in was not as it should be. Try again.")
        }
    }
}
