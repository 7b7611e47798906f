use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri};

use crate::error::{AuthError, AuthErrorKind};
use crate::source::{RequestHead, TokenSources};

/// A browser that has followed a link with a token in it.
pub(crate) struct Arrival {
    /// Where it goes on.
    location: HeaderValue,
}

impl Arrival {
    /// # Errors
    ///
    /// [`AuthErrorKind::NavigationRequired`] if nobody has navigated here.
    pub(crate) fn of<B>(request: &Request<B>, sources: &TokenSources) -> Result<Self, AuthError> {
        let head = RequestHead::of(request);
        match location(&sources.without_token(outermost_uri(request))) {
            Some(location) if is_navigation(&head) => Ok(Self { location }),
            _ => Err(AuthErrorKind::NavigationRequired.into()),
        }
    }
}

/// Sends the browser on, with a cookie.
pub(crate) fn see_other(
    arrival: Arrival,
    cookies: impl IntoIterator<Item = HeaderValue>,
) -> Response<String> {
    let mut response = Response::new(String::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, arrival.location);
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
    response
}

/// The URI as the browser knows it: a router may have taken its own part off.
fn outermost_uri<B>(request: &Request<B>) -> &Uri {
    crate::source::original_uri(request).unwrap_or(request.uri())
}

/// A path and a query on this very host, whatever the path looks like: a browser reads `//host` and `/\host` as other
/// hosts, so that such a path is told to begin here.
fn location(uri: &Uri) -> Option<HeaderValue> {
    let path = match uri.path() {
        "" => "/",
        path => path,
    };
    if !path.starts_with('/') {
        return None;
    }
    let here = if path.starts_with("//") || path.starts_with("/\\") { "/." } else { "" };
    let location = match uri.query() {
        Some(query) => format!("{here}{path}?{query}"),
        None => format!("{here}{path}"),
    };
    HeaderValue::try_from(location).ok()
}

/// Whether `request` may use a token up that counts once: not if nobody may ever look at the answer.
pub(crate) fn may_use_up(request: &RequestHead<'_>) -> bool {
    request.method != Method::HEAD && !PURPOSES.into_iter().any(|name| is_ahead(request.headers, name))
}

/// Whether somebody goes to this page, as far as the browser says ([Fetch Metadata]); what says nothing is believed.
///
/// [Fetch Metadata]: https://www.w3.org/TR/fetch-metadata/
fn is_navigation(request: &RequestHead<'_>) -> bool {
    request.method == Method::GET
        && says_nothing_but(request.headers, "sec-fetch-mode", "navigate")
        && says_nothing_but(request.headers, "sec-fetch-dest", "document")
        && may_use_up(request)
}

fn says_nothing_but(headers: &HeaderMap, name: &str, value: &str) -> bool {
    headers.get_all(name).iter().all(|said| said == value)
}

/// Where browsers, new and old, say that they fetch a page before anybody wants to see it.
const PURPOSES: [&str; 4] = ["sec-purpose", "purpose", "x-purpose", "x-moz"];

/// What is fetched ahead may never be looked at.
fn is_ahead(headers: &HeaderMap, name: &str) -> bool {
    let says = |value: &HeaderValue, purpose: &[u8]| {
        value.as_bytes().get(..purpose.len()).is_some_and(|said| said.eq_ignore_ascii_case(purpose))
    };
    headers
        .get_all(name)
        .iter()
        .any(|value| [&b"prefetch"[..], b"prerender", b"preview"].iter().any(|purpose| says(value, purpose)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_never_leaves_the_host() {
        for (uri, want) in [
            ("/", "/"),
            ("/a/b?c=d&e=%20+", "/a/b?c=d&e=%20+"),
            ("/a?", "/a?"),
            ("//evil.example/x?y", "/.//evil.example/x?y"),
            ("/\\evil.example", "/./\\evil.example"),
            ("///evil.example", "/.///evil.example"),
            ("/%2F/evil", "/%2F/evil"),
            ("https://evil.example/x?y", "/x?y"),
            ("https://evil.example//x", "/.//x"),
            ("https://evil.example", "/"),
        ] {
            let found = location(&uri.parse().expect("a URI"));
            assert_eq!(found.expect("a location"), want, "{uri}");
        }
        assert_eq!(location(&Uri::from_static("*")), None);
    }

    #[test]
    fn a_link_is_navigated_to_by_get_and_for_a_document() {
        let is_navigation = |method: Method, lines: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(*name, HeaderValue::from_static(value));
            }
            is_navigation(&RequestHead { method: &method, uri: &Uri::from_static("/"), headers: &headers })
        };
        let browser = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        assert!(is_navigation(Method::GET, &[]) && is_navigation(Method::GET, &browser));
        assert!(!is_navigation(Method::HEAD, &[]));
        for other in [
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-mode", "no-cors"),
            ("sec-fetch-dest", "iframe"),
            ("sec-fetch-dest", "image"),
            ("sec-purpose", "prefetch;prerender"),
            ("purpose", "prefetch"),
            ("purpose", "Prefetch"),
            ("x-moz", "prefetch"),
            ("x-purpose", "preview"),
        ] {
            assert!(!is_navigation(Method::GET, &[other]), "{other:?}");
            assert!(!is_navigation(Method::GET, &[browser.as_slice(), &[other]].concat()), "{other:?}");
        }
    }
}
