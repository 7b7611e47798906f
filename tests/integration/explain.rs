//! What a verifier tells of a token, check by check: it never disagrees with the verification, and shows no more than it
//! was asked for.

use std::time::Duration;

use aws_lc_rs::hmac;
use serde_json::{Value, json};
use tower_jwt_auth::Verifier;
use tower_jwt_auth::error::ConfigError;
use tower_jwt_auth::jwks::{Jwks, SharedSecret};
use tower_jwt_auth::remote::ValidationEndpoint;
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::verify::{Check, Explanation, Outcome, Profile};

use crate::support::app::{ACCEPTED, Canned, cold_jwks, verifier, verifier_with};
use crate::support::idp::{Answer, in_memory};
use crate::support::issuer::{
    NOW, SigningKey, claims_with, encode, good_claims, jwks_of, mac_token, shared_key,
};

const SECRET: [u8; 32] = [7; 32];

fn signed(changes: Value) -> String {
    shared_key().token(&claims_with(changes))
}

/// `token` with a signature that nobody made.
fn forged(token: &str) -> String {
    let (signing_input, _) = token.rsplit_once('.').expect("a signature");
    format!("{signing_input}.{}", encode([7; 64]))
}

/// A good token but for these members of its header.
fn with_header(changes: &[(&str, &str)]) -> String {
    let mut header = shared_key().header();
    for (name, value) in changes {
        header[*name] = (*value).into();
    }
    shared_key().token_with_header(&header, &good_claims())
}

