//! The app of the example `websocket` behind layers, and a real WebSocket client, over loopback.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    reason = "a test may stop at the first thing that is not as it says, and needs not all of the example"
)]

#[path = "../../examples/websocket.rs"]
mod example;

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::{HeaderValue, StatusCode};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tower_jwt_auth::source::TokenSources;
use tower_jwt_auth::test_util::Issuer;
use tower_jwt_auth::{Jwks, JwtAuthLayer, Verifier};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The app of the example, and who issues tokens for it.
struct Served {
    issuer: Issuer,
    host: String,
    server: AbortHandle,
}

impl Served {
    async fn start() -> Self {
        Self::behind(|layer| layer).await
    }

    /// Sets the layer as `set` says.
    async fn behind(set: impl FnOnce(JwtAuthLayer) -> JwtAuthLayer) -> Self {
        let issuer = Issuer::new("https://login.example.com", "my-api");
        let keys = Jwks::from_json(issuer.jwks()).expect("a key set");
        let verifier = Verifier::new(issuer.url(), issuer.audience(), keys).expect("a policy");
        let app = example::app(set(JwtAuthLayer::new(verifier)));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        let server =
            tokio::spawn(async { axum::serve(listener, app).await.expect("a server") }).abort_handle();
        Self { issuer, host, server }
    }

