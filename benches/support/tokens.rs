//! Tokens of every algorithm, who makes them, and a pool of them that stays new.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use http::HeaderValue;
use serde::Deserialize;
use serde_json::{Value, json};
use tower_jwt_auth::clock::{Clock, SystemClock};
use tower_jwt_auth::jwks::{Jwks, SharedSecret};
use tower_jwt_auth::test_util::{Issuer, SigningKey, jwks_of};
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::verify::Authority;
use tower_jwt_auth::{JwtAuthLayer, Verifier};

pub const ISSUER: &str = "https://issuer.example";
pub const AUDIENCE: &str = "api";

/// Eight claims, as a service may use.
#[derive(Deserialize)]
#[expect(dead_code, reason = "what matters is that they are read")]
pub struct User {
    iss: Box<str>,
    sub: Box<str>,
    exp: u64,
    iat: u64,
    email: Box<str>,
    email_verified: bool,
    tenant: u32,
    scope: Box<str>,
}

/// Claims of the user number `n`: a token of RS256 with them has some 750 bytes. They hold by the machine's clock for as
/// long as anybody will measure.
pub fn claims(n: usize) -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": format!("7f9c24e5-1d0b-4b6e-9a54-{n:012x}"),
        "iat": 1_700_000_000, "exp": 4_102_444_800_u64, "jti": format!("{n:032x}"),
        "email": format!("user{n}@example.com"), "email_verified": true, "tenant": 7,
        "scope": "openid email orders:read",
    })
}

/// `claims` with some of them replaced.
pub fn changed(mut claims: Value, changes: Value) -> Value {
    let (Value::Object(all), Value::Object(changes)) = (&mut claims, changes) else { panic!("two objects") };
    all.extend(changes);
    claims
}

/// Who signs with one algorithm.
pub enum Mint {
    Key(SigningKey),
    Secret(Algorithm),
}

/// Of all that are signed with a secret.
pub const SECRET: [u8; 32] = [7; 32];

impl Mint {
    /// The one of `algorithm`: RS256 and PS256 sign with one RSA key of 2,048 bits.
    pub fn of(algorithm: Algorithm) -> Self {
        static RSA: OnceLock<SigningKey> = OnceLock::new();
        match algorithm {
            Algorithm::Hs256 => Self::Secret(algorithm),
            Algorithm::Rs256 | Algorithm::Ps256 => {
                let rsa = RSA.get_or_init(|| SigningKey::generate(Algorithm::Rs256, "2026-11"));
                Self::Key(rsa.with_algorithm(algorithm))
            }
            other => Self::Key(SigningKey::generate(other, "2026-11")),
        }
    }

    pub fn key(&self) -> &SigningKey {
        match self {
            Self::Key(key) => key,
            Self::Secret(algorithm) => panic!("{algorithm} has no key pair"),
        }
    }

    pub fn token(&self, claims: &Value) -> String {
        match self {
            Self::Key(key) => key.token(claims),
            Self::Secret(algorithm) => {
                let claims = claims.as_object().expect("an object");
                let token = Issuer::new(ISSUER, AUDIENCE).token();
                let token =
                    claims.iter().fold(token, |token, (name, value)| token.claim(name, value.clone()));
                token.sign_with_secret(*algorithm, &SECRET)
            }
        }
    }

    pub fn authority(&self) -> Authority {
        match self {
            Self::Key(key) => Jwks::from_json(jwks_of([key])).expect("a key set").into(),
            Self::Secret(algorithm) => SharedSecret::new(*algorithm, SECRET).expect("a secret").into(),
        }
    }

    /// The default policy over the one key.
    pub fn verifier(&self) -> Verifier {
        verifier_over(self.authority())
    }
}

/// The default policy.
pub fn verifier_over(authority: impl Into<Authority>) -> Verifier {
    Verifier::new(ISSUER, AUDIENCE, authority).expect("a policy")
}

/// Tokens that are new to their verifier each time they come, and are remembered each time, as in a cache that has room.
///
/// A pool that is larger than the cache would not do: the cache keeps some of what comes round in a circle. To turn the cache
/// off would leave out what it costs to remember a token. So the pool's own clock, which is the machine's and more, goes a
/// second ahead with each token: by the time that one comes again, the cache has it but for longer than it believes it.
pub struct Pool {
    tokens: Vec<String>,
    next: Cell<usize>,
    ahead: Ahead,
}

/// How many tokens a [`Pool`] has: seconds, and more of them than a token stays in the cache, by the most that may be taken
/// from the pool before the first of them is used.
const POOL: usize = 512;

/// How many tokens may be taken from a [`Pool`] before the first of them is used.
pub const MOST_TAKEN: usize = 128;

impl Pool {
    pub fn of(mint: &Mint) -> Self {
        Self::with(|n| mint.token(&claims(n)))
    }

    pub fn with(token: impl FnMut(usize) -> String) -> Self {
        Self { tokens: (0..POOL).map(token).collect(), next: Cell::new(0), ahead: Ahead::default() }
    }

    /// Other tokens, by the same clock: for another thread.
    pub fn beside(&self, token: impl FnMut(usize) -> String) -> Self {
        Self { ahead: self.ahead.clone(), ..Self::with(token) }
    }

    /// `verifier`, going by the clock of the pool.
    pub fn settle(&self, verifier: Verifier) -> Verifier {
        verifier.with_clock(self.ahead.clone())
    }

    /// A layer of `verifier`, going by the clock of the pool.
    pub fn layer(&self, verifier: Verifier) -> JwtAuthLayer {
        JwtAuthLayer::new(self.settle(verifier))
    }

    pub fn take(&self) -> &str {
        let next = self.next.get();
        self.next.set((next + 1) % self.tokens.len());
        self.ahead.seconds.fetch_add(1, Ordering::Relaxed);
        &self.tokens[next]
    }

    /// The next one as the value of an `Authorization` header.
    pub fn take_bearer(&self) -> HeaderValue {
        bearer(self.take())
    }
}

pub fn bearer(token: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("Bearer {token}")).expect("a header value")
}

/// The same header in memory of its own, as one that was just read from a socket.
pub fn as_received(authorization: &HeaderValue) -> HeaderValue {
    HeaderValue::from_bytes(authorization.as_bytes()).expect("a header value")
}

/// Numbers below `count` that no processor can foresee, by a generator of Knuth's.
pub fn in_no_order(count: usize) -> impl FnMut() -> usize {
    let mut state = 1_u64;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % count
    }
}

/// The machine's clock, some seconds ahead.
#[derive(Debug, Clone, Default)]
struct Ahead {
    seconds: Arc<AtomicU64>,
}

impl Clock for Ahead {
    fn now(&self) -> SystemTime {
        SystemClock.now() + Duration::from_secs(self.seconds.load(Ordering::Relaxed))
    }
}
