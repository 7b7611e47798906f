use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::identifier::{ResourceIdentifier, issuer_url, web_url};
use super::scopes::scope_list;
use super::service::ResourceMetadataService;
use crate::error::ConfigError;
use crate::source::TokenSources;
use crate::token::Algorithm;

/// What clients may know of a resource ([RFC 9728 §2]).
///
/// See the [module docs](super). Whatever is not set is left out of the document.
///
/// [RFC 9728 §2]: https://www.rfc-editor.org/rfc/rfc9728#section-2
#[derive(Debug, Clone)]
#[must_use]
pub struct ResourceMetadata {
    identifier: ResourceIdentifier,
    document: Document,
}

#[derive(Debug, Default, Clone, Serialize)]
struct Document {
    resource: Box<str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authorization_servers: Vec<Box<str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bearer_methods_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_name: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_documentation: Option<Box<str>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tls_client_certificate_bound_access_tokens: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dpop_signing_alg_values_supported: Vec<Box<str>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dpop_bound_access_tokens_required: bool,
    #[serde(flatten)]
    others: BTreeMap<Box<str>, serde_json::Value>,
}

/// The members that have setters of their own, and the one that is not offered.
const SET_ELSEWHERE: [&str; 10] = [
    "resource",
    "authorization_servers",
    "scopes_supported",
    "bearer_methods_supported",
    "resource_name",
    "resource_documentation",
    "tls_client_certificate_bound_access_tokens",
    "dpop_signing_alg_values_supported",
    "dpop_bound_access_tokens_required",
    "signed_metadata",
];

impl ResourceMetadata {
    /// Describes the resource that goes by the URL `resource`, of which nothing more is known;
    /// [`JwtAuthLayer::describe_resource`](crate::JwtAuthLayer::describe_resource) knows more.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `resource` is not https (or http on this machine), or has a query or a fragment
    /// ([RFC 9728 §1.2]; the standard only advises against a query, which is refused here); or if a segment of its path is
    /// `.` or `..`, or begins with `:` or `*`, which routers take for a pattern.
    ///
    /// [RFC 9728 §1.2]: https://www.rfc-editor.org/rfc/rfc9728#section-1.2
    pub fn new(resource: &str) -> Result<Self, ConfigError> {
        let identifier = ResourceIdentifier::new(resource)?;
        let document = Document { resource: identifier.text.clone(), ..Document::default() };
        Ok(Self { identifier, document })
    }

    /// Names an authorization server whose tokens are accepted, by its issuer, besides those named before.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `issuer` is not https (or http on this machine), or has a query or a fragment.
    pub fn with_authorization_server(mut self, issuer: &str) -> Result<Self, ConfigError> {
        let issuer = issuer_url(issuer)?;
        if !self.document.authorization_servers.iter().any(|known| &**known == issuer) {
            self.document.authorization_servers.push(issuer.into());
        }
        Ok(self)
    }

    /// Names the scopes that clients may want: for MCP, those without which nothing goes.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if one is no scope token ([RFC 6749 §3.3]), or `offline_access`, which no resource needs.
    ///
    /// [RFC 6749 §3.3]: https://www.rfc-editor.org/rfc/rfc6749#section-3.3
    pub fn with_scopes<S: Into<String>>(
        mut self,
        scopes: impl IntoIterator<Item = S>,
    ) -> Result<Self, ConfigError> {
        self.document.scopes_supported = scope_list(scopes)?;
        Ok(self)
    }

    /// Says, besides what was said before, how a bearer may send its token, as far as [RFC 6750 §2] has a name for it: in the header, or in the query under
    /// the name `access_token`. Cookies, and parameters of other names, are not among them.
    ///
    /// [RFC 6750 §2]: https://www.rfc-editor.org/rfc/rfc6750#section-2
    pub fn with_bearer_methods_of(mut self, sources: &TokenSources) -> Self {
        let methods =
            [("header", sources.reads_bearer()), ("query", sources.query_name() == Some("access_token"))];
        let known = &mut self.document.bearer_methods_supported;
        for (method, is_read) in methods {
            if is_read && !known.contains(&method) {
                known.push(method);
            }
        }
        self
    }

