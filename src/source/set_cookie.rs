use std::time::Duration;

use http::HeaderValue;

use super::CookieName;
use crate::error::{AuthError, AuthErrorKind};

/// The longest cookie, name, value and attributes together: what browsers are asked to take at least
/// ([RFC 6265 §6.1]). A longer one would be dropped, or worse, cut.
///
/// [RFC 6265 §6.1]: https://www.rfc-editor.org/rfc/rfc6265#section-6.1
pub const MAX_COOKIE_BYTES: usize = 4096;

/// When a browser sends a cookie to this site from another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SameSite {
    /// With links that are followed. The default: a sign-in begins with one.
    Lax,
    /// Never: who follows a link from another site, an e-mail for one, seems signed out until the next click.
    Strict,
}

/// A `Set-Cookie` value that scripts cannot read, plain HTTP does not carry and other hosts do not get; without
/// `max_age` it lasts as long as the browser runs.
///
/// # Errors
///
/// [`AuthErrorKind::CookieTooLarge`] beyond [`MAX_COOKIE_BYTES`], or if `value` cannot stand in a cookie.
pub(crate) fn set_cookie(
    name: &CookieName,
    value: &str,
    same_site: SameSite,
    max_age: Option<Duration>,
) -> Result<HeaderValue, AuthError> {
    let same_site = match same_site {
        SameSite::Lax => "Lax",
        SameSite::Strict => "Strict",
    };
    let mut cookie = format!("{name}={value}; HttpOnly; Secure; SameSite={same_site}; Path=/");
    if let Some(max_age) = max_age {
        cookie = format!("{cookie}; Max-Age={}", max_age.as_secs());
    }
    if cookie.len() > MAX_COOKIE_BYTES || !value.bytes().all(is_cookie_octet) {
        return Err(AuthErrorKind::CookieTooLarge.into());
    }
    let mut cookie = HeaderValue::try_from(cookie).map_err(|_| AuthErrorKind::CookieTooLarge)?;
    cookie.set_sensitive(true);
    Ok(cookie)
}

/// Whether a cookie's value may hold `byte` ([RFC 6265 §4.1.1]).
///
/// [RFC 6265 §4.1.1]: https://www.rfc-editor.org/rfc/rfc6265#section-4.1.1
pub(crate) const fn is_cookie_octet(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}

/// A `Set-Cookie` value that takes the cookie `name` back.
pub(crate) fn cookie_that_ends(name: &CookieName) -> HeaderValue {
    let ended = set_cookie(name, "", SameSite::Lax, Some(Duration::ZERO));
    // The name alone would have to fill a cookie for this to fail.
    ended.unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_whole_or_not_set() {
        let name = CookieName::default();
        let minute = Some(Duration::from_secs(60));
        let set = |value: &str| set_cookie(&name, value, SameSite::Strict, minute).map_err(|e| e.kind());
        assert_eq!(
            set("a.b.c").expect("a cookie"),
            "__Host-jwt=a.b.c; HttpOnly; Secure; SameSite=Strict; Path=/; Max-Age=60"
        );
        let rest = set("").expect("a cookie").len();
        assert_eq!(set(&"a".repeat(MAX_COOKIE_BYTES - rest)).expect("a cookie").len(), MAX_COOKIE_BYTES);
        for value in [&*"a".repeat(MAX_COOKIE_BYTES - rest + 1), "a;b", "a b", "a,b", "a\"b", "a\r\nb", "é"]
        {
            assert_eq!(set(value), Err(AuthErrorKind::CookieTooLarge), "{value}");
        }
        assert_eq!(cookie_that_ends(&name), "__Host-jwt=; HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age=0");
    }
}
