//! The tools that users test their own apps with do what they say.

use std::time::Duration;

use http::header::{ETAG, IF_NONE_MATCH};
use tower_jwt_auth::clock::{Clock, FixedClock};
use tower_jwt_auth::error::{AuthErrorKind, JwksErrorKind};
use tower_jwt_auth::jwks::{Jwks, SharedSecret};
use tower_jwt_auth::test_util::{Answer, Etags, Flaw, Idp, Issuer, TestClock};
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::{JwtAuthLayer, Verifier};

use crate::support::app::{App, Place};
use crate::support::issuer::{AUDIENCE, ISSUER, NOW};

fn verifier_of(issuer: &Issuer) -> Verifier {
    let keys = Jwks::from_json(issuer.jwks()).expect("a key set");
    Verifier::new(issuer.url(), issuer.audience(), keys).expect("a policy")
}

fn judged(verifier: &Verifier, token: &str) -> Result<(), AuthErrorKind> {
    verifier.verify(token).map(|_| ()).map_err(|error| error.kind())
}

#[test]
fn every_flaw_alone_is_what_a_token_is_refused_for() {
    // RSA keys are slow to make, and strangers need some: one kind of them stands for all.
    let rsa = |algorithm: &&Algorithm| algorithm.name().starts_with(['R', 'P']);
    let others = Algorithm::ASYMMETRIC.iter().filter(|algorithm| !rsa(algorithm));
    for algorithm in others.chain([&Algorithm::Rs256]) {
        let issuer = Issuer::new(ISSUER, AUDIENCE).with_algorithm(*algorithm);
        let verifier = verifier_of(&issuer);
        assert_eq!(judged(&verifier, &issuer.good()), Ok(()), "{algorithm}");
        for flaw in Flaw::ALL {
            let outcome = judged(&verifier, &issuer.flawed(*flaw));
            assert_eq!(outcome, Err(flaw.refused_as()), "{algorithm} {flaw:?}");
        }
    }
}

#[test]
fn a_flaw_is_there_whatever_else_the_token_was_told_to_be() {
    let issuer = Issuer::new(ISSUER, AUDIENCE).with_clock(FixedClock::at_unix(NOW));
    let verifier = verifier_of(&issuer).with_clock(FixedClock::at_unix(NOW));
    let hour = Duration::from_secs(3_600);
    let fraction = f64::from(NOW) + 0.5;
    for (name, token) in [
        ("nothing", issuer.token()),
        ("it lives for two hours", issuer.token().expires_in(hour * 2)),
        ("it was issued two hours ago", issuer.token().expires_in(hour * 3).issued_before(hour * 2)),
        ("it does not say when it was issued", issuer.token().without_claim("iat")),
        ("it has been good for a day", issuer.token().claim("nbf", NOW - 86_400)),
        ("its times have fractions", issuer.token().claim("iat", fraction).claim("exp", fraction + 300.0)),
        ("it has another subject", issuer.token().subject("")),
        ("it has several audiences", issuer.token().claim("aud", vec![AUDIENCE, "other"])),
    ] {
        assert_eq!(judged(&verifier, &token.clone().sign()), Ok(()), "{name}");
        for flaw in Flaw::ALL {
            let outcome = judged(&verifier, &token.clone().flawed(*flaw));
            assert_eq!(outcome, Err(flaw.refused_as()), "{name}, {flaw:?}");
        }
    }
}

#[test]
fn what_has_expired_or_is_not_yet_good_is_an_hour_away() {
    let issuer = Issuer::new(ISSUER, AUDIENCE).with_clock(FixedClock::at_unix(NOW));
    let at = |seconds: u32| {
        verifier_of(&issuer).with_clock(FixedClock::at_unix(seconds)).with_leeway(Duration::ZERO)
    };
    let at = |seconds| at(seconds).expect("no leeway");
    let expired = issuer.expired();
    assert_eq!(judged(&at(NOW - 3_600), &expired), Err(AuthErrorKind::TokenExpired));
    assert_eq!(judged(&at(NOW - 3_601), &expired), Ok(()), "it was good before");
    let early = issuer.not_yet_valid();
    assert_eq!(judged(&at(NOW + 3_599), &early), Err(AuthErrorKind::TokenNotYetValid));
    assert_eq!(judged(&at(NOW + 3_600), &early), Ok(()), "it will be good then");
}

#[test]
fn a_token_that_was_issued_before_is_so_to_the_fraction() {
    let issuer = Issuer::new(ISSUER, AUDIENCE).with_clock(FixedClock::at_unix(NOW));
    let token = issuer.token().claim("iat", f64::from(NOW) + 0.5).claim("exp", f64::from(NOW) + 0.75);
    let verifier = verifier_of(&issuer).with_clock(FixedClock::at_unix(NOW - 60));
    let said = verifier.verify(&token.issued_before(Duration::from_secs(60)).sign()).expect("a good token");
    let claims: serde_json::Value = serde_json::from_str(said.payload()).expect("JSON");
    assert_eq!(claims["iat"], f64::from(NOW) - 59.5);
    assert_eq!(claims["exp"], f64::from(NOW) - 59.25);
}

