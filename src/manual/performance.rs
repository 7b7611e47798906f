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
//! is small beside it, except with HMAC. The header is read once for all tokens that carry the same; claims that are
//! written as usual, in compact JSON without escapes, are read without a JSON parser, which reads the others.
//!
//! **An accepted token is remembered, a refused one never.** The cache holds whole texts of tokens, and an entry counts for
//! the generation of keys that it was made under and for up to [5 min](crate::verify::MAX_CACHED_AGE). On a hit, times are
//! judged again and rules are asked again, so that the cache can only repeat a yes that would be given again. Typed claims
//! are kept beside the token: a handler that asks for the same type again gets it without JSON. While there is room, a token
//! is remembered when it comes; in a full cache, when it comes again, so that tokens which come once drive nobody out.
//!
//! # What that comes to
//!
//! In all of what follows but the whole server, 1 is a request to a handler of the same router behind a layer that does
//! nothing, without sockets; requests are made before the clock starts. Such multiples carry over from machine to machine
//! better than times do. Tokens are Ed25519's with 260 to 310 bytes of claims, of which the handler takes eight, typed; they
//! are *new*, not in the cache, or *repeated*. Measured on 2026-11-25, with two cores, by `cargo bench --bench scale`:
//!
//! | request | cost |
//! |---|--:|
//! | behind a layer that does nothing | 1 |
//! | repeated token | 1.8 |
//! | expired token | 3.0 |
//! | unknown key | 2.9 |
//! | new token | 66 |
//!
//! ## A whole server
//!
//! With sockets: axum on loopback, a process for each server, and `wrk` with 32 connections, each of whose requests carries a
//! token of RS256 of some 750 bytes. Servers take turns of two seconds; figures are medians over seven rounds, in the second
//! table over nine. Measured on 2026-11-25 by `cargo run --release --manifest-path benches/peers/Cargo.toml --bin server`.
//!
//! | server | requests/s | p50 | p99 | not 2xx | processor | of no auth (rounds) |
//! |---|--:|--:|--:|--:|--:|--:|
//! | no auth | 59,700 | 0.38 ms | 2.14 ms | 0 | 9.6 µs | 1.00 (1.00–1.00) |
//! | tower-jwt-auth, 1,000 tokens in turn | 55,500 | 0.41 ms | 1.90 ms | 0 | 10.7 µs | 0.93 (0.60–1.05) |
//! | tower-jwt-auth, a new token each time | 23,700 | 1.09 ms | 3.39 ms | 0 | 32.0 µs | 0.43 (0.34–0.45) |
//! | axum-jwt-auth 0.7.0, with aws-lc | 21,600 | 1.28 ms | 3.29 ms | 0 | 41.5 µs | 0.36 (0.29–0.44) |
//! | oauth-resource-server 0.4.1 | 18,400 | 1.54 ms | 3.99 ms | 0 | 45.6 µs | 0.32 (0.28–0.40) |
//!
//! *Processor* is the time of the server's threads for one request, and the figure to go by. The load generator and the
//! server share two cores with whatever else the machine does, which at the time was much (a load of 3 before the
//! start): of the other figures, throughput differed by as much as 40 % from run to run, and by the range in brackets
//! between the rounds of one. The tokens of the third row are new by a clock that outruns the cache, and are remembered.
//!
//! So a repeated token adds 1.1 µs to a request of 9.6 µs, and the server keeps nine tenths of its throughput. A new one
//! adds 22 µs, most of it for the signature; with the peers each request adds 32 µs and 36 µs, whether its token was seen
//! before or not. Percentiles are those of a server that is driven as hard as it goes: they tell of the queue at the
//! processors before they tell of the work.
//!
//! The same repeated tokens, while this happens to the provider of the keys all the time, and each server fetches them four
//! times a second, far more often than it ever would by itself:
//!
//! | the provider | requests/s | p50 | p99 | not 2xx | processor | of steady (rounds) | fetches (failed) | requests it saw | new key sets |
//! |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
//! | is steady | 53,500 | 0.40 ms | 5.05 ms | 0 | 10.7 µs | 1.00 (1.00–1.00) | 290 (0) | 290 | 0 |
//! | rotates its keys each second | 51,800 | 0.43 ms | 4.19 ms | 0 | 11.6 µs | 0.90 (0.75–1.06) | 290 (0) | 290 | 73 |
//! | refuses connections | 57,800 | 0.40 ms | 4.65 ms | 0 | 9.8 µs | 0.98 (0.81–1.17) | 290 (290) | 0 | 0 |
//! | never answers | 57,700 | 0.37 ms | 4.56 ms | 0 | 10.0 µs | 1.02 (0.87–1.31) | 13 (13) | 14 | 0 |
//!
//! No good token was refused. A provider that is down or hangs costs the requests nothing that can be seen. With keys that
//! rotate, all 1,000 tokens are replaced each second by those of the next key, and each is verified again when the set
//! changes, some 2,000 signatures a second: a request took 0.9 µs more. A fetch that hangs is given up after 5 s, so that
//! there were few.
//!
//! # How it grows
//!
//! | with | a new token | a repeated token | a refused token |
//! |---|---|---|---|
//! | keys in the set, 1 to 128 | not | not | not |
//! | issuers at one door, 2 to 100 | not | not | not |
//! | live tokens, 1 to 100,000 | | by 0.11 for each doubling | |
//! | bytes of claims, up to 12,000 | by 4.6 for each 1,000 | by 0.08 for each 1,000, as far as it is kept | by 0.7 for each 1,000 |
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
//! [`any_of`](crate::JwtAuthLayer::any_of) looks once for all layers that read the same places, and looks up the issuer that
//! the token says it has. To read that, before anything is known of the token, is what a repeated token costs more at two
//! issuers than at one. *Refused* is a token of another issuer.
//!
#![doc = include_str!("performance/issuers.svg")]
//!
//! ## Live tokens
//!
//! Repeated tokens of ever more users, in no order, with a cache that has room for twice as many. A look-up is one hash of the
//! end of a token and one comparison of the whole however many there are; what grows is how far from the processor the entry is.
//!
#![doc = include_str!("performance/live-tokens.svg")]
//!
//! ## Size
//!
//! All of a token is compared, decoded and read once, so that its cost grows in proportion to its length after a fixed part.
//! Tokens of more than [4 KiB](crate::verify::MAX_CACHED_TOKEN_BYTES), some 2,950 bytes of claims with Ed25519, are not kept, and
//! are new each time they come. *Refused* is an expired token.
//!
#![doc = include_str!("performance/claims-size.svg")]
//!
//! ## Threads
//!
//! What one request costs each of several threads that share a layer: a level line is perfect scaling. The machine had two
//! cores; the last point is beyond them, and shows no more than that it does no harm. What counts is time on a processor: a
//! thread that sleeps until another is done would not show, but nothing on this path makes one.
//!
#![doc = include_str!("performance/threads.svg")]
//!
//! # A fleet
//!
//! Replicas that start together must not fetch together for ever. After a first good set, and after an outage, the first
//! pause is drawn from a fifth of the interval to a tenth beyond it; all others are an hour, less or more a tenth. 10,000 real
//! key sets under a virtual clock, for 48 h (2026-11-24, `cargo bench --bench fleet`; no good token was refused in any phase):
//!
//! | phase | fetches/s, mean | busiest minute | ÷ mean |
//! |---|--:|--:|--:|
//! | start-up, all within a minute | 167 | 167 | 1.0 |
//! | the hours after it | 2.75 | 3.9 | 1.4 |
//! | all replaced within half an hour | 7.4 | 8.4 | 1.1 |
//! | a rotation that was published two hours ahead | 2.8 | 3.6 | 1.3 |
//! | an outage of two hours, connections refused | 257 | 340 | 1.3 |
//! | recovery | 83 | 167 | 2.0 |
//! | the hours after it | 2.75 | 3.8 | 1.4 |
//! | a rotation without notice, a request a minute for each replica | 5.5 | 105 | 19 |
//! | an outage of two hours, requests hang | 219 | 290 | 1.3 |
//!
//! A minute, as single seconds of so few fetches are chance. A rotation without notice costs one fetch more for each replica
//! as soon as one of its users has a new token: to spread them would be to refuse good tokens. While the provider is down each
//! replica tries about twice a minute, which is 120 times as often as otherwise; that of the busiest second was 406.
//!
#![doc = include_str!("performance/fleet.svg")]
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
//! | [`any_of`](crate::JwtAuthLayer::any_of) | of several issuers, the one is read that a token says it has, repeated tokens included; their number makes no difference |
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
//! | `cargo bench --bench targets` | what was to be reached, whether it is, and why not |
//! | `cargo bench --bench fleet` | 10,000 replicas against one provider, and the plot of this page |
//! | `cargo run --release --manifest-path benches/peers/Cargo.toml` | this crate beside others, in one run |
//! | `.ci/paths` | instructions and allocations of each path, counted under valgrind |
//! | `cargo run --release --manifest-path benches/peers/Cargo.toml --bin server` | a whole server under load, with peers beside it, and with trouble at the provider; needs `wrk` |
//!
//! `verify` and `scale` take a part of a name to measure less. The points of a dimension take turns, and each is compared with the
//! layer that does nothing in the same round, as the clock of a processor drifts by more than what is to be seen. For the
//! same reason the times of `verify` are good for a first look, and to be compared with care.
