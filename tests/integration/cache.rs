//! What the verifier remembers, seen from outside: claims that were read once stay with the token, and a mark on them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use aws_lc_rs::hmac;
use axum::Router;
use axum::routing::get;
use http::Method;
use serde::Deserialize;
use serde_json::json;
use tower_jwt_auth::clock::{Clock, FixedClock};
use tower_jwt_auth::error::ConfigError;
use tower_jwt_auth::jwks::{Jwks, SharedSecret};
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::verify::{MAX_CACHED_AGE, MAX_CACHED_TOKEN_BYTES, VerifiedToken};
use tower_jwt_auth::{JwtAuthLayer, Verifier};

use crate::support::app::{ACCEPTED, App, Place, outcome, verifier};
use crate::support::issuer::{
    AUDIENCE, ISSUER, NOW, SigningKey, claims_with, good_claims, jwks_of, mac_token, shared_key,
    shared_rsa_key,
};

/// Left on a token when it is verified in full, and found again as long as it is remembered.
#[derive(Deserialize)]
struct Mark {
    #[serde(skip)]
    seen: AtomicBool,
}

/// A verifier that counts how often it verified in full, and its clock.
struct Counted {
    verifier: Verifier,
    clock: FixedClock,
    full: Arc<AtomicUsize>,
}

impl Counted {
    fn new() -> Self {
        Self::of(verifier())
    }

    fn of(verifier: Verifier) -> Self {
        let clock = FixedClock::at_unix(NOW);
        let full = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&full);
        let verifier = verifier.with_clock(clock.clone()).with_rule("counted", move |token| {
            let mark = token.claims::<Mark>().expect("any claims have room for it");
            if !mark.seen.swap(true, Ordering::Relaxed) {
                count.fetch_add(1, Ordering::Relaxed);
            }
            true
        });
        Self { verifier, clock, full }
    }

    fn outcome(&self, token: &str) -> &'static str {
        outcome(&self.verifier, token)
    }

    fn full(&self) -> usize {
        self.full.load(Ordering::Relaxed)
    }

    fn advance(&self, seconds: u64) {
        self.clock.set(self.clock.now() + Duration::from_secs(seconds));
    }

    fn stand_at(&self, unix: u32) {
        self.clock.set(SystemTime::UNIX_EPOCH + Duration::from_secs(unix.into()));
    }
}

fn token_until(exp: u32) -> String {
    shared_key().token(&claims_with(json!({ "exp": exp })))
}

#[test]
fn an_accepted_token_is_verified_once_and_again_after_five_minutes() {
    let counted = Counted::new();
    let token = token_until(NOW + 3_600);
    for _ in 0..3 {
        assert_eq!(counted.outcome(&token), ACCEPTED);
    }
    assert_eq!(counted.full(), 1);
    counted.advance(MAX_CACHED_AGE.as_secs() - 1);
    assert_eq!((counted.outcome(&token), counted.full()), (ACCEPTED, 1));
    counted.advance(1);
    assert_eq!((counted.outcome(&token), counted.full()), (ACCEPTED, 2));
    counted.advance(1);
    assert_eq!((counted.outcome(&token), counted.full()), (ACCEPTED, 2), "remembered anew");
}

#[test]
fn a_token_that_expires_between_two_hits_is_refused_by_the_second() {
    let counted = Counted::new();
    let token = token_until(NOW + 60);
    assert_eq!(counted.outcome(&token), ACCEPTED);
    counted.advance(89);
    assert_eq!((counted.outcome(&token), counted.full()), (ACCEPTED, 1));
    counted.advance(1);
    assert_eq!(counted.outcome(&token), "token_expired");
}

#[test]
fn a_token_that_grows_too_old_between_two_hits_is_refused_by_the_second() {
    let counted = Counted::of(verifier().with_max_age(Duration::from_secs(60)));
    let token = token_until(NOW + 3_600);
    assert_eq!(counted.outcome(&token), ACCEPTED);
    counted.advance(89);
    assert_eq!((counted.outcome(&token), counted.full()), (ACCEPTED, 1));
    counted.advance(1);
    assert_eq!(counted.outcome(&token), "token_too_old");
}

