//! The quantities that a deployment may grow in.

use std::rc::Rc;

use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use tower_jwt_auth::jwks::Jwks;
use tower_jwt_auth::test_util::{SigningKey, jwks_of};
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::verify::MAX_CACHED_TOKEN_BYTES;
use tower_jwt_auth::{JwtAuthLayer, Verifier};

use super::app::{guarded, status, unguarded};
use super::crew::crew;
use super::dimension::{Count, Dimension, Row, Unit, handling, in_batches};
use super::interleave::Subject;
use super::tokens::{AUDIENCE, Mint, Pool, as_received, bearer, changed, claims, in_no_order, verifier_over};

const ACCEPTED: StatusCode = StatusCode::NO_CONTENT;
const REFUSED: StatusCode = StatusCode::UNAUTHORIZED;

/// A dimension, made when it is its turn.
pub type Make = fn() -> Dimension;

pub const ALL: [(&str, Make); 5] = [
    ("keys", keys),
    ("issuers", issuers),
    ("live-tokens", live_tokens),
    ("claims-size", claims_size),
    ("threads", threads),
];

/// Keys of one issuer, each of which signs its part of the tokens.
fn keys() -> Dimension {
    let counts = [1, 2, 4, 8, 16, 32, 64, 128];
    let keys: Rc<[_]> =
        (0..128).map(|n| SigningKey::generate(Algorithm::EdDsa, &format!("signing-key-{n:03}"))).collect();
    let stranger = SigningKey::generate(Algorithm::EdDsa, "signing-key-064b");
    let verifier = |count| verifier_over(Jwks::from_json(jwks_of(&keys[..count])).expect("a key set"));
    let signed = |count: usize| {
        let keys = Rc::clone(&keys);
        move |n: usize| keys[n % count].token(&claims(n))
    };
    let strange = bearer(&stranger.token(&claims(0)));
    Dimension {
        name: "keys",
        count: Count { name: "keys in the set", phrase: "the number of keys", step: (1.0, "key") },
        points: points(&counts),
        note: None,
        unit: Unit::nothing(),
        rows: vec![
            row("new token", &counts, |count| new(Pool::with(signed(count)), verifier(count))),
            row("repeated token", &counts, |count| {
                repeated(JwtAuthLayer::new(verifier(count)), &signed(count)(count - 1))
            }),
            row("refused: unknown key", &counts, |count| {
                let strange = strange.clone();
                handling(guarded(JwtAuthLayer::new(verifier(count))), REFUSED, move || strange.clone())
            }),
        ],
    }
}

/// Issuers at one door, each with its own key and its part of the tokens.
fn issuers() -> Dimension {
    let counts = [1, 2, 5, 10, 20, 50, 100];
    let name = |n: usize| format!("https://tenant-{n:03}.issuer.example");
    let keys: Rc<[_]> = (0..100).map(|_| SigningKey::generate(Algorithm::EdDsa, "1")).collect();
    let signed = |count: usize| {
        let keys = Rc::clone(&keys);
        move |n: usize| keys[n % count].token(&changed(claims(n), json!({ "iss": name(n % count) })))
    };
    let layer = |count: usize, settle: &dyn Fn(Verifier) -> Verifier| {
        let layers = (0..count).map(|n| {
            let jwks = Jwks::from_json(jwks_of([&keys[n]])).expect("a key set");
            JwtAuthLayer::new(settle(Verifier::new(name(n), AUDIENCE, jwks).expect("a policy")))
        });
        JwtAuthLayer::any_of(layers).expect("different issuers")
    };
    let strange = bearer(&keys[0].token(&changed(claims(0), json!({ "iss": "https://other.example" }))));
    Dimension {
        name: "issuers",
        count: Count { name: "issuers at one door", phrase: "the number of issuers", step: (1.0, "issuer") },
        points: points(&counts),
        note: None,
        unit: Unit::nothing(),
        rows: vec![
            row("new token", &counts, |count| {
                let pool = Pool::with(signed(count));
                let app = guarded(layer(count, &|verifier| pool.settle(verifier)));
                handling(app, ACCEPTED, move || pool.take_bearer())
            }),
            row("repeated token", &counts, |count| {
                repeated(layer(count, &|verifier| verifier), &signed(count)(count - 1))
            }),
            row("refused: another issuer", &counts, |count| {
                let strange = strange.clone();
                handling(guarded(layer(count, &|verifier| verifier)), REFUSED, move || strange.clone())
            }),
        ],
    }
}

/// Tokens of so many users who come back in no order; the cache has room for twice as many.
fn live_tokens() -> Dimension {
    let counts = [1, 10, 100, 1_000, 10_000, 100_000];
    let mint = Mint::of(Algorithm::EdDsa);
    let tokens: Rc<[_]> = (0..100_000).map(|n| bearer(&mint.token(&claims(n)))).collect();
    let all_at = |count: usize, mut app: axum::Router| {
        let tokens = Rc::clone(&tokens);
        for token in &tokens[..count] {
            status(&mut app, super::app::request(token.clone()));
        }
        let mut order = in_no_order(count);
        handling(app, ACCEPTED, move || as_received(&tokens[order()]))
    };
    Dimension {
        name: "live-tokens",
        count: Count { name: "live tokens", phrase: "the number of live tokens", step: (1_000.0, "1,000") },
        points: points(&counts),
        note: None,
        unit: Unit {
            name: NOTHING_WITH_THE_SAME,
            subjects: over(&counts, |count| all_at(count, unguarded())),
        },
        rows: vec![row("repeated tokens", &counts, |count| {
            all_at(count, guarded(JwtAuthLayer::new(mint.verifier().with_token_cache(2 * count))))
        })],
    }
}