    /// Opens a socket at `path` with these header lines: or the status and the code of the refusal.
    async fn open(&self, path: &str, lines: &[(&'static str, String)]) -> Result<Socket, (u16, String)> {
        let mut request = format!("ws://{}{path}", self.host).into_client_request().expect("a request");
        for (name, value) in lines {
            request.headers_mut().append(*name, HeaderValue::from_str(value).expect("a value"));
        }
        match connect_async(request).await {
            Ok((socket, response)) => {
                assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
                Ok(socket)
            }
            Err(Error::Http(response)) => {
                let body: serde_json::Value =
                    serde_json::from_slice(response.body().as_deref().unwrap_or_default())
                        .unwrap_or_default();
                let code = body["code"].as_str().unwrap_or_default().to_owned();
                Err((response.status().as_u16(), code))
            }
            Err(error) => panic!("no answer: {error}"),
        }
    }

    /// A line with a good token in the cookie.
    fn cookie(&self) -> (&'static str, String) {
        ("cookie", format!("__Host-jwt={}", self.issuer.good()))
    }

    /// A line with the origin of a page at this very host.
    fn own_origin(&self) -> (&'static str, String) {
        ("origin", format!("http://{}", self.host))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The next message, which is to be there soon.
async fn next(socket: &mut Socket) -> Message {
    let message = timeout(Duration::from_secs(20), socket.next()).await.expect("in time");
    message.expect("an open socket").expect("a message")
}

/// Asserts that what is said comes back.
async fn echoes(socket: &mut Socket) {
    socket.send(Message::text("ping")).await.expect("an open socket");
    assert_eq!(next(socket).await, Message::text("ping"));
}

fn refused(outcome: Result<Socket, (u16, String)>, name: &str) -> (u16, String) {
    outcome.err().unwrap_or_else(|| panic!("{name}: let in"))
}

#[tokio::test]
async fn a_token_in_the_query_opens_a_socket_and_its_handler_does_not_see_it() {
    let served = Served::start().await;
    let path = format!("/socket?a=1&jwt={}&b=2", served.issuer.good());
    let mut socket = served.open(&path, &[]).await.expect("a socket");
    assert_eq!(next(&mut socket).await, Message::text("hello, alice, at /socket?a=1&b=2"));
    echoes(&mut socket).await;
}

#[tokio::test]
async fn what_is_no_browser_has_its_token_in_the_header() {
    let served = Served::behind(|layer| layer.with_sources(TokenSources::bearer_only())).await;
    let bearer = ("authorization", format!("Bearer {}", served.issuer.good()));
    let mut socket = served.open("/socket", &[bearer]).await.expect("a socket");
    assert_eq!(next(&mut socket).await, Message::text("hello, alice, at /socket"));

    let query = format!("/socket?jwt={}", served.issuer.good());
    for (name, path, lines) in
        [("the query is not read", &*query, vec![]), ("nor is the cookie", "/socket", vec![served.cookie()])]
    {
        let refusal = refused(served.open(path, &lines).await, name);
        assert_eq!(refusal, (401, "token_missing".to_owned()), "{name}");
    }
}

#[tokio::test]
async fn no_socket_is_opened_without_a_good_token() {
    let served = Served::start().await;
    let (good, expired) = (served.issuer.good(), served.issuer.expired());
    for (name, query, want) in [
        ("none", String::new(), (401, "token_missing")),
        ("expired", format!("?jwt={expired}"), (401, "token_expired")),
        ("forged", format!("?jwt={}", served.issuer.forged()), (401, "signature_invalid")),
        ("twice", format!("?jwt={good}&jwt={good}"), (400, "credentials_conflict")),
    ] {
        let (status, code) = refused(served.open(&format!("/socket{query}"), &[]).await, name);
        assert_eq!((status, &*code), want, "{name}");
    }
    assert!(served.open(&format!("/socket?jwt={good}"), &[]).await.is_ok());
}

/// A page of any site can open a socket to any other, and the browser sends the cookies of the other along.
#[tokio::test]
async fn a_cookie_opens_a_socket_for_pages_of_this_host_only() {
    let served = Served::start().await;
    let site = |site: &str| ("sec-fetch-site", site.to_owned());
    let origin = |origin: &str| ("origin", origin.to_owned());
    for (name, lines, passes) in [
        ("no browser", vec![], true),
        ("a page of this host", vec![served.own_origin()], true),
        ("one in a browser that says so", vec![site("same-origin"), served.own_origin()], true),
        ("a page of another host", vec![origin("https://evil.example")], false),
        ("one of a host below", vec![origin(&format!("http://evil.{}", served.host))], false),
        ("one of another port", vec![origin("http://127.0.0.1:1")], false),
        ("one of no origin", vec![origin("null")], false),
        ("one of a sibling host", vec![site("same-site"), origin("https://www.example.com")], false),
        ("one of another site", vec![site("cross-site"), origin("https://evil.example")], false),
        ("another site that forges", vec![site("cross-site"), served.own_origin()], false),
    ] {
        let lines = [vec![served.cookie()], lines].concat();
        match served.open("/socket", &lines).await {
            Ok(mut socket) => {
                assert!(passes, "{name}: let in");
                echoes_after_greeting(&mut socket).await;
            }
            Err(refusal) => {
                assert!(!passes, "{name}: refused");
                assert_eq!(refusal, (403, "cross_site_request".to_owned()), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_that_was_put_there_on_purpose_may_be_another_sites() {
    let served = Served::start().await;
    let elsewhere = ("origin", "https://app.example".to_owned());
    let bearer = ("authorization", format!("Bearer {}", served.issuer.good()));
    let query = format!("/socket?jwt={}", served.issuer.good());
    assert!(served.open("/socket", &[bearer, elsewhere.clone()]).await.is_ok());
    assert!(served.open(&query, &[elsewhere]).await.is_ok());
}

#[tokio::test]
async fn pages_of_an_origin_that_is_trusted_open_sockets_with_the_cookie_and_others_do_not() {
    let trusted = |layer: JwtAuthLayer| layer.with_trusted_origin("https://app.example").expect("an origin");
    let served = Served::behind(trusted).await;
    let from = |origin: &str| [served.cookie(), ("origin", origin.to_owned())];
    assert!(served.open("/socket", &from("https://app.example")).await.is_ok());
    assert!(served.open("/socket", &from("http://app.example")).await.is_err());
}

#[tokio::test]
async fn a_socket_is_closed_when_its_token_expires_and_not_before() {
    let served = Served::start().await;
    let short = served.issuer.token().expires_in(Duration::from_secs(3)).sign();
    let begun = Instant::now();
    let mut lasting = served.open("/socket", &[served.cookie()]).await.expect("a socket");
    let mut socket = served.open(&format!("/socket?jwt={short}"), &[]).await.expect("a socket");
    echoes_after_greeting(&mut socket).await;
    closed_for_expiry(&mut socket).await;
    // `exp` is a whole second, so that up to one of the three is gone from the start.
    assert!(begun.elapsed() >= Duration::from_secs(2) - Duration::from_millis(100), "{:?}", begun.elapsed());
    echoes_after_greeting(&mut lasting).await;
}

#[tokio::test]
async fn a_socket_that_is_opened_within_the_leeway_is_closed_at_once() {
    let served = Served::start().await;
    let late = served.issuer.token().expires_in(Duration::ZERO).sign();
    let mut socket = served.open(&format!("/socket?jwt={late}"), &[]).await.expect("a socket");
    closed_for_expiry(&mut socket).await;
}

async fn echoes_after_greeting(socket: &mut Socket) {
    assert_eq!(next(socket).await, Message::text("hello, alice, at /socket"));
    echoes(socket).await;
}

/// Asserts that whatever comes next, it ends with this.
async fn closed_for_expiry(socket: &mut Socket) {
    let frame = loop {
        if let Message::Close(frame) = next(socket).await {
            break frame.expect("a reason");
        }
    };
    assert_eq!((u16::from(frame.code), frame.reason.as_str()), (4401, "token_expired"));
}
