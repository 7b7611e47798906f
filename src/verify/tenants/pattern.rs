use std::fmt;

use crate::error::ConfigError;
use crate::jwks::Jwks;

/// The issuers of many tenants, which differ in one label of the host or in one segment of the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    before: Box<str>,
    after: Box<str>,
    place: Place,
}

/// Where the name of the tenant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A DNS label: those that differ in case only are one host, so that one case is read.
    Label,
    /// A segment of the path, in either case.
    Segment,
}

const PLACEHOLDER: &str = "{tenant}";

/// The longest label that DNS has ([RFC 1035 §2.3.4]).
///
/// [RFC 1035 §2.3.4]: https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4
const MAX_NAME_BYTES: usize = 63;

impl Pattern {
    /// # Errors
    ///
    /// [`ConfigError`] if `pattern` has no place for a tenant, more than one, or one that is not a whole label or segment; if
    /// it leaves open whose domain it is; or if it makes no issuer whose keys may be fetched.
    pub(super) fn new(pattern: &str) -> Result<Self, ConfigError> {
        let wrong = |why: &str| ConfigError::new(format!("{pattern:?} is no pattern of issuers: {why}"));
        let (before, after) = pattern.split_once(PLACEHOLDER).ok_or_else(|| wrong(HOW))?;
        if [before, after].iter().any(|part| part.contains(['{', '}'])) {
            return Err(wrong(HOW));
        }
        let (_, in_authority) = before.split_once("://").ok_or_else(|| wrong("it begins with https://"))?;
        let place = if in_authority.contains('/') { Place::Segment } else { Place::Label };
        match place {
            Place::Label => {
                let begins = in_authority.is_empty() || in_authority.ends_with('.');
                if !begins || !after.starts_with('.') {
                    return Err(wrong("{tenant} is a whole label of the host"));
                }
                // Who could name the whole domain would be any issuer in the world.
                let host = after.split([':', '/']).next().unwrap_or_default();
                if host.split('.').filter(|label| !label.is_empty()).count() < 2 {
                    return Err(wrong("behind {tenant} stands a domain of at least two labels"));
                }
            }
            Place::Segment => {
                if !before.ends_with('/') || !(after.is_empty() || after.starts_with('/')) {
                    return Err(wrong("{tenant} is a whole segment of the path"));
                }
            }
        }
        let pattern = Self { before: before.into(), after: after.into(), place };
        // All that it makes are URLs like this one.
        Jwks::discovery_builder(&pattern.issuer("tenant")).map(drop)?;
        Ok(pattern)
    }

    /// The tenant that `issuer` is of; none unless it is the issuer of that tenant, code point by code point.
    pub(super) fn tenant_of<'i>(&self, issuer: &'i str) -> Option<&'i str> {
        let name = issuer.strip_prefix(&*self.before)?.strip_suffix(&*self.after)?;
        self.has_room_for(name).then_some(name)
    }

    /// The issuer of the tenant `name`.
    pub(super) fn issuer(&self, name: &str) -> String {
        format!("{}{name}{}", self.before, self.after)
    }

    /// Whether `name` can be nothing but a label or a segment.
    fn has_room_for(&self, name: &str) -> bool {
        let is_written = name.bytes().all(|byte| match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => true,
            b'A'..=b'Z' => self.place == Place::Segment,
            _ => false,
        });
        // A host neither begins nor ends with a hyphen (RFC 1123 §2.1).
        let is_label = !name.starts_with('-') && !name.ends_with('-');
        (1..=MAX_NAME_BYTES).contains(&name.len()) && is_written && (is_label || self.place == Place::Segment)
    }
}

