//! The pages of the example `magic_link`, and what they do.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Form, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tower_jwt_auth::error::AuthErrorKind as Kind;
use tower_jwt_auth::verify::VerifiedToken;
use tower_jwt_auth::{AuthError, Claims};

use super::frame::{SIGN_OUT, claims_table, escape, page, time_left};
use super::refusals::{PageOf, page_for, words};
use crate::stand_in::magiclinksdev::MagicLinksDevStandIn;

pub(crate) struct App {
    links: Links,
    nicknames: Mutex<HashMap<String, String>>,
}

/// Where a visitor's link comes from.
pub(crate) enum Links {
    /// The stand-in makes them, for the address given.
    ByTheStandIn(MagicLinksDevStandIn, String),
    /// A server that is not this example's to ask makes them, for the address given.
    MadeFor(String),
}

impl App {
    pub(crate) fn new(links: Links) -> Self {
        Self { links, nicknames: Mutex::default() }
    }
}

/// What an app puts into its links.
#[derive(Deserialize)]
pub(crate) struct User {
    email: String,
}

pub(crate) async fn home(State(app): State<Arc<App>>, user: Option<Claims<User>>) -> impl IntoResponse {
    let markup = match user {
        Some(Claims(user)) => format!(
            r#"<p>You are signed in as <strong>{}</strong>.</p>
<p><a class="button" href="/welcome">Your page</a></p>
{SIGN_OUT}"#,
            escape(&user.email)
        ),
        None => format!(
            "<p>You are not signed in. A link that is sent to you by e-mail does that.</p>\n{}",
            app.links.ask_for_one()
        ),
    };
    // Who has signed in or out meanwhile does not want the page of before.
    ([(header::CACHE_CONTROL, "no-store")], page("A site with magic links", &markup))
}

impl Links {
    fn ask_for_one(&self) -> String {
        match self {
            Self::ByTheStandIn(..) => r#"<form method="post" action="/links">
<label>E-mail address <input type="email" name="email" value="ada@example.com" required></label>
<button>Send me a link</button>
<button class="quiet" name="late" value="yes">Send one that comes too late</button>
</form>"#
                .to_owned(),
            Self::MadeFor(url) => format!(
                "<p>Follow a link that your magiclinksdev server has made for <code>{}</code>, with a claim \
                 <code>email</code>.</p>",
                escape(url)
            ),
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Ask {
    email: String,
    late: Option<String>,
}

/// What an app would have put into an e-mail.
pub(crate) async fn send_link(State(app): State<Arc<App>>, Form(ask): Form<Ask>) -> Response {
    let Links::ByTheStandIn(stand_in, url) = &app.links else { return StatusCode::NOT_FOUND.into_response() };
    let lifespan = if ask.late.is_some() { Duration::ZERO } else { Duration::from_secs(300) };
    let Ok(link) = stand_in.magic_link(url, json!({ "email": ask.email }), lifespan) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let markup = format!(
        r#"<p>This is what would be on its way by e-mail.</p>
<div class="mail">
<small>To: {email}<br>Subject: Your link to sign in</small>
<p>Hello! With this link you sign in. It works once.</p>
<p><a class="button" id="link" href="{link}">Sign in</a></p>
</div>
<p><a href="/">Home</a></p>"#,
        email = escape(&ask.email),
        link = escape(&link),
    );
    page("You have mail", &markup).into_response()
}

/// Reached by who has followed a link, until its token expires.
pub(crate) async fn welcome(
    State(app): State<Arc<App>>,
    Claims(user): Claims<User>,
    Claims(claims): Claims<Value>,
    token: VerifiedToken,
) -> Html<String> {
    let nicknames = app.nicknames.lock().await;
    let nickname = nicknames.get(&user.email).map(String::as_str).unwrap_or_default();
    let markup = format!(
        r#"<p>You are signed in as <strong id="email">{email}</strong>, for another <span id="left">{left}</span>.</p>
<form method="post" action="/nickname">
<label>What shall we call you? <input name="nickname" value="{nickname}" maxlength="40"></label>
<button>Save</button>
</form>
<h2>What the token says</h2>
{claims}
{SIGN_OUT}
<p><a href="/">Home</a></p>"#,
        email = escape(&user.email),
        nickname = escape(nickname),
        left = time_left(token.expires_in()),
        claims = claims_table(&claims),
    );
    let name = if nickname.is_empty() { &user.email } else { nickname };
    page(&format!("Welcome, {}", escape(name)), &markup)
}

#[derive(Deserialize)]
pub(crate) struct Rename {
    nickname: String,
}

/// Changes something, which no other site may make a browser do: the layer sees to that.
pub(crate) async fn rename(
    State(app): State<Arc<App>>,
    Claims(user): Claims<User>,
    Form(rename): Form<Rename>,
) -> Redirect {
    app.nicknames.lock().await.insert(user.email.clone(), rename.nickname);
    Redirect::to("/welcome")
}

/// Offers a new link where that helps, and an end to the session where one may be in the way.
pub(crate) fn refusal(app: &Arc<App>) -> PageOf {
    let app = Arc::clone(app);
    Arc::new(move |error: &AuthError| {
        let what_next = match error.kind() {
            Kind::TokenMissing | Kind::LinkExpired | Kind::TokenReplayed | Kind::SignInDenied => {
                app.links.ask_for_one()
            }
            Kind::SessionConflict => SIGN_OUT.to_owned(),
            Kind::CrossSiteRequest | Kind::NavigationRequired => String::new(),
            _ if error.retry_after().is_some() => String::new(),
            // It may be the cookie that is no good: then it is in the way of the next link, and of every page.
            _ => format!("{SIGN_OUT}\n{}", app.links.ask_for_one()),
        };
        page_for(error, words(error), &format!("{what_next}\n<p><a href=\"/\">Home</a></p>"))
    })
}
