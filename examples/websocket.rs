//! A WebSocket that is opened with a token, and closed when the token expires.
//!
//! ```sh
//! cargo run --example websocket                  # with a demo issuer inside; prints curl lines with live tokens
//! open http://127.0.0.1:3000/                    # a page that signs in for 20 s by a cookie, and talks to the socket
//! ws() { curl -i -N -m 2 --http1.1 -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
//!     -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' "$@"; }
//! ws -H "Authorization: Bearer $TOKEN" localhost:3000/socket                       # 101: what is no browser has headers
//! ws "localhost:3000/socket?jwt=$TOKEN"                                            # 101: a browser's WebSocket has none
//! ws -b "__Host-jwt=$TOKEN" -H 'Origin: http://localhost:3000' localhost:3000/socket       # 101: a page of this host
//! ws -b "__Host-jwt=$TOKEN" -H 'Origin: https://evil.example' localhost:3000/socket        # 403: a page of another
//! ws localhost:3000/socket                                                         # 401
//! ```
//!
//! A browser lets any page open a socket to anywhere, and sends the cookie along: the layer refuses such a cookie. Prefer
//! it to the query all the same, which proxies log. `BIND` (127.0.0.1:3000) is where it listens.

mod demo_issuer;
mod site;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{OriginalUri, State};
use axum::http::header::SET_COOKIE;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get};
use demo_issuer::DemoIssuer;
use serde::Deserialize;
use site::{Outcome, Site};
use tokio::time::timeout;
use tower_jwt_auth::verify::VerifiedToken;
use tower_jwt_auth::{Claims, JwtAuthLayer};

/// Why a socket was closed, for a page that can sign in again: from 4000 on, codes are an application's own (RFC 6455 §7.4.2).
const TOKEN_EXPIRED: u16 = 4401;

/// How long a client has to take leave.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
struct User {
    sub: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    site::run(start()).await
}

async fn start() -> Outcome {
    let site = Site::bind().await?;
    let demo = Arc::new(DemoIssuer::start().await?);
    let auth = JwtAuthLayer::discover(&demo.url, demo_issuer::AUDIENCE)?;
    println!("For the lines at the top of examples/websocket.rs: TOKEN={}\n", demo.good_token());
    let page = Router::new().route("/", get(page)).with_state(demo);
    site.serve(page.merge(app(auth))).await
}

pub(crate) fn app(auth: JwtAuthLayer) -> Router {
    // Not only `get`: over HTTP/2 a socket is opened by CONNECT.
    Router::new().route("/socket", any(open).layer(auth))
}

async fn open(
    token: VerifiedToken,
    Claims(user): Claims<User>,
    OriginalUri(uri): OriginalUri,
    upgrade: WebSocketUpgrade,
) -> Response {
    let greeting = format!("hello, {}, at {uri}", user.sub);
    upgrade.on_upgrade(|socket| talk_until_expiry(socket, token, greeting))
}

/// The token is judged when the socket is opened, and not again. Within the leeway nothing is left of it.
async fn talk_until_expiry(mut socket: WebSocket, token: VerifiedToken, greeting: String) {
    let left = token.expires_in().unwrap_or(Duration::MAX);
    if timeout(left, talk(&mut socket, greeting)).await.is_ok() {
        return;
    }
    let leave = async {
        let frame = CloseFrame { code: TOKEN_EXPIRED, reason: "token_expired".into() };
        _ = socket.send(Message::Close(Some(frame))).await;
        while let Some(Ok(_)) = socket.recv().await {}
    };
    _ = timeout(PATIENCE, leave).await;
}

/// Says back what it hears.
async fn talk(socket: &mut WebSocket, greeting: String) {
    let mut said = socket.send(Message::text(greeting)).await;
    while let (Ok(()), Some(Ok(heard))) = (said, socket.recv().await) {
        said = match heard {
            Message::Text(_) | Message::Binary(_) => socket.send(heard).await,
            _ => Ok(()),
        };
    }
}

/// Signs in whoever comes, for a moment, as a sign-in would.
async fn page(State(demo): State<Arc<DemoIssuer>>) -> impl IntoResponse {
    let token = demo.token_for(Duration::from_secs(20));
    let cookie = format!("__Host-jwt={token}; Path=/; Secure; HttpOnly; SameSite=Strict");
    ([(SET_COOKIE, cookie)], Html(PAGE))
}

const PAGE: &str =
    "<!doctype html><title>A socket</title><form><input name=text autofocus></form><pre></pre><script>
const log = (text) => document.querySelector('pre').append(text + '\\n')
const socket = new WebSocket(`ws://${location.host}/socket`)
socket.onmessage = ({ data }) => log(data)
socket.onclose = ({ code, reason }) => log(`closed: ${code} ${reason}`)
document.querySelector('form').onsubmit = (event) => {
  event.preventDefault()
  socket.send(event.target.text.value)
}
</script>
";
