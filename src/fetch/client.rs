//! The default client: reqwest over rustls on aws-lc-rs, with the trust anchors of the operating system.

use std::time::Duration;

use http::Response;

use super::{Fetch, FetchError, FetchFuture, FetchRequest, KeepAlive};
use crate::error::ConfigError;

/// The time that opening a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How many connections wait for the next request, and for how long: less than most servers keep one open, so that few
/// requests meet one that is being closed.
const MAX_IDLE_CONNECTIONS: usize = 8;
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

pub(super) struct HttpClient {
    /// Goes through the proxy that the environment names, if it names one.
    remote: reqwest::Client,
    /// For http on this machine, which no proxy is to see.
    local: reqwest::Client,
}

impl HttpClient {
    pub(super) fn new(keep_alive: KeepAlive) -> Result<Self, ConfigError> {
        // An hour passes between two fetches of a key set: no connection of those is worth keeping.
        let idle_connections = if keep_alive == KeepAlive::Yes { MAX_IDLE_CONNECTIONS } else { 0 };
        let settings = || {
            reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(CONNECT_TIMEOUT)
                .pool_max_idle_per_host(idle_connections)
                .pool_idle_timeout(IDLE_TIMEOUT)
                // Nothing is inflated, even where another crate has taught reqwest how to.
                .no_gzip()
                .no_brotli()
                .no_zstd()
                .no_deflate()
                .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        };
        let build = |settings: reqwest::ClientBuilder| {
            settings
                .build()
                .map_err(|error| ConfigError::new(format!("the HTTP client cannot be built: {error}")))
        };
        Ok(Self { remote: build(settings())?, local: build(settings().no_proxy())? })
    }
}

impl Fetch for HttpClient {
    fn fetch(&self, request: FetchRequest) -> FetchFuture<'_> {
        Box::pin(async move {
            let FetchRequest { http, max_body } = request;
            let (parts, body) = http.into_parts();
            let is_remote = parts.uri.scheme_str() == Some("https");
            let client = if is_remote { &self.remote } else { &self.local };
            let request =
                client.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
            let mut answer = request.send().await.map_err(failed)?;
            let mut body = Vec::new();
            while let Some(chunk) = answer.chunk().await.map_err(failed)? {
                if body.len().saturating_add(chunk.len()) > max_body {
                    return Err(FetchError::TooLarge);
                }
                body.extend_from_slice(&chunk);
            }
            let mut response = Response::new(body);
            *response.status_mut() = answer.status();
            *response.headers_mut() = std::mem::take(answer.headers_mut());
            Ok(response)
        })
    }
}

/// The URL may hold what should not be logged; the endpoint is named elsewhere.
fn failed(error: reqwest::Error) -> FetchError {
    FetchError::Failed(error.without_url().into())
}
