//! Verified JWT claims in handlers: a Tower layer and axum extractors over a key set that refreshes itself.
//!
//! A request reaches the handler only with a token whose signature, issuer, audience and times were checked, in a type
//! of your own. The keys of the issuer are fetched in the background, every hour, and swapped in without a lock.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use serde::Deserialize;
//! use tower_jwt_auth::{Claims, JwtAuthLayer};
//!
//! #[derive(Deserialize)]
//! struct User {
//!     sub: String,
//!     email: Option<String>,
//! }
//!
//! async fn me(Claims(user): Claims<User>) -> String {
//!     format!("hello, {}", user.email.as_deref().unwrap_or(&user.sub))
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let auth = JwtAuthLayer::discover("https://login.example.com", "my-api")?;
//! let app = Router::new().route("/me", get(me)).layer(auth);
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! axum::serve(listener, app).await?;
//! # Ok(()) }
//! ```
//!
//! # A request's journey, and where to read about it
//!
//! | | stage | |
//! |---|---|---|
//! | 0 | [`layer`] | the door: readiness, what is passed on, what answers forbid |
//! | 1 | [`source`] | find the one token: header, query or cookie |
//! | 2 | [`token`] | read it, believing nothing |
//! | 3 | [`jwks`] | find the key; keep the keys fresh |
//! | | [`remote`] | or ask the provider, where it publishes none |
//! | 4 | [`verify`] | check it, in numbered steps; of several issuers, or tenants, by the keys of its own |
//! | | [`binding`] | by the one whom it is bound to: DPoP, mTLS |
//! | | [`replay`] | once only, not revoked, in the browser that asked |
//! | | [`handoff`] | a token in a link becomes a cookie |
//! | 5 | [`claims`] | hand it over, typed |
//! | 6 | [`authorize`] | is it enough for this? scopes, roles, how the user signed in |
//! | | [`rejection`] | or refuse it: challenge, problem document, gRPC status |
//! | | [`resource`] | tell clients without a token whom to ask for one |
//! | | [`openapi`] | tell the readers of an API's pages how to send it |
//!
//! [`provider`] puts this together for magiclinksdev, Phonelink and PasskeyMe.
//!
//! The [manual] tells how the parts hang together, which default has which reason, [whom it trusts](manual::threat_model)
//! and what [known attacks](manual::attacks) meet, what to watch in operation, and what a request costs. It has
//! [other crates](manual::compare) beside this one, and [the way from them](manual::migrating).
//!
//! # Features
//!
//! A feature adds API and changes no behaviour, but for `axum`: with it, the URI that axum keeps beside that of the request
//! is known too. Tokens are scrubbed from it as well, and in a nested router, where axum cuts off the path in front, a
//! hand-off leads back to the whole path, and a [proof](binding) has to be for the whole path. Without it, a layer in a
//! nested router of axum takes a proof for what is left of the path: have the feature, or put the layer around the outer router.
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `axum` | yes | the extractors [`Claims`], `Option<Claims>`, `authorize::Scoped`, [`VerifiedToken`](verify::VerifiedToken) and [`VerifiedPhone`](provider::VerifiedPhone); tokens are scrubbed from axum's `OriginalUri` too |
//! | `http-client` | yes | the default client for key sets and endpoints: reqwest over rustls on aws-lc-rs |
//! | `metrics` | no | [counters, gauges and histograms](manual::operations#metrics) through the `metrics` facade |
//! | `redis` | no | `replay::RedisReplayStore`: used and revoked tokens that several replicas share |
//! | `test-util` | no | `test_util`, for your own tests: an issuer that signs good tokens and every kind of bad one, a provider that fails on demand, a clock |
//!
//! # What it does not do
//!
//! It signs nothing, decrypts nothing (JWE), and runs no login: it is for services that get tokens from an identity
//! provider. Tokens bound to their sender are refused where the layer is not told how to [check](binding) that.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod authorize;
pub mod binding;
pub mod claims;
pub mod clock;
mod crypto;
pub mod error;
pub mod fetch;
pub mod handoff;
pub mod jwks;
pub mod layer;
pub mod manual;
pub mod openapi;
pub mod provider;
pub mod rejection;
pub mod remote;
pub mod replay;
pub mod resource;
pub mod source;
mod sync;
mod telemetry;
#[cfg(feature = "test-util")]
pub mod test_util;
pub mod token;
pub mod verify;

