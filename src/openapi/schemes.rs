use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use super::{SecurityRequirements, SecurityScheme, convert};
use crate::error::ConfigError;

/// The ways to send a token, by name: OpenAPI's `securitySchemes`.
///
/// See the [module docs](super).
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[must_use]
pub struct SecuritySchemes {
    /// In the order that they are offered.
    schemes: Vec<(String, SecurityScheme)>,
    /// Whether none will do.
    is_optional: bool,
}

impl SecuritySchemes {
    /// One that is there already stays one; another of the same name gets a number.
    pub(crate) fn add(&mut self, name: &str, scheme: SecurityScheme) {
        let is_of_the_name = |other: &str| {
            let rest = other.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        };
        let mut of_the_name = self.schemes.iter().filter(|(other, _)| is_of_the_name(other));
        if of_the_name.clone().any(|(_, other)| *other == scheme) {
            return;
        }
        let name = match of_the_name.by_ref().count() {
            0 => name.to_owned(),
            others => format!("{name}_{}", others.saturating_add(1)),
        };
        self.schemes.push((name, scheme));
    }

    pub(crate) fn allow_none(&mut self) {
        self.is_optional = true;
    }

    /// Leaves the scheme `name` out, of the requirements too.
    pub fn without(mut self, name: &str) -> Self {
        self.schemes.retain(|(other, _)| other != name);
        self
    }

    /// Each with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SecurityScheme)> {
        self.schemes.iter().map(|(name, scheme)| (&**name, scheme))
    }

    /// What the layer requires: one of them, and nothing else.
    pub fn requirements(&self) -> SecurityRequirements {
        SecurityRequirements::one_of(self.schemes.iter().map(|(name, _)| name.clone()), self.is_optional)
    }

    /// The same, as another crate's types: a map from names to its security schemes.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if one of the schemes is not in these types.
    pub fn convert<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        convert(self)
    }
}

impl Serialize for SecuritySchemes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_is_there_once_and_another_of_its_name_has_a_number() {
        let mut schemes = SecuritySchemes::default();
        for (name, scheme) in [
            ("bearer", SecurityScheme::bearer()),
            ("cookie", SecurityScheme::cookie("a")),
            ("bearer", SecurityScheme::bearer()),
            ("cookie", SecurityScheme::cookie("b")),
            ("cookie", SecurityScheme::cookie("a")),
            ("cookie", SecurityScheme::cookie("c")),
            ("cookie", SecurityScheme::cookie("b")),
        ] {
            schemes.add(name, scheme);
        }
        let names: Vec<_> = schemes.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["bearer", "cookie", "cookie_2", "cookie_3"]);
        let rest = schemes.without("cookie_2").requirements().convert::<serde_json::Value>().expect("JSON");
        assert_eq!(rest, serde_json::json!([{ "bearer": [] }, { "cookie": [] }, { "cookie_3": [] }]));
    }
}
