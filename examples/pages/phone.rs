//! The pages of the example `phone`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{self, HeaderValue};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect};
use tower_jwt_auth::error::AuthErrorKind as Kind;
use tower_jwt_auth::provider::PhonelinkClaims;
use tower_jwt_auth::replay::Nonce;
use tower_jwt_auth::{AuthError, Claims};

use super::frame::{escape, page};
use super::refusals::{PageOf, page_for, words};
use crate::stand_in::browser::with_query;

/// What sends browsers to Phonelink.
pub(crate) struct Sender {
    pub(crate) auth_url: String,
    pub(crate) client_id: String,
    pub(crate) callback: String,
    pub(crate) sdk_callback: String,
}

impl Sender {
    pub(crate) fn url(&self, callback: &str, nonce: &str) -> String {
        let pairs = [("client_id", self.client_id.as_str()), ("redirect_url", callback), ("nonce", nonce)];
        with_query(&self.auth_url, &pairs)
    }
}

pub(crate) async fn home(State(sender): State<Arc<Sender>>) -> Html<String> {
    // The script appends its nonce, with which the URL ends.
    let auth_url = escape(&sender.url(&sender.sdk_callback, ""));
    let script = include_str!("phone_start.js");
    let markup = format!(
        r#"<p>Which phone number is yours? Phonelink sends you a code and tells us the number.</p>
<h2>By redirect</h2>
<p>This server starts, and keeps the nonce in a cookie of yours. There is no script.</p>
<p><a class="button" id="redirect" href="/start">Verify my number</a></p>
<h2>As the web SDK does</h2>
<p>The page starts, and keeps the nonce in this tab. The result is posted as JSON.</p>
<p><button id="sdk" data-auth-url="{auth_url}">Verify my number</button></p>
<script type="module">
{script}</script>"#
    );
    page("Verify your phone", &markup)
}

/// Sends the browser to Phonelink; the nonce in its cookie is what tells it from others when it comes back.
pub(crate) async fn start(State(sender): State<Arc<Sender>>) -> impl IntoResponse {
    let nonce = Nonce::generate();
    let to = sender.url(&sender.callback, nonce.as_str());
    let no_store = HeaderValue::from_static("no-store");
    let headers = [(header::SET_COOKIE, nonce.to_cookie()), (header::CACHE_CONTROL, no_store)];
    (AppendHeaders(headers), Redirect::to(&to))
}

/// The token is used up by now, and no cookie is set: the number is all that is taken from it.
pub(crate) async fn callback(Claims(phone): Claims<PhonelinkClaims>) -> Html<String> {
    let method = phone.method.as_deref().unwrap_or("other means");
    let markup = format!(
        r#"<p>This number is yours:</p>
<p class="big" id="phone">{}</p>
<p>It was verified by {}. Nobody was signed in: what the number is good for is up to the app.</p>
<p><a href="/">Once more</a></p>"#,
        escape(&phone.phone_e164),
        escape(method)
    );
    page("Your phone is verified", &markup)
}

pub(crate) async fn sdk_callback() -> Html<String> {
    let script = include_str!("phone_sdk_callback.js");
    let markup = format!(
        r#"<p id="says">One moment…</p>
<p class="big" id="phone"></p>
<p class="code" id="code"></p>
<p><a href="/">Home</a></p>
<script type="module">
{script}</script>"#
    );
    page("Your phone", &markup)
}

pub(crate) fn refusal() -> PageOf {
    Arc::new(|error: &AuthError| {
        let words = match error.kind() {
            Kind::TokenMissing => ("There is nothing here yet", "Phonelink sends you here with a result."),
            Kind::TokenReplayed => {
                ("This result was used already", "Each one counts once. Verify the number anew.")
            }
            Kind::TokenExpired => ("This took too long", "The result is too old. Verify the number anew."),
            Kind::NonceMissing | Kind::NonceMismatch => (
                "This result does not count here",
                "It belongs to another browser, or to a verification that is over. Verify the number anew.",
            ),
            Kind::SignInDenied => ("Your phone was not verified", "You have cancelled. You can try again."),
            _ => words(error),
        };
        page_for(error, words, r#"<p><a class="button" href="/">Start again</a></p>"#)
    })
}
