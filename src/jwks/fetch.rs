use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{self, HeaderMap, HeaderValue};
use http::{Request, Response, StatusCode, Uri};

use crate::error::{ConfigError, JwksError, JwksErrorKind};

/// The time that one fetch may take in all, its body included.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest document that is read, 512 KiB; a longer one is an error, never cut.
pub const MAX_DOCUMENT_BYTES: usize = 512 * 1024;

/// Makes the HTTP requests for a key set: implement it to bring your own client, with a private CA, mTLS or a proxy.
///
/// Nothing has to be decided here. The caller bounds the time ([`FETCH_TIMEOUT`]), judges the status, and sends and
/// reads `ETag`, `Last-Modified` and `Cache-Control`. The client must not follow redirects, and must stop reading a
/// body that grows beyond [`max_body`](FetchRequest::max_body) bytes.
///
/// # Examples
///
/// ```
/// use tower_jwt_auth::jwks::{Fetch, FetchFuture, FetchRequest, Jwks};
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
#[derive(Debug)]
#[non_exhaustive]
pub struct FetchRequest {
    /// The request: a GET with its URI and headers.
    pub http: Request<()>,
    /// How many bytes the body of the answer may have.
    pub max_body: usize,
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

/// A URL that may be fetched: https, or http on this machine, without userinfo.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    uri: Uri,
    name: Arc<str>,
}

impl Endpoint {
    /// # Errors
    ///
    /// [`ConfigError`] if `url` is not absolute, not https (or http on loopback), or holds userinfo.
    pub(super) fn new(url: &str) -> Result<Self, ConfigError> {
        let uri: Uri = url
            .parse()
            .map_err(|_| ConfigError::new("this is no URL: write one like https://login.example.com/path"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(ConfigError::new("this is not an absolute URL: write one like https://host/path"));
        };
        // A password with a slash in it ends the authority early, and what is left of it looks like a port.
        let port_is_one =
            authority.as_str() == authority.host() || authority.port_u16().is_some_and(|port| port > 0);
        if authority.as_str().contains('@') || !port_is_one {
            return Err(ConfigError::new(
                "a URL to be fetched has no userinfo, and a port that is a number if any",
            ));
        }
        // The query may hold a secret, which an error and a log do not.
        let name: Arc<str> = format!("{scheme}://{authority}{}", uri.path()).into();
        if scheme != "https" && !(scheme == "http" && is_loopback(authority.host())) {
            return Err(ConfigError::new(format!("{name} must be https (http is for this machine only)")));
        }
        Ok(Self { uri, name })
    }

    pub(super) fn is_https(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// Scheme, host and path: for logs.
    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn failed(&self, kind: JwksErrorKind) -> JwksError {
        JwksError::new(kind, &self.name)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    match address.parse::<std::net::IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => address.eq_ignore_ascii_case("localhost"),
    }
}

/// What a provider said last about the version of its document, to be said back to it ([RFC 9110 §13]).
///
/// [RFC 9110 §13]: https://www.rfc-editor.org/rfc/rfc9110#section-13
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Validators {
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
}

impl Validators {
    fn of(headers: &HeaderMap) -> Self {
        Self {
            etag: headers.get(header::ETAG).cloned(),
            last_modified: headers.get(header::LAST_MODIFIED).cloned(),
        }
    }

    fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

/// A good answer.
#[derive(Debug)]
pub(super) enum Document {
    NotModified { max_age: Option<Duration> },
    Body { bytes: Vec<u8>, validators: Validators, max_age: Option<Duration> },
}

/// Fetches one document, within the limits and without following anything.
pub(super) async fn fetch(
    client: &dyn Fetch,
    endpoint: &Endpoint,
    validators: &Validators,
) -> Result<Document, JwksError> {
    let request = FetchRequest { http: request(endpoint, validators), max_body: MAX_DOCUMENT_BYTES };
    match client.fetch(request).await {
        Ok(response) => judge(response, endpoint, validators),
        Err(FetchError::TooLarge) => Err(endpoint.failed(JwksErrorKind::TooLarge)),
        Err(FetchError::Failed(source)) => Err(endpoint.failed(JwksErrorKind::Unreachable).because(source)),
    }
}

fn request(endpoint: &Endpoint, validators: &Validators) -> Request<()> {
    let mut request = Request::new(());
    *request.uri_mut() = endpoint.uri.clone();
    let headers = request.headers_mut();
    headers.insert(
        header::ACCEPT,
        HeaderValue::from_static("application/jwk-set+json, application/json, */*;q=0.1"),
    );
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some(etag) = &validators.etag {
        headers.insert(header::IF_NONE_MATCH, etag.clone());
    }
    if let Some(last_modified) = &validators.last_modified {
        headers.insert(header::IF_MODIFIED_SINCE, last_modified.clone());
    }
    request
}

/// Any content type will do: a provider that sends its keys as text/plain has sent its keys.
fn judge(response: Response<Vec<u8>>, endpoint: &Endpoint, sent: &Validators) -> Result<Document, JwksError> {
    let (parts, bytes) = response.into_parts();
    let max_age = max_age(&parts.headers);
    match parts.status {
        StatusCode::OK => {}
        StatusCode::NOT_MODIFIED if !sent.is_empty() => return Ok(Document::NotModified { max_age }),
        status if status.is_redirection() && status != StatusCode::NOT_MODIFIED => {
            return Err(endpoint.failed(JwksErrorKind::Redirected));
        }
        status => return Err(endpoint.failed(JwksErrorKind::Status(status.as_u16()))),
    }
    if parts.headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(endpoint.failed(JwksErrorKind::Encoded));
    }
    if bytes.len() > MAX_DOCUMENT_BYTES {
        return Err(endpoint.failed(JwksErrorKind::TooLarge));
    }
    Ok(Document::Body { bytes, validators: Validators::of(&parts.headers), max_age })
}

/// `max-age` of `Cache-Control` ([RFC 9111 §5.2.2.1]).
///
/// [RFC 9111 §5.2.2.1]: https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2.1
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    headers
        .get_all(header::CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|directive| directive.trim().split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("max-age"))
        .and_then(|(_, seconds)| seconds.trim_matches('"').parse().ok())
        .map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint::new("https://login.example.com/jwks.json?tenant=secret").expect("a good URL")
    }

