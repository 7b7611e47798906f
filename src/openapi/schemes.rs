use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use super::{SecurityRequirements, SecurityScheme, convert};
use crate::error::ConfigError;

/// The name of the scheme for client certificates.
pub(super) const CERTIFICATE: &str = "certificate";

static MUTUAL_TLS: SecurityScheme = SecurityScheme::MutualTls;

/// The ways to send a token, by name: OpenAPI's `securitySchemes`.
///
/// See the [module docs](super).
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[must_use]
pub struct SecuritySchemes {
    /// Those of tokens, in the order that they are offered.
    schemes: Vec<(String, SecurityScheme)>,
    alternatives: Vec<Alternative>,
    /// Whether none will do.
    is_optional: bool,
}

/// What is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Alternative {
    /// The name of a token's scheme.
    token: String,
    has_certificate: bool,
}

/// Whether a certificate of the client comes with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WithCertificate {
    Never,
    Sometimes,
    Always,
}

impl SecuritySchemes {
    /// One that is there already stays one; another of the same name gets a number.
    pub(crate) fn add(&mut self, name: &str, scheme: SecurityScheme, with: WithCertificate) {
        let token = self.name_for(name, scheme);
        let ways: &[bool] = match with {
            WithCertificate::Never => &[false],
            WithCertificate::Sometimes => &[false, true],
            WithCertificate::Always => &[true],
        };
        for &has_certificate in ways {
            let alternative = Alternative { token: token.clone(), has_certificate };
            if !self.alternatives.contains(&alternative) {
                self.alternatives.push(alternative);
            }
        }
    }

    fn name_for(&mut self, name: &str, scheme: SecurityScheme) -> String {
        let is_of_the_name = |other: &str| {
            let rest = other.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        };
        let of_the_name = self.schemes.iter().filter(|(other, _)| is_of_the_name(other));
        if let Some((known, _)) = of_the_name.clone().find(|(_, other)| *other == scheme) {
            return known.clone();
        }
        let name = match of_the_name.count() {
            0 => name.to_owned(),
            others => format!("{name}_{}", others.saturating_add(1)),
        };
        self.schemes.push((name.clone(), scheme));
        name
    }

    pub(crate) fn allow_none(&mut self) {
        self.is_optional = true;
    }

    /// Leaves the scheme `name` out, of the requirements too: every alternative with a token in it that is sent like this; of
    /// `certificate`, which is none without a token, only the name.
    pub fn without(mut self, name: &str) -> Self {
        if name == CERTIFICATE {
            let tokens =
                std::mem::take(&mut self.alternatives).into_iter().map(|alternative| alternative.token);
            for token in tokens {
                let alone = Alternative { token, has_certificate: false };
                if !self.alternatives.contains(&alone) {
                    self.alternatives.push(alone);
                }
            }
        }
        self.schemes.retain(|(other, _)| other != name);
        self.alternatives.retain(|alternative| alternative.token != name);
        self
    }

    /// Each with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SecurityScheme)> {
        let has_certificate = self.alternatives.iter().any(|alternative| alternative.has_certificate);
        let certificate = has_certificate.then_some((CERTIFICATE, &MUTUAL_TLS));
        self.schemes.iter().map(|(name, scheme)| (&**name, scheme)).chain(certificate)
    }

    /// What the layer requires: one of the alternatives, and nothing else.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if none is there, or was left: to OpenAPI that means that nothing is required.
    pub fn requirements(&self) -> Result<SecurityRequirements, ConfigError> {
        if self.alternatives.is_empty() {
            return Err(ConfigError::new(
                "no scheme says how to send a token, which OpenAPI takes for an API that is open to all: describe it by hand",
            ));
        }
        let alternatives = self.alternatives.iter().map(|Alternative { token, has_certificate }| {
            [Some(&**token), has_certificate.then_some(CERTIFICATE)].into_iter().flatten()
        });
        Ok(SecurityRequirements::one_of(alternatives, self.is_optional))
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
    use serde_json::{Value, json};

    use super::*;

    fn required(schemes: &SecuritySchemes) -> Value {
        schemes.requirements().expect("some").convert().expect("JSON")
    }

    fn names(schemes: &SecuritySchemes) -> Vec<&str> {
        schemes.iter().map(|(name, _)| name).collect()
    }

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
            schemes.add(name, scheme, WithCertificate::Never);
        }
        assert_eq!(names(&schemes), ["bearer", "cookie", "cookie_2", "cookie_3"]);
        let rest = required(&schemes.without("cookie_2"));
        assert_eq!(rest, json!([{ "bearer": [] }, { "cookie": [] }, { "cookie_3": [] }]));
    }

    #[test]
    fn a_certificate_goes_with_a_token_and_is_never_enough() {
        let mut schemes = SecuritySchemes::default();
        for (scheme, with) in [
            (SecurityScheme::bearer(), WithCertificate::Always),
            (SecurityScheme::dpop(), WithCertificate::Sometimes),
            // Of another layer.
            (SecurityScheme::bearer(), WithCertificate::Sometimes),
        ] {
            let name = if scheme == SecurityScheme::dpop() { "dpop" } else { "bearer" };
            schemes.add(name, scheme, with);
        }
        assert_eq!(names(&schemes), ["bearer", "dpop", "certificate"]);
        let (bearer, bearer_with) = (json!({ "bearer": [] }), json!({ "bearer": [], "certificate": [] }));
        let (dpop, dpop_with) = (json!({ "dpop": [] }), json!({ "dpop": [], "certificate": [] }));
        assert_eq!(required(&schemes), json!([bearer_with, dpop, dpop_with, bearer]));

        let unproven = schemes.clone().without("dpop");
        assert_eq!(names(&unproven), ["bearer", "certificate"]);
        assert_eq!(required(&unproven), json!([bearer_with, bearer]));
        let bare = schemes.without("certificate");
        assert_eq!(names(&bare), ["bearer", "dpop"]);
        assert_eq!(required(&bare), json!([bearer, dpop]));
        let nothing = unproven.without("bearer");
        assert!(names(&nothing).is_empty() && nothing.requirements().is_err());
        let mut optional = nothing;
        optional.allow_none();
        assert!(optional.requirements().is_err(), "with a scope, it would be open to all");
    }
}
