use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, header};

use super::bearer::is_token_byte;
use crate::error::{AuthError, AuthErrorKind, ConfigError};

/// The longest name: it leaves room for what the cookie is there for.
const MAX_NAME_BYTES: usize = 256;

/// The name of the cookie that holds the token.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CookieName(Arc<str>);

impl Default for CookieName {
    /// `__Host-` keeps other hosts of the domain from setting it ([RFC 6265bis §4.1.3.2]).
    ///
    /// [RFC 6265bis §4.1.3.2]: https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis-20#section-4.1.3.2
    fn default() -> Self {
        Self("__Host-jwt".into())
    }
}

impl CookieName {
    /// Where an app keeps the nonce of a sign-in that it has begun.
    pub(crate) fn of_nonce() -> Self {
        Self("__Host-nonce".into())
    }

    pub(crate) fn new(name: &str) -> Result<Self, ConfigError> {
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(is_token_byte) {
            return Err(ConfigError::new(format!(
                "{name:?} is no cookie name: write one like \"__Host-jwt\""
            )));
        }
        Ok(Self(name.into()))
    }

    /// The value of the one cookie of this name, byte for byte, in all `Cookie` fields: HTTP/2 may split them
    /// ([RFC 9113 §8.2.3]). Two of them have no order that means anything ([RFC 6265 §4.2.2]).
    ///
    /// [RFC 9113 §8.2.3]: https://www.rfc-editor.org/rfc/rfc9113#section-8.2.3
    /// [RFC 6265 §4.2.2]: https://www.rfc-editor.org/rfc/rfc6265#section-4.2.2
    pub(crate) fn find<'r>(&self, headers: &'r HeaderMap) -> Result<Option<Cow<'r, str>>, AuthError> {
        let mut values = self.values(headers);
        let value = match (values.next(), values.next()) {
            (None, _) => return Ok(None),
            (Some(value), None) => value,
            (Some(_), Some(_)) => return Err(AuthErrorKind::CredentialsConflict.into()),
        };
        if value.is_empty() {
            return Err(AuthErrorKind::CredentialsMalformed.into());
        }
        match std::str::from_utf8(value) {
            Ok(token) => Ok(Some(token.into())),
            Err(_) => Err(AuthErrorKind::TokenMalformed.into()),
        }
    }
}

impl CookieName {
    /// The value of every cookie of this name.
    pub(crate) fn values<'r>(&self, headers: &'r HeaderMap) -> impl Iterator<Item = &'r [u8]> {
        let fields = headers.get_all(header::COOKIE).iter();
        fields
            .flat_map(|field| field.as_bytes().split(|byte| *byte == b';'))
            .map(<[u8]>::trim_ascii)
            .filter_map(|pair| pair.strip_prefix(self.0.as_bytes())?.strip_prefix(b"="))
    }

    /// Whether no other host can have set it.
    pub(crate) fn is_of_this_host(&self) -> bool {
        self.0.starts_with("__Host-")
    }

    /// Where the nonce of a session is kept whose token is in this one.
    pub(crate) fn of_its_nonce(&self) -> Self {
        Self(format!("{}-nonce", self.0).into())
    }
}

impl fmt::Display for CookieName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    reason = "a test may stop at the first thing that is not as it says"
)]
mod tests {
    use http::HeaderValue;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample;

    use super::*;
    use crate::tests::for_all;

