use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::convert;
use super::schemes::CERTIFICATE;
use crate::error::ConfigError;

/// Which schemes are required, in alternatives: OpenAPI's `security`, of an API or an operation.
///
/// Made by [`SecuritySchemes::requirements`](super::SecuritySchemes::requirements).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[must_use]
pub struct SecurityRequirements(Vec<BTreeMap<String, Vec<String>>>);

impl SecurityRequirements {
    /// What is in one alternative is needed together.
    pub(super) fn one_of<'n, N>(alternatives: impl Iterator<Item = N>, or_none: bool) -> Self
    where
        N: Iterator<Item = &'n str>,
    {
        let alternatives =
            alternatives.map(|names| names.map(|name| (name.to_owned(), Vec::new())).collect());
        // An empty one asks for nothing.
        Self(alternatives.chain(or_none.then(BTreeMap::new)).collect())
    }

    /// Names the scopes that an operation needs.
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        let scopes: Vec<String> = scopes.into_iter().map(Into::into).collect();
        // Where a scope is needed, no token is not enough.
        if !scopes.is_empty() {
            self.0.retain(|alternative| !alternative.is_empty());
        }
        for (name, of_a_scheme) in self.0.iter_mut().flatten() {
            // It is the token that has scopes.
            if name != CERTIFICATE {
                of_a_scheme.clone_from(&scopes);
            }
        }
        self
    }

    /// The same, as another crate's types: a list of its security requirements.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it does not fit them.
    pub fn convert<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        convert(self)
    }
}
