use std::fmt;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

use super::Hexadecimal;
use crate::crypto;
use crate::error::{AuthError, AuthErrorKind, ConfigError};
use crate::source::{CookieName, SameSite, cookie_that_ends, is_cookie_octet, set_cookie};
use crate::verify::VerifiedToken;

/// How long the cookie of a nonce lasts: as long as a sign-in may take.
pub const NONCE_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// The longest nonce that is compared.
const MAX_NONCE_BYTES: usize = 512;

/// A value that a sign-in is begun with, and that comes back in the token's `nonce` claim ([OpenID Connect Core §3.1.2.1]).
///
/// # Security
///
/// It stops somebody else's link from signing in your browser, which expects another. It does not stop who has stolen yours
/// and uses it first: the token says its nonce to whoever reads it, and a browser of the thief's own can be told to expect it.
/// Against that, let no link be seen ([threat model](crate::manual::threat_model#what-remains)).
///
/// # Examples
///
/// An app that sends its users to a provider:
///
/// ```
/// use axum::response::{AppendHeaders, IntoResponse, Redirect};
/// use http::header::SET_COOKIE;
/// use tower_jwt_auth::replay::Nonce;
///
/// async fn sign_in() -> impl IntoResponse {
///     let nonce = Nonce::generate();
///     let to = format!("https://phone.link/auth?client_id=my-app&nonce={}", nonce.as_str());
///     (AppendHeaders([(SET_COOKIE, nonce.to_cookie())]), Redirect::to(&to))
/// }
/// ```
///
/// [OpenID Connect Core §3.1.2.1]: https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest
#[derive(Clone)]
pub struct Nonce(Box<str>);

impl Nonce {
    /// A new one: 32 random bytes in hexadecimal.
    #[must_use]
    pub fn generate() -> Self {
        Self(Hexadecimal(&crypto::random_bytes::<32>()).to_string().into())
    }

    /// The one that a sign-in was begun with, as it was kept.
    ///
    /// # Errors
    ///
    /// [`AuthErrorKind::NonceMissing`] if `text` is empty, longer than 512 bytes, or has characters that no cookie may hold.
    pub fn expected(text: &str) -> Result<Self, AuthError> {
        if text.is_empty() || text.len() > MAX_NONCE_BYTES || !text.bytes().all(is_cookie_octet) {
            return Err(AuthErrorKind::NonceMissing.into());
        }
        Ok(Self(text.into()))
    }

    /// To send to the provider.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A `Set-Cookie` value that keeps it in the browser for [10 minutes](NONCE_LIFETIME), out of reach of scripts and of
    /// other hosts: `__Host-nonce`.
    #[must_use]
    pub fn to_cookie(&self) -> HeaderValue {
        NonceRule::from_cookie().cookie(self, NONCE_LIFETIME).unwrap_or(HeaderValue::from_static(""))
    }

    /// Whether `token` came of the sign-in that this one began; compared in constant time.
    ///
    /// # Errors
    ///
    /// [`AuthErrorKind::NonceMismatch`] if its `nonce` is another, absent, empty, or no string.
    pub fn check(&self, token: &VerifiedToken) -> Result<(), AuthError> {
        #[derive(Deserialize)]
        struct Bound<'t> {
            #[serde(borrow)]
            nonce: std::borrow::Cow<'t, str>,
        }
        match token.read::<Bound<'_>>() {
            Ok(bound) if crypto::same(bound.nonce.as_bytes(), self.0.as_bytes()) => Ok(()),
            _ => Err(AuthErrorKind::NonceMismatch.into()),
        }
    }
}

/// Who knows it can pass for the browser that it was given to.
impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce([redacted])")
    }
}

/// Where a request says which nonce it expects in its token: what a [`Nonce`] is good for, and what it is not.
///
/// # Examples
///
/// ```
/// # use tower_jwt_auth::{jwks::SharedSecret, token::Algorithm, JwtAuthLayer, Verifier};
/// use tower_jwt_auth::replay::NonceRule;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let verifier = Verifier::new("https://login.example.com", "my-api", SharedSecret::new(Algorithm::Hs256, [7; 32])?)?;
/// let auth = JwtAuthLayer::new(verifier).with_nonce(NonceRule::from_cookie());
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use]
pub struct NonceRule {
    source: NonceSource,
    demand: Demand,
}

/// What becomes of a request without a nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Demand {
    Required,
    /// Its token is not compared with any.
    Optional,
}

#[derive(Clone)]
enum NonceSource {
    Cookie(CookieName),
    Header(HeaderName),
}

impl NonceRule {
    /// The cookie that [`Nonce::to_cookie`] sets. It is taken back when its token was let in; a session that a
    /// [hand-off](crate::handoff) begins keeps the nonce in a cookie of its own.
    pub fn from_cookie() -> Self {
        Self::of(NonceSource::Cookie(CookieName::of_nonce()))
    }

    /// Another cookie, set before the browser was sent away.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `name` is no cookie name.
    pub fn from_cookie_named(name: &str) -> Result<Self, ConfigError> {
        Ok(Self::of(NonceSource::Cookie(CookieName::new(name)?)))
    }

    /// The header `name`, which the client sets.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `name` is no header name.
    pub fn from_header(name: &str) -> Result<Self, ConfigError> {
        let name = name.parse().map_err(|_| ConfigError::new(format!("{name:?} is no header name")))?;
        Ok(Self::of(NonceSource::Header(name)))
    }

    /// Compares a nonce that is there, and does without one that is not.
    pub(crate) fn if_there(self) -> Self {
        Self { demand: Demand::Optional, ..self }
    }

