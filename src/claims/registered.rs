use std::fmt;

use serde::Deserialize;
use serde::de::Deserializer;

/// The registered claims ([RFC 7519 §4.1]), for handlers that need no others: `Claims<RegisteredClaims>`.
///
/// Times are in seconds since the Unix epoch.
///
/// # Examples
///
/// ```
/// use tower_jwt_auth::Claims;
/// use tower_jwt_auth::claims::RegisteredClaims;
///
/// async fn whoami(claims: Claims<RegisteredClaims>) -> String {
///     claims.sub.clone().unwrap_or_default()
/// }
/// ```
///
/// [RFC 7519 §4.1]: https://www.rfc-editor.org/rfc/rfc7519#section-4.1
#[derive(Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct RegisteredClaims {
    /// The issuer.
    pub iss: Option<String>,
    /// The subject: unique for this issuer only.
    pub sub: Option<String>,
    /// The audiences; a single one stands in a list too.
    #[serde(default, deserialize_with = "one_or_many")]
    pub aud: Vec<String>,
    /// When it expires.
    pub exp: Option<f64>,
    /// When it begins to be valid.
    pub nbf: Option<f64>,
    /// When it was issued.
    pub iat: Option<f64>,
    /// Its identifier: unique for this issuer only.
    pub jti: Option<String>,
}

/// Claims are personal data: what they say is not for logs.
impl fmt::Debug for RegisteredClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegisteredClaims([redacted])")
    }
}

/// What may stand in a list or, if it is one, alone.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(one) => vec![one],
        OneOrMany::Many(many) => many,
    })
}