pub use claims::Claims;
pub use error::AuthError;
pub use jwks::Jwks;
pub use layer::JwtAuthLayer;
pub use verify::Verifier;

#[cfg(test)]
mod tests {
    use proptest::strategy::Strategy;
    use proptest::test_runner::{Config, TestCaseError, TestRunner};

    use super::*;

    /// Holds `property` against 256 values of `strategy`, or as many as `PROPTEST_CASES` says, and shows the simplest that it
    /// does not hold for.
    #[track_caller]
    pub(crate) fn for_all<S: Strategy>(
        strategy: S,
        property: impl Fn(S::Value) -> Result<(), TestCaseError>,
    ) {
        let config = Config { failure_persistence: None, ..Config::default() };
        let outcome = TestRunner::new(config).run(&strategy, property);
        assert!(outcome.is_ok(), "{}", outcome.expect_err("a failure"));
    }

    /// A service that there is none of.
    enum Nothing {}

    impl tower_service::Service<http::Request<()>> for Nothing {
        type Response = http::Response<String>;
        type Error = std::convert::Infallible;
        type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

        fn poll_ready(
            &mut self,
            _cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), Self::Error>> {
            match *self {}
        }

        fn call(&mut self, _request: http::Request<()>) -> Self::Future {
            match *self {}
        }
    }

    #[test]
    fn public_types_can_be_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        fn sent<T: Send>() {}
        shared::<JwtAuthLayer>();
        shared::<layer::JwtAuthService<()>>();
        shared::<authorize::Guard>();
        shared::<authorize::GuardService<()>>();
        shared::<authorize::Scopes>();
        shared::<Verifier>();
        shared::<verify::Authority>();
        shared::<verify::VerifiedToken>();
        shared::<verify::Explanation>();
        shared::<verify::Check>();
        shared::<binding::Dpop>();
        shared::<binding::ClientCertificate>();
        shared::<binding::ClientCertificates>();
        shared::<verify::Profile>();
        shared::<verify::Tenants>();
        shared::<verify::Verifiers>();
        shared::<Claims<String>>();
        shared::<claims::RegisteredClaims>();
        shared::<Jwks>();
        shared::<jwks::JwksBuilder>();
        shared::<jwks::JwksChanges>();
        shared::<jwks::JwksStatus>();
        shared::<jwks::SharedSecret>();
        shared::<jwks::VerifyingKey>();
        shared::<fetch::FetchError>();
        shared::<handoff::HandOff>();
        shared::<handoff::Logout>();
        shared::<provider::MagicLinksDev>();
        shared::<provider::PasskeyMe>();
        shared::<provider::Phonelink>();
        shared::<provider::PhonelinkValidator>();
        shared::<replay::MemoryReplayStore>();
        shared::<replay::Nonce>();
        shared::<replay::NonceRule>();
        shared::<replay::ReplayRule>();
        shared::<resource::ResourceMetadata>();
        shared::<resource::ResourceMetadataService>();
        shared::<openapi::SecuritySchemes>();
        shared::<openapi::SecurityScheme>();
        shared::<openapi::SecurityRequirements>();
        shared::<source::TokenSources>();
        shared::<source::RequestHead<'_>>();
        shared::<token::JoseHeader>();
        shared::<token::AlgorithmSet>();
        shared::<AuthError>();
        shared::<error::ConfigError>();
        shared::<remote::ValidationEndpoint>();
        shared::<remote::Credentials>();
        shared::<error::JwksError>();
        shared::<rejection::Refusal>();
        shared::<clock::FixedClock>();
        sent::<layer::ResponseFuture<Nothing, ()>>();
    }
}
