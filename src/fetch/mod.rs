//! Asking a provider over HTTP: which URLs may be asked, and the client that asks.
//!
//! The default client is reqwest over rustls; a [`Fetch`] of your own takes its place.

#[cfg(feature = "http-client")]
mod client;
mod endpoint;

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Request, Response, header};

pub(crate) use endpoint::Endpoint;

use crate::error::ConfigError;

/// The time that one fetch may take in all, its body included.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether the body of an answer is not as it is: `identity` is all that is ever asked for.
pub(crate) fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity")
}

/// Makes the HTTP requests to a provider: implement it to bring your own client, with a private CA, mTLS or a proxy.
///
/// Nothing has to be decided here. The caller bounds the time ([`FETCH_TIMEOUT`]), judges the status, sends and reads `ETag`
/// and `Last-Modified`, and reads `Cache-Control` of key sets and `Retry-After` of validation endpoints. The client must not follow redirects, and must stop
/// reading a body that grows beyond [`max_body`](FetchRequest::max_body) bytes.
///
/// # Security
///
/// A request to a [validation endpoint](crate::remote) holds a token, some of them in the URL: log neither.
///
/// # Examples
///
/// ```
/// use tower_jwt_auth::fetch::{Fetch, FetchFuture, FetchRequest};
/// use tower_jwt_auth::jwks::Jwks;
///
/// /// Serves a set that is compiled in, as a test may want to.
/// struct Canned(&'static str);
///
/// impl Fetch for Canned {
///     fn fetch(&self, _request: FetchRequest) -> FetchFuture<'_> {
///         Box::pin(async { Ok(http::Response::new(self.0.as_bytes().to_vec())) })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let jwks = Jwks::builder("https://login.example.com/jwks.json")?
///     .with_fetch(Canned(r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#))
///     .spawn()?;
/// jwks.ready().await?;
/// assert_eq!(jwks.status().keys, 1);
/// # Ok(()) }
/// ```
pub trait Fetch: Send + Sync + 'static {
    /// Sends `request` and reads the whole answer.
    fn fetch(&self, request: FetchRequest) -> FetchFuture<'_>;
}

/// What a [`Fetch`] is asked for.
#[non_exhaustive]
pub struct FetchRequest {
    /// The request, whole: a GET, or a POST with its body.
    pub http: Request<Vec<u8>>,
    /// How many bytes the body of the answer may have.
    pub max_body: usize,
}

/// URL, headers and body may hold a token or a key: they are not shown.
impl fmt::Debug for FetchRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchRequest")
            .field("method", self.http.method())
            .field("host", &self.http.uri().host())
            .field("max_body", &self.max_body)
            .finish_non_exhaustive()
    }
}

/// The answer of a [`Fetch`], to come.
pub type FetchFuture<'a> = Pin<Box<dyn Future<Output = Result<Response<Vec<u8>>, FetchError>> + Send + 'a>>;

/// Why a [`Fetch`] has no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum FetchError {
    /// The body is longer than it may be.
    TooLarge,
    /// Anything else; what it says is logged, so it should not hold secrets.
    Failed(Box<dyn StdError + Send + Sync>),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the body is too large",
            Self::Failed(_) => "the request failed",
        })
    }
}

impl StdError for FetchError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::TooLarge => None,
            Self::Failed(source) => Some(&**source),
        }
    }
}

/// Whether connections are kept for the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeepAlive {
    Yes,
    No,
}

/// The client for who brings none.
#[cfg(feature = "http-client")]
pub(crate) fn default_client(keep_alive: KeepAlive) -> Result<Arc<dyn Fetch>, ConfigError> {
    Ok(Arc::new(client::HttpClient::new(keep_alive)?))
}

#[cfg(not(feature = "http-client"))]
pub(crate) fn default_client(_keep_alive: KeepAlive) -> Result<Arc<dyn Fetch>, ConfigError> {
    Err(ConfigError::new("no HTTP client: turn the feature `http-client` on or bring one with `with_fetch`"))
}