const HOW: &str =
    "it has one {tenant}, as in https://{tenant}.login.example.com or https://login.example.com/{tenant}";

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{PLACEHOLDER}{}", self.before, self.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_one_place_for_a_tenant_which_is_a_whole_label_or_segment() {
        for pattern in [
            "https://{tenant}.login.example.com",
            "https://{tenant}.example.com/",
            "https://{tenant}.example.com:8443/oauth2/default",
            "https://login.{tenant}.example.com",
            "https://login.example.com/{tenant}",
            "https://login.example.com/{tenant}/",
            "https://login.example.com/{tenant}/v2.0",
            "https://login.example.com:8443/realms/{tenant}",
            "http://127.0.0.1:3000/{tenant}",
            "http://localhost:3000/{tenant}",
        ] {
            let read = Pattern::new(pattern).expect(pattern);
            assert_eq!(read.to_string(), pattern);
            assert_eq!(read.tenant_of(&read.issuer("acme")), Some("acme"), "{pattern}");
        }
        for pattern in [
            "",
            "{tenant}",
            "https://login.example.com",
            "https://{tenant}",
            "https://{tenant}/",
            "https://{tenant}:8443/",
            "https://{tenant}.com",
            "https://{tenant}.com.",
            "https://{tenant}..com",
            "https://{tenant}.com:443/a.b",
            "https://login.{tenant}.com",
            "https://login.example.{tenant}",
            "https://login-{tenant}.example.com",
            "https://{tenant}-login.example.com",
            "https://login.example.com:{tenant}",
            "https://login.example.com:{tenant}.example.com",
            "https://{tenant}@login.example.com",
            "https://{tenant}.x@login.example.com",
            "https://x@{tenant}.login.example.com",
            "https://login.example.com/x{tenant}",
            "https://login.example.com/{tenant}x",
            "https://login.example.com/{tenant}.x",
            "https://login.example.com/{tenant}?a",
            "https://login.example.com/{tenant}#a",
            "https://login.example.com/?{tenant}",
            "https://login.example.com/?/{tenant}",
            "https://login.example.com/#/{tenant}",
            "https://login.example.com?/{tenant}",
            "https://{tenant}.example.com/{tenant}",
            "https://{tenant}.example.com/{x}",
            "https://{{tenant}}.example.com",
            "https://{Tenant}.example.com",
            "http://{tenant}.example.com",
            "http://login.example.com/{tenant}",
            "ftp://login.example.com/{tenant}",
            "login.example.com/{tenant}",
            "/{tenant}",
        ] {
            assert!(Pattern::new(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_tenant_is_one_label_or_segment_and_nothing_else() {
        let label = Pattern::new("https://{tenant}.login.example.com").expect("a pattern");
        let segment = Pattern::new("https://login.example.com/{tenant}/v2.0").expect("a pattern");
        let longest = "a".repeat(63);
        for (name, as_label, as_segment) in [
            ("acme", true, true),
            ("a", true, true),
            ("0", true, true),
            ("a-b_c-9", true, true),
            ("xn--bcher-kva", true, true),
            (&*longest, true, true),
            ("ACME", false, true),
            ("acmE", false, true),
            ("-acme", false, true),
            ("acme-", false, true),
            ("", false, false),
            (&*format!("{longest}a"), false, false),
            (".", false, false),
            ("..", false, false),
            ("a.b", false, false),
            ("acme.", false, false),
            (".acme", false, false),
            ("a/b", false, false),
            ("acme/", false, false),
            ("a\\b", false, false),
            ("a%2eb", false, false),
            ("%61cme", false, false),
            ("a@b", false, false),
            ("a:b", false, false),
            ("a:80", false, false),
            ("a?b", false, false),
            ("a#b", false, false),
            ("a b", false, false),
            ("a\tb", false, false),
            ("a\u{0}", false, false),
            ("a\n", false, false),
            ("a+b", false, false),
            ("a~b", false, false),
            ("\u{e4}cme", false, false),
            ("\u{430}cme", false, false),
            ("acme\u{200b}", false, false),
            ("\u{ff41}cme", false, false),
            ("a\u{3002}b", false, false),
            ("{tenant}", false, false),
        ] {
            for (pattern, want) in [(&label, as_label), (&segment, as_segment)] {
                let issuer = pattern.issuer(name);
                assert_eq!(pattern.tenant_of(&issuer), want.then_some(name), "{issuer:?}");
            }
        }
    }

    #[test]
    fn what_stands_around_the_tenant_is_compared_code_point_by_code_point() {
        let label = Pattern::new("https://{tenant}.login.example.com").expect("a pattern");
        let segment = Pattern::new("https://login.example.com/{tenant}/v2.0").expect("a pattern");
        for issuer in [
            "",
            "https://",
            "https://.login.example.com",
            "https://login.example.com",
            "https://good.login.example.evil",
            "https://good.login.example.com.evil",
            "https://good.login.example.com.",
            "https://good.login.example.com/",
            "https://good.login.example.com:443",
            "https://good.login.example.com#x",
            "https://good.Login.example.com",
            "https://evil/good.login.example.com",
            "https://evil#.login.example.com",
            "https://x@good.login.example.com",
            "HTTPS://good.login.example.com",
            "http://good.login.example.com",
            " https://good.login.example.com",
            "https://login.example.com/good",
            "https://login.example.com/good/",
            "https://login.example.com/good/V2.0",
            "https://login.example.com/good/v2.0/",
            "https://login.example.com//v2.0",
            "https://login.example.com/v2.0",
            "https://login.example.com/a/good/v2.0",
            "https://login.example.com/../v2.0",
            "https://login.example.evil/good/v2.0",
        ] {
            assert_eq!(label.tenant_of(issuer), None, "{issuer}");
            assert_eq!(segment.tenant_of(issuer), None, "{issuer}");
        }
    }
}
