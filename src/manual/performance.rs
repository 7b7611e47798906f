//! What a request costs, how that grows, and how to measure it.
//!
//! # Why it costs what it costs
//!
//! **The keys are loaded once.** A request takes the key set as it stands, by one atomic load and without a lock, and sees
//! that one to its end. Keys are parsed by the refresh task before a set is swapped in, and never by a request; requests
//! that still read the old set keep it alive until they are done.
//!
//! **Cheap checks come first.** Shape, header, claims and times are checked before the signature, in the order of
//! [`Verifier`](crate::Verifier#verification). They can only refuse. An expired token, one for another audience or one of a
//! key that is not known is refused without a signature; only a token that is plausible in everything else costs one.
//!
//! **A signature is the cost of a new token.** All that comes before and after it, base64, JSON and the look-up of the key,
//! is small beside it, except with HMAC.
//!
//! **An accepted token is remembered, a refused one never.** The cache holds whole texts of tokens, and an entry counts for
//! the generation of keys that it was made under and for up to [5 min](crate::verify::MAX_CACHED_AGE). On a hit, times are
//! judged again and rules are asked again, so that the cache can only repeat a yes that would be given again. Typed claims
//! are kept beside the token: a handler that asks for the same type again gets it without JSON.
//!
//! # What that comes to
//!
//! In all of what follows, 1 is a request to a handler of the same router behind a layer that does nothing, without
//! sockets; requests are made before the clock starts. Such multiples carry over from machine to machine better than times
//! do. Tokens are Ed25519's with 260 to 310 bytes of claims, of which the handler takes eight, typed; they are *new*, not in
//! the cache, or *repeated*. Measured on 2026-11-24, with two cores, by `cargo bench --bench scale`:
//!
//! | request | cost |
//! |---|--:|
//! | behind a layer that does nothing | 1 |
//! | repeated token | 2.0 |
//! | expired token | 3.6 |
//! | unknown key | 3.8 |
//! | new token | 68 |
//!
//! In a run beside more other work on the machine a new token cost 61; the others differed by less than a tenth.
//!
//! # How it grows
//!
//! | with | a new token | a repeated token | a refused token |
//! |---|---|---|---|
//! | keys in the set, 1 to 128 | not | not | not |
//! | issuers at one door, 1 to 100 | by 0.22 for each | by 0.19 for each | by 0.16 for each |
//! | live tokens, 1 to 100,000 | | by 0.10 for each doubling | |
//! | bytes of claims, up to 12,000 | by 4.9 for each 1,000 | by 0.37 for each 1,000, as far as it is kept | by 1.0 for each 1,000 |
//! | threads, 1 to 2 | not | not | |
//!
//! "Not" is by less than a tenth over the whole range, which noise can be taken for.
//!
//! ## Keys
//!
//! Keys are ordered by their names, and found by halving. *Refused* is a token whose key is not among them.
//!
#![doc = include_str!("performance/keys.svg")]
//!
//! ## Issuers
//!
//! [`any_of`](crate::JwtAuthLayer::any_of) has each of its layers look for a token in its own places, and reads the issuer
//! that the token says it has. The first makes each further issuer cost a little more; the second makes a repeated token
//! cost 1.6 times as much at two issuers as at one. *Refused* is a token of another issuer.
//!
#![doc = include_str!("performance/issuers.svg")]
//!
//! ## Live tokens
//!
//! Repeated tokens of ever more users, in no order, with a cache that has room for twice as many. A look-up is one hash and
//! one comparison however many there are; what grows is how far from the processor the entry is.
//!
#![doc = include_str!("performance/live-tokens.svg")]
//!
//! ## Size
//!
//! All of a token is hashed, decoded and read once, so that its cost grows in proportion to its length after a fixed part.
//! Tokens of more than [4 KiB](crate::verify::MAX_CACHED_TOKEN_BYTES), some 2,950 bytes of claims with Ed25519, are not kept, and
//! are new each time they come. *Refused* is an expired token.
//!
#![doc = include_str!("performance/claims-size.svg")]
//!
//! ## Threads
//!
//! What one request costs each of several threads that share a layer: a level line is perfect scaling. The machine had two
//! cores; the last point is beyond them, and shows no more than that it does no harm.
//!
#![doc = include_str!("performance/threads.svg")]
//!
//! # A swap of the keys
//!
//! Readers do not notice it: with 500 swaps a second, the median of a verification was within 1 % of what it was with none,
//! for a new token and for a repeated one (2026-11-24, `cargo bench --bench verify -- swaps`). A set with other keys is a
//! new generation, and each live token is verified once more after it. A refresh that brings the same keys is none.
//!
//! # What changes the cost
//!
//! | setting | what it does to the cost |
//! |---|---|
//! | [`with_token_cache`](crate::Verifier::with_token_cache) | give it room for the tokens that are alive at a time: a token that has to go is new when it comes again; with 0 all are |
//! | what the issuer puts in | a token of more than 4 KiB is never kept: leave out of it what no handler reads |
//! | the algorithm of the issuer | decides what a new token costs: `cargo bench --bench verify -- raw` shows the signatures alone |
//! | [`any_of`](crate::JwtAuthLayer::any_of) | each issuer adds a little to each request |
//! | [`with_rule`](crate::Verifier::with_rule) | asked with each request, repeated tokens included |
//! | [`distinguish_late_links`](crate::Verifier::distinguish_late_links) | an expired link costs a signature |
//! | [`single_use`](crate::JwtAuthLayer::single_use), [`with_replay_rule`](crate::JwtAuthLayer::with_replay_rule) | the store is asked with each request |
//! | a [validation endpoint](crate::remote) | an answer of the provider in place of a signature, kept for up to 60 s |
//! | [`Claims<T>`](crate::Claims) | the first three types that are asked for are kept with a token; JSON is read for any further one |
//!
//! # How to measure
//!
//! | command | shows |
//! |---|---|
//! | `cargo bench --bench verify` | signatures, new and repeated tokens of six algorithms, every kind of refusal, swaps, typed claims |
//! | `cargo bench --bench scale` | the tables and the plots of this page |
//! | `cargo test --test allocations -- --nocapture` | allocations of a new token and of a repeated one |
//!
//! Either bench takes a part of a name to measure less. The points of a dimension take turns, and each is compared with the
//! layer that does nothing in the same round, as the clock of a processor drifts by more than what is to be seen. For the
//! same reason the times of `verify` are good for a first look, and to be compared with care.
