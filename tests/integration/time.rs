//! What the claims say about time. Every token here has a good signature.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use aws_lc_rs::hmac;
use http::Method;
use serde_json::json;
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::error::ConfigError;
use tower_jwt_auth::jwks::{EXPIRED_AFTER, Jwks, SharedSecret};
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::{JwtAuthLayer, Verifier};

use crate::claims::{INVALID, MISSING, check};
use crate::support::app::{ACCEPTED, App, Place, verifier, verifier_with};
use crate::support::idp::{Answer, in_memory};
use crate::support::issuer::{NOW, claims_with, jwks_of, mac_token, shared_key};
use crate::support::site::token_with;

const EXPIRED: &str = "token_expired";
const EARLY: &str = "token_not_yet_valid";
const TOO_OLD: &str = "token_too_old";

/// Types and values that are no time, whichever claim has them.
const NO_TIMES: [(&str, &str); 12] = [
    ("\"1800000100\"", INVALID),
    ("\"\"", INVALID),
    ("true", INVALID),
    ("[1800000100]", INVALID),
    ("{}", INVALID),
    ("null", INVALID),
    ("1e400", INVALID),
    ("-1", INVALID),
    ("-1e400", INVALID),
    ("9223372036854775808", INVALID),
    ("18446744073709551616", INVALID),
    ("9007199254740994", INVALID),
];

#[test]
fn exp_is_a_number_and_the_token_is_valid_before_it_plus_leeway() {
    let verifier = verifier();
    check(&verifier, "exp", &NO_TIMES);
    check(
        &verifier,
        "exp",
        &[
            ("", MISSING),
            ("0", EXPIRED),
            ("1.5", EXPIRED),
            ("1800000300", ACCEPTED),
            ("1800000300.75", ACCEPTED),
            ("1.8000003e9", ACCEPTED),
            ("9007199254740992", ACCEPTED),
            ("1799999969", EXPIRED),
            ("1799999970", EXPIRED),
            ("1799999970.5", ACCEPTED),
            ("1799999971", ACCEPTED),
        ],
    );
}

#[test]
fn nbf_is_a_number_where_it_is_there_and_honoured_but_for_leeway() {
    let verifier = verifier();
    check(&verifier, "nbf", &NO_TIMES);
    check(
        &verifier,
        "nbf",
        &[
            ("", ACCEPTED),
            ("0", ACCEPTED),
            ("1.5", ACCEPTED),
            ("1800000029", ACCEPTED),
            ("1800000030", ACCEPTED),
            ("1800000030.5", EARLY),
            ("1800000031", EARLY),
            ("9007199254740992", EARLY),
        ],
    );
}

#[test]
fn iat_is_a_number_where_it_is_there_and_otherwise_free() {
    let verifier = verifier();
    check(&verifier, "iat", &NO_TIMES);
    check(&verifier, "iat", &[("", ACCEPTED), ("0", ACCEPTED), ("1.5", ACCEPTED), ("1900000000", ACCEPTED)]);
}

#[test]
fn leeway_can_be_none_or_up_to_five_minutes_and_moves_both_ends() -> Result<(), ConfigError> {
    let none = verifier().with_leeway(Duration::ZERO)?;
    check(&none, "exp", &[("1800000000", EXPIRED), ("1800000001", ACCEPTED)]);
    check(&none, "nbf", &[("1800000000", ACCEPTED), ("1800000001", EARLY)]);
    let most = verifier().with_leeway(Duration::from_secs(300))?;
    check(&most, "exp", &[("1799999700", EXPIRED), ("1799999701", ACCEPTED)]);
    check(&most, "nbf", &[("1800000300", ACCEPTED), ("1800000301", EARLY)]);
    assert!(verifier().with_leeway(Duration::from_millis(300_001)).is_err());
    Ok(())
}

#[test]
fn exp_is_optional_by_an_insecure_call_only_and_still_counts_where_it_is() {
    let verifier = verifier().insecure_accept_without_expiry();
    check(&verifier, "exp", &[("", ACCEPTED), ("1799999970", EXPIRED), ("\"soon\"", INVALID)]);
}

