//! The pages of the example `passkey`.

use std::sync::Arc;

use axum::http::header;
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect};
use serde_json::Value;
use tower_jwt_auth::error::AuthErrorKind as Kind;
use tower_jwt_auth::provider::{EXPIRES_SOON, PasskeyMeClaims};
use tower_jwt_auth::verify::VerifiedToken;
use tower_jwt_auth::{AuthError, Claims};

use super::frame::{SIGN_OUT, claims_table, escape, page, time_left};
use super::passkey_state::spent;
use super::refusals::{PageOf, page_for, words};
use crate::stand_in::browser::with_query;

const SIGN_IN: &str = r#"<p><a class="button" id="sign-in" href="/sign-in">Sign in with a passkey</a></p>"#;

/// Where users sign in.
pub(crate) struct HostedPage {
    pub(crate) auth_url: String,
    pub(crate) app_id: String,
    pub(crate) redirect_uri: String,
}

impl HostedPage {
    pub(crate) fn url(&self, state: &str) -> String {
        let pairs =
            [("app_id", self.app_id.as_str()), ("redirect_uri", &self.redirect_uri), ("state", state)];
        with_query(&self.auth_url, &pairs)
    }
}

pub(crate) async fn home(user: Option<Claims<PasskeyMeClaims>>) -> impl IntoResponse {
    let markup = match user {
        Some(Claims(user)) => format!(
            r#"<p>You are signed in as <strong>{}</strong>.</p>
<p><a class="button" href="/me">Your page</a></p>
{SIGN_OUT}"#,
            escape(name(&user))
        ),
        None => format!("<p>You are not signed in.</p>\n{SIGN_IN}"),
    };
    // Who has signed in or out meanwhile does not want the page of before.
    ([(header::CACHE_CONTROL, "no-store")], page("A site with passkeys", &markup))
}

/// Reached with the cookie, once the token is out of the URL. What is left there, the state, goes here.
pub(crate) async fn signed_in() -> impl IntoResponse {
    (AppendHeaders([(header::SET_COOKIE, spent())]), Redirect::to("/me"))
}

pub(crate) async fn me(
    Claims(user): Claims<PasskeyMeClaims>,
    Claims(claims): Claims<Value>,
    token: VerifiedToken,
) -> Html<String> {
    let left = token.expires_in();
    let soon = match left {
        Some(left) if left < EXPIRES_SOON => format!("<p>That is soon. Stay signed in:</p>\n{SIGN_IN}"),
        _ => String::new(),
    };
    let markup = format!(
        r#"<p>You are signed in as <strong id="email">{email}</strong>, for another <span id="left">{left}</span>.</p>
{soon}
<h2>What the token says</h2>
{claims}
<p><a href="/api/me">The same for scripts</a></p>
{SIGN_OUT}
<p><a href="/">Home</a></p>"#,
        email = escape(user.email.as_deref().unwrap_or(&user.sub)),
        left = time_left(left),
        claims = claims_table(&claims),
    );
    page(&format!("Hello, {}", escape(name(&user))), &markup)
}

fn name(user: &PasskeyMeClaims) -> &str {
    user.name.as_deref().or(user.email.as_deref()).unwrap_or(&user.sub)
}

/// Offers to sign in where that helps, and an end to the session where one may be in the way.
pub(crate) fn refusal() -> PageOf {
    Arc::new(|error: &AuthError| {
        let what_next = match error.kind() {
            Kind::SessionConflict => SIGN_OUT.to_owned(),
            Kind::CrossSiteRequest | Kind::NavigationRequired => String::new(),
            Kind::TokenMissing | Kind::SignInDenied => SIGN_IN.to_owned(),
            _ if error.retry_after().is_some() => SIGN_IN.to_owned(),
            // It may be the cookie that is no good: then it is in the way of every page.
            _ => format!("{SIGN_IN}\n{SIGN_OUT}"),
        };
        page_for(error, words(error), &format!("{what_next}\n<p><a href=\"/\">Home</a></p>"))
    })
}