    fn of(source: NonceSource) -> Self {
        Self { source, demand: Demand::Required }
    }

    /// The one nonce of a request; none only where there need not be any.
    ///
    /// # Errors
    ///
    /// [`AuthErrorKind::NonceMissing`] if there is none, or more than one.
    pub(crate) fn find(&self, headers: &HeaderMap) -> Result<Option<Nonce>, AuthError> {
        let missing = || AuthError::from(AuthErrorKind::NonceMissing);
        let found = match &self.source {
            NonceSource::Cookie(name) => name.find(headers).map_err(|_| missing())?,
            NonceSource::Header(name) => {
                let mut values = headers.get_all(name).iter();
                match (values.next().map(HeaderValue::to_str), values.next()) {
                    (Some(Ok(value)), None) => Some(value.into()),
                    (None, _) => None,
                    _ => return Err(missing()),
                }
            }
        };
        match found {
            None if self.demand == Demand::Optional => Ok(None),
            None => Err(missing()),
            Some(value) => Nonce::expected(&value).map(Some),
        }
    }

    /// The header that it is looked for in, if it is not in a cookie.
    pub(crate) fn header(&self) -> Option<&HeaderName> {
        match &self.source {
            NonceSource::Header(name) => Some(name),
            NonceSource::Cookie(_) => None,
        }
    }

    /// A `Set-Cookie` value that keeps `nonce` for `lifetime`; none if it is not in a cookie.
    pub(crate) fn cookie(&self, nonce: &Nonce, lifetime: Duration) -> Option<HeaderValue> {
        match &self.source {
            NonceSource::Cookie(name) => set_cookie(name, nonce.as_str(), SameSite::Lax, Some(lifetime)).ok(),
            NonceSource::Header(_) => None,
        }
    }

    /// The rule for a session whose token is in the cookie `name`, which keeps a nonce of its own.
    pub(crate) fn of_session(&self, name: &CookieName) -> Self {
        Self { source: NonceSource::Cookie(name.of_its_nonce()), demand: self.demand }
    }

    /// A `Set-Cookie` value that takes it back.
    pub(crate) fn spent(&self) -> Option<HeaderValue> {
        match &self.source {
            NonceSource::Cookie(name) => Some(cookie_that_ends(name)),
            NonceSource::Header(_) => None,
        }
    }
}

impl NonceRule {
    /// Like [`spent`](Self::spent), but none if it is where the nonce of the session `name` is kept.
    pub(crate) fn spent_beside(&self, name: &CookieName) -> Option<HeaderValue> {
        match &self.source {
            NonceSource::Cookie(own) if *own == name.of_its_nonce() => None,
            _ => self.spent(),
        }
    }
}

/// For the list of what a layer checks.
impl fmt::Display for NonceRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            NonceSource::Cookie(name) => write!(f, "nonce is that of cookie {name}")?,
            NonceSource::Header(name) => write!(f, "nonce is that of header {name}")?,
        }
        match self.demand {
            Demand::Required => Ok(()),
            Demand::Optional => f.write_str(", IF THERE"),
        }
    }
}

impl fmt::Debug for NonceRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NonceRule({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_64_hexadecimal_digits_that_nobody_has_seen() {
        let (one, other) = (Nonce::generate(), Nonce::generate());
        assert_eq!(one.as_str().len(), 64);
        assert!(one.as_str().bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
        assert_ne!(one.as_str(), other.as_str());
        assert_eq!(format!("{one:?}"), "Nonce([redacted])");
        assert_eq!(
            one.to_cookie(),
            format!("__Host-nonce={}; HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age=600", one.as_str())
        );
    }

    #[test]
    fn one_nonce_that_is_not_empty_is_expected() {
        let cookie = NonceRule::from_cookie();
        let in_header = NonceRule::from_header("x-nonce").expect("a name");
        let found = |rule: &NonceRule, lines: &[(&str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                let name: HeaderName = name.parse().expect("a name");
                headers.append(name, value.parse().expect("a value"));
            }
            rule.find(&headers)
                .map(|nonce| nonce.map_or(String::new(), |nonce| nonce.as_str().to_owned()))
                .ok()
        };
        let if_there = cookie.clone().if_there();
        let in_header_if_there = in_header.clone().if_there();
        for (rule, lines, want) in [
            (&cookie, vec![("cookie", "__Host-nonce=abc")], Some("abc")),
            (&cookie, vec![], None),
            (&cookie, vec![("cookie", "__Host-nonce=")], None),
            (&cookie, vec![("cookie", "__Host-nonce=a; __Host-nonce=a")], None),
            (&cookie, vec![("x-nonce", "abc")], None),
            (&if_there, vec![("cookie", "__Host-nonce=abc")], Some("abc")),
            (&if_there, vec![], Some("")),
            (&if_there, vec![("cookie", "__Host-nonce=")], None),
            (&if_there, vec![("cookie", "__Host-nonce=a; __Host-nonce=a")], None),
            (&in_header, vec![("x-nonce", "abc")], Some("abc")),
            (&in_header, vec![], None),
            (&in_header_if_there, vec![], Some("")),
            (&in_header, vec![("x-nonce", "")], None),
            (&in_header, vec![("x-nonce", "a"), ("x-nonce", "a")], None),
            (&in_header, vec![("cookie", "__Host-nonce=abc")], None),
        ] {
            assert_eq!(found(rule, &lines).as_deref(), want, "{rule:?} {lines:?}");
        }
        for text in [&*"a".repeat(513), "a b", "a;b", "a,b", "\u{e9}"] {
            assert!(Nonce::expected(text).is_err(), "{text}");
        }
    }
}
