//! From other crates, and from a verification written by hand: before, after, and what is refused from then on.
//!
//! The crates are those of 2026-11-26, in the versions that [compare](super::compare) names.
//!
//! # Whatever you come from
//!
//! These were accepted by the five below, and are refused here:
//!
//! | what | is refused as |
//! |---|---|
//! | a token without `aud`, or without `iss`, though one was set ¹ | `audience_mismatch`, `issuer_mismatch` |
//! | a header with `crit`, `b64` or `zip` | `header_unsupported` |
//! | a token whose `typ` says that it is for something else, such as a logout | `type_mismatch` |
//! | a token that is bound to its sender (`cnf`), sent as if it were not | `token_bound` |
//! | a token whose `nbf` is to come, unless its check was turned on | `token_not_yet_valid` |
//! | two headers `Authorization`, of which the first was looked at | `credentials_conflict` |
//! | an `exp` from 30 to 60 s ago ¹: [`with_leeway`](crate::Verifier::with_leeway) if clocks are that far apart | `token_expired` |
//! | a token of more than 16 KiB, or with duplicate members in its header or among registered claims | `token_too_large`, `token_malformed` |
//! | an RSA key without `alg`, for another algorithm than RS256 | `key_unknown` |
//! | a key for encryption (`use`, `key_ops`), or a key set over plain http on another machine | the key is skipped, the URL is an error at the start |
//!
//! ¹ Not by all: each section says more.
//!
//! Where that breaks something that you need, the setting has the name of what is checked, or begins with `insecure_`. Before
//! the change, let [`Verifier::explain`](crate::Verifier::explain), or the example of that name, look at a few of your tokens.
//!
//! Some of them refused what is accepted here: a token of a key that has just appeared, and one without `kid` where a single
//! key fits. And unless [`bearer_only`](crate::source::TokenSources::bearer_only) is set, a token may come in a query or a
//! cookie too.
//!
//! # From jwt-authorizer
//!
//! ```rust,ignore
//! let auth = JwtAuthorizer::from_oidc("https://login.example.com")
//!     .validation(Validation::new().iss(&["https://login.example.com"]).aud(&["my-api"]))
//!     .check(|user: &User| user.email_verified)
//!     .build()
//!     .await?;
//! let app = Router::new().route("/me", get(me)).layer(auth.into_layer());
//!
//! async fn me(JwtClaims(user): JwtClaims<User>) -> String {
//!     user.sub
//! }
//! ```
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use serde::Deserialize;
//! use tower_jwt_auth::{Claims, Jwks, JwtAuthLayer, Verifier};
//!
//! #[derive(Deserialize)]
//! struct User {
//!     sub: String,
//!     email_verified: bool,
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = Jwks::discover("https://login.example.com")?;
//! let verifier = Verifier::new("https://login.example.com", "my-api", keys)?
//!     .with_rule("email_verified", |token| token.claims::<User>().is_ok_and(|user| user.email_verified));
//! let app: Router = Router::new().route("/me", get(me)).layer(JwtAuthLayer::new(verifier));
//!
//! async fn me(Claims(user): Claims<User>) -> String {
//!     user.sub.clone()
//! }
//! # Ok(()) }
//! ```
//!
//! | there | here |
//! |---|---|
//! | `from_jwks_url` | [`Jwks::remote`](crate::Jwks::remote) |
//! | `from_jwks_text`, `from_jwks` | [`Jwks::from_json`](crate::Jwks::from_json), [`Jwks::from_file`](crate::Jwks::from_file) |
//! | `from_rsa_pem_text` and the like | [`VerifyingKey::from_pem`](crate::jwks::VerifyingKey::from_pem), with its one algorithm |
//! | `from_secret` | [`SharedSecret`](crate::jwks::SharedSecret) |
//! | `jwt_source(JwtSource::Cookie(…))` | [`TokenSources::with_cookie`](crate::source::TokenSources::with_cookie) |
//! | `http_client` | [`with_fetch`](crate::jwks::JwksBuilder::with_fetch), for the keys too |
//! | a layer of several authorizers | [`JwtAuthLayer::any_of`](crate::JwtAuthLayer::any_of): the `iss` chooses |
//! | the feature `tonic` | the example `grpc` |
//!
//! **Stricter**: a rule that says no is a 401, `claim_refused`; for a 403 `insufficient_scope`, as `check` gave, there is
//! `authorize`. A cookie does not count on an unsafe request of another site. A secret is as long as its hash. An EC key
//! verifies the algorithm of its curve. 500 is 503 where keys cannot be fetched. It is axum 0.8.
//!
//! **Looser**: the start does not wait for discovery. [`Jwks::ready`](crate::Jwks::ready) does.
//!
//! **No counterpart**: `disable_validation`. `exp(false)` is
//! [`insecure_accept_without_expiry`](crate::Verifier::insecure_accept_without_expiry). `RefreshStrategy` and `no_refresh`: keys are
//! refreshed hourly, and for a key that is not known.
//!
//! # From axum-jwt-auth
//!
//! ```rust,ignore
//! let mut validation = Validation::new(Algorithm::RS256);
//! validation.set_issuer(&["https://login.example.com"]);
//! validation.set_audience(&["my-api"]);
//! let decoder = RemoteJwksDecoder::builder().jwks_url(url).validation(validation).build()?;
//! let shutdown = decoder.initialize().await?;
//! let state = JwtDecoderState { decoder: Arc::new(decoder) };
//! let app = Router::new().route("/me", get(me)).with_state(state);
//!
//! async fn me(user: Claims<User>) -> String {
//!     user.claims.sub
//! }
//! ```
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use serde::Deserialize;
//! use tower_jwt_auth::token::Algorithm;
//! use tower_jwt_auth::{Claims, Jwks, JwtAuthLayer, Verifier};
//!
//! #[derive(Deserialize)]
//! struct User {
//!     sub: String,
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = Jwks::remote("https://login.example.com/.well-known/jwks.json")?;
//! keys.ready().await?; // if the start is to wait for them
//! let verifier = Verifier::new("https://login.example.com", "my-api", keys)?.with_algorithms([Algorithm::Rs256])?;
//! let app: Router = Router::new().route("/me", get(me)).layer(JwtAuthLayer::new(verifier));
//!
//! async fn me(user: Claims<User>) -> String {
//!     user.sub.clone()
//! }
//! # Ok(()) }
//! ```
//!
//! | there | here |
//! |---|---|
//! | `LocalDecoder` | a [`VerifyingKey`](crate::jwks::VerifyingKey), [`Jwks::from_keys`](crate::Jwks::from_keys) or a [`SharedSecret`](crate::jwks::SharedSecret) |
//! | `define_cookie_extractor!`, and a type for each handler | [`TokenSources`](crate::source::TokenSources), for all behind one layer |
//! | `define_header_extractor!` | a [`TokenSource`](crate::source::TokenSource) of your own |
//! | the `CancellationToken` | the task ends with its last handle |
//! | `decoder.decode(token)` | [`Verifier::verify`](crate::Verifier::verify) |
//!
//! **Stricter**: a key verifies one algorithm, and not each that is listed. A handler behind the layer is guarded though it
//! asks for no claims. A cookie does not count on an unsafe request of another site. One key that cannot be used no longer
//! holds up the others, but nor is it used.
//!
//! **Other answers**: an unknown key, no `kid` and bad base64 were 500, and are 401. A 401 has a challenge, and a problem
//! document for a body; [`with_refusal_hook`](crate::JwtAuthLayer::with_refusal_hook) makes another.
//!
//! **No counterpart**: a decoder in the state of the router.
//!
//! # From axum-keycloak-auth
//!
//! ```rust,ignore
//! let instance = KeycloakAuthInstance::new(
//!     KeycloakConfig::builder().server(Url::parse("https://keycloak.example.com/")?).realm("shop".into()).build(),
//! );
//! let auth = KeycloakAuthLayer::<String>::builder()
//!     .instance(instance)
//!     .expected_audiences(vec!["my-api".into()])
//!     .required_roles(vec!["administrator".into()])
//!     .build();
//! let app = Router::new().route("/me", get(me)).layer(auth);
//!
//! async fn me(Extension(token): Extension<KeycloakToken<String>>) -> String {
//!     token.extra.profile.preferred_username
//! }
//! ```
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use serde::Deserialize;
//! use tower_jwt_auth::{Claims, Jwks, JwtAuthLayer, Verifier};
//!
//! #[derive(Deserialize)]
//! struct User {
//!     preferred_username: String,
//!     #[serde(default)]
//!     realm_access: Access,
//! }
//!
//! #[derive(Default, Deserialize)]
//! struct Access {
//!     roles: Vec<String>,
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let realm = "https://keycloak.example.com/realms/shop";
//! let verifier = Verifier::new(realm, "my-api", Jwks::discover(realm)?)?.with_rule("administrator", |token| {
//!     token.claims::<User>().is_ok_and(|user| user.realm_access.roles.iter().any(|role| role == "administrator"))
//! });
//! let app: Router = Router::new().route("/me", get(me)).layer(JwtAuthLayer::new(verifier));
//!
//! async fn me(Claims(user): Claims<User>) -> String {
//!     user.preferred_username.clone()
//! }
//! # Ok(()) }
//! ```
//!
//! | there | here |
//! |---|---|
//! | `required_roles`, `expect_role!` | a rule as above, which is a 401; for a 403 the roles under a path that `authorize` reads |
//! | `persist_raw_claims` | `Claims<serde_json::Value>`, or [`payload`](crate::verify::VerifiedToken::payload) |
//! | `QueryParamTokenExtractor` | [`TokenSources::with_query`](crate::source::TokenSources::with_query), on GET and HEAD |
//! | `PassthroughMode::Pass` | [`optional`](crate::JwtAuthLayer::optional) and `Option<Claims<User>>` |
//! | `is_operational` | [`Jwks::status`](crate::Jwks::status) |
//!
//! **Stricter**: `iss` is compared with the realm's, which with Keycloak is the address that the client used, unless a frontend
//! URL is set. `aud` has to be there: Keycloak puts a service into it by an audience mapper. The algorithm is the key's and not
//! the token's. Behind an optional layer, a bad token is refused. A query token is not read on other methods, and is scrubbed.
//!
//! **Looser**: `jti`, `azp`, `iat` and `typ` among the claims are not asked for: [`require_claim`](crate::Verifier::require_claim)
//! does. Expiry has 30 s of leeway, where it had none. Requests are not held up until discovery has ended, but for a second.
//!
//! **No counterpart**: ready-made types for Keycloak's claims and roles.
//!
//! # From tower-oauth2-resource-server
//!
//! ```rust,ignore
//! let server = OAuth2ResourceServer::<User>::builder()
//!     .add_tenant(
//!         TenantConfiguration::builder("https://login.example.com").audiences(&["my-api"]).build().await?,
//!     )
//!     .build()
//!     .await?;
//! let app = Router::new().route("/me", get(me)).layer(server.into_layer());
//!
//! async fn me(Extension(user): Extension<User>) -> String {
//!     user.sub
//! }
//! ```
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use serde::Deserialize;
//! use tower_jwt_auth::{Claims, JwtAuthLayer};
//!
//! #[derive(Deserialize)]
//! struct User {
//!     sub: String,
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let auth = JwtAuthLayer::discover("https://login.example.com", "my-api")?;
//! let app: Router = Router::new().route("/me", get(me)).layer(auth);
//!
//! async fn me(Claims(user): Claims<User>) -> String {
//!     user.sub.clone()
//! }
//! # Ok(()) }
//! ```
//!
//! | there | here |
//! |---|---|
//! | `jwks_url`, `static_builder` | [`Jwks::remote`](crate::Jwks::remote), [`Jwks::from_json`](crate::Jwks::from_json), with the issuer beside them |
//! | several tenants | [`JwtAuthLayer::any_of`](crate::JwtAuthLayer::any_of) |
//! | `AuthorizerResolver` by `kid` | none: the `iss` chooses |
//! | `claims_validation` | the settings of [`Verifier`](crate::Verifier) |
//! | `BearerTokenResolver` | [`TokenSources`](crate::source::TokenSources), or a [`TokenSource`](crate::source::TokenSource) of your own |
//! | `ErrorHandler` | [`with_refusal_hook`](crate::JwtAuthLayer::with_refusal_hook) |
//! | `Extension<User>`, outside of axum too | [`VerifiedToken`](crate::verify::VerifiedToken) in the extensions |
//!
//! **Stricter**: with `jwks_url` or `static_builder` no `iss` was asked for, and without `audiences` no `aud`. A key without
//! `alg` took the algorithm that the token named.
//!
//! **Looser**: `Bearer` may be written in small letters. A token of a new key is good at once, and not after a minute. A
//! token without `nbf` is good though the provider lists that claim. A key of an unknown type no longer spoils the set.
//!
//! **No counterpart**: around tonic, its body has to be mapped, as the example `grpc` does.
//!
//! # From jsonwebtoken by hand
//!
//! ```rust,ignore
//! let mut validation = Validation::new(Algorithm::ES256);
//! validation.set_issuer(&["https://login.example.com"]);
//! validation.set_audience(&["my-api"]);
//! let key = DecodingKey::from_ec_pem(pem.as_bytes())?;
//! let user = decode::<User>(token, &key, &validation)?.claims;
//! ```
//!
//! ```
//! use serde::Deserialize;
//! use tower_jwt_auth::Verifier;
//! use tower_jwt_auth::jwks::VerifyingKey;
//! use tower_jwt_auth::token::Algorithm;
//!
//! #[derive(Deserialize)]
//! struct User {
//!     sub: String,
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let issuer = tower_jwt_auth::test_util::Issuer::new("https://login.example.com", "my-api");
//! # let (pem, token, without_audience) = (issuer.key().public_pem(), &issuer.good(), &issuer.token().without_claim("aud").sign());
//! let key = VerifyingKey::from_pem(pem, Algorithm::Es256)?;
//! let verifier = Verifier::new("https://login.example.com", "my-api", key)?; // once, and not for each token
//! let user = verifier.verify(token)?.claims::<User>()?;
//! assert_eq!(user.sub, "alice");
//!
//! // `decode` would have let it in.
//! assert_eq!(verifier.verify(without_audience).unwrap_err().code(), "audience_mismatch");
//! # Ok(()) }
//! ```
//!
//! | there | here |
//! |---|---|
//! | `DecodingKey` | [`VerifyingKey::from_decoding_key`](crate::jwks::VerifyingKey::from_decoding_key) |
//! | `Jwk`, `JwkSet` | `TryFrom` makes a [`VerifyingKey`](crate::jwks::VerifyingKey) and a [`Jwks`](crate::Jwks) of them |
//! | `DecodingKey::from_secret` | [`SharedSecret`](crate::jwks::SharedSecret) |
//! | `Header` | a [`JoseHeader`](crate::token::JoseHeader) becomes one by `TryFrom` |
//! | `TokenData` | [`VerifiedToken`](crate::verify::VerifiedToken) |
//! | a cache of keys, and its refresh | [`Jwks::remote`](crate::Jwks::remote) |
//! | `ErrorKind` | [`AuthErrorKind`](crate::error::AuthErrorKind), with a code for logs and clients |
//!
//! **Stricter**: `set_issuer` and `set_audience` let in tokens that have neither claim, unless `set_required_spec_claims` names them. A
//! `Validation` with several algorithms took each of them of any key that fits its family. A secret may not be shorter than
//! its hash, nor look like a public key. `sub`, `iat` and `jti` have their types, asked for or not.
//!
//! **No counterpart**: signing; `insecure_disable_signature_validation` and `dangerous::insecure_decode`. What an unverified token
//! says is in [`explain`](crate::Verifier::explain), for people. The cryptographic provider of the process is not used, and
//! need not be installed.
