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
mod tests {
    use http::HeaderValue;

    use super::*;

    fn found(fields: &[&[u8]]) -> Result<Option<String>, AuthErrorKind> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(header::COOKIE, HeaderValue::from_bytes(field).expect("a header value"));
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
}
