//! How the parts hang together.
//!
//! # The journey
//!
//! ```text
//! request ─source→ text ─token→ unverified parts ─jwks→ key ─verify→ VerifiedToken ─claims→ Claims<T> ─→ handler
//!                    │ any stage: AuthError ─rejection→ response (the error is in its extensions)
//! background: schedule ─fetch→ bytes ─set→ swap ─→ Jwks        (requests load a snapshot once and never lock)
//! ```
//!
//! Each stage is a folder of `src/`, and its `mod.rs` says what it is for and what of it is public. A module uses only
//! what stands before it, which `.ci/shape` checks against this table:
//!
//! | module | may use |
//! |---|---|
//! | `error`, `clock`, `sync` | nothing |
//! | `token` | `error`, `sync` |
//! | `source` | `error` |
//! | `crypto` | `token` |
//! | `fetch` | `error` |
//! | `telemetry` | `error`, `source` |
//! | `jwks` | `crypto`, `token`, `error`, `fetch`, `sync`, `telemetry` |
//! | `remote` | `fetch`, `crypto`, `token`, `clock`, `sync`, `error`, `telemetry` |
//! | `verify` | `jwks`, `remote`, `token`, `source`, `crypto`, `clock`, `sync`, `error`, `telemetry` |
//! | `rejection` | `error` |
//! | `replay` | `verify`, `source`, `crypto`, `clock`, `sync`, `error`, `telemetry` |
//! | `binding` | `replay`, `jwks`, `crypto`, `token`, `clock`, `error` |
//! | `handoff` | `verify`, `replay`, `rejection`, `source`, `error`, `telemetry` |
//! | `claims` | `verify`, `rejection`, `error`, `telemetry` |
//! | `authorize` | `claims`, `verify`, `token`, `rejection`, `error` |
//! | `resource` | `authorize`, `token`, `source`, `fetch`, `error` |
//! | `openapi` | `error` |
//! | `layer` | all of them |
//! | `provider` | `layer` and all of them |
//! | `manual` | all of them: it has nothing but links, and tests of what it says |
//! | `test_util` | all of them, and nothing names it: it is for tests |
//!
//! # What cannot be written
//!
//! - An algorithm `none`: [`Algorithm`](crate::token::Algorithm) has no such value.
//! - A key that verifies two algorithms: a [`VerifyingKey`](crate::jwks::VerifyingKey) is bound to one when it is parsed.
//! - A secret in a key set: a [`SharedSecret`](crate::jwks::SharedSecret) is another type, and
//!   an [`Authority`](crate::verify::Authority) is one or the other.
//! - Claims without a signature: a [`VerifiedToken`](crate::verify::VerifiedToken) is made from a proof that only the
//!   signature check can make.
//! - A yes of a provider to one token that counts for another: it is a value that only the answer makes, and that the
//!   verification of that token takes.
//! - A token that is used up before it was good: the store is the last to be asked, with a token that was verified.
//! - A verifier that does not check the issuer or the audience by oversight: both are arguments of
//!   [`Verifier::new`](crate::Verifier::new), and doing without is a call that begins with `insecure_`.
//! - A tenant's policy that opens the door to others: its issuer and its keys are put to it, and looked for again.
//! - A cached yes from before a setting was changed: changing a policy empties the cache with it.
//!
//! # One impure thing, one home
//!
//! The wall clock is read in `clock`, tasks are spawned in `jwks/refresh`, the swap is in `jwks/mod`, the HTTP client in
//! `fetch/client`, the cryptography in `crypto` (and signing, for tests, in `test_util/signing_key`), and axum in `claims/extract`, `authorize/extract` and `provider/verified_phone` (and in
//! `source/query`, for the URI that axum keeps). Parsing, choosing a key, scheduling and judging claims are plain functions
//! over data and the time they are given. `test_util` signs, and serves HTTP from a task, for which nothing else has a use.
//!
//! # Why what threads share has names of its own
//!
//! Locks, the swap, the watch and the like are named through `sync`: as they are, but for the crate's unit tests, where each
//! use is a point at which another thread may go first. There shuttle plays out thousands of orders in which requests, the
//! refresh task and the provider can come, against the code that is shipped and not a model of it. Its own primitives, or
//! loom's, would have to stand in for tokio's and arc-swap's, down to the clock; these are taken at their word instead, and
//! every order that they leave open is tried.
//!
//! What has no orders worth playing is named as it is. The typed claims of a token, challenges, problem documents, a
//! layer's word that it has begun and the keys of a provider's builder are each written once, and to the same whoever comes
//! first. The atomics of the cache only guess whether there is room and whether a token has come before. The lock of
//! `explain`, of the clocks that stand still and of `test_util` is held by one line at a time, with nothing to wait for
//! inside.
//!
//! # Why the layer is not generic over the claims
//!
//! It verifies once and leaves one opaque token in the request. Each handler asks for the type that it wants, and one
//! layer serves handlers that want different ones. The first few types of a token are kept beside it, so that a repeated
//! token costs no JSON at all.
//!
//! # Why a provider is asked below the verifier and not beside it
//!
//! What [`remote`](crate::remote) gives is the same as what a key gives: that this very token is the issuer's. So it is one
//! [`Authority`](crate::verify::Authority) among others, and shape, claims, times and rules are judged by the same code,
//! before and after.
//!
//! # Why tenants are chosen below the layer
//!
//! [`Verifiers`](crate::verify::Verifiers) are what a layer, a logout or a queue consumer asks: one verifier, several, or those
//! of [`Tenants`](crate::verify::Tenants), of which the token's own word chooses one, and nothing more. Each is whole, with
//! its policy, keys and cache, so that there is no code in which the keys of two issuers meet. Before a tenant has keys, its
//! policy judges the token over a set without any: `key_unknown` then says that all else is in order, and it takes no second
//! list of checks to know it.
//!
//! # Why the store is asked by the layer and not by the verifier
//!
//! A verifier says whether a token is good, as often as it is asked, and without waiting where it can. Whether it may be
//! *used* is another question, with a side effect: [`PhonelinkValidator`](crate::provider::PhonelinkValidator) and the layer
//! ask it last. In the layer, an *entrance* is one verifier with its sources and conditions, a door has one or more, and an
//! *admission* is a token on its way through whatever takes time.
//!
//! # Why a verifier is told what a sender has proven
//!
//! What a proof or a connection shows is found out by the layer, which has the request, before anything is known of the token;
//! what it has to show is in the token, which the verifier reads. They meet in the verifier, in one function, which is asked
//! before the signature and on every use of a cached token: a cache that remembered "its sender was right" would let in the
//! next one too. Where nothing was proven, and where no layer is, nothing is what the token is compared with.
//!
//! # Why a session's cookie holds a receipt
//!
//! A link that counts once would be no use if its token, which a history, a log or a `Referer` may have kept, could be sent
//! as a cookie afterwards. So the hand-off marks the token in the store as handed over to whoever holds a random receipt,
//! of which the store keeps the hash. The cookie is token and receipt, and one insert both uses a token up and lets its
//! browser go on.
//!
//! # Why claims have two readers
//!
//! The claims of a token are read before its signature, so that a hopeless one does not cost one. Most tokens are compact JSON
//! without escapes, of which a few members matter, and a reader of just that takes a third of the time of a JSON parser. It
//! has no word on what is wrong: whatever it does not read, good or bad, is read by serde, which has the last. What it reads
//! is what serde would have read, or it is a bug; builds with debug assertions compare the two on every token.
//!
//! # Why cheap checks come first
//!
//! Issuer, audience and times are read before the signature, from claims that nobody has vouched for yet. That is safe
//! because they can only refuse: whatever passes them still has to verify. It keeps expired tokens and tokens for others
//! from costing a signature, and tokens with invented key names from costing a fetch.
//!
//! # Whose types show
//!
//! `http`, `serde`, `tower` and, with its feature, axum's extractor traits; and jsonwebtoken's keys and header, as something
//! to convert from and to. `test_util` shows tokio's `Instant` too, as tests compare it with their own. Whatever else is used inside can change without anybody noticing.
//!
//! # Why jsonwebtoken has no back end here
//!
//! Its types are the vocabulary that Rust programs share, and this crate reads and converts them. Its cryptography is
//! chosen by one global for the whole process, and two crates that choose differently make the first use panic. Keys are
//! parsed here once, when a set is swapped in, by aws-lc-rs.
