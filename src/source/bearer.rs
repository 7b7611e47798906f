use http::{HeaderMap, header};

use crate::error::{AuthError, AuthErrorKind};

const SCHEME: &[u8; 7] = b"Bearer ";

/// What `Authorization: Bearer …` holds: the scheme in any case, one or more spaces, and what follows ([RFC 6750 §2.1],
/// [RFC 9110 §11.4]). Another scheme is not ours: there is no bearer token then.
///
/// Whether that is one [b64token](is_b64token) and nothing else is left open: whatever a verifier accepts is.
///
/// [RFC 6750 §2.1]: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
/// [RFC 9110 §11.4]: https://www.rfc-editor.org/rfc/rfc9110#section-11.4
pub(super) fn find(headers: &HeaderMap) -> Result<Option<&[u8]>, AuthError> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (lines.next(), lines.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value,
        (Some(_), Some(_)) => return Err(AuthErrorKind::CredentialsConflict.into()),
    };
    let malformed = AuthError::new(AuthErrorKind::CredentialsMalformed);
    let value = value.as_bytes();
    if let Some((SCHEME, token @ [first, ..])) = value.split_first_chunk()
        && *first != b' '
    {
        // As nearly everybody writes it.
        return Ok(Some(token));
    }
    let scheme_end = value.iter().position(|byte| !is_token_byte(*byte)).unwrap_or(value.len());
    let (scheme, rest) = value.split_at_checked(scheme_end).ok_or(malformed)?;
    if scheme.is_empty() {
        return Err(malformed);
    }
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Ok(None);
    }
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    let token = rest.get(spaces..).unwrap_or_default();
    if spaces == 0 || token.is_empty() {
        return Err(malformed);
    }
    Ok(Some(token))
}

/// `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
pub(super) fn is_b64token(text: &[u8]) -> bool {
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let unpadded = text.get(..text.len().saturating_sub(padding)).unwrap_or_default();
    // Every byte is looked at, without a branch, which lets the compiler look at many at a time.
    !unpadded.is_empty() && unpadded.iter().fold(true, |good, byte| good & is_b64token_byte(*byte))
}

#[allow(clippy::needless_bitwise_bool, reason = "a lazy operator is a branch")]
fn is_b64token_byte(byte: u8) -> bool {
    let is_letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    let is_minus_dot_slash_or_digit = byte.wrapping_sub(b'-') <= b'9' - b'-';
    is_letter | is_minus_dot_slash_or_digit | (byte == b'+') | (byte == b'_') | (byte == b'~')
}

/// A `tchar` ([RFC 9110 §5.6.2]).
///
/// [RFC 9110 §5.6.2]: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2
pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn found(lines: &[&[u8]]) -> Result<Option<String>, AuthErrorKind> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::AUTHORIZATION, HeaderValue::from_bytes(line).expect("a header value"));
        }
        let token = find(&headers).map_err(|error| error.kind())?;
        match token {
            Some(token) if !is_b64token(token) => Err(AuthErrorKind::CredentialsMalformed),
            token => Ok(token.map(|token| String::from_utf8_lossy(token).into_owned())),
        }
    }

    #[test]
    fn a_b64token_is_made_of_the_characters_that_the_standard_lists() {
        const LISTED: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/";
        for byte in u8::MIN..=u8::MAX {
            assert_eq!(is_b64token_byte(byte), LISTED.as_bytes().contains(&byte), "{byte:#x}");
        }
    }

    #[test]
    fn one_bearer_line_with_one_b64token_and_nothing_else() {
        use AuthErrorKind::{CredentialsConflict, CredentialsMalformed};
        let token = |text: &str| Ok(Some(text.to_owned()));
        let cases: [(&[&[u8]], _); 25] = [
            (&[], Ok(None)),
            (&[b"Bearer a.b.c"], token("a.b.c")),
            (&[b"bearer a.b.c"], token("a.b.c")),
            (&[b"BEARER   a.b.c"], token("a.b.c")),
            (&[b"Bearer  a.b.c"], token("a.b.c")),
            (&[b"Bearer a=="], token("a==")),
            (&[b"Basic dXNlcg=="], Ok(None)),
            (&[b"DPoP a.b.c"], Ok(None)),
            (&[b"Digest username=\"J\xe4s\""], Ok(None)),
            (&[b"Bearers a.b.c"], Ok(None)),
            (&[b"Bearer"], Err(CredentialsMalformed)),
            (&[b"Bearer "], Err(CredentialsMalformed)),
            (&[b"Bearer    "], Err(CredentialsMalformed)),
            (&[b"Bearer\ta.b.c"], Err(CredentialsMalformed)),
            (&[b"Bearer/a.b.c"], Err(CredentialsMalformed)),
            (&[b"Bearer \ta.b.c"], Err(CredentialsMalformed)),
            (&[b"Bearer a b"], Err(CredentialsMalformed)),
            (&[b"Bearer a,b"], Err(CredentialsMalformed)),
            (&[b"Bearer a.b.c "], Err(CredentialsMalformed)),
            (&[b"Bearer =a"], Err(CredentialsMalformed)),
            (&[b" Bearer a.b.c"], Err(CredentialsMalformed)),
            (&[b""], Err(CredentialsMalformed)),
            (&["Bearer naïve".as_bytes()], Err(CredentialsMalformed)),
            (&[b"Bearer \xff"], Err(CredentialsMalformed)),
            (&[b"Bearer a.b.c", b"Basic dXNlcg=="], Err(CredentialsConflict)),
        ];
        for (lines, want) in cases {
            assert_eq!(
                found(lines),
                want,
                "{:?}",
                lines.iter().map(|l| String::from_utf8_lossy(l)).collect::<Vec<_>>()
            );
        }
    }
}
