//! How a protected resource describes itself to clients that have no token yet ([RFC 9728]).
//!
//! A client that is turned away finds the URL of a document in the challenge, and in the document whom to ask for a token,
//! with which scopes, and how to send it. MCP clients find their way in like this, and an MCP server has to show it to them.
//!
//! [`ResourceMetadata`] is the document. [`JwtAuthLayer::describe_resource`](crate::JwtAuthLayer::describe_resource) fills
//! in what a layer knows of it; [`with_resource_metadata`](crate::JwtAuthLayer::with_resource_metadata) has the layer's
//! challenges say where it is; [`service`](ResourceMetadata::service) answers with it.
//!
//! # Where it is routed
//!
//! At the root of the host, as clients see it: a router that is nested, or a proxy that takes a prefix off, has to leave
//! [`path`](ResourceMetadata::path) where it is. And *beside* the layer, as it is for everybody: in axum, after `.layer`. A
//! page in a browser may read it too, whatever its origin; there is nothing in it that is not public.
//!
//! Signed metadata ([RFC 9728 §2.2]) is out of scope: it would be signed here, where nothing is.
//!
//! # Examples
//!
//! ```
//! use axum::{Router, routing::get};
//! use tower::ServiceExt;
//! use tower_jwt_auth::source::TokenSources;
//! # use tower_jwt_auth::{jwks::SharedSecret, token::Algorithm, JwtAuthLayer, Verifier};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let keys = SharedSecret::new(Algorithm::Hs256, [7; 32])?;
//! // Tokens are for the resource by its URL, which is what clients ask for.
//! let resource = "https://api.example.com/mcp";
//! let verifier = Verifier::new("https://login.example.com", resource, keys)?;
//! let auth = JwtAuthLayer::new(verifier).with_sources(TokenSources::bearer_only());
//!
//! let metadata = auth.describe_resource(resource)?.with_scopes(["items:read", "items:write"])?;
//! assert_eq!(metadata.url(), "https://api.example.com/.well-known/oauth-protected-resource/mcp");
//!
//! let auth = auth.with_resource_metadata(&metadata).with_scope_hint(["items:read"])?;
//! let app: Router = Router::new()
//!     .route("/mcp", get("tools"))
//!     .layer(auth)
//!     .route_service(metadata.path(), metadata.service());
//!
//! let refusal = app.clone().oneshot(http::Request::get("/mcp").body(axum::body::Body::empty())?).await?;
//! assert_eq!(
//!     refusal.headers()["www-authenticate"],
//!     "Bearer realm=\"api\", scope=\"items:read\", \
//!      resource_metadata=\"https://api.example.com/.well-known/oauth-protected-resource/mcp\""
//! );
//! let document = app.oneshot(http::Request::get(metadata.path()).body(axum::body::Body::empty())?).await?;
//! assert_eq!(document.status(), 200);
//! # Ok(()) }
//! ```
//!
//! A host with one resource may answer at the place for the host too, where clients look that have no challenge. If the
//! resource is the host itself, that is the same path already, and a router takes no path twice:
//!
//! ```
//! # use axum::Router;
//! # use tower_jwt_auth::resource::{ResourceMetadata, WELL_KNOWN_PATH};
//! # fn main() -> Result<(), tower_jwt_auth::error::ConfigError> {
//! # let metadata = ResourceMetadata::new("https://api.example.com/mcp")?;
//! let app: Router = Router::new()
//!     .route_service(metadata.path(), metadata.service())
//!     .route_service(WELL_KNOWN_PATH, metadata.service());
//! # Ok(()) }
//! ```
//!
//! [RFC 9728]: https://www.rfc-editor.org/rfc/rfc9728
//! [RFC 9728 §2.2]: https://www.rfc-editor.org/rfc/rfc9728#section-2.2

mod identifier;
mod metadata;
mod scopes;
mod service;

pub use metadata::ResourceMetadata;
pub use service::{METADATA_MAX_AGE, ResourceMetadataService};

pub(crate) use scopes::scope_list;

/// Where the metadata of a resource is that has no path of its own ([RFC 9728 §3]).
///
/// [RFC 9728 §3]: https://www.rfc-editor.org/rfc/rfc9728#section-3
pub const WELL_KNOWN_PATH: &str = "/.well-known/oauth-protected-resource";
