//! What a layer asks for, in the words of [OpenAPI 3.1], so that the pages about an API show the lock.
//!
//! [`JwtAuthLayer::security_schemes`](crate::JwtAuthLayer::security_schemes) makes [`SecuritySchemes`] of what the layer
//! reads, and no other:
//!
//! | name | scheme | where the layer |
//! |---|---|---|
//! | `bearer` | `http`, `bearer`, of format `JWT` | reads the `Authorization` header |
//! | `dpop` | `http`, `dpop` | takes proofs of possession |
//! | `openid` | `openIdConnect` | reads the header, and [discovered](crate::Jwks::discover) its keys |
//! | `query` | `apiKey` in the query, by its name | reads the query |
//! | `cookie` | `apiKey` in a cookie, by its name | reads a cookie |
//! | `certificate` | `mutualTLS` | has [client certificates](crate::JwtAuthLayer::with_client_certificates), beside the others |
//!
//! Each is an alternative to the others; behind an [optional](crate::JwtAuthLayer::optional) layer, so is none. A certificate
//! is none of them: it comes with a token, always where it is [required](crate::binding::ClientCertificates::required), and
//! where it is not, each of the others is there alone and with it. Of
//! [several layers](crate::JwtAuthLayer::any_of), a scheme that differs from one of the same name has a number behind it. A
//! [source](crate::source::TokenSource) of your own is yours to describe.
//!
//! # Examples
//!
//! Both types serialise to what OpenAPI says, and [`convert`](SecuritySchemes::convert) makes another crate's types of that.
//! With utoipa:
//!
//! ```
//! use std::collections::BTreeMap;
//! use utoipa::OpenApi;
//! use utoipa::openapi::RefOr;
//! use utoipa::openapi::security::{SecurityRequirement, SecurityScheme};
//! # use tower_jwt_auth::{jwks::SharedSecret, token::Algorithm, JwtAuthLayer, Verifier};
//!
//! #[derive(OpenApi)]
//! #[openapi(info(title = "items", version = "1"))]
//! struct ApiDoc;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let auth = JwtAuthLayer::new(Verifier::new("https://login.example.com", "my-api", SharedSecret::new(Algorithm::Hs256, [7; 32])?)?);
//! let schemes = auth.security_schemes();
//! let mut api = ApiDoc::openapi();
//! let components = api.components.get_or_insert_default();
//! components.security_schemes.extend(schemes.convert::<BTreeMap<String, RefOr<SecurityScheme>>>()?);
//! api.security = Some(schemes.requirements()?.convert::<Vec<SecurityRequirement>>()?); // or that of an operation
//!
//! let json = serde_json::to_value(&api)?;
//! assert_eq!(json["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
//! assert_eq!(json["security"][0], serde_json::json!({ "bearer": [] }));
//! # Ok(()) }
//! ```
//!
//! utoipa has a fixed list of `http` schemes, and DPoP is not on it: leave `dpop` out with
//! [`without`](SecuritySchemes::without), or, where it is all that there is, describe it by hand. `certificate` is to be left out
//! where something reads OpenAPI 3.0, which has no `mutualTLS`.
//!
//! With aide:
//!
//! ```
//! use aide::openapi::{Components, OpenApi, ReferenceOr, SecurityRequirement, SecurityScheme};
//! # use tower_jwt_auth::{jwks::SharedSecret, token::Algorithm, JwtAuthLayer, Verifier};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let auth = JwtAuthLayer::new(Verifier::new("https://login.example.com", "my-api", SharedSecret::new(Algorithm::Hs256, [7; 32])?)?);
//! let schemes = auth.security_schemes();
//! let mut api = OpenApi::default();
//! let components = api.components.get_or_insert_default();
//! for (name, scheme) in schemes.iter() {
//!     components.security_schemes.insert(name.into(), ReferenceOr::Item(scheme.convert()?));
//! }
//! // Of an operation that needs a scope:
//! let security: Vec<SecurityRequirement> = schemes.requirements()?.with_scopes(["items:read"]).convert()?;
//!
//! let json = serde_json::to_value(&api)?;
//! assert_eq!(json["components"]["securitySchemes"]["cookie"]["name"], "__Host-jwt");
//! assert_eq!(security[0]["bearer"], ["items:read"]);
//! # Ok(()) }
//! ```
//!
//! [OpenAPI 3.1]: https://spec.openapis.org/oas/v3.1.1.html#security-scheme-object

mod requirements;
mod scheme;
mod schemes;

pub use requirements::SecurityRequirements;
pub use scheme::{ApiKeyLocation, SecurityScheme};
pub use schemes::SecuritySchemes;
pub(crate) use schemes::WithCertificate;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ConfigError;

fn convert<T: DeserializeOwned>(value: &impl Serialize) -> Result<T, ConfigError> {
    let value = serde_json::to_value(value).and_then(serde_json::from_value);
    value.map_err(|error| {
        ConfigError::new(format!("these types lack something, which is to be left out by name: {error}"))
    })
}
