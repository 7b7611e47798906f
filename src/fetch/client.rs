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

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::{SocketAddr, TcpListener};
    use std::process::Command;
    use std::sync::mpsc::{Receiver, channel};

    use http::Request;

    use super::*;

    /// Answers everything with `{}`, and tells the first line of each request.
    fn server() -> (SocketAddr, Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (asked, lines) = channel();
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.expect("a connection");
                // To its end: what is closed with something unread in it takes the answer along.
                let head = BufReader::new(&connection).lines().map_while(Result::ok);
                let head: Vec<_> = head.take_while(|line| !line.is_empty()).collect();
                let first = head.into_iter().next().unwrap_or_default();
                if asked.send(first).is_err() {
                    return;
                }
                let _ = connection
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}");
            }
        });
        (address, lines)
    }

    fn get(url: &str, max_body: usize) -> Result<Response<Vec<u8>>, FetchError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let client = HttpClient::new(KeepAlive::No).expect("a client");
        let http = Request::get(url).body(Vec::new()).expect("a request");
        runtime.block_on(client.fetch(FetchRequest { http, max_body }))
    }

    #[test]
    fn a_body_is_as_long_as_it_may_be_and_no_longer() {
        let (address, _lines) = server();
        let url = format!("http://{address}/keys");
        assert_eq!(get(&url, 2).expect("an answer").body(), b"{}");
        assert!(matches!(get(&url, 1), Err(FetchError::TooLarge)));
    }

    #[test]
    fn a_failure_says_what_is_behind_it_and_not_where() {
        let failure = get("http://127.0.0.1:1/secret-path", 2).expect_err("nobody listens there");
        let cause = std::error::Error::source(&failure).expect("a cause").to_string();
        assert!(!failure.to_string().is_empty() && !cause.is_empty());
        assert!(!format!("{failure} {cause} {failure:?}").contains("secret-path"), "{failure:?}");
        assert_ne!(FetchError::TooLarge.to_string(), failure.to_string());
        assert!(std::error::Error::source(&FetchError::TooLarge).is_none());
    }

    /// The environment is that of the whole process, so that this runs itself again in another.
    #[test]
    fn a_proxy_that_the_environment_names_gets_what_leaves_the_machine_and_nothing_else() {
        const NAME: &str = "fetch::client::tests::a_proxy_that_the_environment_names_gets_what_leaves_the_machine_and_nothing_else";
        const HERE: &str = "TOWER_JWT_AUTH_TEST_URL";
        if let Ok(here) = std::env::var(HERE) {
            assert_eq!(get(&here, 2).expect("an answer").body(), b"{}");
            assert!(get("https://keys.invalid/keys", 2).is_err(), "no proxy goes on from there");
            return;
        }
        let ((here, asked_here), (proxy, asked_proxy)) = (server(), server());
        let mut again = Command::new(std::env::current_exe().expect("this program"));
        again.args([NAME, "--exact"]).env(HERE, format!("http://{here}/keys"));
        for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            again.env(name, format!("http://{proxy}"));
        }
        again.env_remove("NO_PROXY").env_remove("no_proxy");
        let output = again.output().expect("a run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        assert_eq!(asked_here.try_iter().collect::<Vec<_>>(), ["GET /keys HTTP/1.1"]);
        assert_eq!(asked_proxy.try_iter().collect::<Vec<_>>(), ["CONNECT keys.invalid:443 HTTP/1.1"]);
    }
}
