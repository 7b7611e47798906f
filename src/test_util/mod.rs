//! What to test your own app with: an issuer that signs good tokens and every kind of bad one, an identity provider that
//! fails on demand, and a clock.
//!
//! Turn the feature on for your tests only:
//!
//! ```toml
//! [dev-dependencies]
//! tower-jwt-auth = { version = "0.1", features = ["test-util"] }
//! tokio = { version = "1", features = ["macros", "rt", "test-util"] }
//! tower = { version = "0.5", features = ["util"] }
//! ```
//!
//! # An app, through a rotation and an outage
//!
//! Time is paused and the provider is in memory, so that the two days of this test take milliseconds. Both clocks go on
//! together: a verifier without [`TestClock`] would take tokens for good long after they have expired.
//!
//! A good token has the registered claims, with `alice` as its subject. If your type wants more, say so, or it is refused as
//! `claims_mismatch`, and a test of bad tokens that looks at nothing but the status shows nothing.
//!
//! ```
//! use std::time::Duration;
//! use axum::body::Body;
//! use axum::http::{Request, StatusCode};
//! use axum::{Router, routing::get};
//! use tower::ServiceExt;
//! use tower_jwt_auth::jwks::JwksState;
//! use tower_jwt_auth::test_util::{Answer, Flaw, Idp, Issuer, TestClock};
//! use tower_jwt_auth::{AuthError, Claims, Jwks, JwtAuthLayer, Verifier};
//!
//! const GOOD: (StatusCode, Option<&str>) = (StatusCode::OK, None);
//!
//! #[derive(serde::Deserialize)]
//! struct User { sub: String, email: String }
//!
//! /// What the app would be given by its `main`, but for the clock.
//! fn app(keys: Jwks, clock: TestClock) -> Result<Router, Box<dyn std::error::Error>> {
//!     let verifier = Verifier::new("https://login.example.com", "my-api", keys)?.with_clock(clock);
//!     let me = async |Claims(user): Claims<User>| format!("{} <{}>", user.sub, user.email);
//!     Ok(Router::new().route("/me", get(me)).layer(JwtAuthLayer::new(verifier)))
//! }
//!
//! /// The status, and the code of the refusal if it is one.
//! async fn answer(app: &Router, token: &str) -> (StatusCode, Option<&'static str>) {
//!     let request = Request::get("/me").header("authorization", format!("Bearer {token}")).body(Body::empty());
//!     let response = app.clone().oneshot(request.unwrap()).await.unwrap();
//!     (response.status(), response.extensions().get::<AuthError>().map(AuthError::code))
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // #[tokio::test(start_paused = true)]
//! let clock = TestClock::default();
//! let issuer = Issuer::new("https://login.example.com", "my-api").with_clock(clock.clone());
//! let idp = Idp::in_memory(issuer.clone());
//! let keys = Jwks::builder(&idp.jwks_url())?.with_fetch(idp.clone()).spawn()?;
//! let app = app(keys.clone(), clock)?;
//!
//! // A good token gets in, and none of the others does, each for its own reason.
//! let ada = || issuer.token().subject("ada").claim("email", "ada@example.com");
//! assert_eq!(answer(&app, &ada().sign()).await, GOOD);
//! for flaw in Flaw::ALL {
//!     let want = (StatusCode::UNAUTHORIZED, Some(flaw.refused_as().code()));
//!     assert_eq!(answer(&app, &ada().flawed(*flaw)).await, want, "{flaw:?}");
//! }
//! // One of those named a key that nobody knows, which is looked for once in 30 s, and less often while it is in vain.
//! tokio::time::sleep(Duration::from_secs(60)).await;
//!
//! // A rotation: the first token of the new key has it fetched.
//! issuer.rotate();
//! assert_eq!(answer(&app, &ada().sign()).await, GOOD);
//!
//! // An outage: who has a key that is known still gets in, until the keys are too old to be trusted.
//! idp.serve(Answer::hanging());
//! tokio::time::sleep(Duration::from_secs(23 * 60 * 60)).await;
//! assert_eq!(keys.status().state, JwksState::Stale);
//! assert_eq!(answer(&app, &ada().sign()).await, GOOD);
//! tokio::time::sleep(Duration::from_secs(2 * 60 * 60)).await;
//! assert_eq!(answer(&app, &ada().sign()).await, (StatusCode::SERVICE_UNAVAILABLE, Some("keys_unavailable")));
//!
//! // Its end: within two minutes, all is well.
//! idp.recover();
//! tokio::time::sleep(Duration::from_secs(120)).await;
//! assert_eq!(answer(&app, &ada().sign()).await, GOOD);
//! # Ok(()) }
//! ```
//!
//! [`Idp::start`] has the same provider over real HTTP, for tests that start your program as a whole.
//!
//! # Panics
//!
//! What is for tests panics where a test would have to: a lost key pair, a header value that is none.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::string_slice,
    reason = "it stops at what is not as it says, as tests do"
)]

mod answer;
mod clock;
mod dpop;
mod flaw;
mod idp;
mod issuer;
mod server;
mod signing_key;
mod token;

use base64_simd::URL_SAFE_NO_PAD as BASE64URL;

pub use answer::Answer;
pub use clock::TestClock;
pub use dpop::{DpopKey, ProofBuilder, ProofFlaw};
pub use flaw::Flaw;
pub use idp::{Etags, Idp, Seen};
pub use issuer::{Issuer, jwks_of};
pub use signing_key::SigningKey;
pub use token::TokenBuilder;

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64URL.encode_to_string(bytes)
}