/// Tokens by name; between them they fail every check that [`verifier`] makes, alone and together.
fn tokens() -> Vec<(&'static str, String)> {
    let good = signed(json!({}));
    let unknown = SigningKey::generate(Algorithm::Es256, "nobody's");
    let none = encode(r#"{"alg":"none"}"#);
    let (_, rest) = good.split_once('.').expect("three parts");
    vec![
        ("good", good.clone()),
        ("empty", String::new()),
        ("two parts", "a.b".to_owned()),
        ("five parts", "a.b.c.d.e".to_owned()),
        ("too large", "a".repeat(20_000)),
        ("parts of nonsense", "a.b.c".to_owned()),
        ("a signature of nonsense", format!("{good}!")),
        ("an expired one with a signature of nonsense", format!("{}!", signed(json!({ "exp": 1 })))),
        ("alg none", format!("{none}.{rest}")),
        ("alg of a MAC", with_header(&[("alg", "HS256")])),
        ("alg of a MAC, and expired", {
            let header = json!({ "alg": "HS256" });
            mac_token(hmac::HMAC_SHA256, &SECRET, &header, &claims_with(json!({ "exp": 1 })))
        }),
        ("a MAC", mac_token(hmac::HMAC_SHA256, &SECRET, &json!({ "alg": "HS256" }), &good_claims())),
        ("crit", with_header(&[("crit", "x")])),
        ("typ of a logout", with_header(&[("typ", "logout+jwt")])),
        ("typ of an access token", with_header(&[("typ", "at+jwt")])),
        ("no object", shared_key().token_of(shared_key().header().to_string(), "[]")),
        ("exp that is no time", signed(json!({ "exp": "soon" }))),
        ("another issuer", signed(json!({ "iss": "https://evil.example" }))),
        ("no issuer", signed(json!({ "iss": null }))),
        ("another audience", signed(json!({ "aud": ["a", "b"] }))),
        ("several audiences", signed(json!({ "aud": ["a", "api"] }))),
        ("another subject", signed(json!({ "sub": "bob" }))),
        ("bound", signed(json!({ "cnf": {} }))),
        ("without email", signed(json!({ "email": null }))),
        ("expired", signed(json!({ "exp": NOW - 180 }))),
        ("expired within the leeway", signed(json!({ "exp": NOW - 20 }))),
        ("without exp", signed(json!({ "exp": null }))),
        ("too early", signed(json!({ "nbf": NOW + 60 }))),
        ("issued in the future", signed(json!({ "iat": NOW + 60 }))),
        ("old", signed(json!({ "iat": NOW - 4_000 }))),
        ("long-lived", signed(json!({ "exp": NOW + 90_000 }))),
        ("another issuer, audience and time", signed(json!({ "iss": "x", "aud": "y", "exp": 1 }))),
        ("unknown kid", unknown.token(&good_claims())),
        ("unknown kid and expired", unknown.token(&claims_with(json!({ "exp": 1 })))),
        ("forged", forged(&good)),
        ("forged and expired", forged(&signed(json!({ "exp": 1 })))),
    ]
}

fn verifiers() -> Result<Vec<(&'static str, Verifier)>, Box<dyn std::error::Error>> {
    let secret = || SharedSecret::new(Algorithm::Hs256, SECRET);
    let endpoint = |answer: &str| {
        let endpoint = ValidationEndpoint::passkeyme("https://issuer.example/verify-token", "api");
        Ok::<_, ConfigError>(verifier_with(endpoint?.with_fetch(Canned(answer.to_owned()))))
    };
    let hour = Duration::from_secs(3_600);
    Ok(vec![
        ("the default", verifier()),
        ("a secret", verifier_with(secret()?)),
        ("keys from a provider", verifier_with(cold_jwks(jwks_of([shared_key()])))),
        ("a provider that says nothing", endpoint("")?),
        ("a provider that says yes", endpoint(r#"{"valid":true}"#)?),
        ("a provider that says no", endpoint(r#"{"valid":false}"#)?),
        ("access tokens", verifier().with_type("at+jwt")),
        ("access tokens by their profile", verifier().with_profile(Profile::AccessToken)?),
        ("ID tokens", verifier().with_profile(Profile::IdToken)?),
        ("FAPI 2.0", verifier().with_profile(Profile::Fapi2)?),
        ("alice", verifier().with_subject("alice")),
        ("email", verifier().require_claim("email")?),
        ("no leeway", verifier().with_leeway(Duration::ZERO)?),
        ("times", verifier().with_max_age(hour).with_max_lifetime(hour).with_issued_at_skew(Duration::ZERO)),
        ("a rule that refuses", verifier().with_rule("first", |_| true).with_rule("never", |_| false)),
        ("a secret and a rule", verifier_with(secret()?).with_rule("never", |_| false)),
        (
            "anybody's",
            verifier()
                .insecure_accept_any_issuer()
                .insecure_accept_any_audience()
                .insecure_accept_without_expiry()
                .insecure_ignore_binding(),
        ),
    ])
}

fn first_failure(explanation: &Explanation) -> &'static str {
    let mut failed = explanation.checks().iter().filter_map(|check| match check.outcome() {
        Outcome::Failed(error) => Some(error.code()),
        _ => None,
    });
    failed.next().unwrap_or(ACCEPTED)
}

#[tokio::test]
async fn the_first_check_that_failed_is_the_verdict_which_is_that_of_the_verification()
-> Result<(), Box<dyn std::error::Error>> {
    for (policy, verifier) in verifiers()? {
        for (name, token) in tokens() {
            let explanation = verifier.explain(&token).await;
            let verified = verifier.verify_or_ask(&token).await.map(drop);
            assert_eq!(explanation.verdict(), verified, "{policy}: {name}");
            let want = verified.map_or_else(|error| error.code(), |()| ACCEPTED);
            assert_eq!(first_failure(&explanation), want, "{policy}: {name}\n{explanation}");
            let steps: Vec<_> = explanation.checks().iter().map(Check::step).collect();
            assert!(steps.is_sorted(), "{policy}: {steps:?}");
        }
    }
    Ok(())
}

/// The names of the checks that ended with what `which` picks.
fn names(explanation: &Explanation, which: impl Fn(Outcome) -> bool) -> Vec<&'static str> {
    explanation.checks().iter().filter(|check| which(check.outcome())).map(Check::name).collect()
}

fn failed(explanation: &Explanation) -> Vec<&'static str> {
    names(explanation, |outcome| matches!(outcome, Outcome::Failed(_)))
}

fn not_reached(explanation: &Explanation) -> Vec<&'static str> {
    names(explanation, |outcome| outcome == Outcome::NotReached)
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once_as_far_as_it_can_be_judged() {
    let verifier =
        verifier().with_subject("alice").with_rule("first", |_| true).with_rule("second", |_| false);
    let all = [
        "header",
        "alg",
        "typ",
        "claims",
        "iss",
        "aud",
        "sub",
        "cnf",
        "exp",
        "nbf",
        "key",
        "signature",
        "first",
        "second",
    ];
    let without_typ: Vec<_> = all.into_iter().filter(|name| *name != "typ").collect();
    let unknown = SigningKey::generate(Algorithm::Es256, "nobody's");
    let rules = &["first", "second"][..];
    for (name, token, want_failed, want_not_reached) in [
        ("good, but for a rule", signed(json!({})), &["second"][..], &[][..]),
        ("no parts", "x".to_owned(), &["parts"], &without_typ),
        ("of an unknown key", unknown.token(&good_claims()), &["key"], &["signature", "first", "second"]),
        (
            "a signature of nonsense",
            format!("{}!", signed(json!({}))),
            &["signature"],
            &["key", "first", "second"],
        ),
        (
            "issuer, audience and time, signed well",
            signed(json!({ "iss": "x", "aud": "y", "exp": 1 })),
            &["iss", "aud", "exp"],
            rules,
        ),
        (
            "all of it, and forged",
            forged(&signed(
                json!({ "iss": "x", "aud": "y", "sub": "bob", "cnf": 1, "exp": 1, "nbf": NOW * 2 }),
            )),
            &["iss", "aud", "sub", "cnf", "exp", "nbf", "signature"],
            rules,
        ),
        (
            "expired, of an unknown key",
            unknown.token(&claims_with(json!({ "exp": 1 }))),
            &["exp"],
            &["key", "signature", "first", "second"],
        ),
        (
            "an algorithm that is not accepted, and expired",
            mac_token(
                hmac::HMAC_SHA256,
                &SECRET,
                &json!({ "alg": "HS256" }),
                &claims_with(json!({ "exp": 1 })),
            ),
            &["alg", "exp"],
            &["key", "signature", "first", "second"],
        ),
        (
            "claims that cannot be read, signed well",
            signed(json!({ "exp": "soon" })),
            &["claims"],
            &["iss", "aud", "sub", "cnf", "exp", "nbf", "first", "second"],
        ),
        (
            "a header that is not understood, and expired",
            shared_key().token_with_header(&json!({ "alg": "none" }), &claims_with(json!({ "exp": 1 }))),
            &["header", "exp"],
            &["alg", "key", "signature", "first", "second"],
        ),
    ] {
        let explanation = verifier.explain(&token).await;
        assert_eq!(failed(&explanation), want_failed, "{name}\n{explanation}");
        assert_eq!(not_reached(&explanation), want_not_reached, "{name}\n{explanation}");
    }
}

#[tokio::test]
async fn an_algorithm_that_is_not_accepted_verifies_nothing_even_where_its_key_is_here()
-> Result<(), ConfigError> {
    let narrow = verifier().with_algorithms([Algorithm::EdDsa])?;
    let explanation = narrow.explain(&signed(json!({}))).await;
    assert_eq!(failed(&explanation), ["alg"]);
    assert_eq!(not_reached(&explanation), ["key", "signature"]);
    Ok(())
}

#[tokio::test]
async fn what_a_policy_does_not_ask_for_is_off_and_not_passed() {
    let off = |explanation: &Explanation| names(explanation, |outcome| outcome == Outcome::Off);
    let token = signed(json!({}));
    let of = |profile| verifier().with_profile(profile).expect("a profile");
    let anybody =
        verifier().insecure_accept_any_issuer().insecure_accept_any_audience().insecure_ignore_binding();
    for (verifier, want) in [
        (verifier(), "typ sub required profile iat age lifetime"),
        (verifier().with_type("JWT"), "sub required profile iat age lifetime"),
        (of(Profile::AccessToken), "sub iat age lifetime"),
        // It asks through other checks, each of which says its own.
        (of(Profile::Fapi2), "typ sub required profile age lifetime"),
        (anybody, "typ iss aud sub cnf required profile iat age lifetime"),
    ] {
        let explanation = verifier.explain(&token).await;
        assert_eq!(off(&explanation).join(" "), want);
    }
}

#[tokio::test]
async fn a_token_that_is_refused_for_its_claims_causes_no_fetch_and_no_call() -> Result<(), ConfigError> {
    let hopeless = signed(json!({ "exp": 1 }));
    let unknown = SigningKey::generate(Algorithm::Es256, "nobody's").token(&claims_with(json!({ "exp": 1 })));

    let provider = in_memory(Answer::of(jwks_of([shared_key()])));
    let jwks = Jwks::builder("https://issuer.example/keys")?.with_fetch(provider.clone()).spawn()?;
    jwks.ready().await.expect("a first set");
    let keyed = verifier_with(jwks);
    for token in [&hopeless, &unknown] {
        assert_eq!(failed(&keyed.explain(token).await), ["exp"]);
    }
    tokio::task::yield_now().await;
    assert_eq!(provider.requests(), 1, "the first set");

    let endpoint = ValidationEndpoint::passkeyme("https://issuer.example/verify-token", "api")?;
    let provider = in_memory(Answer::of(r#"{"valid":false}"#));
    let asking = verifier_with(endpoint.with_fetch(provider.clone()));
    let explanation = asking.explain(&hopeless).await;
    assert_eq!((failed(&explanation), not_reached(&explanation)), (vec!["exp"], vec!["provider"]));
    assert_eq!(provider.requests(), 0);
    let explanation = asking.explain(&signed(json!({}))).await;
    assert_eq!(failed(&explanation), ["provider"]);
    assert_eq!(provider.requests(), 1, "a plausible one is asked about, as by the verification");
    Ok(())
}

#[tokio::test]
async fn a_report_is_aligned_and_in_words() {
    let token = signed(json!({
        "iss": "https://issuer.example/", "exp": NOW - 180, "nbf": NOW + 20, "iat": NOW - 10, "email": "a@b.example",
    }));
    let verifier = verifier().with_type("at+jwt").with_rule("verified", |_| true);
    let want = r#"
refused (type_mismatch): the token is of another type

  1  parts      passed
  2  header     passed
  3  alg        passed       "ES256"
  3  typ        FAILED       "JWT": the token is of another type; wanted "at+jwt"
  4  claims     passed       also email
  5  iss        FAILED       "https://issuer.example/": the token issuer is not accepted; wanted "https://issuer.example"
  5  aud        passed       "api"
  5  sub        off          "alice"
  5  cnf        passed
  5  required   off
  5  profile    off
  6  exp        FAILED       expired 3 minutes ago, beyond the leeway of 30 seconds: the token has expired
  6  nbf        passed       becomes valid in 20 seconds, within the leeway of 30 seconds
  6  iat        off          issued 10 seconds ago
  6  age        off
  6  lifetime   off          expires before it is issued
  7  key        passed       kid "es256-1"
  8  signature  passed
  9  verified   not reached  a rule, which is asked about good tokens only"#;
    assert_eq!(verifier.explain(&token).await.with_values().to_string(), want.trim_start());
}

/// Values of a token whose every value is a mark that can be looked for.
const MARKS: [&str; 6] = ["m4rk-kid", "m4rk-typ", "m4rk-iss", "m4rk-aud", "m4rk-sub", "m4rk-name"];

fn marked_token() -> String {
    let header = json!({ "alg": "ES256", "kid": "m4rk-kid", "typ": "m4rk-typ" });
    let claims = claims_with(json!({
        "iss": "m4rk-iss", "aud": "m4rk-aud", "sub": "m4rk-sub", "m4rk-name": "m4rk-value", "exp": NOW - 600,
    }));
    shared_key().token_with_header(&header, &claims)
}

#[tokio::test]
async fn values_are_shown_in_debug_builds_or_on_demand_and_the_token_itself_never() {
    let token = marked_token();
    let explanation = verifier().explain(&token).await;
    let shown = explanation.clone().with_values().to_string();
    let hidden = explanation.clone().without_values().to_string();
    for mark in MARKS {
        assert!(shown.contains(mark), "{mark} in {shown}");
    }
    assert!(shown.contains("expired 10 minutes ago"), "{shown}");
    assert!(!hidden.contains("m4rk") && !hidden.contains("ago"), "{hidden}");
    assert!(hidden.contains("wanted \"https://issuer.example\""), "{hidden}");
    let by_default = if cfg!(debug_assertions) { &shown } else { &hidden };
    assert_eq!(&explanation.to_string(), by_default);

    let debug = format!("{explanation:?} {:?}", explanation.clone().with_values());
    assert!(!debug.contains("m4rk") && !debug.contains(" ago"), "{debug}");
    let notes: String = explanation.checks().iter().filter_map(|check| check.note()).collect();
    assert!(!notes.contains("m4rk"), "{notes}");
    for part in token.split('.').chain(["m4rk-value"]) {
        assert!(!shown.contains(part) && !debug.contains(part), "{part}");
    }
}

#[tokio::test]
async fn what_a_token_says_cannot_move_the_cursor_reorder_a_line_or_fill_the_screen() {
    let evil = "\u{1b}[2J\r\n\u{7}\u{9b}31m\u{202e}\u{200b}\u{7f}\u{2028}";
    let long = "x".repeat(5_000);
    let header = json!({ "alg": "ES256", "kid": evil, "typ": evil });
    let claims = claims_with(json!({ "iss": evil, "aud": [evil, long], "sub": long, evil: 1, "exp": 1 }));
    let token = shared_key().token_with_header(&header, &claims);
    let report = verifier().explain(&token).await.with_values().to_string();
    for (index, line) in report.lines().enumerate() {
        assert!(
            !line.chars().any(|char| char.is_control() || "\u{202e}\u{200b}\u{2028}".contains(char)),
            "{line:?}"
        );
        assert!(line.chars().count() < 500, "line {index} has {}", line.chars().count());
    }
    assert_eq!(report.lines().count(), 2 + verifier().explain(&token).await.checks().len());
    assert!(report.contains(r"\u{202e}"), "{report}");
}

#[tokio::test]
async fn the_rules_are_asked_once() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let verifier =
        verifier().with_rule("counted", move |_| counted.fetch_add(1, Ordering::Relaxed) < usize::MAX);
    let task = tokio::spawn(async move { verifier.explain(&signed(json!({}))).await });
    let explanation = task.await.expect("a report");
    assert!(explanation.verdict().is_ok());
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}
