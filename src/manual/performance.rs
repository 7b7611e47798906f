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
//! is small beside it, except with HMAC. Of a key set, four headers are remembered, the first that came with tokens that were
//! accepted, until the keys change: tokens that carry one of them need no reading of it, and an issuer with more keys or
//! kinds of tokens in use has some of its headers read each time. Claims that are written as usual, in compact JSON without
//! escapes, are read without a JSON parser, which reads the others.
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
//! | repeated token | 2.0 |
//! | expired token | 3.3 |
//! | unknown key | 3.3 |
//! | new token | 79 |
//!
//! ## A whole server
//!
//! With sockets: axum on loopback, a process for each server, and `wrk` with 32 connections, each of whose requests carries a
//! token of RS256 of some 750 bytes. Servers take turns of two seconds; figures are medians over seven rounds, in the second
//! table over nine. Measured on 2026-11-25 by `cargo run --release --manifest-path benches/peers/Cargo.toml --bin server`.
//!
//! | server | requests/s | p50 | p99 | not 2xx | processor | of no auth (rounds) |
//! |---|--:|--:|--:|--:|--:|--:|
//! | no auth | 100,200 | 0.23 ms | 2.13 ms | 0 | 8.8 µs | 1.00 (1.00–1.00) |
//! | tower-jwt-auth, 1,000 tokens in turn | 83,000 | 0.28 ms | 2.26 ms | 0 | 11.0 µs | 0.81 (0.70–0.99) |
//! | tower-jwt-auth, a new token each time | 43,300 | 0.70 ms | 1.40 ms | 0 | 31.2 µs | 0.43 (0.40–0.48) |
//! | axum-jwt-auth 0.7.0, with aws-lc | 38,000 | 0.81 ms | 1.55 ms | 0 | 36.7 µs | 0.37 (0.36–0.38) |
//! | oauth-resource-server 0.4.1 | 31,400 | 0.92 ms | 2.02 ms | 0 | 46.7 µs | 0.32 (0.24–0.33) |
//!
//! *Processor* is the time of the server's threads for one request, and the figure to go by; ratios are medians of those of
//! the rounds. With sockets more is touched between two requests than without, and all of it costs more: the load generator and the
//! server share two cores, and the throughput of one server differed from round to round by the range in brackets. The
//! tokens of the third row are new by a clock that outruns the cache, and are remembered.
//!
//! So a repeated token adds 2.2 µs to a request of 8.8 µs, and the server keeps eight tenths of its throughput. A new one
//! adds 22 µs, most of it for the signature; with the peers each request adds 28 µs and 38 µs, whether its token was seen
//! before or not. Percentiles are those of a server that is driven as hard as it goes: they tell of the queue at the
//! processors before they tell of the work.
//!
//! The same repeated tokens, while this happens to the provider of the keys all the time, and each server fetches them four
//! times a second, far more often than it ever would by itself:
//!
//! | the provider | requests/s | p50 | p99 | not 2xx | processor | of steady (rounds) | fetches (failed) | requests it saw | new key sets |
//! |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
//! | is steady | 90,100 | 0.27 ms | 1.96 ms | 0 | 10.0 µs | 1.00 (1.00–1.00) | 296 (0) | 296 | 0 |
//! | rotates its keys each second | 83,300 | 0.28 ms | 1.91 ms | 0 | 11.1 µs | 0.88 (0.67–1.03) | 296 (0) | 296 | 75 |
//! | refuses connections | 88,900 | 0.27 ms | 2.16 ms | 0 | 10.0 µs | 1.00 (0.88–1.14) | 296 (296) | 0 | 0 |
//! | never answers | 88,600 | 0.28 ms | 1.83 ms | 0 | 10.1 µs | 0.95 (0.87–1.08) | 14 (14) | 15 | 0 |
//!
//! No good token was refused. A provider that is down or hangs costs the requests nothing that can be seen. With keys that
//! rotate, all 1,000 tokens are replaced each second by those of the next key, and each is verified again when the set
//! changes, some 2,000 signatures a second: a request took about 1 µs more, by which two runs of the same differ too. All four
//! servers fetch throughout, also while another has its turn. A fetch that hangs is given up after 5 s, so that
//! there were few.
//!
//! # What a layer cannot do without
//!
//! Of the 26 targets of `cargo bench --bench targets`, a third are reached. The others are missed for these reasons (2026-11-25,
//! on an AMD EPYC, RS256, through an axum router, the making of the request included, unlike in the tables of `scale`; `cargo run --release --manifest-path benches/peers/Cargo.toml`):
//!
//! | request | time | ÷ do-nothing layer |
//! |---|--:|--:|
//! | layer that does nothing | 0.61 µs | 1 |
//! | layer that leaves an entry in the request's extensions and reads two clocks, the least that one like this can do | 0.81 µs | 1.33 |
//! | repeated token | 1.17 µs | 1.91 |
//! | garbage, refused | 0.99 µs | 1.6 |
//! | expired token, refused | 1.53 µs | 2.5 |
//!
//! A *repeated token* was to cost 1.12 times the layer that does nothing. To leave its claims where a handler finds them makes
//! axum's map of extensions grow, as it is full with three entries of axum's own, and `exp` and the age of the keys take a
//! clock each: a third more, before the token is looked at. The rest, by instructions, is a tenth each or less: the larger
//! future that axum moves, looking up three header fields, the hash, the comparison, and the answer's way back.
//!
//! A *refusal* is a response with a body, three header fields and the error in its extensions. The layer has to make all of
//! that, where a handler's answer would only have passed through. A *bad signature* costs that on top of the signature. A *new token* costs
//! the router and what serde makes of the handler's own type, which are a third of what it costs beside its signature.
//! A token of an *unknown key* has its claims read first, as only a plausible one may cause a fetch.
//!
//! # How it grows
//!
//! | with | a new token | a repeated token | a refused token |
//! |---|---|---|---|
//! | keys in the set, 1 to 128 | not | not | not |
//! | issuers at one door, 2 to 100 | not | not | not |
//! | live tokens, 1 to 100,000 | | by 0.12 for each doubling | |
//! | bytes of claims, up to 12,000 | by 5.5 for each 1,000 | by less than a tenth, as far as it is kept | by 0.8 for each 1,000 |
//! | threads, 1 to 2 | not | by 0.1 to 0.2, of which a layer that does nothing has 0.05 | |
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
//! as soon as one of its users has a new token: to spread them would be to refuse good tokens. While the provider is down,
//! each replica that has noticed tries about twice a minute, some 120 times as often as otherwise.
//!
#![doc = include_str!("performance/fleet.svg")]
//!
//! # A swap of the keys
//!
//! The median does not notice it: with 500 swaps a second, the median of a verification was within 1 % of what it was with none,
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
//! | [`Verifier::any_of`](crate::Verifier::any_of), [`Tenants`](crate::verify::Tenants) | the same; of tenants, your function that allows them is asked with each request, and new ones are fetched keys for |
//! | [profiles](crate::verify::Profile) | a new token is read once more; repeated ones cost nothing |
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
//! `verify` takes a part of a name to measure less, `scale` whole names of dimensions; `scale` and `fleet` draw their plots
//! anew. The points of a dimension take turns, and each is compared with the
//! layer that does nothing in the same round, as the clock of a processor drifts by more than what is to be seen. For the
//! same reason the times of `verify` are good for a first look, and to be compared with care.
