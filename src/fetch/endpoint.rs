use std::fmt;
use std::sync::Arc;

use http::Uri;

use crate::error::{ConfigError, JwksError, JwksErrorKind};

/// A URL that may be fetched: https, or http on this machine, without userinfo.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    uri: Uri,
    name: Arc<str>,
}

impl Endpoint {
    /// # Errors
    ///
    /// [`ConfigError`] if `url` is not absolute, not https (or http on loopback), or holds userinfo.
    pub(crate) fn new(url: &str) -> Result<Self, ConfigError> {
        let uri: Uri = url
            .parse()
            .map_err(|_| ConfigError::new("this is no URL: write one like https://login.example.com/path"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(ConfigError::new("this is not an absolute URL: write one like https://host/path"));
        };
        // A password with a slash in it ends the authority early, and what is left of it looks like a port.
        let port_is_one = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => true,
            Some(rest) => rest.strip_prefix(':').is_some_and(is_port),
            None => false,
        };
        if authority.as_str().contains('@') || !port_is_one {
            return Err(ConfigError::new(
                "a URL to be fetched has no userinfo, and a port that is a number if any",
            ));
        }
        if !is_host(authority.host()) {
            return Err(ConfigError::new(
                "the host in a URL to be fetched has brackets around an IPv6 address only",
            ));
        }
        // The query may hold a secret, which an error and a log do not.
        let name: Arc<str> = format!("{scheme}://{authority}{}", uri.path()).into();
        if scheme != "https" && !(scheme == "http" && is_loopback(authority.host())) {
            return Err(ConfigError::new(format!("{name} must be https (http is for this machine only)")));
        }
        Ok(Self { uri, name })
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Scheme and authority.
    pub(crate) fn origin(&self) -> String {
        let authority = self.uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
        format!("{}://{authority}", self.uri.scheme_str().unwrap_or_default())
    }

    pub(crate) fn is_https(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// Scheme, host and path: for logs.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn failed(&self, kind: JwksErrorKind) -> JwksError {
        JwksError::new(kind, &self.name)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

fn is_port(text: &str) -> bool {
    // A sign would be taken by `parse`, but is no digit.
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Brackets stand around an IPv6 address and nowhere else ([RFC 3986 §3.2.2]).
///
/// [RFC 3986 §3.2.2]: https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2
fn is_host(host: &str) -> bool {
    match in_brackets(host) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.contains(['[', ']']),
    }
}

fn in_brackets(host: &str) -> Option<&str> {
    host.strip_prefix('[')?.strip_suffix(']')
}

fn is_loopback(host: &str) -> bool {
    let address = in_brackets(host).unwrap_or(host);
    match address.parse::<std::net::IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => address.eq_ignore_ascii_case("localhost"),
    }
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
            "https://[2001:db8::1]/jwks.json",
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
            "http://[127.0.0.1]/",
            "http://[localhost]:8080/",
            "https://login.example.com[::1]:8443/",
            "https://login.example.com:8[::1]:8443/",
            "https://login.example.com:+8443/",
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
}