#[test]
fn a_clock_that_is_set_back_makes_no_entry_last_longer() {
    let counted = Counted::new();
    let token = shared_key().token(&claims_with(json!({ "exp": NOW + 3_600, "nbf": NOW - 600 })));
    assert_eq!(counted.outcome(&token), ACCEPTED);
    counted.stand_at(NOW - 1);
    assert_eq!((counted.outcome(&token), counted.full()), (ACCEPTED, 2), "looked at again");
    counted.stand_at(NOW - 631);
    assert_eq!(counted.outcome(&token), "token_not_yet_valid", "nbf counts on a hit too");
    counted.stand_at(NOW);
    assert_eq!(counted.outcome(&token), ACCEPTED);
}

#[test]
fn tokens_with_equal_beginnings_and_ends_do_not_share_an_entry() {
    let counted = Counted::new();
    let token = token_until(NOW + 3_600);
    assert_eq!(counted.outcome(&token), ACCEPTED);
    let half = token.len() / 2;
    let swapped = |position: usize| {
        let mut text = token.clone().into_bytes();
        text[position] = if text[position] == b'A' { b'B' } else { b'A' };
        String::from_utf8(text).expect("ASCII")
    };
    for (name, text) in [
        ("its first character", swapped(0)),
        ("one in the middle", swapped(half)),
        ("the last but one", swapped(token.len() - 2)),
        ("the last", swapped(token.len() - 1)),
        ("shorter by the last", token[..token.len() - 1].to_owned()),
        ("shorter by the first", token[1..].to_owned()),
        ("longer", format!("{token}A")),
        ("longer before", format!("A{token}")),
        ("twice", format!("{token}{token}")),
        ("without its middle", format!("{}{}", &token[..64], &token[half..])),
        ("in capitals", token.to_uppercase()),
    ] {
        assert_ne!(counted.outcome(&text), ACCEPTED, "{name}");
    }
    assert_eq!((counted.outcome(&token), counted.full()), (ACCEPTED, 1));
}

#[test]
fn a_header_that_was_read_for_one_verifier_is_judged_anew_by_another_of_the_same_keys()
-> Result<(), ConfigError> {
    let jwks = Jwks::from_json(jwks_of([shared_key()]))?;
    let of_these_keys = || -> Result<_, ConfigError> {
        let verifier = Verifier::new(ISSUER, AUDIENCE, jwks.clone())?;
        Ok(verifier.with_clock(FixedClock::at_unix(NOW)))
    };
    let token = token_until(NOW + 300);
    for _ in 0..2 {
        assert_eq!(outcome(&of_these_keys()?, &token), ACCEPTED);
        assert_eq!(outcome(&of_these_keys()?.with_type("at+jwt"), &token), "type_mismatch");
    }
    let both = Jwks::from_json(jwks_of([shared_key(), shared_rsa_key()]))?;
    let all = Verifier::new(ISSUER, AUDIENCE, both.clone())?.with_clock(FixedClock::at_unix(NOW));
    let rsa_only = Verifier::new(ISSUER, AUDIENCE, both)?.with_clock(FixedClock::at_unix(NOW));
    let rsa_only = rsa_only.with_algorithms([Algorithm::Rs256])?;
    assert_eq!(outcome(&all, &token), ACCEPTED);
    assert_eq!(outcome(&rsa_only, &token), "algorithm_unsupported");
    assert_eq!(outcome(&rsa_only, &shared_rsa_key().token(&good_claims())), ACCEPTED);
    Ok(())
}

#[test]
fn a_header_that_was_accepted_before_is_no_signature() {
    let counted = Counted::new();
    assert_eq!(counted.outcome(&token_until(NOW + 3_600)), ACCEPTED);
    let stranger = SigningKey::generate(Algorithm::Es256, shared_key().kid());
    let forged = stranger.token_with_header(&shared_key().header(), &good_claims());
    assert_eq!(counted.outcome(&forged), "signature_invalid");
    assert_eq!(counted.outcome(&token_until(NOW + 3_601)), ACCEPTED);
}

#[test]
fn a_refusal_is_not_remembered() {
    let counted = Counted::new();
    let early = shared_key().token(&claims_with(json!({ "nbf": NOW + 60 })));
    assert_eq!(counted.outcome(&early), "token_not_yet_valid");
    counted.advance(60);
    assert_eq!(counted.outcome(&early), ACCEPTED);
}

