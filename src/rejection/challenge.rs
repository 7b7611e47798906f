use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock};

use http::{HeaderValue, StatusCode};

use crate::error::{AuthError, AuthErrorKind, ConfigError};

/// The name of what is protected, quoted in every challenge.
#[derive(Clone)]
pub(super) struct Realm(Arc<Named>);

struct Named {
    name: Box<str>,
    /// The challenge for each kind, written once.
    challenges: [OnceLock<HeaderValue>; AuthErrorKind::ALL.len()],
}

impl Default for Realm {
    fn default() -> Self {
        static API: LazyLock<Realm> = LazyLock::new(|| Realm::named("api"));
        API.clone()
    }
}

impl Realm {
    /// Only what may stand between quotes without an escape.
    pub(super) fn new(realm: &str) -> Result<Self, ConfigError> {
        if realm.is_empty()
            || !realm.bytes().all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e))
        {
            return Err(ConfigError::new(format!(
                "{realm:?} is no realm: use printable ASCII without quotes and backslashes"
            )));
        }
        Ok(Self::named(realm))
    }

    fn named(realm: &str) -> Self {
        let challenges = [const { OnceLock::new() }; AuthErrorKind::ALL.len()];
        Self(Arc::new(Named { name: realm.into(), challenges }))
    }

    /// The value of `WWW-Authenticate` ([RFC 6750 §3]). Who sent no token is told no error.
    ///
    /// [RFC 6750 §3]: https://www.rfc-editor.org/rfc/rfc6750#section-3
    pub(super) fn challenge(&self, error: &AuthError) -> HeaderValue {
        match self.0.challenges.get(error.kind() as usize) {
            Some(challenge) => challenge.get_or_init(|| self.write(error)).clone(),
            None => self.write(error),
        }
    }

    fn write(&self, error: &AuthError) -> HeaderValue {
        let realm = &self.0.name;
        let code = match (error.kind(), error.status()) {
            (AuthErrorKind::TokenMissing | AuthErrorKind::SignInDenied | AuthErrorKind::SignInFailed, _) => {
                None
            }
            (_, StatusCode::BAD_REQUEST) => Some("invalid_request"),
            _ => Some("invalid_token"),
        };
        let challenge = match code {
            None => format!("Bearer realm=\"{realm}\""),
            Some(code) => {
                let description = error.description();
                format!("Bearer realm=\"{realm}\", error=\"{code}\", error_description=\"{description}\"")
            }
        };
        HeaderValue::from_str(&challenge).unwrap_or(HeaderValue::from_static("Bearer realm=\"api\""))
    }
}

impl fmt::Debug for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Realm").field(&self.0.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_realm_cannot_break_out_of_its_quotes() {
        for realm in ["", "a\"b", "a\\b", "a\r\nb", "ä", "a\tb"] {
            assert!(Realm::new(realm).is_err(), "{realm:?}");
        }
        let realm = Realm::new("orders, v2 (eu)").expect("a realm");
        assert_eq!(realm.challenge(&AuthErrorKind::TokenMissing.into()), "Bearer realm=\"orders, v2 (eu)\"");
    }
}
