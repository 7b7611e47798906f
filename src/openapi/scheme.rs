use serde::Serialize;
use serde::de::DeserializeOwned;

use super::convert;
use crate::error::ConfigError;

/// One way to send a token, or what has to come with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum SecurityScheme {
    /// In the `Authorization` header.
    Http {
        /// The name of the authentication scheme, in lower case.
        scheme: String,
        /// What the credentials look like.
        #[serde(skip_serializing_if = "Option::is_none")]
        bearer_format: Option<String>,
    },
    /// Under a name.
    ApiKey {
        /// Where that is.
        #[serde(rename = "in")]
        location: ApiKeyLocation,
        /// The name.
        name: String,
    },
    /// As an OpenID provider says.
    OpenIdConnect {
        /// The URL of its metadata.
        open_id_connect_url: String,
    },
    /// Over a connection with a certificate of the client: beside a token, never in its place.
    #[serde(rename = "mutualTLS")]
    MutualTls,
}

/// Where a [`SecurityScheme::ApiKey`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ApiKeyLocation {
    /// The query of the URL.
    Query,
    /// A cookie.
    Cookie,
}

impl SecurityScheme {
    pub(crate) fn bearer() -> Self {
        Self::Http { scheme: "bearer".to_owned(), bearer_format: Some("JWT".to_owned()) }
    }

    pub(crate) fn dpop() -> Self {
        Self::Http { scheme: "dpop".to_owned(), bearer_format: None }
    }

    pub(crate) fn openid(issuer: &str) -> Self {
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        Self::OpenIdConnect { open_id_connect_url: format!("{base}/.well-known/openid-configuration") }
    }

    pub(crate) fn query(name: &str) -> Self {
        Self::ApiKey { location: ApiKeyLocation::Query, name: name.to_owned() }
    }

    pub(crate) fn cookie(name: &str) -> Self {
        Self::ApiKey { location: ApiKeyLocation::Cookie, name: name.to_owned() }
    }

    /// The same, as a type of another crate that deserialises from OpenAPI.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it does not from this one.
    pub fn convert<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        convert(self)
    }
}
