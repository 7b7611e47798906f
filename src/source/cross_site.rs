use std::fmt;

use http::{HeaderMap, HeaderValue, Method, header};

use super::RequestHead;
use crate::error::{AuthError, AuthErrorKind, ConfigError};

/// Refuses a cookie-borne token on a request that another site made the browser send.
///
/// A browser says where a request comes from in `Sec-Fetch-Site`, an older one in `Origin`; a client that sends
/// neither is no browser, and nobody makes it send cookies. Methods that change nothing pass.
#[derive(Debug, Clone)]
pub(crate) struct CrossSiteRule {
    enforced: bool,
    trusted_origins: Vec<HeaderValue>,
}

impl Default for CrossSiteRule {
    fn default() -> Self {
        Self { enforced: true, trusted_origins: Vec::new() }
    }
}

impl CrossSiteRule {
    pub(crate) fn disable(&mut self) {
        self.enforced = false;
    }

    /// Lets pages of `origin` send cookies: scheme, host and port as a browser writes them.
    pub(crate) fn trust(&mut self, origin: &str) -> Result<(), ConfigError> {
        let value = HeaderValue::from_str(origin).ok().filter(|_| is_origin(origin)).ok_or_else(|| {
            ConfigError::new("this is no origin: write one like \"https://app.example.com\", in lower case")
        })?;
        self.trusted_origins.push(value);
        Ok(())
    }

    /// # Errors
    ///
    /// [`AuthErrorKind::CrossSiteRequest`].
    pub(crate) fn check(&self, request: &RequestHead<'_>) -> Result<(), AuthError> {
        if !self.enforced || !is_unsafe(request) || self.comes_from_here(request) {
            Ok(())
        } else {
            Err(AuthErrorKind::CrossSiteRequest.into())
        }
    }

    fn comes_from_here(&self, request: &RequestHead<'_>) -> bool {
        let origin = only(request.headers, &header::ORIGIN);
        if let Field::Once(origin) = origin
            && self.trusted_origins.contains(origin)
        {
            return true;
        }
        match only(request.headers, "sec-fetch-site") {
            Field::Once(site) => site == "same-origin" || site == "none",
            Field::Repeated => false,
            Field::Absent => match origin {
                Field::Once(origin) => is_own_origin(origin, request),
                Field::Repeated => false,
                Field::Absent => true,
            },
        }
    }
}

/// What the list of what a layer checks has to add.
impl fmt::Display for CrossSiteRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.enforced {
            return f.write_str("; CROSS-SITE REQUESTS ARE ACCEPTED");
        }
        for (index, origin) in self.trusted_origins.iter().enumerate() {
            let before = if index == 0 { "; trusted origins: " } else { ", " };
            write!(f, "{before}{}", origin.to_str().unwrap_or_default())?;
        }
        Ok(())
    }
}

/// Whether `text` is an origin as a browser writes it: lower case, and with no port where it is the usual one.
fn is_origin(text: &str) -> bool {
    let Some((scheme @ ("https" | "http"), authority)) = text.split_once("://") else { return false };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let usual = if scheme == "https" { 443 } else { 80 };
    let is_host = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-[]:".contains(&byte);
    let port_is_written =
        |port: &str| port.parse().is_ok_and(|number: u16| number != usual && number.to_string() == port);
    !host.is_empty() && host.bytes().all(is_host) && port.is_none_or(port_is_written)
}

/// Whether `request` may change something. A connection that is upgraded can do anything afterwards, and a browser
/// lets any site open one, cookies and all: by `Upgrade`, or over HTTP/2 by CONNECT ([RFC 8441 §4]), which is no safe
/// method anyway.
///
/// [RFC 8441 §4]: https://www.rfc-editor.org/rfc/rfc8441#section-4
fn is_unsafe(request: &RequestHead<'_>) -> bool {
    !matches!(*request.method, Method::GET | Method::HEAD | Method::OPTIONS)
        || request.headers.contains_key(header::UPGRADE)
}

/// Whether `origin` names the host that the request was sent to. The scheme cannot be compared: behind a proxy it is
/// not known here.
fn is_own_origin(origin: &HeaderValue, request: &RequestHead<'_>) -> bool {
    let host = match only(request.headers, &header::HOST) {
        Field::Once(host) => host.to_str().ok(),
        Field::Absent => request.uri.authority().map(http::uri::Authority::as_str),
        Field::Repeated => None,
    };
    let origin = origin.to_str().ok().and_then(|origin| Some(origin.split_once("://")?.1));
    matches!((origin, host), (Some(origin), Some(host)) if origin.eq_ignore_ascii_case(host))
}

#[derive(Clone, Copy)]
enum Field<'r> {
    Absent,
    Once(&'r HeaderValue),
    Repeated,
}

