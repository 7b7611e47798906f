//! What a verification, a request and a refusal cost: `cargo bench --bench verify`, with a part of a name to see less.
//!
//! A *new* token is one that its verifier does not remember: it is taken from a pool whose clock outruns the cache, so that
//! remembering it, too, is in its cost (see [`Pool`]). A *repeated* token is the same one again and again.
//!
//! Requests are made before the clock starts, and answered in process by an axum router whose handler takes eight typed
//! claims: no sockets, no runtime. `raw` is the signature and nothing else, the least that a new token can cost.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    reason = "a measurement may stop at the first thing that is not as it says"
)]

mod support {
    pub mod app;
    pub mod raw;
    pub mod refusals;
    pub mod swap;
    #[expect(dead_code, reason = "other measurements need more of it")]
    pub mod tokens;
}

use std::sync::LazyLock;

use divan::{Bencher, black_box};
use http::StatusCode;
use tokio::runtime::{Builder, Runtime};
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::error::AuthErrorKind;
use tower_jwt_auth::token::Algorithm;

use support::app::{guarded, request, status, unguarded};
use support::raw::{RawKey, Signed};
use support::refusals;
use support::tokens::{
    MOST_TAKEN, Mint, Pool, User, as_received, bearer, claims, in_no_order, verifier_over,
};

fn main() {
    divan::main();
}

/// Those that are used the most, and HMAC.
const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::Rs256,
    Algorithm::Ps256,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::EdDsa,
    Algorithm::Hs256,
];

/// One of each kind of signature.
const WITH_A_ROUTER: [Algorithm; 3] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];

/// How many iterations a sample has: enough for the timer, few enough for a pool and for the cache of the processor.
const FEW: u32 = 64;
const _: () = assert!(FEW as usize <= MOST_TAKEN);

/// For what happens in the background: key sets that are fetched, stores and providers that may be waited for.
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime"));

/// The signature alone, by a key that was parsed before.
#[divan::bench(args = ALGORITHMS, sample_size = FEW)]
fn raw(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let mint = Mint::of(algorithm);
    let key = RawKey::of(&mint);
    let signed = Signed::some_by(&mint);
    let mut next = signed.iter().cycle();
    assert!(signed.iter().all(|signed| key.verifies(signed)));
    bencher
        .with_inputs(|| next.next().expect("one of them"))
        .bench_local_values(|signed| key.verifies(black_box(signed)));
}

/// [`Verifier::verify`](tower_jwt_auth::Verifier::verify), without HTTP.
mod verifier {
    use super::{ALGORITHMS, Algorithm, Bencher, FEW, Mint, Pool, black_box, claims};

    #[divan::bench(args = ALGORITHMS, sample_size = FEW)]
    fn new_token(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
        let mint = Mint::of(algorithm);
        let pool = Pool::of(&mint);
        let verifier = pool.settle(mint.verifier());
        bencher
            .with_inputs(|| pool.take())
            .bench_local_values(|token| verifier.verify(black_box(token)).expect("a good token"));
    }

    #[divan::bench(args = ALGORITHMS, sample_size = FEW)]
    fn repeated_token(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
        let mint = Mint::of(algorithm);
        let (verifier, token) = (mint.verifier(), mint.token(&claims(0)));
        bencher.bench(|| verifier.verify(black_box(&token)).expect("a good token"));
    }
}

/// A request, from the router to the answer.
mod router {
    use super::{
        Algorithm, Bencher, FEW, JwtAuthLayer, Mint, Pool, StatusCode, WITH_A_ROUTER, as_received, bearer,
        claims, guarded, in_no_order, request, status, unguarded,
    };

    /// What a request costs behind a layer that does nothing.
    #[divan::bench(sample_size = FEW)]
    fn without_this_layer(bencher: Bencher<'_, '_>) {
        let mut app = unguarded();
        let authorization = bearer(&Mint::of(Algorithm::Es256).token(&claims(0)));
        bencher
            .with_inputs(|| request(authorization.clone()))
            .bench_local_values(|request| status(&mut app, request));
    }

    #[divan::bench(args = WITH_A_ROUTER, sample_size = FEW)]
    fn new_token(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
        let mint = Mint::of(algorithm);
        let pool = Pool::of(&mint);
        let mut app = guarded(pool.layer(mint.verifier()));
        assert_eq!(status(&mut app, request(pool.take_bearer())), StatusCode::NO_CONTENT);
        bencher
            .with_inputs(|| request(pool.take_bearer()))
            .bench_local_values(|request| status(&mut app, request));
    }