#[tokio::test]
async fn no_flaw_gets_through_the_layer_from_any_place() {
    let issuer = Issuer::new(ISSUER, AUDIENCE);
    let app = App::behind(JwtAuthLayer::new(verifier_of(&issuer)));
    for place in Place::ALL {
        let good = app.verdict(place.carry(http::Method::GET, &issuer.good())).await;
        assert_eq!(good.0, 200, "{place:?}");
        for flaw in Flaw::ALL {
            let (status, code) = app.verdict(place.carry(http::Method::GET, &issuer.flawed(*flaw))).await;
            assert_eq!((status, &*code), (401, flaw.refused_as().code()), "{place:?} {flaw:?}");
        }
    }
}

#[test]
fn a_token_says_what_it_was_told_to() {
    let issuer = Issuer::new(ISSUER, AUDIENCE).with_clock(FixedClock::at_unix(NOW));
    let judge = verifier_of(&issuer).with_clock(FixedClock::at_unix(NOW));
    let token = issuer.token().subject("bob").claim("groups", ["ops"]).expires_in(Duration::from_secs(30));
    let said = judge.verify(&token.header("x", 1).sign()).expect("a good token");
    let claims: serde_json::Value = serde_json::from_str(said.payload()).expect("JSON");
    assert_eq!(claims["sub"], "bob");
    assert_eq!(claims["groups"], serde_json::json!(["ops"]));
    assert_eq!((&claims["iat"], &claims["exp"]), (&NOW.into(), &(NOW + 30).into()));

    let bare = issuer.token().without_claim("jti").without_header("typ").sign();
    let said = judge.verify(&bare).expect("a good token");
    assert!(!said.payload().contains("jti"));
    assert_eq!(said.header().typ(), None);
    assert_ne!(issuer.good(), issuer.good(), "each has a jti of its own");
}

#[test]
fn a_secret_signs_for_who_verifies_with_it_and_for_nobody_else() {
    let issuer = Issuer::new(ISSUER, AUDIENCE);
    for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
        let secret = SharedSecret::new(algorithm, [7; 64]).expect("a secret");
        let verifier = Verifier::new(ISSUER, AUDIENCE, secret).expect("a policy");
        assert_eq!(judged(&verifier, &issuer.token().sign_with_secret(algorithm, &[7; 64])), Ok(()));
        let other = issuer.token().sign_with_secret(algorithm, &[8; 64]);
        assert_eq!(judged(&verifier, &other), Err(AuthErrorKind::SignatureInvalid));
    }
}

#[test]
fn an_issuer_changes_its_keys_as_it_is_told_to() {
    let issuer = Issuer::new(ISSUER, AUDIENCE);
    let first = issuer.good();
    issuer.rotate();
    let second = issuer.good();
    let both = verifier_of(&issuer);
    assert_eq!((judged(&both, &first), judged(&both, &second)), (Ok(()), Ok(())));

    issuer.withdraw_old_keys();
    let one = verifier_of(&issuer);
    assert_eq!(judged(&one, &first), Err(AuthErrorKind::KeyUnknown));
    assert_eq!(judged(&one, &second), Ok(()));

    issuer.reuse_kid();
    let reused = verifier_of(&issuer);
    assert_eq!(judged(&reused, &second), Err(AuthErrorKind::SignatureInvalid));
    assert_eq!(judged(&reused, &issuer.good()), Ok(()));
}

