//! What is measured in every run: the limit, what a router costs anyway, and this crate in all its answers.

use http::StatusCode;
use tower_jwt_auth::Verifier;

use super::interleave::{Samples, Subject, interleave};
use super::issuer::{Algorithm, Issuer, forged};
use super::requests::{Callers, Door, door, knock, raw};
use super::routers;

pub const RAW: &str = "raw signature verification";
pub const BARE: &str = "router alone";
pub const NOTHING: &str = "router and a layer that does nothing";
pub const LEAST: &str = "router and the least that such a layer can do: leave an entry and read two clocks";
pub const NOTHING_10K: &str = "the same, 10,000 tokens in turn";
pub const NEW: &str = "tower-jwt-auth, a new token each time";
pub const NEW_UNCACHED: &str = "tower-jwt-auth, a new token each time, cache off";
pub const REPEATED: &str = "tower-jwt-auth, the same token again";
pub const REPEATED_10K: &str = "tower-jwt-auth, 10,000 tokens in turn";
pub const FORGED: &str = "tower-jwt-auth, bad signature";
pub const GARBAGE: &str = "tower-jwt-auth, garbage";
pub const UNKNOWN_KID: &str = "tower-jwt-auth, unknown `kid`";
pub const EXPIRED: &str = "tower-jwt-auth, expired";
pub const WRONG_ISS: &str = "tower-jwt-auth, another `iss`";
pub const WRONG_AUD: &str = "tower-jwt-auth, another `aud`";

/// How many tokens are live where there are many.
const LIVE: usize = 10_000;

/// The cache is divided into parts that fill unevenly: with room to spare, none of the live tokens is driven out.
const ROOM: usize = 2 * LIVE;

/// How many times each subject has its turn.
pub const ROUNDS: usize = 61;

/// So many that no token comes twice to the subject that is to verify each.
fn distinct(algorithm: Algorithm) -> usize {
    match algorithm {
        Algorithm::Rs256 => 2 * LIVE,
        Algorithm::Es256 | Algorithm::EdDsa => LIVE,
    }
}

/// The measurements of one algorithm.
pub struct Run {
    pub algorithm: Algorithm,
    samples: Vec<Samples>,
}

impl Run {
    /// Measures this crate with verifiers that `verifier` makes, and `others` beside it.
    pub fn of(issuer: &Issuer, verifier: impl Fn() -> Verifier, others: Vec<(String, Door)>) -> Self {
        let tokens = issuer.tokens(distinct(issuer.algorithm));
        let mut subjects = own(issuer, &tokens, verifier);
        subjects.extend(others.into_iter().map(|(name, door)| accepted(&name, door, Callers::with(&tokens))));
        Self { algorithm: issuer.algorithm, samples: interleave(&mut subjects, ROUNDS) }
    }

    /// Only `others`, and the limit.
    pub fn of_others(issuer: &Issuer, others: Vec<(String, Door)>) -> Self {
        let tokens = issuer.tokens(256);
        let mut subjects = vec![raw(RAW, issuer.parsed_key(), &tokens)];
        subjects.extend(others.into_iter().map(|(name, door)| accepted(&name, door, Callers::with(&tokens))));
        Self { algorithm: issuer.algorithm, samples: interleave(&mut subjects, ROUNDS) }
    }

    pub fn samples(&self, name: &str) -> Option<&Samples> {
        self.samples.iter().find(|samples| samples.name == name)
    }

    /// How many times as long `name` takes as `other`.
    pub fn ratio(&self, name: &str, other: &str) -> Option<f64> {
        Some(self.samples(name)?.median_ratio_to(self.samples(other)?))
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.samples.iter().map(|samples| samples.name.as_str())
    }
}

fn own(issuer: &Issuer, tokens: &[String], verifier: impl Fn() -> Verifier) -> Vec<Subject> {
    let one = || Callers::with(tokens.first());
    let live = || Callers::with(tokens.iter().take(LIVE));
    let guarded = || door(routers::guarded(verifier()));
    // As any that has let somebody in: it knows the header that the tokens of its issuer have.
    let in_use = || {
        let mut door = guarded();
        assert_eq!(
            tokens.first().map(|token| door(super::requests::bearer(token))),
            Some(StatusCode::NO_CONTENT)
        );
        door
    };
    let mut remembered = door(routers::guarded(verifier().with_token_cache(ROOM)));
    for token in tokens.iter().take(LIVE) {
        let status = remembered(super::requests::bearer(token));
        assert_eq!(status, StatusCode::NO_CONTENT);
    }
    vec![
        raw(RAW, issuer.parsed_key(), tokens),
        accepted(BARE, door(routers::bare()), one()),
        accepted(NOTHING, door(routers::with_a_layer_that_does_nothing()), one()),
        accepted(LEAST, door(routers::with_the_least_layer()), one()),
        accepted(NOTHING_10K, door(routers::with_a_layer_that_does_nothing()), live()),
        accepted(NEW, guarded(), Callers::with(tokens).once()),
        accepted(NEW_UNCACHED, door(routers::guarded(verifier().with_token_cache(0))), Callers::with(tokens)),
        accepted(REPEATED, guarded(), one()),
        accepted(REPEATED_10K, remembered, live()),
        refused(FORGED, in_use(), tokens.iter().take(256).map(|token| forged(token))),
        refused(GARBAGE, in_use(), ["garbage".to_owned()]),
        refused(UNKNOWN_KID, in_use(), [issuer.token_of_unknown_key()]),
        refused(EXPIRED, in_use(), [issuer.expired_token()]),
        refused(WRONG_ISS, in_use(), [issuer.token_with("iss", "https://other.example".into())]),
        refused(WRONG_AUD, in_use(), [issuer.token_with("aud", "https://other.example".into())]),
    ]
}

fn accepted(name: &str, door: Door, callers: Callers) -> Subject {
    Subject::new(name, knock(door, callers, StatusCode::NO_CONTENT))
}

fn refused(name: &str, door: Door, tokens: impl IntoIterator<Item = String>) -> Subject {
    Subject::new(name, knock(door, Callers::with(tokens), StatusCode::UNAUTHORIZED))
}