const NOTHING_WITH_THE_SAME: &str = "the same request behind a layer that does nothing";

/// Tokens with ever more groups in them, of which the handler wants none.
fn claims_size() -> Dimension {
    // The longest token that is kept has some 2,950 bytes of claims, and the longest that is read 12,170.
    let sizes = [300, 600, 1_200, 2_400, 2_900, 3_400, 4_800, 7_000, 12_000];
    let mint = Rc::new(Mint::of(Algorithm::EdDsa));
    let signed = |size: usize| {
        let mint = Rc::clone(&mint);
        move |n: usize| mint.token(&claims_of(size, n))
    };
    let expired = |size: usize| mint.token(&changed(claims_of(size, 0), json!({ "exp": 1_700_000_300 })));
    Dimension {
        name: "claims-size",
        count: Count {
            name: "bytes of claims",
            phrase: "the token's own length",
            step: (1_000.0, "1,000 bytes"),
        },
        points: points(&sizes),
        note: Some(format!("Tokens of more than {MAX_CACHED_TOKEN_BYTES} bytes are not kept.")),
        unit: Unit::nothing(),
        rows: vec![
            row("new token", &sizes, |size| new(Pool::with(signed(size)), mint.verifier())),
            Row {
                up_to: Some(2_900.0),
                ..row("repeated token", &sizes, |size| {
                    repeated(JwtAuthLayer::new(mint.verifier()), &signed(size)(0))
                })
            },
            row("refused: expired", &sizes, |size| {
                let expired = bearer(&expired(size));
                handling(guarded(JwtAuthLayer::new(mint.verifier())), REFUSED, move || expired.clone())
            }),
        ],
    }
}

/// Claims of `size` bytes, and at most one group more.
fn claims_of(size: usize, n: usize) -> Value {
    let group = |n: usize| format!("{n:08x}-0000-4000-8000-00000000beef");
    let mut claims = claims(n);
    let mut groups = 0;
    while claims.to_string().len() < size {
        groups += 1;
        claims["groups"] = (0..groups).map(group).collect();
    }
    claims
}

/// Threads that share one layer, each with requests of its own.
fn threads() -> Dimension {
    let counts = [1, 2, 4];
    let mint = Mint::of(Algorithm::EdDsa);
    let bearers: Vec<_> = (0..4).map(|n| bearer(&mint.token(&claims(n)))).collect();
    let repeating = |app: axum::Router, tokens: Vec<HeaderValue>| {
        let hands = tokens.into_iter().map(|token| {
            // In memory of its own: a count that all threads keep would be theirs, and not the layer's.
            in_batches(app.clone(), ACCEPTED, move || as_received(&token))
        });
        crew("repeated", hands.collect())
    };
    let app = || guarded(JwtAuthLayer::new(mint.verifier()));
    Dimension {
        name: "threads",
        count: Count { name: "threads", phrase: "the number of threads", step: (1.0, "thread") },
        points: points(&counts),
        note: Some(format!(
            "This machine runs {} threads at a time; beyond that they wait for their turn, which does not count.",
            cores()
        )),
        unit: Unit {
            name: "a request behind a layer that does nothing, on one thread",
            subjects: vec![repeating(unguarded(), bearers[..1].to_vec())],
        },
        rows: vec![
            row("new tokens", &counts, |count| {
                let first = Pool::of(&mint);
                let app = guarded(first.layer(mint.verifier()));
                let mut pools: Vec<_> =
                    (1..count).map(|n| first.beside(|of| mint.token(&claims(1_000 * n + of)))).collect();
                pools.push(first);
                let hand = |pool: Pool| in_batches(app.clone(), ACCEPTED, move || pool.take_bearer());
                crew("new", pools.into_iter().map(hand).collect())
            }),
            row("repeated: one token for all", &counts, |count| {
                repeating(app(), vec![bearers[0].clone(); count])
            }),
            row("repeated: one token each", &counts, |count| repeating(app(), bearers[..count].to_vec())),
            row("a layer that does nothing", &counts, |count| {
                repeating(unguarded(), bearers[..count].to_vec())
            }),
        ],
    }
}

fn new(pool: Pool, verifier: Verifier) -> Subject {
    let app = guarded(pool.layer(verifier));
    handling(app, ACCEPTED, move || pool.take_bearer())
}

fn repeated(layer: JwtAuthLayer, token: &str) -> Subject {
    let authorization = bearer(token);
    handling(guarded(layer), ACCEPTED, move || as_received(&authorization))
}

fn row(name: &'static str, points: &[usize], subject: impl FnMut(usize) -> Subject) -> Row {
    Row { name, subjects: over(points, subject), up_to: None }
}

fn over(points: &[usize], subject: impl FnMut(usize) -> Subject) -> Vec<Subject> {
    points.iter().copied().map(subject).collect()
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[expect(clippy::cast_precision_loss, reason = "none has more than six digits")]
fn points(counts: &[usize]) -> Vec<f64> {
    counts.iter().map(|count| *count as f64).collect()
}
