//! What the claims must say. Every token here has a good signature.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tower_jwt_auth::Verifier;
use tower_jwt_auth::error::ConfigError;
use tower_jwt_auth::jwks::Jwks;
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::verify::Profile;

use crate::support::app::{ACCEPTED, App, Place, outcome, verifier, verifier_with};
use crate::support::issuer::{
    AUDIENCE, ISSUER, NOW, SigningKey, claims_with, encode, good_claims, jwks_of, shared_key,
};

pub const INVALID: &str = "claim_invalid";
pub const MISSING: &str = "claim_missing";
const OTHER_ISSUER: &str = "issuer_mismatch";
const OTHER_AUDIENCE: &str = "audience_mismatch";

/// A token whose `claim` is the JSON text `value`, or absent if that is empty; all else is good.
fn token_with(claim: &str, value: &str) -> String {
    let mut claims = good_claims();
    claims.as_object_mut().expect("an object").remove(claim);
    let rest = claims.to_string();
    let payload = match value {
        "" => rest,
        value => format!(r#"{{"{claim}":{value},{}"#, &rest[1..]),
    };
    shared_key().token_of(shared_key().header().to_string(), payload)
}

pub fn check(verifier: &Verifier, claim: &str, cases: &[(&str, &str)]) {
    for (value, want) in cases {
        let got = outcome(verifier, &token_with(claim, value));
        assert_eq!(got, *want, "{claim}: {value}");
    }
}

#[test]
fn aud_is_a_string_or_an_array_of_strings_one_of_them_ours() {
    check(
        &verifier(),
        "aud",
        &[
            ("\"api\"", ACCEPTED),
            ("[\"api\"]", ACCEPTED),
            ("[\"other\",\"api\"]", ACCEPTED),
            ("\"\\u0061pi\"", ACCEPTED),
            ("", OTHER_AUDIENCE),
            ("\"\"", OTHER_AUDIENCE),
            ("[]", OTHER_AUDIENCE),
            ("[\"\"]", OTHER_AUDIENCE),
            ("[\"other\"]", OTHER_AUDIENCE),
            ("\"ap\"", OTHER_AUDIENCE),
            ("\"api2\"", OTHER_AUDIENCE),
            ("\"api/\"", OTHER_AUDIENCE),
            ("\"api \"", OTHER_AUDIENCE),
            ("\"API\"", OTHER_AUDIENCE),
            ("\"api other\"", OTHER_AUDIENCE),
            ("\"api\\u0000\"", OTHER_AUDIENCE),
            ("\"\u{430}pi\"", OTHER_AUDIENCE),
            ("[\"api\",1]", INVALID),
            ("[1,\"api\"]", INVALID),
            ("[\"api\",null]", INVALID),
            ("[[\"api\"]]", INVALID),
            ("{\"api\":true}", INVALID),
            ("null", INVALID),
            ("true", INVALID),
            ("0", INVALID),
        ],
    );
}

#[test]
fn any_audience_gets_in_by_an_insecure_call_only_and_must_be_well_formed_even_so() -> Result<(), ConfigError>
{
    let any = verifier().insecure_accept_any_audience();
    check(&any, "aud", &[("", ACCEPTED), ("\"other\"", ACCEPTED), ("7", INVALID)]);
    let two = verifier().with_additional_audience("admin")?;
    check(&two, "aud", &[("\"api\"", ACCEPTED), ("\"admin\"", ACCEPTED), ("\"other\"", OTHER_AUDIENCE)]);
    Ok(())
}

#[test]
fn nobody_is_named_by_an_empty_audience() -> Result<(), ConfigError> {
    let keys = || Jwks::from_json(jwks_of([shared_key()])).expect("a key set");
    for (audience, taken) in [("", false), ("a", true)] {
        assert_eq!(Verifier::new(ISSUER, audience, keys()).is_ok(), taken, "{audience:?}");
        let more = Verifier::new(ISSUER, AUDIENCE, keys())?.with_additional_audience(audience);
        assert_eq!(more.is_ok(), taken, "{audience:?} beside another");
    }
    Ok(())
}

#[test]
fn another_audience_is_not_one_of_any_that_are_accepted() {
    let more = |verifier: Verifier| verifier.with_additional_audience("admin");
    assert!(more(verifier().insecure_accept_any_audience()).is_err());
    let any = more(verifier()).expect("another").insecure_accept_any_audience();
    check(&any, "aud", &[("\"other\"", ACCEPTED)]);
}

#[test]
fn at_most_64_claims_are_required_and_each_is_looked_for() -> Result<(), ConfigError> {
    let names: Vec<&'static str> = (0..65).map(|number| &*format!("claim-{number}").leak()).collect();
    let require = |many: usize| names[..many].iter().try_fold(verifier(), |v, name| v.require_claim(name));
    assert!(require(65).is_err());
    let all = require(64)?.require_claim(names[63])?.require_claim(names[0])?;
    let mut claims = good_claims();
    for name in &names {
        claims[name] = json!(1);
    }
    assert_eq!(outcome(&all, &shared_key().token(&claims)), ACCEPTED);
    for name in [names[0], names[31], names[32], names[63]] {
        let mut others = claims.clone();
        others.as_object_mut().expect("an object").remove(name);
        let refused = all.verify(&shared_key().token(&others)).unwrap_err();
        assert_eq!((refused.code(), refused.claim()), (MISSING, Some(name)));
    }
    // A profile asks for seven, and for five.
    for (profile, its_own) in [(Profile::AccessToken, 7), (Profile::IdToken, 5)] {
        let with = |many: usize| require(many)?.with_profile(profile);
        assert!(with(64).is_err() && with(65 - its_own).is_err(), "{profile:?}");
        let full = with(64 - its_own)?;
        assert!(full.with_profile(profile)?.require_claim("one more").is_err(), "{profile:?}");
    }
    Ok(())
}

#[test]
fn iss_is_compared_code_point_by_code_point() {
    check(
        &verifier(),
        "iss",
        &[
            ("\"https://issuer.example\"", ACCEPTED),
            ("\"https:\\/\\/issuer.example\"", ACCEPTED),
            ("", OTHER_ISSUER),
            ("\"\"", OTHER_ISSUER),
            ("\"https://issuer.example/\"", OTHER_ISSUER),
            ("\"https://issuer.example.evil\"", OTHER_ISSUER),
            ("\"https://issuer.exampl\"", OTHER_ISSUER),
            ("\"https://ISSUER.example\"", OTHER_ISSUER),
            ("\"HTTPS://issuer.example\"", OTHER_ISSUER),
            ("\"https://issuer.example:443\"", OTHER_ISSUER),
            ("\"http://issuer.example\"", OTHER_ISSUER),
            ("\" https://issuer.example\"", OTHER_ISSUER),
            ("\"https://issuer.example#\"", OTHER_ISSUER),
            ("\"https://issu\u{435}r.example\"", OTHER_ISSUER),
            ("[\"https://issuer.example\"]", INVALID),
            ("{\"0\":\"https://issuer.example\"}", INVALID),
            ("null", INVALID),
            ("7", INVALID),
        ],
    );
    let any = verifier().insecure_accept_any_issuer();
    check(&any, "iss", &[("", ACCEPTED), ("\"https://evil.example\"", ACCEPTED), ("[]", INVALID)]);
}

#[test]
fn registered_claims_have_their_type_even_where_nobody_asks_for_them() {
    for claim in ["sub", "jti"] {
        check(
            &verifier(),
            claim,
            &[("", ACCEPTED), ("\"x\"", ACCEPTED), ("7", INVALID), ("null", INVALID), ("[\"x\"]", INVALID)],
        );
    }
}

#[test]
fn a_token_of_another_tenant_is_refused_whatever_it_shares_with_ours() {
    let ours = verifier();
    let theirs = SigningKey::generate(Algorithm::Es256, "es256-b");
    let their_claims = claims_with(json!({ "iss": "https://issuer.example/b" }));
    let lookalike = SigningKey::generate(Algorithm::Es256, shared_key().kid());
    let for_b = claims_with(json!({ "aud": "api-b" }));
    for (name, token, want) in [
        ("our key, our claims", shared_key().token(&good_claims()), ACCEPTED),
        ("our key, their iss", shared_key().token(&their_claims), OTHER_ISSUER),
        ("our key, their aud", shared_key().token(&for_b), OTHER_AUDIENCE),
        ("their key, their iss", theirs.token(&their_claims), OTHER_ISSUER),
        ("their key, our iss", theirs.token(&good_claims()), "key_unknown"),
        ("their key under the kid of ours", lookalike.token(&good_claims()), "signature_invalid"),
    ] {
        assert_eq!(outcome(&ours, &token), want, "{name}");
    }
    let keys = Jwks::from_json(jwks_of([&theirs])).expect("a key set");
    let at_b = Verifier::new("https://issuer.example/b", AUDIENCE, keys)
        .expect("a policy")
        .with_clock(tower_jwt_auth::clock::FixedClock::at_unix(NOW));
    assert_eq!(outcome(&at_b, &theirs.token(&their_claims)), ACCEPTED);
}

#[test]
fn an_id_token_is_no_access_token() {
    let id_claims = claims_with(json!({ "aud": "client-7", "nonce": "n", "at_hash": "x" }));
    let id_token = shared_key().token(&id_claims);
    assert_eq!(outcome(&verifier(), &id_token), OTHER_AUDIENCE);
    assert_eq!(outcome(&verifier(), &shared_key().token(&good_claims())), ACCEPTED);

    // Where the client id is the audience too, only the type tells the two apart.
    let same_audience = claims_with(json!({ "nonce": "n" }));
    let id_token = shared_key().token(&same_audience);
    let mut header = shared_key().header();
    header["typ"] = "at+jwt".into();
    let access_token = shared_key().token_with_header(&header, &same_audience);
    let verifier = verifier().with_type("at+jwt");
    assert_eq!(outcome(&verifier, &id_token), "type_mismatch");
    assert_eq!(outcome(&verifier, &access_token), ACCEPTED);
}

#[test]
fn a_token_that_is_bound_to_its_sender_is_refused_as_bearer() {
    check(
        &verifier(),
        "cnf",
        &[
            ("", ACCEPTED),
            (r#"{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}"#, "token_bound"),
            (r#"{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}"#, "token_bound"),
            ("{}", "token_bound"),
            ("null", "token_bound"),
        ],
    );
    let ignoring = verifier().insecure_ignore_binding();
    check(&ignoring, "cnf", &[(r#"{"jkt":"x"}"#, ACCEPTED)]);
}

#[test]
fn a_required_claim_is_there_and_not_null() -> Result<(), ConfigError> {
    let verifier = verifier().require_claim("email")?;
    check(
        &verifier,
        "email",
        &[("\"a@b\"", ACCEPTED), ("false", ACCEPTED), ("", MISSING), ("null", MISSING)],
    );
    let twice = token_with("email", "\"a\",\"email\":\"b\"");
    assert_eq!(outcome(&verifier, &twice), "token_malformed");
    let refused = verifier.verify(&token_with("email", "")).unwrap_err();
    assert_eq!(refused.claim(), Some("email"));
    Ok(())
}

#[test]
fn of_several_required_claims_each_is_there() -> Result<(), ConfigError> {
    let verifier = verifier().require_claim("email")?.require_claim("name")?.require_claim("jti")?;
    let all = json!({ "email": "a@b", "name": "Ada", "jti": "1" });
    assert_eq!(outcome(&verifier, &shared_key().token(&claims_with(all.clone()))), ACCEPTED);
    for claim in ["email", "name", "jti"] {
        let mut others = all.clone();
        others[claim] = Value::Null;
        let refused = verifier.verify(&shared_key().token(&claims_with(others))).unwrap_err();
        assert_eq!((refused.code(), refused.claim()), (MISSING, Some(claim)));
    }
    Ok(())
}

#[test]
fn a_subject_and_rules_of_the_application_are_asked_for() {
    #[derive(Deserialize)]
    struct Scoped {
        scope: String,
    }
    let of_bob = verifier().with_subject("bob");
    check(&of_bob, "sub", &[("\"bob\"", ACCEPTED), ("\"bobby\"", "claim_refused"), ("", "claim_refused")]);
    let ruled = verifier().with_rule("scope", |token| {
        token.claims::<Scoped>().is_ok_and(|claims| claims.scope.split(' ').any(|scope| scope == "read"))
    });
    check(
        &ruled,
        "scope",
        &[("\"write read\"", ACCEPTED), ("\"reader\"", "claim_refused"), ("", "claim_refused")],
    );
    let refused = ruled.verify(&token_with("scope", "\"\"")).unwrap_err();
    assert_eq!(refused.claim(), Some("scope"));
}

#[test]
fn a_rule_is_not_asked_about_a_token_whose_signature_is_bad() {
    let strict = verifier().with_rule("never", |_| panic!("asked about a forged token"));
    let token = token_with("sub", "\"alice\"");
    let (input, _) = token.rsplit_once('.').expect("a signature");
    let forged = format!("{input}.{}", encode([7; 64]));
    assert_eq!(outcome(&strict, &forged), "signature_invalid");
}

#[tokio::test]
async fn claims_that_do_not_fit_the_handlers_type_are_refused_without_being_echoed() {
    let app = App::new();
    for (sub, want) in [(json!("alice"), (200, ACCEPTED)), (Value::Null, (401, "claims_mismatch"))] {
        let token = shared_key().token(&claims_with(json!({ "sub": sub, "canary": "k4n4r1" })));
        for place in Place::ALL {
            let answer = app.answer(place.carry(Method::GET, &token)).await;
            assert_eq!((answer.status, &*answer.code), want, "{place:?}");
            assert!(!answer.body.contains("k4n4r1"), "{place:?}: {}", answer.body);
            let challenged = answer.header("www-authenticate").is_some();
            assert_eq!(challenged, want.0 == 401, "{place:?}");
        }
    }
}

#[test]
fn custom_claims_keep_every_digit() {
    #[derive(Deserialize)]
    struct Numbers {
        big: u64,
        small: i64,
        precise: Vec<f64>,
    }
    // Of these, a reader that is fast and nearly right gets the second, the third and the fourth wrong.
    let precise = [
        "0.30000000000000004",
        "1.5000555555555555",
        "0.20020000000000002",
        "-1.639383155034199e176",
        "5e-324",
    ];
    let payload = format!(
        r#"{{"big":9007199254740993,"small":-9223372036854775808,"precise":[{}],{}"#,
        precise.join(","),
        &good_claims().to_string()[1..]
    );
    let token = shared_key().token_of(shared_key().header().to_string(), &payload);
    let verified = verifier_with(Jwks::from_json(jwks_of([shared_key()])).expect("a key set"))
        .verify(&token)
        .expect("a good token");
    let numbers = verified.claims::<Numbers>().expect("numbers");
    assert_eq!(numbers.big, 9_007_199_254_740_993);
    assert_eq!(numbers.small, i64::MIN);
    for (read, text) in numbers.precise.iter().zip(precise) {
        assert_eq!(read.to_bits(), text.parse::<f64>().expect("a number").to_bits(), "{text}");
    }
    assert_eq!(verified.payload(), payload);
    assert!(payload.contains(ISSUER), "as it was signed");
}