    fn found(fields: &[impl AsRef<[u8]>]) -> Result<Option<String>, AuthErrorKind> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(header::COOKIE, HeaderValue::from_bytes(field.as_ref()).expect("a header value"));
        }
        let name = CookieName::new("jwt").expect("a cookie name");
        name.find(&headers).map(|token| token.map(Cow::into_owned)).map_err(|error| error.kind())
    }

    #[test]
    fn one_cookie_of_the_exact_name_wherever_it_stands() {
        use AuthErrorKind::{CredentialsConflict, CredentialsMalformed, TokenMalformed};
        let token = |text: &str| Ok(Some(text.to_owned()));
        let cases: [(&[&[u8]], _); 18] = [
            (&[], Ok(None)),
            (&[b""], Ok(None)),
            (&[b"jwt=a.b.c"], token("a.b.c")),
            (&[b"a=1; jwt=a.b.c; b=2"], token("a.b.c")),
            (&[b"a=1;jwt=a.b.c;b=2"], token("a.b.c")),
            (&[b"a=1", b"jwt=a.b.c"], token("a.b.c")),
            (&[b"jwt=a=b"], token("a=b")),
            (&[b"jwt=\"a.b.c\""], token("\"a.b.c\"")),
            (&[b"JWT=a.b.c"], Ok(None)),
            (&[b"xjwt=a.b.c; jwt2=a"], Ok(None)),
            (&[b"=jwt=a.b.c"], Ok(None)),
            (&[b"jwt"], Ok(None)),
            (&[b"x=jwt=a.b.c"], Ok(None)),
            (&[b"jwt="], Err(CredentialsMalformed)),
            (&[b"jwt=\xff"], Err(TokenMalformed)),
            (&[b"jwt=a; jwt=a"], Err(CredentialsConflict)),
            (&[b"jwt=a", b"jwt=b"], Err(CredentialsConflict)),
            (&[b"jwt=; jwt=a"], Err(CredentialsConflict)),
        ];
        for (fields, want) in cases {
            assert_eq!(
                found(fields),
                want,
                "{:?}",
                fields.iter().map(|f| String::from_utf8_lossy(f)).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn a_cookie_name_is_a_token() {
        for name in ["", "a b", "a;b", "a=b", "ä"] {
            assert!(CookieName::new(name).is_err(), "{name:?}");
        }
        assert!(CookieName::new("__Secure-session.id").is_ok());
    }

    /// What stands between two semicolons: cookies of the name and of its neighbours, and anything else.
    fn pair() -> impl Strategy<Value = Vec<u8>> {
        let byte = sample::select(&b"jwt=ab.\" \t~\xc3\xa9\xff"[..]);
        let value = vec(byte, 0..6);
        let name = sample::select(vec![
            "jwt=", "jwt=", "jwt", "JWT=", "xjwt=", "jwtx=", " jwt=", "\tjwt =", "=", "",
        ]);
        (name, value).prop_map(|(name, value)| [name.as_bytes(), &value].concat())
    }

    /// What is to be found in these pairs, read a byte at a time.
    fn model(pairs: &[Vec<u8>]) -> Result<Option<String>, AuthErrorKind> {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let mut values = Vec::new();
        for pair in pairs {
            let start = pair.iter().position(|byte| !is_blank(byte)).unwrap_or(pair.len());
            let end = pair.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
            let pair = &pair[start..end];
            let equals = pair.iter().position(|byte| *byte == b'=');
            if let Some(equals) = equals
                && pair[..equals] == *b"jwt"
            {
                values.push(pair[equals + 1..].to_vec());
            }
        }
        match values.pop() {
            None => Ok(None),
            Some(_) if !values.is_empty() => Err(AuthErrorKind::CredentialsConflict),
            Some(value) if value.is_empty() => Err(AuthErrorKind::CredentialsMalformed),
            Some(value) => String::from_utf8(value).map(Some).map_err(|_| AuthErrorKind::TokenMalformed),
        }
    }

    #[test]
    fn what_is_found_is_what_a_model_finds_however_the_field_is_split() {
        let pairs = vec((pair(), any::<bool>(), sample::select(&["; ", ";", " ; "][..])), 0..6);
        for_all(pairs, |parts| {
            let (mut fields, mut pairs) = (Vec::<Vec<u8>>::new(), Vec::new());
            for (pair, opens_a_field, separator) in parts {
                match fields.last_mut() {
                    Some(field) if !opens_a_field => {
                        field.extend([separator.as_bytes(), &pair].concat());
                    }
                    _ => fields.push(pair.clone()),
                }
                pairs.push(pair);
            }
            let want = model(&pairs);
            let whole: Vec<_> = if pairs.is_empty() { Vec::new() } else { vec![pairs.join(&b"; "[..])] };
            prop_assert_eq!(found(&fields), want.clone(), "{:?}", fields);
            prop_assert_eq!(found(&whole), want.clone(), "in one field");
            prop_assert_eq!(found(&pairs), want, "a field for each");
            Ok(())
        });
    }
}