    /// Gives the resource a name for people.
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        let name: String = name.into();
        self.document.resource_name = (!name.is_empty()).then(|| name.into());
        self
    }

    /// Says where developers can read about it.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `url` is not https (or http on this machine).
    pub fn with_documentation(mut self, url: &str) -> Result<Self, ConfigError> {
        web_url(url)?;
        self.document.resource_documentation = Some(url.into());
        Ok(self)
    }

    /// Says that tokens are bound to the client's certificate ([RFC 8705 §3]).
    ///
    /// [RFC 8705 §3]: https://www.rfc-editor.org/rfc/rfc8705#section-3
    pub fn with_certificate_bound_tokens(mut self) -> Self {
        self.document.tls_client_certificate_bound_access_tokens = true;
        self
    }

    /// Names the algorithms that proofs of possession may be signed with ([RFC 9449 §5.1]).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if one is symmetric, which a proof never is.
    ///
    /// [RFC 9449 §5.1]: https://www.rfc-editor.org/rfc/rfc9449#section-5.1
    pub fn with_dpop_algorithms(
        mut self,
        algorithms: impl IntoIterator<Item = Algorithm>,
    ) -> Result<Self, ConfigError> {
        let mut names = Vec::new();
        for algorithm in algorithms {
            if algorithm.is_symmetric() {
                return Err(ConfigError::new(format!("a proof is never signed with {}", algorithm.name())));
            }
            names.push(algorithm.name().into());
            if algorithm == Algorithm::EdDsa {
                // By both of its names, as proofs may have either.
                names.push("Ed25519".into());
            }
        }
        self.document.dpop_signing_alg_values_supported = names;
        Ok(self)
    }

    /// Says that a token without a proof of possession is worth nothing ([RFC 9449 §5.2]).
    ///
    /// [RFC 9449 §5.2]: https://www.rfc-editor.org/rfc/rfc9449#section-5.2
    pub fn with_dpop_required(mut self) -> Self {
        self.document.dpop_bound_access_tokens_required = true;
        self
    }

    /// Those that a challenge names, separated by spaces.
    pub(crate) fn with_dpop_algorithms_named(mut self, names: &str) -> Self {
        let known = &mut self.document.dpop_signing_alg_values_supported;
        for name in names.split_ascii_whitespace() {
            if !known.iter().any(|other| &**other == name) {
                known.push(name.into());
            }
        }
        self
    }

    /// Adds a member that has no setter here: `resource_policy_uri`, `resource_name#de`, or an extension's.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it has a setter, is `signed_metadata`, which would have to be signed, or cannot be written as JSON;
    /// and if there is nothing in it, as what is empty is left out ([RFC 9728 §3.2]).
    ///
    /// [RFC 9728 §3.2]: https://www.rfc-editor.org/rfc/rfc9728#section-3.2
    pub fn with_member(mut self, name: &str, value: impl Serialize) -> Result<Self, ConfigError> {
        if name.is_empty() || SET_ELSEWHERE.contains(&name) {
            return Err(ConfigError::new(format!("{name:?} is none of the members that are set like this")));
        }
        let value = serde_json::to_value(value)
            .map_err(|error| ConfigError::new(format!("{name:?} cannot be written: {error}")))?;
        if value.is_null() || value.as_array().is_some_and(Vec::is_empty) {
            return Err(ConfigError::new(format!("{name:?} is empty: leave it out")));
        }
        self.document.others.insert(name.into(), value);
        Ok(self)
    }

    /// The name of the resource.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.identifier.text
    }

    /// Where clients look for the document: `https://api.example.com/.well-known/oauth-protected-resource/mcp`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.identifier.metadata_url
    }

    /// The path of [`url`](Self::url), to route: a router takes it to the letter.
    #[must_use]
    pub fn path(&self) -> &str {
        self.identifier.metadata_path()
    }

    /// A service that answers with the document as it is now.
    pub fn service(&self) -> ResourceMetadataService {
        ResourceMetadataService::new(Arc::from(self.document()))
    }

    fn document(&self) -> String {
        // Strings, lists of them and JSON cannot fail to serialise.
        serde_json::to_string(&self.document).unwrap_or_default()
    }
}