fn only(headers: &HeaderMap, name: impl header::AsHeaderName) -> Field<'_> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Field::Absent,
        (Some(value), None) => Field::Once(value),
        (Some(_), Some(_)) => Field::Repeated,
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn passes(rule: &CrossSiteRule, method: Method, headers: &[(&'static str, &str)]) -> bool {
        let mut request = Request::new(());
        *request.method_mut() = method;
        for (name, value) in headers {
            request.headers_mut().append(*name, HeaderValue::from_str(value).expect("a header value"));
        }
        rule.check(&RequestHead::of(&request)).is_ok()
    }

    #[test]
    fn an_unsafe_request_passes_only_if_no_other_site_caused_it() {
        const HOST: (&str, &str) = ("host", "app.example.com");
        let cases: [(&[(&str, &str)], bool); 15] = [
            (&[HOST], true),
            (&[HOST, ("sec-fetch-site", "same-origin")], true),
            (&[HOST, ("sec-fetch-site", "none")], true),
            (&[HOST, ("sec-fetch-site", "same-site")], false),
            (&[HOST, ("sec-fetch-site", "cross-site")], false),
            (&[HOST, ("sec-fetch-site", "Same-Origin")], false),
            (&[HOST, ("sec-fetch-site", "")], false),
            (&[HOST, ("sec-fetch-site", "none"), ("sec-fetch-site", "none")], false),
            (&[HOST, ("sec-fetch-site", "cross-site"), ("origin", "https://app.example.com")], false),
            (&[HOST, ("origin", "https://app.example.com")], true),
            (&[HOST, ("origin", "https://APP.example.com")], true),
            (&[HOST, ("origin", "https://app.example.com:8443")], false),
            (&[HOST, ("origin", "https://app.example.com.evil.example")], false),
            (&[HOST, ("origin", "null")], false),
            (&[("origin", "https://app.example.com")], false),
        ];
        let rule = CrossSiteRule::default();
        for (headers, want) in cases {
            assert_eq!(passes(&rule, Method::POST, headers), want, "{headers:?}");
            assert!(passes(&rule, Method::GET, headers), "a safe method passes: {headers:?}");
        }
    }

    #[test]
    fn opening_a_socket_is_unsafe_though_it_is_a_get() {
        let rule = CrossSiteRule::default();
        let cases: [(&[(&str, &str)], bool); 9] = [
            (&[], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("origin", "https://app.example.com")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("origin", "https://www.example.com")], false),
            (&[("origin", "https://evil.example")], false),
            (&[("origin", "null")], false),
        ];
        for (headers, want) in cases {
            let headers = [&[("host", "app.example.com")], headers].concat();
            for upgrade in ["websocket", "WebSocket", "h2c, websocket", ""] {
                let opening = [&headers[..], &[("upgrade", upgrade)]].concat();
                assert_eq!(passes(&rule, Method::GET, &opening), want, "{upgrade:?}: {headers:?}");
            }
            assert!(passes(&rule, Method::GET, &headers), "without an upgrade: {headers:?}");
            assert_eq!(passes(&rule, Method::CONNECT, &headers), want, "HTTP/2: {headers:?}");
        }
    }

    #[test]
    fn over_http_2_the_host_is_the_authority_of_the_uri() {
        let opening = |origin| {
            Request::connect("https://app.example.com/socket")
                .header("origin", origin)
                .body(())
                .expect("a request")
        };
        let passes = |origin| CrossSiteRule::default().check(&RequestHead::of(&opening(origin))).is_ok();
        assert!(passes("https://app.example.com"));
        assert!(!passes("https://evil.example"));
    }

    #[test]
    fn a_trusted_origin_passes_and_only_that_one() {
        let mut rule = CrossSiteRule::default();
        rule.trust("https://app.example.com").expect("an origin");
        let from = |origin| [("sec-fetch-site", "same-site"), ("origin", origin)];
        assert!(passes(&rule, Method::POST, &from("https://app.example.com")));
        assert!(!passes(&rule, Method::POST, &from("http://app.example.com")));
        assert!(!passes(&rule, Method::POST, &from("https://app.example.com.evil")));
        for no_origin in [
            "",
            "app.example.com",
            "https://",
            "https://a/",
            "https://a@b",
            "*",
            "https://*.a",
            "null",
            "https://A",
            "https://a:443",
            "http://a:80",
            "https://a:99999",
            "https://a:",
            "https://a\\b",
        ] {
            assert!(rule.trust(no_origin).is_err(), "{no_origin:?}");
        }
        for origin in ["http://a", "https://a:8443", "http://[::1]:3000", "https://[::1]"] {
            assert!(rule.trust(origin).is_ok(), "{origin:?}");
        }
    }

    #[test]
    fn the_rule_can_be_turned_off() {
        let mut rule = CrossSiteRule::default();
        rule.disable();
        assert!(passes(&rule, Method::POST, &[("sec-fetch-site", "cross-site")]));
    }
}
