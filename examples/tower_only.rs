//! The layer around a plain Tower service, served by hyper: no framework in it.
//!
//! ```sh
//! cargo run --example tower_only                 # with a demo issuer inside; prints curl lines with live tokens
//! curl -H "Authorization: Bearer $TOKEN" localhost:3000/       # 200, "hello, Ada Lovelace, at /"
//! curl -b "__Host-jwt=$TOKEN" localhost:3000/                  # 200
//! curl "localhost:3000/a/b?jwt=$TOKEN&c=d"                     # 200, "hello, Ada Lovelace, at /a/b?c=d"
//! curl -i localhost:3000/                                      # 401, with a challenge
//! curl -i -X POST -b "__Host-jwt=$TOKEN" -H "Sec-Fetch-Site: cross-site" localhost:3000/       # 403
//! ```
//!
//! `BIND` (127.0.0.1:3000) is where it listens. It can be built without the feature `axum`; the demo issuer is what uses it.

mod demo_issuer;

use std::convert::Infallible;
use std::error::Error;

use bytes::Bytes;
use demo_issuer::DemoIssuer;
use http::{Request, Response};
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use serde::Deserialize;
use tokio::net::TcpListener;
use tower::{ServiceBuilder, service_fn};
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::verify::VerifiedToken;

#[derive(Deserialize)]
struct User {
    sub: String,
    name: Option<String>,
}

/// The layer asks of a body only that it can be made from a `String`.
type Body = Full<Bytes>;

/// Reached with a verified token only; the URI has none in it any more.
async fn hello<B>(request: Request<B>) -> Result<Response<Body>, Infallible> {
    // Without the layer there is no token here, and no other way to come by one.
    let Some(token) = request.extensions().get::<VerifiedToken>() else {
        return Ok(answer(500, "this service is not behind a JwtAuthLayer\n".to_owned()));
    };
    Ok(match token.claims::<User>() {
        Ok(user) => {
            let name = user.name.as_deref().unwrap_or(&user.sub);
            answer(200, format!("hello, {name}, at {}\n", request.uri()))
        }
        // Good, but not what this service needs of a token.
        Err(error) => answer(error.status().as_u16(), format!("{error}\n")),
    })
}

fn answer(status: u16, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status.try_into().unwrap_or_default();
    response
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let bind = std::env::var("BIND").ok().filter(|bind| !bind.is_empty());
    let listener = TcpListener::bind(bind.as_deref().unwrap_or("127.0.0.1:3000")).await?;
    let demo = DemoIssuer::start().await?;
    print_curl_lines(&demo, &format!("http://{}", listener.local_addr()?));

    let auth = JwtAuthLayer::discover(&demo.url, demo_issuer::AUDIENCE)?;
    let service = ServiceBuilder::new().layer(auth).service(service_fn(hello));
    let service = TowerToHyperService::new(service);
    loop {
        let (stream, _) = listener.accept().await?;
        let connection = auto::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), service.clone())
            .into_owned();
        #[expect(clippy::disallowed_methods, reason = "a server has a task for each connection")]
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error, "connection ended");
            }
        });
    }
}

fn print_curl_lines(demo: &DemoIssuer, app: &str) {
    let (good, expired) = (demo.good_token(), demo.expired_token());
    println!("A demo issuer runs at {}. Paste, in another terminal:\n", demo.url);
    println!("# 200: by header, by cookie, and by query, which is not in the URI any more");
    println!("curl -i -H 'Authorization: Bearer {good}' {app}/\n");
    println!("curl -i -b '__Host-jwt={good}' {app}/\n");
    println!("curl -i '{app}/a/b?jwt={good}&c=d'\n");
    println!("# 401 token_missing, and 401 token_expired");
    println!("curl -i {app}/\n");
    println!("curl -i -H 'Authorization: Bearer {expired}' {app}/\n");
    println!("# 403 cross_site_request: a page of another site has made a browser send the cookie");
    println!("curl -i -X POST -b '__Host-jwt={good}' -H 'Sec-Fetch-Site: cross-site' {app}/\n");
}