#[test]
fn a_rule_is_asked_again_whenever_a_remembered_token_is_used() {
    let open = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&open);
    let moody = verifier().with_rule("open", move |_| seen.load(Ordering::Relaxed));
    let token = token_until(NOW + 60);
    for is_open in [false, true, false, true] {
        open.store(is_open, Ordering::Relaxed);
        let want = if is_open { ACCEPTED } else { "claim_refused" };
        assert_eq!(outcome(&moody, &token), want, "open: {is_open}");
    }
}

#[test]
fn two_verifiers_of_one_key_set_share_no_entries() -> Result<(), ConfigError> {
    let jwks = Jwks::from_json(jwks_of([shared_key()]))?;
    let clock = FixedClock::at_unix(NOW);
    let of = |audience: &str| {
        Verifier::new("https://issuer.example", audience, jwks.clone())
            .map(|verifier| verifier.with_clock(clock.clone()))
    };
    let (api, admin) = (of("api")?, of("admin")?);
    let token = shared_key().token(&good_claims());
    let for_admin = shared_key().token(&claims_with(json!({ "aud": "admin" })));
    for _ in 0..2 {
        assert_eq!(outcome(&api, &token), ACCEPTED);
        assert_eq!(outcome(&admin, &token), "audience_mismatch");
        assert_eq!(outcome(&admin, &for_admin), ACCEPTED);
        assert_eq!(outcome(&api, &for_admin), "audience_mismatch");
    }
    Ok(())
}

#[test]
fn a_policy_that_is_changed_forgets_what_the_old_one_accepted() -> Result<(), ConfigError> {
    let token = shared_key().token(&good_claims());
    let warm = || {
        let verifier = verifier();
        assert_eq!(outcome(&verifier, &token), ACCEPTED);
        verifier
    };
    for (name, stricter, want) in [
        ("nothing", warm(), ACCEPTED),
        ("subject", warm().with_subject("bob"), "claim_refused"),
        ("type", warm().with_type("at+jwt"), "type_mismatch"),
        ("claim", warm().require_claim("email")?, "claim_missing"),
        ("rule", warm().with_rule("no", |_| false), "claim_refused"),
        ("algorithms", warm().with_algorithms([Algorithm::Es384])?, "algorithm_unsupported"),
        ("lifetime", warm().with_max_lifetime(Duration::from_secs(1)), "token_too_old"),
        ("clock", warm().with_clock(FixedClock::at_unix(NOW + 3_600)), "token_expired"),
    ] {
        assert_eq!(outcome(&stricter, &token), want, "{name}");
    }
    Ok(())
}

#[test]
fn the_cache_can_be_turned_off_and_long_tokens_stay_out_of_it() {
    let off = Counted::of(verifier()).verifier.with_token_cache(0);
    assert!(off.to_string().contains("no token cache"), "{off}");
    let counted = Counted::new();
    let counted = Counted { verifier: counted.verifier.with_token_cache(0), ..counted };
    let token = token_until(NOW + 60);
    for _ in 0..3 {
        assert_eq!(counted.outcome(&token), ACCEPTED);
    }
    assert_eq!(counted.full(), 3);

    let counted = Counted::new();
    let long = shared_key().token(&claims_with(json!({ "x": "x".repeat(MAX_CACHED_TOKEN_BYTES) })));
    for _ in 0..3 {
        assert_eq!(counted.outcome(&long), ACCEPTED);
    }
    assert_eq!(counted.full(), 3);
}

