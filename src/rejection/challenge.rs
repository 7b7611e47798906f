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
    use proptest::prelude::*;
    use proptest::sample;

    use super::*;
    use crate::tests::for_all;

    #[test]
    fn a_realm_cannot_break_out_of_its_quotes() {
        for realm in ["", "a\"b", "a\\b", "a\r\nb", "ä", "a\tb"] {
            assert!(Realm::new(realm).is_err(), "{realm:?}");
        }
        let realm = Realm::new("orders, v2 (eu)").expect("a realm");
        assert_eq!(realm.challenge(&AuthErrorKind::TokenMissing.into()), "Bearer realm=\"orders, v2 (eu)\"");
    }

    /// The parameters of a challenge, read as [RFC 9110 §11.6.1] has it: quoted texts with escapes, commas in between.
    ///
    /// [RFC 9110 §11.6.1]: https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
    fn parameters(challenge: &str) -> Option<Vec<(String, String)>> {
        let mut rest = challenge.strip_prefix("Bearer ")?.chars().peekable();
        let mut parameters = Vec::new();
        loop {
            let mut name = String::new();
            loop {
                match rest.next()? {
                    '=' => break,
                    char if char.is_ascii_lowercase() || char == '_' => name.push(char),
                    _ => return None,
                }
            }
            let mut value = String::new();
            if rest.next()? != '"' {
                return None;
            }
            loop {
                match rest.next()? {
                    '"' => break,
                    '\\' => value.push(rest.next()?),
                    char => value.push(char),
                }
            }
            parameters.push((name, value));
            match (rest.next(), rest.next()) {
                (None, _) => return Some(parameters),
                (Some(','), Some(' ')) => {}
                _ => return None,
            }
        }
    }

    /// Of a realm or a description ([RFC 6750 §3]).
    ///
    /// [RFC 6750 §3]: https://www.rfc-editor.org/rfc/rfc6750#section-3
    fn may_be_quoted(text: &str) -> bool {
        !text.is_empty()
            && text.chars().all(|char| (' '..='~').contains(&char) && !['"', '\\'].contains(&char))
    }

    #[test]
    fn whatever_realm_is_taken_every_challenge_of_it_is_read_back_as_it_was_meant() {
        let realm = prop_oneof![".*", "[ -~]{1,40}", "[a\"\\\\, =\t\r\n\u{7f}]{0,8}", "\\PC{1,20}"];
        for_all((realm, sample::select(AuthErrorKind::ALL)), |(name, kind)| {
            let realm = Realm::new(&name);
            prop_assert_eq!(realm.is_ok(), may_be_quoted(&name));
            let Ok(realm) = realm else { return Ok(()) };
            let error = AuthError::from(kind);
            let code = match (kind, error.status().as_u16()) {
                (
                    AuthErrorKind::TokenMissing | AuthErrorKind::SignInDenied | AuthErrorKind::SignInFailed,
                    _,
                ) => None,
                (_, 400) => Some("invalid_request"),
                _ => Some("invalid_token"),
            };
            let mut want = vec![("realm", &*name)];
            if let Some(code) = code {
                want.extend([("error", code), ("error_description", error.description())]);
            }
            // Written, and then copied.
            for _ in 0..2 {
                let challenge = realm.challenge(&error);
                let read = parameters(challenge.to_str().expect("printable ASCII"));
                let read = read.ok_or_else(|| TestCaseError::fail(format!("unreadable: {challenge:?}")))?;
                let read: Vec<_> = read.iter().map(|(name, value)| (&**name, &**value)).collect();
                prop_assert_eq!(&read, &want);
                prop_assert!(read.iter().all(|(_, value)| may_be_quoted(value)));
            }
            Ok(())
        });
    }
}