#[tokio::test]
async fn a_provider_is_discovered_over_http_goes_down_and_comes_back() {
    let idp = Idp::start(AUDIENCE).await.expect("a port");
    let jwks = Jwks::discover(idp.issuer().url()).expect("a good issuer");
    jwks.ready().await.expect("a first set");
    let verifier = Verifier::new(idp.issuer().url(), AUDIENCE, jwks.clone()).expect("a policy");
    assert_eq!(judged(&verifier, &idp.issuer().good()), Ok(()));

    idp.go_down().await;
    let error = jwks.refresh_now().await.expect_err("it is down");
    assert_eq!(error.kind(), JwksErrorKind::Unreachable);
    assert_eq!(judged(&verifier, &idp.issuer().good()), Ok(()), "with the keys of before");

    idp.issuer().rotate();
    idp.come_back().expect("the same port");
    jwks.refresh_now().await.expect("it is back");
    assert_eq!(judged(&verifier, &idp.issuer().good()), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn in_memory_a_provider_fails_as_it_would_over_http() {
    let idp = Idp::in_memory(Issuer::new(ISSUER, AUDIENCE));
    let jwks =
        Jwks::builder(&idp.jwks_url()).expect("a URL").with_fetch(idp.clone()).spawn().expect("a runtime");
    jwks.ready().await.expect("a first set");
    for (bad, want) in [
        (Answer::status(500), "status"),
        (Answer::redirect_to("http://169.254.169.254/"), "redirected"),
        (Answer::of("<html>"), "unparsable"),
        (Answer::of(r#"{"keys":[]}"#), "no_usable_key"),
        (Answer::gzip_bomb(100_000_000), "encoded"),
        (Answer::endless(100_000_000), "too_large"),
        (Answer::hanging(), "timed_out"),
        (Answer::broken(), "unreachable"),
        (Answer::of(idp.issuer().jwks()).dripping(), "timed_out"),
        (Answer::of(idp.issuer().jwks()).cut(), "unreachable"),
    ] {
        idp.serve(bad.clone());
        let error = jwks.refresh_now().await.expect_err("no good answer");
        assert_eq!(error.code(), want, "{bad:?}");
    }
    idp.recover();
    assert_eq!(jwks.refresh_now().await.expect("a good answer").keys, 1);
}

#[tokio::test(start_paused = true)]
async fn etags_are_right_absent_stuck_or_changing() {
    let idp = Idp::in_memory(Issuer::new(ISSUER, AUDIENCE));
    let jwks =
        Jwks::builder(&idp.jwks_url()).expect("a URL").with_fetch(idp.clone()).spawn().expect("a runtime");
    jwks.ready().await.expect("a first set");
    for (etags, keys) in [(Etags::Right, 2), (Etags::Absent, 3), (Etags::Changing, 4)] {
        idp.set_etags(etags);
        idp.issuer().rotate();
        assert_eq!(jwks.refresh_now().await.expect("an answer").keys, keys, "{etags:?}");
        assert_eq!(jwks.refresh_now().await.expect("an answer").keys, keys, "{etags:?}");
    }
    idp.set_etags(Etags::Stuck);
    jwks.refresh_now().await.expect("an answer");
    idp.issuer().rotate();
    assert_eq!(jwks.refresh_now().await.expect("an answer").keys, 4, "it says that nothing has changed");
    let last = idp.seen().pop().expect("a request");
    assert_eq!(last.header(IF_NONE_MATCH), Some("\"0\""));
    assert_eq!(last.header(ETAG), None);
}

#[tokio::test(start_paused = true)]
async fn a_test_clock_goes_with_tokios_time_and_jumps_apart_from_it() {
    let clock = TestClock::default();
    let start = clock.now();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(clock.now(), start + Duration::from_secs(60));
    clock.jump_forward(Duration::from_secs(5));
    clock.clone().jump_back(Duration::from_secs(35));
    assert_eq!(clock.now(), start + Duration::from_secs(30));
}

fn keys_at(url: &str, idp: &Idp) -> Jwks {
    Jwks::builder(url).expect("a URL").with_fetch(idp.clone()).spawn().expect("a runtime")
}

#[tokio::test(start_paused = true)]
async fn a_provider_in_memory_breaks_what_is_under_way_when_it_goes_down() {
    let issuer = Issuer::new(ISSUER, AUDIENCE);
    let idp = Idp::in_memory(issuer.clone());
    for (name, goes_down) in [("it goes down", true), ("it stays", false)] {
        idp.serve_once(Answer::of(issuer.jwks()).after(Duration::from_secs(3)));
        let jwks = keys_at(&idp.jwks_url(), &idp);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(jwks.status().failures, 0, "{name}: an answer is under way");
        if goes_down {
            idp.go_down().await;
        }
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        assert_eq!(jwks.status().state.is_ready(), !goes_down, "{name}");
        assert_eq!(jwks.status().failures > 0, goes_down, "{name}");
        idp.come_back().expect("memory");
        jwks.ready().await.expect("it is back");
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_in_memory_is_at_its_own_host_and_where_it_was_told_to_be() {
    let idp = Idp::in_memory(Issuer::new("https://login.example.com/tenant", AUDIENCE));
    for (url, want) in [
        ("https://login.example.com/tenant/jwks.json", None),
        ("https://LOGIN.example.com:443/tenant/jwks.json", None),
        ("https://login.example.com/jwks.json", Some("status")),
        ("https://login.example.com/tenant/other.json", Some("status")),
        ("https://login.example.com:8443/tenant/jwks.json", Some("unreachable")),
        ("https://login.example.org/tenant/jwks.json", Some("unreachable")),
        ("http://localhost/tenant/jwks.json", Some("unreachable")),
    ] {
        let before = idp.requests();
        let outcome = keys_at(url, &idp).refresh_now().await;
        assert_eq!(outcome.as_ref().err().map(tower_jwt_auth::error::JwksError::code), want, "{url}");
        assert_eq!(idp.requests() > before, want != Some("unreachable"), "{url}");
    }
    let discovered = Jwks::discovery_builder("https://somebody-else.example").expect("a good issuer");
    let discovered = discovered.with_fetch(idp.clone()).spawn().expect("a runtime");
    assert_eq!(discovered.refresh_now().await.expect_err("nobody is there").code(), "unreachable");

    let elsewhere = "https://keys.example/set";
    idp.serve_at(elsewhere, Answer::of(idp.issuer().jwks()));
    assert!(keys_at(elsewhere, &idp).refresh_now().await.is_ok(), "it was told to");
    assert!(keys_at("https://keys.example/other", &idp).refresh_now().await.is_err());
    idp.serve(Answer::of(idp.issuer().jwks()));
    assert!(keys_at("https://keys.example/other", &idp).refresh_now().await.is_ok(), "whatever it is asked");
}