#[test]
fn a_time_that_is_no_number_is_never_taken_for_one_that_is_absent() {
    let demanding_nothing = verifier().insecure_accept_without_expiry();
    for claim in ["exp", "nbf", "iat"] {
        check(
            &demanding_nothing,
            claim,
            &[
                ("", ACCEPTED),
                ("1800000001", ACCEPTED),
                ("\"99999999999\"", INVALID),
                ("\"1800000001\"", INVALID),
                ("\"never\"", INVALID),
                ("\"\"", INVALID),
                ("null", INVALID),
                ("true", INVALID),
                ("[]", INVALID),
                ("{}", INVALID),
            ],
        );
    }
}

#[test]
fn max_age_counts_from_iat_which_is_then_required_and_not_in_the_future() {
    let verifier = verifier().with_max_age(Duration::from_secs(600));
    check(
        &verifier,
        "iat",
        &[
            ("", MISSING),
            ("1799999370", TOO_OLD),
            ("1799999371", ACCEPTED),
            ("1800000030", ACCEPTED),
            ("1800000031", EARLY),
        ],
    );
}

#[test]
fn max_lifetime_counts_from_iat_to_exp_and_asks_for_both() {
    let verifier = verifier().with_max_lifetime(Duration::from_secs(300));
    check(&verifier, "exp", &[("1800000300", ACCEPTED), ("1800000301", TOO_OLD), ("", MISSING)]);
    check(&verifier, "iat", &[("", MISSING), ("1799999999", TOO_OLD), ("1800000030", ACCEPTED)]);
    check(&verifier, "iat", &[("1800000031", EARLY)]);
    let endless = verifier.insecure_accept_without_expiry();
    check(&endless, "exp", &[("", MISSING)]);
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// An app whose links are called late, in every place that it reads.
fn app_with_late_links(verifier: Verifier) -> App {
    App::behind(JwtAuthLayer::new(verifier.distinguish_late_links()))
}

#[tokio::test]
async fn a_link_is_late_only_if_nothing_but_its_exp_is_wrong() {
    const LATE: &str = "link_expired";
    let changed = |changes: serde_json::Value| {
        let mut claims = claims_with(json!({ "iat": NOW - 400, "nbf": NOW - 400, "exp": NOW - 100 }));
        claims.as_object_mut().expect("claims").extend(changes.as_object().expect("changes").clone());
        shared_key().token(&claims)
    };
    for (name, verifier, changes, want) in [
        ("only expired", verifier(), json!({}), LATE),
        ("a rule says yes", verifier().with_rule("vip", |_| true), json!({}), LATE),
        ("a rule says no", verifier().with_rule("vip", |_| false), json!({}), EXPIRED),
        ("good from now on", verifier(), json!({ "nbf": NOW + 30 }), LATE),
        ("good later", verifier(), json!({ "nbf": NOW + 31 }), EXPIRED),
        ("young enough", verifier().with_max_age(seconds(371)), json!({}), LATE),
        ("too old", verifier().with_max_age(seconds(370)), json!({}), EXPIRED),
        ("without the iat of an age", verifier().with_max_age(seconds(371)), json!({ "iat": null }), INVALID),
        ("lived for short enough", verifier().with_max_lifetime(seconds(300)), json!({}), LATE),
        ("lived for too long", verifier().with_max_lifetime(seconds(299)), json!({}), EXPIRED),
        ("made now", verifier().with_issued_at_skew(seconds(0)), json!({ "iat": NOW }), LATE),
        ("made later", verifier().with_issued_at_skew(seconds(0)), json!({ "iat": NOW + 1 }), EXPIRED),
    ] {
        let (app, token) = (app_with_late_links(verifier), changed(changes));
        for place in Place::ALL {
            let want = if want == LATE && place != Place::Query { EXPIRED } else { want };
            assert_eq!(app.verdict(place.carry(Method::GET, &token)).await.1, want, "{name}, {place:?}");
        }
    }
    let unasked = App::behind(JwtAuthLayer::new(verifier()));
    assert_eq!(unasked.verdict(Place::Query.carry(Method::GET, &changed(json!({})))).await.1, EXPIRED);
}

#[tokio::test]
async fn a_link_that_is_known_as_good_becomes_late_by_the_same_rules() {
    let says_yes = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&says_yes);
    for (name, verifier, want) in [
        ("only expired", verifier(), "link_expired"),
        ("young enough", verifier().with_max_age(seconds(71)), "link_expired"),
        ("too old", verifier().with_max_age(seconds(70)), EXPIRED),
        (
            "a rule says no by now",
            verifier().with_rule("vip", move |_| asked.load(Ordering::SeqCst)),
            EXPIRED,
        ),
    ] {
        let clock = FixedClock::at_unix(NOW);
        let app = app_with_late_links(verifier.with_clock(clock.clone()));
        let token = token_with(json!({ "exp": NOW + 60 }));
        says_yes.store(true, Ordering::SeqCst);
        let link = || Place::Query.carry(Method::GET, &token);
        assert_eq!(app.verdict(link()).await.1, ACCEPTED, "{name}");
        says_yes.store(false, Ordering::SeqCst);
        clock.set(SystemTime::UNIX_EPOCH + seconds(u64::from(NOW) + 100));
        assert_eq!(app.verdict(link()).await.1, want, "{name}");
        assert_eq!(app.verdict(Place::Header.carry(Method::GET, &token)).await.1, EXPIRED, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_an_expired_token_and_expired_keys_the_token_is_what_is_told() {
    let provider = in_memory(Answer::of(jwks_of([shared_key()])));
    let jwks = Jwks::builder("https://issuer.example/keys").expect("a URL").with_fetch(provider.clone());
    let jwks = jwks.spawn().expect("a runtime");
    jwks.ready().await.expect("a key set");
    let clock = FixedClock::at_unix(NOW);
    let app = app_with_late_links(verifier_with(jwks).with_clock(clock.clone()));
    let [seen, unseen] = ["seen", "unseen"].map(|jti| token_with(json!({ "jti": jti, "exp": NOW + 60 })));
    let lasting = token_with(json!({ "exp": NOW + 300 }));
    for token in [&seen, &lasting] {
        assert_eq!(app.verdict(Place::Header.carry(Method::GET, token)).await.1, ACCEPTED);
    }
    provider.serve(Answer::broken());
    tokio::time::sleep(EXPIRED_AFTER).await;
    clock.set(SystemTime::UNIX_EPOCH + seconds(u64::from(NOW) + 100));
    for place in Place::ALL {
        for (name, token, want) in [
            ("in the cache", &seen, (401, EXPIRED)),
            ("not in the cache", &unseen, (401, EXPIRED)),
            ("not expired", &lasting, (503, "keys_unavailable")),
        ] {
            let (status, code) = app.verdict(place.carry(Method::GET, token)).await;
            assert_eq!((status, &*code), want, "{name}, {place:?}");
        }
    }
}

#[tokio::test]
async fn a_token_counts_once_by_the_clock_of_the_policy_whatever_that_of_the_machine_says() {
    for (name, now) in [("long ago", 1_000_000_000), ("soon", NOW), ("far off", 4_000_000_000_u32)] {
        let verifier = verifier().with_clock(FixedClock::at_unix(now));
        let app = App::behind(JwtAuthLayer::new(verifier).single_use());
        let claims = json!({ "iat": now, "nbf": now, "exp": u64::from(now) + 300, "jti": "1" });
        for (time, want) in [("first", ACCEPTED), ("second", "token_replayed")] {
            let (_, code) = app.verdict(Place::Header.carry(Method::GET, &token_with(claims.clone()))).await;
            assert_eq!(code, want, "{name}, the {time} time");
        }
    }
}

#[tokio::test]
async fn a_late_link_with_a_wrong_mac_is_forged_and_one_with_the_right_one_late() -> Result<(), ConfigError> {
    let verifier = verifier_with(SharedSecret::new(Algorithm::Hs256, [7; 32])?);
    let app = App::behind(JwtAuthLayer::new(verifier.distinguish_late_links()));
    for (secret, exp, want) in [
        ([7; 32], NOW + 60, ACCEPTED),
        ([7; 32], NOW - 60, "link_expired"),
        ([8; 32], NOW - 60, "signature_invalid"),
        ([8; 32], NOW + 60, "signature_invalid"),
    ] {
        let claims = claims_with(json!({ "exp": exp, "iat": null, "nbf": null }));
        let token = mac_token(hmac::HMAC_SHA256, &secret, &json!({ "alg": "HS256" }), &claims);
        let (_, code) = app.verdict(Place::Query.carry(Method::GET, &token)).await;
        assert_eq!(code, want, "{secret:?}, {exp}");
    }
    Ok(())
}