#[test]
fn a_full_cache_keeps_to_its_bound_and_answers_right_about_tokens_in_and_out_of_it() {
    const CAPACITY: usize = 64;
    const TOKENS: usize = 20_000;
    let secret = [7; 32];
    let keys = SharedSecret::new(Algorithm::Hs256, secret).expect("a secret");
    let counted = Counted::of(crate::support::app::verifier_with(keys).with_token_cache(CAPACITY));
    let header = json!({ "alg": "HS256" });
    let token = |n: usize| {
        let claims = claims_with(json!({ "jti": n.to_string() }));
        mac_token(hmac::HMAC_SHA256, &secret, &header, &claims)
    };
    for n in 0..TOKENS {
        assert_eq!(counted.outcome(&token(n)), ACCEPTED, "{n}");
    }
    assert_eq!(counted.full(), TOKENS);
    let again = 2_000;
    for n in TOKENS - again..TOKENS {
        assert_eq!(counted.outcome(&token(n)), ACCEPTED, "{n} again");
    }
    let hits = again - (counted.full() - TOKENS);
    assert!(hits <= CAPACITY, "{hits} hits");
    let hot = token(TOKENS);
    for _ in 0..10 {
        assert_eq!(counted.outcome(&hot), ACCEPTED);
    }
    assert!(counted.full() < TOKENS + again + 10, "it still remembers");
    counted.advance(3_600);
    assert_eq!(counted.outcome(&hot), "token_expired");
}

#[test]
fn a_token_drives_another_out_of_a_full_cache_only_when_it_comes_again() {
    let counted = Counted::of(verifier().with_token_cache(4));
    let token =
        |n: u32| shared_key().token(&claims_with(json!({ "jti": n.to_string(), "exp": NOW + 3_600 })));
    let verifications = |text: &str| {
        let before = counted.full();
        assert_eq!(counted.outcome(text), ACCEPTED);
        counted.full() - before
    };
    let first = token(0);
    assert_eq!([verifications(&first), verifications(&first)], [1, 0], "there is room");
    for n in 1..100 {
        assert_eq!(verifications(&token(n)), 1, "{n}");
    }
    let late = token(100);
    assert_eq!([verifications(&late), verifications(&late), verifications(&late)], [1, 1, 0]);
    // One that was remembered, and has been for too long, is remembered anew at once.
    counted.advance(MAX_CACHED_AGE.as_secs());
    assert_eq!([verifications(&late), verifications(&late)], [1, 0]);
}

#[tokio::test]
async fn one_entry_serves_every_place_and_each_request_is_told_its_own() {
    let counted = Counted::new();
    let whence = async |token: VerifiedToken| token.source().code();
    let layer = JwtAuthLayer::new(counted.verifier);
    let app = App::of(Router::new().route("/", get(whence)).layer(layer));
    let token = token_until(NOW + 60);
    for (place, want) in [
        (Place::Header, "bearer"),
        (Place::Cookie, "cookie"),
        (Place::Query, "query"),
        (Place::Header, "bearer"),
    ] {
        let answer = app.answer(place.carry(Method::GET, &token)).await;
        assert_eq!(answer.body, want, "{place:?}");
        let no_store = answer.header("cache-control") == Some("no-store");
        assert_eq!(no_store, place != Place::Header, "{place:?}");
    }
    assert_eq!(counted.full.load(Ordering::Relaxed), 1);
}

#[test]
fn claims_are_read_into_each_type_once_for_all_uses_of_a_token() {
    #[derive(Deserialize)]
    struct Sub {
        sub: String,
    }
    #[derive(Deserialize)]
    struct Exp {
        exp: u32,
    }
    let verifier = verifier();
    let token = shared_key().token(&good_claims());
    let claims = || verifier.verify(&token).expect("a good token").claims::<Sub>().expect("a sub");
    assert!(Arc::ptr_eq(&claims(), &claims()));
    assert_eq!(claims().sub, "alice");
    let again = verifier.verify(&token).expect("a good token");
    assert_eq!(again.claims::<Exp>().expect("an exp").exp, NOW + 300);
    let refused = again.claims::<Vec<u8>>().expect_err("an object");
    assert_eq!(refused.code(), "claims_mismatch");
}

#[test]
fn a_key_that_is_loaded_for_another_verifier_says_nothing_here() -> Result<(), ConfigError> {
    let other = SigningKey::generate(Algorithm::Es256, shared_key().kid());
    let theirs = crate::support::app::verifier_with(Jwks::from_json(jwks_of([&other]))?);
    let ours = verifier();
    let token = other.token(&good_claims());
    for _ in 0..2 {
        assert_eq!(outcome(&theirs, &token), ACCEPTED);
        assert_eq!(outcome(&ours, &token), "signature_invalid");
    }
    Ok(())
}