    #[test]
    fn only_https_and_plain_http_on_this_machine_may_be_fetched() {
        for url in [
            "https://login.example.com/jwks.json",
            "https://login.example.com:8443",
            "http://localhost:8080/jwks.json",
            "http://127.0.0.1/x",
            "http://127.8.9.1:1/x",
            "http://[::1]:8080/x",
        ] {
            assert!(Endpoint::new(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "login.example.com",
            "/jwks.json",
            "http://login.example.com/jwks.json",
            "http://localhost.example.com/",
            "http://127.0.0.1.example.com/",
            "http://10.0.0.1/",
            "http://169.254.169.254/latest",
            "http://0.0.0.0/",
            "https://user:password@login.example.com/",
            "https://user:password/x@login.example.com/",
            "user:password",
            "https://login.example.com:0/",
            "https://login.example.com:99999/",
            "http://localhost@login.example.com/",
            "ftp://localhost/",
            "file:///etc/passwd",
        ] {
            let error = Endpoint::new(url).expect_err(url).to_string();
            assert!(!error.contains("password"), "{error}");
        }
    }

    #[test]
    fn an_endpoint_is_named_without_its_query() {
        assert_eq!(&**endpoint().name(), "https://login.example.com/jwks.json");
        assert!(!format!("{:?}", endpoint()).contains("secret"));
    }

    #[test]
    fn only_200_brings_keys_and_304_only_what_was_asked_for() {
        let sent = Validators { etag: Some(HeaderValue::from_static("\"a\"")), last_modified: None };
        let judged = |status: u16, sent: &Validators| {
            let mut response = Response::new(b"{}".to_vec());
            *response.status_mut() = StatusCode::from_u16(status).expect("a status");
            judge(response, &endpoint(), sent).map_err(|error| error.kind())
        };
        assert!(matches!(judged(200, &sent), Ok(Document::Body { .. })));
        assert!(matches!(judged(304, &sent), Ok(Document::NotModified { .. })));
        assert!(matches!(judged(304, &Validators::default()), Err(JwksErrorKind::Status(304))));
        for status in [301, 302, 303, 307, 308] {
            assert!(matches!(judged(status, &sent), Err(JwksErrorKind::Redirected)), "{status}");
        }
        for status in [201, 204, 206, 400, 404, 500, 503] {
            assert!(matches!(judged(status, &sent), Err(JwksErrorKind::Status(_))), "{status}");
        }
    }

    #[test]
    fn a_body_is_plain_and_no_longer_than_the_limit() {
        let judged = |length: usize, encoding: &'static str| {
            let mut response = Response::new(vec![b' '; length]);
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
            judge(response, &endpoint(), &Validators::default()).err().map(|error| error.kind())
        };
        assert_eq!(judged(MAX_DOCUMENT_BYTES, "identity"), None);
        assert_eq!(judged(MAX_DOCUMENT_BYTES + 1, "identity"), Some(JwksErrorKind::TooLarge));
        assert_eq!(judged(10, "gzip"), Some(JwksErrorKind::Encoded));
    }

    #[test]
    fn max_age_is_read_among_other_directives() {
        for (value, want) in [
            ("max-age=300", Some(300)),
            ("public, Max-Age=300, must-revalidate", Some(300)),
            ("max-age=\"60\"", Some(60)),
            ("s-maxage=300", None),
            ("no-store", None),
            ("max-age=-1", None),
            ("max-age=soon", None),
        ] {
            let headers = HeaderMap::from_iter([(header::CACHE_CONTROL, HeaderValue::from_static(value))]);
            assert_eq!(max_age(&headers), want.map(Duration::from_secs), "{value}");
        }
    }
}
