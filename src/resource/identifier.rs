use super::WELL_KNOWN_PATH;
use crate::error::ConfigError;
use crate::fetch::Endpoint;

/// The name of a resource, which is a URL, and where its metadata is ([RFC 9728 §1.2], [RFC 9728 §3.1]).
///
/// [RFC 9728 §1.2]: https://www.rfc-editor.org/rfc/rfc9728#section-1.2
/// [RFC 9728 §3.1]: https://www.rfc-editor.org/rfc/rfc9728#section-3.1
#[derive(Debug, Clone)]
pub(super) struct ResourceIdentifier {
    pub(super) text: Box<str>,
    pub(super) metadata_url: Box<str>,
    /// Where the path begins in it.
    origin_length: usize,
}

impl ResourceIdentifier {
    pub(super) fn new(resource: &str) -> Result<Self, ConfigError> {
        // The standard advises against a query, and a route could not tell two resources apart by it.
        if resource.contains(['?', '#']) {
            return Err(ConfigError::new(
                "a resource has neither query nor fragment: tell two of them apart by their paths",
            ));
        }
        let endpoint = web_url(resource)?;
        let origin = endpoint.origin();
        let path = match endpoint.uri().path() {
            // A slash that ends the host is none of the path's.
            "/" => "",
            path => path,
        };
        if let Some(segment) = path.split('/').find(|segment| !is_literal(segment)) {
            return Err(ConfigError::new(format!(
                "{segment:?} stands for something else where it is a segment of a path: a router takes what begins with \
                 a colon or an asterisk for a pattern, and clients take dots out"
            )));
        }
        Ok(Self {
            text: resource.into(),
            metadata_url: format!("{origin}{WELL_KNOWN_PATH}{path}").into(),
            origin_length: origin.len(),
        })
    }

    pub(super) fn metadata_path(&self) -> &str {
        self.metadata_url.get(self.origin_length..).unwrap_or(WELL_KNOWN_PATH)
    }
}

/// Whether a segment of a path is what it says, to those who route it and those who ask for it.
fn is_literal(segment: &str) -> bool {
    let is_dots = matches!(&*segment.replace("%2e", ".").replace("%2E", "."), "." | "..");
    !is_dots && !segment.starts_with([':', '*'])
}

/// An issuer is compared code point by code point: it is kept as it is ([RFC 8414 §2]).
///
/// [RFC 8414 §2]: https://www.rfc-editor.org/rfc/rfc8414#section-2
pub(super) fn issuer_url(issuer: &str) -> Result<&str, ConfigError> {
    if issuer.contains(['?', '#']) {
        return Err(ConfigError::new("an issuer has neither query nor fragment"));
    }
    web_url(issuer)?;
    Ok(issuer)
}

/// Https, or http on this machine, in the characters of a URL: what stands in a challenge needs no escape.
pub(super) fn web_url(url: &str) -> Result<Endpoint, ConfigError> {
    if !url.bytes().all(is_of_a_url) {
        return Err(ConfigError::new(
            "this is no URL: write other characters than those of RFC 3986 as %XX, a host in punycode",
        ));
    }
    Endpoint::new(url)
}

/// Unreserved, reserved, or the percent sign ([RFC 3986 §2]).
///
/// [RFC 3986 §2]: https://www.rfc-editor.org/rfc/rfc3986#section-2
fn is_of_a_url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_path_goes_between_the_host_and_the_path_of_the_resource() {
        for (resource, path) in [
            ("https://api.example.com", ""),
            ("https://api.example.com/", ""),
            ("https://api.example.com/mcp", "/mcp"),
            ("https://api.example.com/mcp/", "/mcp/"),
            ("https://api.example.com/a%20b/c;d=1", "/a%20b/c;d=1"),
            ("https://api.example.com/%7Btenant%7D/a:b/c*/...", "/%7Btenant%7D/a:b/c*/..."),
            ("https://api.example.com:8443/mcp", "/mcp"),
            ("https://[2001:db8::1]:8443/mcp", "/mcp"),
            ("http://127.0.0.1:3000/mcp", "/mcp"),
            ("http://localhost/mcp", "/mcp"),
        ] {
            let identifier = ResourceIdentifier::new(resource).expect(resource);
            assert_eq!(&*identifier.text, resource);
            assert_eq!(identifier.metadata_path(), format!("{WELL_KNOWN_PATH}{path}"), "{resource}");
            let origin = resource.strip_suffix(path).expect("a path").trim_end_matches('/');
            assert_eq!(&*identifier.metadata_url, format!("{origin}{WELL_KNOWN_PATH}{path}"), "{resource}");
        }
    }

    #[test]
    fn a_resource_is_a_url_over_https_without_query_and_fragment() {
        for resource in [
            "",
            "my-api",
            "urn:example:api",
            "/mcp",
            "http://api.example.com/mcp",
            "http://localhost.example.com/mcp",
            "ftp://api.example.com/mcp",
            "https://api.example.com/mcp#tools",
            "https://api.example.com/mcp?tenant=a",
            "https://api.example.com/mcp?",
            "https://user@api.example.com/mcp",
            "https://api.example.com/a\"b",
            "https://api.example.com/a\\b",
            "https://api.example.com/{tenant}",
            "https://api.example.com/{*rest}",
            "https://api.example.com/:tenant",
            "https://api.example.com/mcp/:tenant/tools",
            "https://api.example.com/*",
            "https://api.example.com/mcp/*rest",
            "https://api.example.com/.",
            "https://api.example.com/mcp/../tools",
            "https://api.example.com/mcp/%2E%2e",
            "https://api.example.com/mcp/.%2e/tools",
            "https://api.example.com/a b",
            "https://api.example.com/ä",
            "https://api.example.com/a\r\nb",
        ] {
            assert!(ResourceIdentifier::new(resource).is_err(), "{resource:?}");
        }
        assert!(ResourceIdentifier::new("https://api.example.com/mcp").is_ok());
    }

    #[test]
    fn an_issuer_has_a_path_at_most() {
        for issuer in
            ["https://login.example.com", "https://login.example.com/realms/a", "http://127.0.0.1:9"]
        {
            assert_eq!(issuer_url(issuer).expect(issuer), issuer);
        }
        for issuer in
            ["login", "https://login.example.com?a", "https://login.example.com#a", "http://login.example"]
        {
            assert!(issuer_url(issuer).is_err(), "{issuer}");
        }
    }
}
