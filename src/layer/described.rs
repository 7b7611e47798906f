//! What a layer says of itself to those who are not in yet.

use super::JwtAuthLayer;
use super::door::Absence;
use super::entrance::Entrance;
use crate::error::ConfigError;
use crate::openapi::{SecurityScheme, SecuritySchemes, WithCertificate};
use crate::rejection::Offer;
use crate::resource::{ResourceMetadata, scope_list};

impl JwtAuthLayer {
    /// Metadata of the resource that goes by the URL `resource`, with what this layer knows of it: the authorization servers,
    /// which are those of its issuers that are URLs; how a token may be sent; and which proofs of possession it takes.
    ///
    /// See the [`resource`](crate::resource) module. To be called last: it says what is set by then, the
    /// [sources](Self::with_sources) and [bindings](crate::binding) among that.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] as from [`ResourceMetadata::new`]; or if the layer accepts any issuer, or those of
    /// [tenants](crate::verify::Tenants), so that there is nobody to name.
    pub fn describe_resource(&self, resource: &str) -> Result<ResourceMetadata, ConfigError> {
        let mut metadata = ResourceMetadata::new(resource)?;
        for entrance in self.door.entrances() {
            let issuers = entrance.verifiers.issuers().into_iter().collect::<Option<Vec<_>>>();
            let issuers = issuers.filter(|issuers| !issuers.is_empty()).ok_or_else(|| {
                ConfigError::new(
                    "whose tokens it accepts, the layer cannot say: describe the resource by `ResourceMetadata::new`",
                )
            })?;
            for issuer in issuers {
                // One that is no URL has no metadata that a client could find.
                metadata = metadata.clone().with_authorization_server(issuer).unwrap_or(metadata);
            }
            if entrance.certificates.is_some() {
                metadata = metadata.with_certificate_bound_tokens();
            }
            let sources = entrance.sources.clone();
            let sources = if entrance.takes_tokens_elsewhere() { sources } else { sources.without_query() };
            for offer in entrance.refusals.offers() {
                metadata = match offer {
                    Offer::Bearer => metadata.with_bearer_methods_of(&sources),
                    Offer::Dpop { algorithms } => metadata.with_dpop_algorithms_named(algorithms),
                };
            }
        }
        let takes_bearers = self.offers().any(|offer| *offer == Offer::Bearer);
        Ok(if takes_bearers { metadata } else { metadata.with_dpop_required() })
    }

    /// Tells in every challenge where `metadata` is ([RFC 9728 §5.1]), which has to be routed beside this layer: see the
    /// [`resource`](crate::resource) module.
    ///
    /// [RFC 9728 §5.1]: https://www.rfc-editor.org/rfc/rfc9728#section-5.1
    pub fn with_resource_metadata(self, metadata: &ResourceMetadata) -> Self {
        self.change_entrances(|entrance| entrance.refusals.set_resource_metadata(metadata.url()))
    }

    /// Names, where a challenge asks for a token, the scopes to ask for in the first place ([RFC 6750 §3]): those without
    /// which nothing goes. A route that [asks for more](crate::authorize)
    /// names its own.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if there are none, one is no scope token ([RFC 6749 §3.3]), or one is `offline_access`, which no
    /// resource needs.
    ///
    /// [RFC 6749 §3.3]: https://www.rfc-editor.org/rfc/rfc6749#section-3.3
    /// [RFC 6750 §3]: https://www.rfc-editor.org/rfc/rfc6750#section-3
    pub fn with_scope_hint<S: Into<String>>(
        self,
        scopes: impl IntoIterator<Item = S>,
    ) -> Result<Self, ConfigError> {
        let scopes = scope_list(scopes)?;
        if scopes.is_empty() {
            return Err(ConfigError::new("name a scope to ask for, or leave the hint out"));
        }
        let scope = scopes.join(" ");
        Ok(self.change_entrances(|entrance| entrance.refusals.set_scope(&scope)))
    }

    /// The security schemes of OpenAPI that this layer stands for: see the [`openapi`](crate::openapi) module.
    pub fn security_schemes(&self) -> SecuritySchemes {
        let mut schemes = SecuritySchemes::default();
        for entrance in self.door.entrances() {
            entrance.describe_to(&mut schemes);
        }
        if self.door.absence == Absence::Passes {
            schemes.allow_none();
        }
        schemes
    }

    fn offers(&self) -> impl Iterator<Item = &Offer> {
        self.door.entrances().flat_map(|entrance| entrance.refusals.offers())
    }
}

impl Entrance {
    fn describe_to(&self, schemes: &mut SecuritySchemes) {
        let with = match &self.certificates {
            None => WithCertificate::Never,
            Some(certificates) if certificates.is_required() => WithCertificate::Always,
            Some(_) => WithCertificate::Sometimes,
        };
        // A bearer has no other way to prove what it is bound to.
        let with_bearer = match with {
            WithCertificate::Sometimes if self.verifiers.demand_binding() => WithCertificate::Always,
            with => with,
        };
        for offer in self.refusals.offers() {
            match offer {
                Offer::Bearer if !self.sources.reads_bearer() => {}
                Offer::Bearer => schemes.add("bearer", SecurityScheme::bearer(), with_bearer),
                Offer::Dpop { .. } => schemes.add("dpop", SecurityScheme::dpop(), with),
            }
        }
        if self.dpop.is_some() || self.sources.reads_bearer() {
            let with = if self.dpop.is_some() { with } else { with_bearer };
            for issuer in self.verifiers.discovered_issuers() {
                schemes.add("openid", SecurityScheme::openid(issuer), with);
            }
        }
        if !self.takes_tokens_elsewhere() {
            return;
        }
        if let Some(query) = self.sources.query_name() {
            schemes.add("query", SecurityScheme::query(query), with);
        }
        if let Some(cookie) = self.sources.cookie() {
            schemes.add("cookie", SecurityScheme::cookie(&cookie.to_string()), with);
        }
    }
}
