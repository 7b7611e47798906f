use crate::authorize::is_scope_token;
use crate::error::ConfigError;

/// The scopes, each once, in the order given ([RFC 6749 §3.3]).
///
/// # Errors
///
/// [`ConfigError`] if one is no scope token, or `offline_access`: a refresh token is between a client and its authorization
/// server, and no resource needs it.
///
/// [RFC 6749 §3.3]: https://www.rfc-editor.org/rfc/rfc6749#section-3.3
pub(crate) fn scope_list<S: Into<String>>(
    scopes: impl IntoIterator<Item = S>,
) -> Result<Vec<String>, ConfigError> {
    let mut list = Vec::new();
    for scope in scopes {
        let scope = scope.into();
        if !is_scope_token(scope.as_bytes()) {
            return Err(ConfigError::new(format!(
                "{scope:?} is no scope: use printable ASCII without spaces, quotes and backslashes"
            )));
        }
        if scope == "offline_access" {
            return Err(ConfigError::new(
                "\"offline_access\" is for clients to ask for: no resource needs it",
            ));
        }
        if !list.contains(&scope) {
            list.push(scope);
        }
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_tokens_that_a_resource_can_need() {
        let good =
            ["read", "items:read", "https://api.example.com/.default", "!#[]~", "offline_access2", "read"];
        assert_eq!(scope_list(good).expect("scopes"), &good[..5]);
        assert_eq!(scope_list([] as [&str; 0]).expect("none"), [] as [&str; 0]);
        for other in ["", "a b", "a\"b", "a\\b", "a\tb", "a\r\n", "ä", "\u{7f}", "offline_access"] {
            assert!(scope_list(["read", other]).is_err(), "{other:?}");
        }
    }
}
