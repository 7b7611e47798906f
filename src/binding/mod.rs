//! Tokens that are bound to their sender: a stolen one is worth nothing without a key that does not travel with it.
//!
//! An issuer binds a token with its `cnf` claim ([RFC 7800]), and the layer checks it in one of two ways, or both:
//!
//! | | `cnf` has | the sender proves it by | set with |
//! |---|---|---|---|
//! | DPoP ([RFC 9449]) | `jkt`, of a key | a small JWT of its own, a *proof*, for each request | [`with_dpop`](crate::JwtAuthLayer::with_dpop) |
//! | mTLS ([RFC 8705 §3]) | `x5t#S256`, of a certificate | its TLS connection | [`with_client_certificates`](crate::JwtAuthLayer::with_client_certificates) |
//!
//! A token that is bound to both needs both. One that is bound in a way that is not checked here is refused, whatever comes
//! with it, as every bound token is where nothing is set: [`TokenBound`](crate::error::AuthErrorKind::TokenBound). A
//! [`Verifier`](crate::Verifier) alone knows no sender, so it refuses them too.
//!
//! # DPoP
//!
//! ```text
//! GET /orders HTTP/1.1
//! Authorization: DPoP <the token>
//! DPoP: <a JWT with typ dpop+jwt, and the public key in its header>
//! ```
//!
//! A proof is checked as [RFC 9449 §4.3] has it: there is one, of at most [8 KiB](MAX_PROOF_BYTES), whose key is a public one
//! that would be good in a key set, of at most 4,096 bits if it is RSA; it is for this method, URL and token (`htm`, `htu`, `ath`), at most
//! [60 s](DEFAULT_PROOF_AGE) and a [leeway](PROOF_LEEWAY) of 30 s old (`iat`), and has not come before (`jti`). The token's `jkt` is the
//! thumbprint of its key. In a `DPoP` challenge, `algs` says which algorithms there are.
//!
//! A token with `jkt` that comes as a bearer, in a cookie or in the query is refused, proof or not: else who stole it would
//! only have to say that it is not bound. A token without `cnf` is a bearer token like any other, and a proof beside it is
//! not looked at, where it comes as one; as `DPoP` it is refused. [`required`](Dpop::required) has no room for those. Where DPoP
//! and certificates are both required, each token has to be bound to both; for either of the two there is
//! [`Profile::Fapi2`](crate::verify::Profile::Fapi2).
//!
//! A refusal names the claim of the proof that was wrong (`htm`, `htu`, `iat`, `ath`, `jti`), to the client and in the event
//! `request refused`; `htu` for every client means that the origin set here is not what they write. A good proof counts as used
//! once the layer has let its request in, whatever is answered further inside; and one layer around another has every proof
//! come twice, so keep to one.
//!
//! [Nonces](Dpop::with_nonces) are off by default. With them, nobody who held the key for a moment has proofs for the time
//! to come.
//!
//! # The URL of a request
//!
//! `htu` is compared with the [origin](Dpop::new) that you say, and the path as it came in (that before axum's `nest`), both in
//! their normal form ([RFC 3986 §6.2.2]): letter case of scheme and host, default port and needless percent-encoding make no
//! difference. `Host`, `Forwarded` and `X-Forwarded-Host` are not read: a client says in them what it likes. A path with
//! a dot segment is no proof's. Middleware that rewrites the path of requests belongs *behind* the layer.
//!
//! # Which proofs were used
//!
//! Each is remembered until it is too old, and a minute, by key and `jti`, in a memory that the clones of one [`Dpop`] share:
//! [100,000](crate::replay::MAX_REMEMBERED) of them, at 150 s each, are 660 requests a second for all that share it. When that
//! is full, or a [store](Dpop::with_replay_store) is down, requests with proofs get 503, whoever has filled it. For more
//! requests, give it a [`MemoryReplayStore`](crate::replay::MemoryReplayStore::with_capacity) with more room; for several
//! replicas, one that they share. A store of yours keeps each for up to 720 s, as others may share it that take older ones.
//!
//! # Security
//!
//! A proof says who holds a key. It says nothing of the body, the query or the other headers of its request, and somebody in
//! between can change those.
//!
//! A certificate that a proxy names in a header is worth what the proxy is: see
//! [`of_client_cert_header`](ClientCertificates::of_client_cert_header).
//!
//! # Scripts in browsers
//!
//! For a script of another origin to see them, a CORS layer has to expose `WWW-Authenticate` and `DPoP-Nonce`, and to allow
//! the headers `Authorization` and `DPoP`.
//!
//! # Examples
//!
//! ```
//! use tower_jwt_auth::binding::{ClientCertificates, Dpop};
//! # use tower_jwt_auth::{jwks::SharedSecret, token::Algorithm, JwtAuthLayer, Verifier};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let verifier = || Verifier::new("https://login.example.com", "my-api", SharedSecret::new(Algorithm::Hs256, [7; 32])?);
//! // Behind a proxy that ends TLS for this name:
//! let dpop = Dpop::new("https://api.example.com")?.required().with_nonces();
//! let auth = JwtAuthLayer::new(verifier()?).with_dpop(dpop);
//!
//! // What is no origin is refused at once.
//! assert!(Dpop::new("api.example.com").is_err());
//!
//! // Behind nginx with `proxy_set_header X-Client-Cert $ssl_client_escaped_cert;`:
//! let certificates = ClientCertificates::of_pem_header("x-client-cert")?;
//! let auth = JwtAuthLayer::new(verifier()?).with_client_certificates(certificates);
//! # Ok(()) }
//! ```
//!
//! A service that ends TLS itself puts the certificate into each request of a connection. With tokio-rustls, whose
//! `WebPkiClientVerifier` may [let clients without one connect][allow], and axum:
//!
//! ```
//! use axum::{Extension, Router};
//! use tokio_rustls::server::TlsStream;
//! use tower_jwt_auth::binding::ClientCertificate;
//!
//! /// What serves one connection, after its handshake.
//! fn app_for<C>(connection: &TlsStream<C>, app: &Router) -> Router {
//!     let (_, tls) = connection.get_ref();
//!     match tls.peer_certificates().and_then(|chain| chain.first()) {
//!         Some(own) => app.clone().layer(Extension(ClientCertificate::from_der(own))),
//!         None => app.clone(),
//!     }
//! }
//! ```
//!
//! A session that is resumed has the certificate of its first handshake. Without axum, insert a clone of it into the
//! extensions of each request.
//!
//! [allow]: https://docs.rs/rustls/0.23/rustls/server/struct.ClientCertVerifierBuilder.html#method.allow_unauthenticated
//! [RFC 3986 §6.2.2]: https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2
//! [RFC 7800]: https://www.rfc-editor.org/rfc/rfc7800
//! [RFC 8705 §3]: https://www.rfc-editor.org/rfc/rfc8705#section-3
//! [RFC 9449]: https://www.rfc-editor.org/rfc/rfc9449
//! [RFC 9449 §4.3]: https://www.rfc-editor.org/rfc/rfc9449#section-4.3

mod certificate;
mod dpop;
mod memory;
mod nonces;
mod origin;
mod proof;

pub use certificate::{ClientCertificate, ClientCertificates, MAX_CERTIFICATE_BYTES};
pub use dpop::{DEFAULT_PROOF_AGE, Dpop, MAX_PROOF_AGE, PROOF_LEEWAY};
pub(crate) use dpop::{NONCE, PROOF, Proof, ProofRule, ProvenRequest};
pub use nonces::NONCE_PERIOD;
pub use proof::MAX_PROOF_BYTES;
