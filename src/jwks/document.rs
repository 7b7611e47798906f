//! One document of a provider: asked for, judged, and read within its limits.

use std::time::Duration;

use http::header::{self, HeaderMap, HeaderValue};
use http::{Request, Response, StatusCode};

use crate::error::{JwksError, JwksErrorKind};
use crate::fetch::{Endpoint, Fetch, FetchError, FetchRequest, is_encoded};

/// The longest document that is read, 512 KiB; a longer one is an error, never cut.
pub const MAX_DOCUMENT_BYTES: usize = 512 * 1024;

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

fn request(endpoint: &Endpoint, validators: &Validators) -> Request<Vec<u8>> {
    let mut request = Request::new(Vec::new());
    *request.uri_mut() = endpoint.uri().clone();
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
    if is_encoded(&parts.headers) {
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
