//! Challenges of any realm, read by a parser of its own.

use proptest::prelude::*;
use proptest::sample;

use super::*;
use crate::tests::for_all;

fn written(challenges: &Challenges, error: AuthError) -> Vec<String> {
    let mut headers = HeaderMap::new();
    challenges.append_to(&mut headers, &error.into());
    let values = headers.get_all(header::WWW_AUTHENTICATE).iter();
    values.map(|value| value.to_str().expect("printable ASCII").to_owned()).collect()
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
fn is_quotable(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|char| (' '..='~').contains(&char) && !['"', '\\'].contains(&char))
}

#[test]
fn whatever_realm_is_taken_every_challenge_of_it_is_read_back_as_it_was_meant() {
    let realm = prop_oneof![".*", "[ -~]{1,40}", "[a\"\\\\, =\t\r\n\u{7f}]{0,8}", "\\PC{1,20}"];
    for_all((realm, sample::select(AuthErrorKind::ALL)), |(name, kind)| {
        let challenges = Challenges::default().with_realm(&name);
        prop_assert_eq!(challenges.is_ok(), is_quotable(&name));
        let Ok(challenges) = challenges else { return Ok(()) };
        let error = AuthError::from(kind);
        let signs_in =
            [AuthErrorKind::TokenMissing, AuthErrorKind::SignInDenied, AuthErrorKind::SignInFailed];
        let other_sites = [AuthErrorKind::CrossSiteRequest, AuthErrorKind::SessionConflict];
        let code = match (kind, error.status().as_u16()) {
            _ if signs_in.contains(&kind) || other_sites.contains(&kind) => None,
            (AuthErrorKind::AuthenticationInsufficient, _) => Some("insufficient_user_authentication"),
            (AuthErrorKind::ProofInvalid | AuthErrorKind::ProofReplayed, _) => Some("invalid_dpop_proof"),
            (AuthErrorKind::ProofNonceRequired, _) => Some("use_dpop_nonce"),
            (_, 503) => None,
            (_, 400) => Some("invalid_request"),
            (_, 403) => Some("insufficient_scope"),
            _ => Some("invalid_token"),
        };
        let mut want = vec![("realm", &*name)];
        if let Some(code) = code {
            want.extend([("error", code), ("error_description", error.description())]);
        }
        // Written, and then copied.
        for _ in 0..2 {
            let challenge = written(&challenges, error);
            prop_assert_eq!(challenge.len(), 1);
            let read = challenge.first().and_then(|challenge| parameters(challenge));
            let read = read.ok_or_else(|| TestCaseError::fail(format!("unreadable: {challenge:?}")))?;
            let read: Vec<_> = read.iter().map(|(name, value)| (&**name, &**value)).collect();
            prop_assert_eq!(&read, &want);
            prop_assert!(read.iter().all(|(_, value)| is_quotable(value)));
        }
        Ok(())
    });
}
