use http::{HeaderMap, header};

use super::Source;
use crate::error::{AuthError, AuthErrorKind};

/// Which schemes of `Authorization` are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Schemes {
    pub(super) bearer: bool,
    pub(super) dpop: bool,
}

impl Schemes {
    pub(super) fn is_none(self) -> bool {
        !self.bearer && !self.dpop
    }

    /// What a token under the scheme of this name comes from, if it is ours.
    fn source(self, name: &[u8]) -> Option<Source> {
        if self.bearer && name.eq_ignore_ascii_case(b"bearer") {
            Some(Source::Bearer)
        } else if self.dpop && name.eq_ignore_ascii_case(b"dpop") {
            Some(Source::Dpop)
        } else {
            None
        }
    }
}

const USUAL: &[u8; 7] = b"Bearer ";

/// What `Authorization: Bearer …`, or `DPoP …`, holds: the scheme in any case, one or more spaces, and what follows
/// ([RFC 6750 §2.1], [RFC 9110 §11.4], [RFC 9449 §7.1]). Another scheme is not ours: there is no token then.
///
/// Whether that is one [b64token](is_b64token) and nothing else is left open: whatever a verifier accepts is.
///
/// [RFC 6750 §2.1]: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
/// [RFC 9110 §11.4]: https://www.rfc-editor.org/rfc/rfc9110#section-11.4
/// [RFC 9449 §7.1]: https://www.rfc-editor.org/rfc/rfc9449#section-7.1
pub(super) fn find(headers: &HeaderMap, schemes: Schemes) -> Result<Option<(Source, &[u8])>, AuthError> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (lines.next(), lines.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value,
        (Some(_), Some(_)) => return Err(AuthErrorKind::CredentialsConflict.into()),
    };
    let malformed = AuthError::new(AuthErrorKind::CredentialsMalformed);
    let value = value.as_bytes();
    if let Some((USUAL, token @ [first, ..])) = value.split_first_chunk()
        && *first != b' '
        && schemes.bearer
    {
        // As nearly everybody writes it.
        return Ok(Some((Source::Bearer, token)));
    }
    let scheme_end = value.iter().position(|byte| !is_token_byte(*byte)).unwrap_or(value.len());
    let (scheme, rest) = value.split_at_checked(scheme_end).ok_or(malformed)?;
    if scheme.is_empty() {
        return Err(malformed);
    }
    let Some(source) = schemes.source(scheme) else { return Ok(None) };
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    let token = rest.get(spaces..).unwrap_or_default();
    if spaces == 0 || token.is_empty() {
        return Err(malformed);
    }
    Ok(Some((source, token)))
}

/// Whether a line of `Authorization` is of the scheme `DPoP`, well-formed or not.
pub(super) fn is_dpop(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    lines.any(|line| {
        let scheme = line.as_bytes().split(|byte| !is_token_byte(*byte)).next();
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"dpop"))
    })
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

    const BEARER: Schemes = Schemes { bearer: true, dpop: false };

    fn found(schemes: Schemes, lines: &[&[u8]]) -> Result<Option<(Source, String)>, AuthErrorKind> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::AUTHORIZATION, HeaderValue::from_bytes(line).expect("a header value"));
        }
        let token = find(&headers, schemes).map_err(|error| error.kind())?;
        match token {
            Some((_, token)) if !is_b64token(token) => Err(AuthErrorKind::CredentialsMalformed),
            token => Ok(token.map(|(source, token)| (source, String::from_utf8_lossy(token).into_owned()))),
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
        let token = |text: &str| Ok(Some((Source::Bearer, text.to_owned())));
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
                found(BEARER, lines),
                want,
                "{:?}",
                lines.iter().map(|l| String::from_utf8_lossy(l)).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn each_scheme_is_read_where_it_is_asked_for_and_is_nobodys_otherwise() {
        let (bearer, dpop) = (Some(Source::Bearer), Some(Source::Dpop));
        for (line, as_bearer, as_dpop) in [
            ("Bearer a.b.c", bearer, None),
            ("bEARER  a.b.c", bearer, None),
            ("DPoP a.b.c", None, dpop),
            ("dpop   a.b.c", None, dpop),
            ("DPoP2 a.b.c", None, None),
            ("DPo a.b.c", None, None),
            ("Basic dXNlcg==", None, None),
        ] {
            for number in 0..4 {
                let schemes = Schemes { bearer: number % 2 == 1, dpop: number / 2 == 1 };
                let want = as_bearer.filter(|_| schemes.bearer).or(as_dpop.filter(|_| schemes.dpop));
                let read = found(schemes, &[line.as_bytes()]).map(|found| found.map(|(source, _)| source));
                assert_eq!(read, Ok(want), "{line} {schemes:?}");
            }
        }
        let both = Schemes { bearer: true, dpop: true };
        for lines in [
            &["DPoP"][..],
            &["DPoP "],
            &["DPoP\ta"],
            &["DPoP a b"],
            &["DPoP a", "DPoP a"],
            &["DPoP a", "Bearer a"],
        ] {
            let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
            assert!(found(both, &lines).is_err(), "{lines:?}");
        }
    }

    #[test]
    fn a_layer_that_reads_no_scheme_reads_none() {
        for (bearer, dpop, want) in
            [(false, false, true), (true, false, false), (false, true, false), (true, true, false)]
        {
            assert_eq!(Schemes { bearer, dpop }.is_none(), want);
        }
    }

    #[test]
    fn a_line_of_the_scheme_dpop_is_known_whatever_follows() {
        for (lines, want) in [
            (&[&b"DPoP a.b.c"[..]][..], true),
            (&[b"dpop"], true),
            (&[b"Bearer a.b.c", b"DPOP\tx"], true),
            (&[b"Bearer a.b.c"], false),
            (&[b"DPoPs a.b.c"], false),
            (&[b""], false),
            (&[], false),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::AUTHORIZATION, HeaderValue::from_bytes(line).expect("a header value"));
            }
            assert_eq!(is_dpop(&headers), want, "{lines:?}");
        }
    }
}
