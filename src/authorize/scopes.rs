use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::Deserializer;

use super::condition::{Asks, Implies};
use super::guard::Guard;
use crate::claims::OneOrMany;
use crate::error::ConfigError;

/// The scopes of a token, for handlers that look for themselves: `Claims<Scopes>`.
///
/// They are those of `scope` ([RFC 9068 §2.2.3]) or, where there is no such claim, of `scp`: a string of names with spaces
/// in between, or an array of names. A name is compared whole and case-sensitively.
///
/// # Examples
///
/// ```
/// use tower_jwt_auth::Claims;
/// use tower_jwt_auth::authorize::Scopes;
///
/// async fn item(scopes: Claims<Scopes>) -> &'static str {
///     if scopes.contains("items:price") { "a chair, 40 Euro" } else { "a chair" }
/// }
///
/// # fn main() -> Result<(), serde_json::Error> {
/// let scopes: Scopes = serde_json::from_str(r#"{"sub":"ada","scope":"items:read items:price"}"#)?;
/// assert_eq!(scopes.iter().collect::<Vec<_>>(), ["items:read", "items:price"]);
/// assert!(!scopes.contains("items"));
/// # Ok(()) }
/// ```
///
/// [RFC 9068 §2.2.3]: https://www.rfc-editor.org/rfc/rfc9068#section-2.2.3
#[derive(Clone, PartialEq, Eq)]
pub struct Scopes(Box<[Box<str>]>);

impl Scopes {
    /// Whether `scope` is one of them.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.iter().any(|held| held == scope)
    }

    /// Each of them, in the order of the token.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|scope| &**scope)
    }

    pub(super) fn have(&self, wanted: &str, implies: Option<&Implies>) -> bool {
        let stands_for = |held| implies.is_some_and(|implies| implies(held, wanted));
        self.contains(wanted) || self.iter().any(stands_for)
    }
}

#[derive(Deserialize)]
struct Members {
    scope: Option<OneOrMany>,
    scp: Option<OneOrMany>,
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Members { scope, scp } = Members::deserialize(deserializer)?;
        Ok(Self(match scope.or(scp) {
            Some(OneOrMany::One(names)) => {
                names.split(' ').filter(|name| !name.is_empty()).map(Box::from).collect()
            }
            // What has a space in it is no name, and equals none.
            Some(OneOrMany::Many(names)) => names.into_iter().map(String::into_boxed_str).collect(),
            None => Box::default(),
        }))
    }
}

/// Claims are personal data: what they say is not for logs.
impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scopes([redacted])")
    }
}

/// Asks for all of `scopes`.
///
/// # Errors
///
/// [`ConfigError`] if there are none, or one is no scope token ([RFC 6749 §3.3]): printable ASCII without spaces, quotes
/// and backslashes.
///
/// [RFC 6749 §3.3]: https://www.rfc-editor.org/rfc/rfc6749#section-3.3
pub fn require_scopes<S: Into<String>>(scopes: impl IntoIterator<Item = S>) -> Result<Guard, ConfigError> {
    guard(scopes, false)
}

/// Asks for one of `scopes`; a challenge names the first, which is best the least that will do.
///
/// # Errors
///
/// As for [`require_scopes`].
pub fn require_any_scope<S: Into<String>>(scopes: impl IntoIterator<Item = S>) -> Result<Guard, ConfigError> {
    guard(scopes, true)
}

fn guard<S: Into<String>>(scopes: impl IntoIterator<Item = S>, any: bool) -> Result<Guard, ConfigError> {
    let wanted: Vec<String> = scopes.into_iter().map(Into::into).collect();
    if wanted.is_empty() {
        return Err(ConfigError::new("name a scope to ask for: every token has none"));
    }
    if let Some(other) = wanted.iter().find(|scope| !is_scope_token(scope.as_bytes())) {
        return Err(ConfigError::new(format!(
            "{other:?} is no scope: use printable ASCII without spaces, quotes and backslashes"
        )));
    }
    let one_of = if any { "one of the scopes" } else { "scopes" };
    let text = format!("{one_of}: {}", wanted.join(" "));
    let wanted: Arc<[Box<str>]> = wanted.into_iter().map(String::into_boxed_str).collect();
    Ok(Guard::of(Asks::Scopes { wanted, any, implies: None }, text))
}

/// `1*( %x21 / %x23-5B / %x5D-7E )`, as it may stand in a challenge.
pub(crate) const fn is_scope_token(text: &[u8]) -> bool {
    let mut rest = text;
    while let [first, others @ ..] = rest {
        if !matches!(first, 0x21 | 0x23..=0x5b | 0x5d..=0x7e) {
            return false;
        }
        rest = others;
    }
    !text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(claims: &str) -> Option<Vec<String>> {
        let scopes: Scopes = serde_json::from_str(claims).ok()?;
        Some(scopes.iter().map(str::to_owned).collect())
    }

    #[test]
    fn scopes_are_names_in_a_string_or_an_array() {
        for (claims, want) in [
            (r#"{"scope":"a b"}"#, Some(vec!["a", "b"])),
            (r#"{"scope":" a  b "}"#, Some(vec!["a", "b"])),
            (r#"{"scope":["a","b"]}"#, Some(vec!["a", "b"])),
            (r#"{"scope":["a b"]}"#, Some(vec!["a b"])),
            (r#"{"scope":"a\tb\nc"}"#, Some(vec!["a\tb\nc"])),
            (r#"{"scope":"a,b"}"#, Some(vec!["a,b"])),
            (r#"{"scp":["a","b"]}"#, Some(vec!["a", "b"])),
            (r#"{"scp":"a b"}"#, Some(vec!["a", "b"])),
            (r#"{"scope":"a","scp":["b"]}"#, Some(vec!["a"])),
            (r#"{"scope":"","scp":["b"]}"#, Some(vec![])),
            (r#"{"scope":null,"scp":["b"]}"#, Some(vec!["b"])),
            (r#"{"Scope":"a","scopes":["b"]}"#, Some(vec![])),
            ("{}", Some(vec![])),
            (r#"{"scope":7}"#, None),
            (r#"{"scope":{"a":true}}"#, None),
            (r#"{"scope":["a",7]}"#, None),
            (r#"{"scope":"a","scp":7}"#, None),
            (r#"{"scope":"a","scope":"b"}"#, None),
            (r#"{"scope":"a","\u0073cope":"b"}"#, None),
        ] {
            let want = want.map(|names| names.into_iter().map(str::to_owned).collect());
            assert_eq!(scopes(claims), want, "{claims}");
        }
    }

    #[test]
    fn a_name_is_compared_whole_and_with_its_case() {
        let scopes: Scopes = serde_json::from_str(r#"{"scope":"read:items"}"#).expect("scopes");
        assert!(scopes.contains("read:items"));
        for other in ["read", "read:item", "read:items:all", "Read:Items", "", " "] {
            assert!(!scopes.contains(other), "{other:?}");
        }
    }

    #[test]
    fn only_scope_tokens_can_be_asked_for() {
        assert!(require_scopes(["read:items", "https://example.com/a!#[]~"]).is_ok());
        for scope in ["", "a b", "a\"b", "a\\b", "a\tb", "ä", "a\u{7f}"] {
            for guard in [require_scopes([scope]), require_any_scope(["a", scope])] {
                assert!(guard.is_err(), "{scope:?}");
            }
        }
        assert!(require_scopes([] as [&str; 0]).is_err());
        assert!(require_any_scope([] as [&str; 0]).is_err());
    }
}
