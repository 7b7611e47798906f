//! What is here and in other crates for the same job, as far as their sources say.
//!
//! Looked at on 2026-11-26, in the newest release of each on crates.io:
//!
//! | column | is |
//! |---|---|
//! | here | this crate, 0.1.0 |
//! | ORS | `oauth-resource-server` 0.4.1 |
//! | huskarl | `huskarl-axum` 0.1.0 with `huskarl-resource-server` 0.11.12 and `huskarl-core` 0.10.10, its validator for RFC 9068 |
//! | TO | `tower-oauth2-resource-server` 0.12.5 |
//! | JA | `jwt-authorizer` 0.15.0 |
//! | AJA | `axum-jwt-auth` 0.7.0, its decoder for a key set |
//! | KC | `axum-keycloak-auth` 0.8.3 |
//! | aliri | `aliri` 0.6.4, `aliri_oauth2` 0.10.2, `aliri_tower` 0.6.1 and `aliri_axum` 0.5.0 |
//! | AJ | `axum-jwks` 0.12.0 |
//!
//! It says what each does as it is made by default, and what it has a call for. A dash means that nothing was found. What
//! they let in, measured, and what they cost is in the README; whoever finds an error here is asked to report it. From four
//! of them there is a way in [migrating](super::migrating).
//!
//! # The request
//!
//! | | here | ORS | huskarl | TO | JA | AJA | KC | aliri | AJ |
//! |---|---|---|---|---|---|---|---|---|---|
//! | fits | any Tower service; axum 0.8 | any Tower service; axum 0.8 | axum 0.8 | any Tower service | axum 0.7, tonic 0.12 | axum 0.8 | axum 0.8 | any Tower service; axum 0.8 | axum 0.8 |
//! | as | layer and extractors | layer and extractors | layer and extractors | layer | layer and extractor | extractor | layer | layers and guards | extractor |
//! | a token is taken from | header, query, cookie, your own source | headers of any name | a header of any name | `Authorization`, your own source | `Authorization` or one cookie | for each handler: `Authorization`, another header or a cookie | `Authorization`, query, your own source | `Authorization` | `Authorization` |
//! | two of them | are refused | any good one counts; a repeated header, its first | a repeated header is refused | the first header counts | the first header counts | the first header counts | the first source that has one counts | the first header counts | the first header counts |
//! | a cookie, sent by another site | is refused, for a WebSocket too | no cookies | no cookies | no cookies | is taken | is taken | no cookies | no cookies | no cookies |
//! | typed claims | a type for each handler | a call on the token | a type for each validator | a type for each layer | a type for each layer | a type for each handler | Keycloak's, and a type for the rest | a type for each layer | a type for each handler |
//! | where a token is optional | none passes, a bad one does not | the same | the same | – | – | – | both pass, and the handler looks | – | – |
//!
//! # The token
//!
//! | | here | ORS | huskarl | TO | JA | AJA | KC | aliri | AJ |
//! |---|---|---|---|---|---|---|---|---|---|
//! | a key verifies | one algorithm | its `alg`, or those of its type that are allowed | its `alg` | its `alg`, or what the token says | its `alg`, or those of its type | what you list | what the token says | its `alg`, or those of its type | one algorithm |
//! | `iss` is required | yes, unless told otherwise | yes | yes | if it was discovered, and compared | no; compared where set and there | no; compared where set and there | there, and not compared | where set | not looked at |
//! | `aud` is required | yes, unless told otherwise | yes | yes | where set | no; compared where set and there | no; compared where set and there | no; compared where there | where set | no; compared where set and there |
//! | `exp` is required | yes, unless told otherwise | yes | yes | yes | yes | yes | yes | yes | yes |
//! | `nbf` | honoured where there | the same | the same | required if discovery lists it, else ignored | ignored; can be turned on | ignored; can be turned on | ignored | ignored; can be turned on | ignored |
//! | leeway of `exp` | 30 s, at most 5 min | 60 s, at most 5 min | 10 s, any | 60 s, fixed | 60 s, any | 60 s, any | none | none, any | 60 s, fixed |
//! | an unknown `crit` | is refused | is refused | is refused | is ignored | is ignored | is ignored | is ignored | is ignored | is ignored |
//! | `typ` of another kind (logout tokens) | is refused | is refused | is refused | is ignored | is ignored | is ignored | is ignored | is ignored | is ignored |
//! | without network | keys, PEM, a file, a secret | a set to begin with; API keys | keys of your own | a key set | keys, PEM, a file, a secret | keys, a secret | – | keys, a secret | a key set |
//!
//! # The keys
//!
//! | | here | ORS | huskarl | TO | JA | AJA | KC | aliri | AJ |
//! |---|---|---|---|---|---|---|---|---|---|
//! | are fetched | in the background, hourly | in the background, hourly, if started | on use, after an hour | in the background, every minute | on use | in the background, hourly | at the start, and after some failures | in the background, if started | once |
//! | an unknown `kid` | has them fetched, in 30 s once, for tokens that are good otherwise | has them fetched, in 60 s once | has them fetched, in 60 s once | – | has them fetched, in 10 min once, or 10 s after a failure | – | – | – | – |
//! | while they are, who has a good key | goes on | goes on | goes on | goes on | waits | goes on | goes on | goes on | goes on |
//! | the provider is down at the start | 503 | 401 | the start fails; or 5xx, if set so | the start fails; with `jwks_url` 401 | the start fails with discovery, else 500 | the start fails | requests wait for the end of the first discovery | the start fails | the start fails |
//! | it is down later | good for 24 h, then 503 | good for ever | good for ever | good for ever | good for ever; 500 where a fetch is due at intervals | good for ever | good until a discovery fails | good for ever | good for ever |
//! | a key of a type that is not known | is skipped | is skipped | is skipped | spoils the set | spoils the set | spoils the set | is skipped | is skipped | spoils the set, as an EC key does |
//! | readiness | a status, events, `ready().await` | a status | – | – | – | – | `is_operational` | – | – |
//! | good tokens are cached | 1,024, for 5 min at most | – | – | – | – | – | – | – | – |
//! | several issuers | `any_of`, and tenants by pattern | – | by issuer | by issuer or `kid` | one after the other | – | – | – | – |
//! | a provider can be asked (RFC 7662) | yes | – | yes | – | – | – | – | – | – |
//!
//! # Whether it is enough, and what the client hears
//!
//! | | here | ORS | huskarl | TO | JA | AJA | KC | aliri | AJ |
//! |---|---|---|---|---|---|---|---|---|---|
//! | scopes | by route, router and extractor | by route, extractor and MCP tool | by route | – | a predicate on claims, 403 | – | roles, by layer and macro | by route, and guards from a macro | – |
//! | resource metadata (RFC 9728) | in challenges, and a route | in challenges, and a route | in challenges, and a router | – | – | – | – | – | – |
//! | DPoP (RFC 9449) | checked | refused | checked | taken for plain | taken for plain | taken for plain | taken for plain | taken for plain | taken for plain |
//! | mTLS (RFC 8705) | checked | refused | checked | taken for plain | taken for plain | taken for plain | taken for plain | taken for plain | taken for plain |
//! | step-up (RFC 9470) | by route | – | a challenge to be asked for | – | – | – | – | – | – |
//! | a token counts once | in memory, in Redis or your own store | – | in your own store | – | – | – | – | – | – |
//! | revocation by `jti`, nonces, links into cookies | yes | – | – | – | – | – | – | – | – |
//! | challenge | RFC 6750 | RFC 6750 | RFC 6750 | a bare `Bearer`, where there is no token | RFC 6750 | – | – | RFC 6750, without the commas | – |
//! | body | a problem document with a code; a hook | none; a hook | none; a renderer | none; a handler | none | a text | a text | none; a handler | your own |
//! | what cannot be checked now | 503, `Retry-After` | 401 | 5xx, perhaps `Retry-After` | 401 | 500 | 500 | 401 or 500 | 401 | 401 |
//! | to gRPC | `grpc-status`, for gRPC-Web too; tonic by a mapped body | HTTP | – | HTTP | `grpc-status` | – | – | HTTP | – |
//! | tests of your app | an issuer, a provider that fails, a clock | an issuer, a provider | a clock | – | – | – | – | – | – |
//! | metrics | `metrics` | `metrics` | `metrics`, an observer | – | – | – | – | – | – |
//! | on crypto of | aws-lc | ring | your choice | aws-lc or pure Rust | ring | pure Rust | ring | ring or OpenSSL | ring |
//! | Rust | 1.88 | 1.89 | 1.92 | 1.88 | not said | 1.85 | 1.85 | 1.75 (`aliri_axum`) | not said |
//!
//! # What others have and this has not
//!
//! - **A login.** `huskarl-axum` signs users in and keeps their sessions. Here a session is what a link becomes.
//! - **API keys** beside tokens, and their rotation: `oauth-resource-server`, and by prefix `huskarl-resource-server`.
//! - **Settings from the environment and from files**: `oauth-resource-server` has them with serde, and reads secrets from files.
//! - **Scopes by tool of an MCP server**, read from the body of a call: `oauth-resource-server`.
//! - **A layer that asks nothing of a response's body** but a `Default`: `tower-oauth2-resource-server` and
//!   `oauth-resource-server` go around tonic as they are. Here its body has to be mapped, as the example `grpc` does.
//! - **A set of keys to begin with**, until the first fetch: `oauth-resource-server`.
//! - **A header of any name** as a bearer's: `oauth-resource-server`, `huskarl`, `axum-jwt-auth`. Here that is a
//!   [`TokenSource`](crate::source::TokenSource) of a few lines.
//! - **Keycloak's claims and roles** in ready-made types: `axum-keycloak-auth`.
//! - **Tokens that fit any of several verifiers whose issuers are not known**: `jwt-authorizer` tries them in turn. Here the `iss`
//!   of a token chooses the one that judges it.
//! - **Another cryptography**: `huskarl` takes any, and runs in a browser; pure Rust is a choice with
//!   `tower-oauth2-resource-server`. Here it is aws-lc, which builds C.
//! - **Signing**: `aliri` makes tokens and keys as well.
//! - **Less to read**: `axum-jwks` is 600 lines.