    #[divan::bench(args = WITH_A_ROUTER, sample_size = FEW)]
    fn repeated_token(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
        let mint = Mint::of(algorithm);
        let authorization = bearer(&mint.token(&claims(0)));
        let mut app = guarded(JwtAuthLayer::new(mint.verifier()));
        assert_eq!(status(&mut app, request(authorization.clone())), StatusCode::NO_CONTENT);
        bencher
            .with_inputs(|| request(authorization.clone()))
            .bench_local_values(|request| status(&mut app, request));
    }

    /// Repeated tokens of as many users, in no order, each in a request of its own; the cache has room for twice as many.
    #[divan::bench(args = [1, 1_000, 10_000], sample_size = FEW)]
    fn live_tokens(bencher: Bencher<'_, '_>, live: usize) {
        let mint = Mint::of(Algorithm::EdDsa);
        let tokens: Vec<_> = (0..live).map(|n| bearer(&mint.token(&claims(n)))).collect();
        let mut app = guarded(JwtAuthLayer::new(mint.verifier().with_token_cache(2 * live)));
        for token in &tokens {
            assert_eq!(status(&mut app, request(token.clone())), StatusCode::NO_CONTENT);
        }
        let mut order = in_no_order(live);
        bencher
            .with_inputs(|| request(as_received(&tokens[order()])))
            .bench_local_values(|request| status(&mut app, request));
    }
}

/// Each kind of refusal, through the layer; a request is refused with the code that stands beside it.
#[divan::bench(args = AuthErrorKind::ALL.iter().map(|kind| kind.code()), sample_size = FEW)]
fn refused(bencher: Bencher<'_, '_>, code: &str) {
    let kind = AuthErrorKind::ALL.iter().copied().find(|kind| kind.code() == code).expect("a kind");
    let mut case = refusals::of_kind(kind, &RUNTIME);
    let _inside = refusals::is_asked_inside(kind).then(|| RUNTIME.enter());
    assert_eq!(case.code(), Some(code));
    let refusals::Case { mut app, request } = case;
    bencher.with_inputs(|| request.make()).bench_local_values(|request| status(&mut app, request));
}

/// Verifications while the key set is swapped so many times a second; a swap makes the verifier forget, so that a token which
/// is repeated is verified once after each.
mod swaps {
    use super::{Algorithm, Bencher, FEW, Mint, Pool, RUNTIME, black_box, claims, verifier_over};
    use crate::support::swap::Swapped;
    use std::time::Duration;

    /// So many a second: a provider that is asked every hour, and ever less likely ones.
    const SWAPS: [u32; 4] = [0, 1, 30, 500];

    /// For some swaps to happen in.
    const LONG: Duration = Duration::from_secs(2);

    #[divan::bench(args = SWAPS, sample_size = FEW, min_time = LONG)]
    fn repeated_token(bencher: Bencher<'_, '_>, swaps_a_second: u32) {
        let mint = Mint::of(Algorithm::EdDsa);
        let swapped = Swapped::around(mint.key(), swaps_a_second, &RUNTIME);
        let verifier = verifier_over(swapped.jwks.clone());
        let token = mint.token(&claims(0));
        bencher.bench_local(|| verifier.verify(black_box(&token)).expect("a good token"));
    }

    #[divan::bench(args = SWAPS, sample_size = FEW, min_time = LONG)]
    fn new_token(bencher: Bencher<'_, '_>, swaps_a_second: u32) {
        let mint = Mint::of(Algorithm::EdDsa);
        let pool = Pool::of(&mint);
        let swapped = Swapped::around(mint.key(), swaps_a_second, &RUNTIME);
        let verifier = pool.settle(verifier_over(swapped.jwks.clone()));
        bencher
            .with_inputs(|| pool.take())
            .bench_local_values(|token| verifier.verify(black_box(token)).expect("a good token"));
    }
}

/// The claims of a token that was just verified, in a type that was not asked for before.
mod claims_of_a_new_token {
    use super::{Algorithm, Bencher, FEW, Mint, User, claims};

    #[divan::bench(sample_size = FEW)]
    fn as_eight_typed_fields(bencher: Bencher<'_, '_>) {
        let mint = Mint::of(Algorithm::Hs256);
        let (verifier, token) = (mint.verifier().with_token_cache(0), mint.token(&claims(0)));
        bencher
            .with_inputs(|| verifier.verify(&token).expect("a good token"))
            .bench_local_values(|token| token.claims::<User>().expect("claims of a user"));
    }

    #[divan::bench(sample_size = FEW)]
    fn as_a_json_value(bencher: Bencher<'_, '_>) {
        let mint = Mint::of(Algorithm::Hs256);
        let (verifier, token) = (mint.verifier().with_token_cache(0), mint.token(&claims(0)));
        bencher
            .with_inputs(|| verifier.verify(&token).expect("a good token"))
            .bench_local_values(|token| token.claims::<serde_json::Value>().expect("any claims"));
    }
}
