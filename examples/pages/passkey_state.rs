//! The `state` of a sign-in: only the browser that was sent to the hosted page may come back with a token.
//!
//! Without it, anybody could send somebody a link with a token of their own, and have them act in a stranger's account
//! (login CSRF). The layer refuses such a link only where somebody is signed in already.

use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap};
use axum::middleware::Next;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde::Deserialize;
use tower_jwt_auth::replay::Nonce;

use super::frame::page;
use super::passkey::HostedPage;

const COOKIE: &str = "__Host-state";
const ATTRIBUTES: &str = "HttpOnly; Secure; SameSite=Lax; Path=/";

/// Takes the cookie back: a state is for one sign-in.
pub(super) fn spent() -> String {
    format!("{COOKIE}=; {ATTRIBUTES}; Max-Age=0")
}

/// Sends the browser to the hosted page.
pub(crate) async fn sign_in(State(hosted): State<Arc<HostedPage>>) -> impl IntoResponse {
    let state = Nonce::generate();
    let cookie = format!("{COOKIE}={}; {ATTRIBUTES}; Max-Age=600", state.as_str());
    let headers = [(header::SET_COOKIE, cookie), (header::CACHE_CONTROL, "no-store".to_owned())];
    (AppendHeaders(headers), Redirect::to(&hosted.url(state.as_str())))
}

#[derive(Deserialize)]
pub(crate) struct Arrival {
    token: Option<String>,
    state: Option<String>,
}

/// Stands in front of the layer: `?token=` has to come with the state that this browser was sent with.
pub(crate) async fn with_our_state(Query(arrival): Query<Arrival>, request: Request, next: Next) -> Response {
    if arrival.token.is_none() || arrival.state.is_some_and(|state| is_ours(&state, request.headers())) {
        return next.run(request).await;
    }
    let markup = r#"<p>This sign-in was begun in another browser, or is over. Nobody was signed in.</p>
<p><a class="button" href="/sign-in">Sign in</a></p>"#;
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::REFERRER_POLICY, "no-referrer")];
    (StatusCode::FORBIDDEN, headers, page("This is not your sign-in", markup)).into_response()
}

fn is_ours(state: &str, headers: &HeaderMap) -> bool {
    let fields = headers.get_all(header::COOKIE).iter().filter_map(|field| field.to_str().ok());
    let mut states = fields
        .flat_map(|field| field.split(';'))
        .filter_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
    !state.is_empty() && states.next() == Some(state) && states.next().is_none()
}
