use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::convert;
use crate::error::ConfigError;

/// Of which schemes one is required: OpenAPI's `security`, of an API or an operation.
///
/// Made by [`SecuritySchemes::requirements`](super::SecuritySchemes::requirements).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[must_use]
pub struct SecurityRequirements(Vec<BTreeMap<String, Vec<String>>>);

impl SecurityRequirements {
    pub(super) fn one_of(names: impl Iterator<Item = String>, or_none: bool) -> Self {
        let alternatives = names.map(|name| BTreeMap::from([(name, Vec::new())]));
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
        for of_a_scheme in self.0.iter_mut().flat_map(BTreeMap::values_mut) {
            of_a_scheme.clone_from(&scopes);
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
