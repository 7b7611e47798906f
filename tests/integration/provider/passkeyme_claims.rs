//! What is asked of PasskeyMe's claims besides its word, which here is always yes.

use super::passkeyme::{APP, claims, token, yes_man};
use super::*;

#[tokio::test]
async fn whatever_the_service_says_the_claims_have_to_fit() {
    let (idp, preset) = yes_man().await;
    let verifier = preset.verifier().expect("good settings");
    let mut asked = 0;
    for (name, changes, want, calls) in [
        ("good", json!({}), ACCEPTED, 1),
        ("aud an array with ours", json!({ "aud": ["x", APP] }), ACCEPTED, 1),
        ("aud an array without ours", json!({ "aud": ["x"] }), "audience_mismatch", 0),
        ("aud in capitals", json!({ "aud": APP.to_uppercase() }), "audience_mismatch", 0),
        ("iat now", json!({ "iat": NOW }), ACCEPTED, 0),
        ("iat 299 s ahead", json!({ "iat": NOW + 299 }), ACCEPTED, 1),
        ("iat 300 s ahead", json!({ "iat": NOW + 300 }), ACCEPTED, 1),
        ("iat 301 s ahead", json!({ "iat": NOW + 301 }), "token_not_yet_valid", 0),
        ("no iat", json!({ "iat": null }), ACCEPTED, 1),
        ("exp in the leeway", json!({ "exp": NOW - 29 }), ACCEPTED, 1),
        ("exp past it", json!({ "exp": NOW - 30 }), "token_expired", 0),
        ("no exp", json!({ "exp": null }), "claim_missing", 0),
        ("nbf ahead", json!({ "nbf": NOW + 31 }), "token_not_yet_valid", 0),
        ("app_id another", json!({ "app_id": "x" }), "claim_refused", 1),
        ("app_id in capitals", json!({ "app_id": APP.to_uppercase() }), "claim_refused", 1),
        ("app_id a number", json!({ "app_id": 550 }), "claim_refused", 1),
        ("app_id in an array", json!({ "app_id": [APP] }), "claim_refused", 1),
        ("app_id empty", json!({ "app_id": "" }), "claim_refused", 1),
        ("no app_id", json!({ "app_id": null }), ACCEPTED, 1),
        ("user_id another", json!({ "user_id": "eve" }), "claim_refused", 1),
        ("user_id in an array", json!({ "user_id": ["user"] }), "claim_refused", 1),
        ("no user_id", json!({ "user_id": null }), ACCEPTED, 1),
        ("user_id without sub", json!({ "sub": null }), "claim_refused", 1),
        ("neither", json!({ "sub": null, "user_id": null }), ACCEPTED, 1),
        ("sub a number", json!({ "sub": 1 }), "claim_invalid", 0),
        ("bound", json!({ "cnf": { "jkt": "x" } }), "token_bound", 0),
    ] {
        assert_eq!(outcome(&verifier, &token(&claims(changes))).await, want, "{name}");
        asked += calls;
        assert_eq!(idp.requests(), asked, "{name}: {calls} calls");
    }
}

#[tokio::test]
async fn a_null_is_something_and_no_app_and_no_user() {
    let (_idp, preset) = yes_man().await;
    let verifier = preset.verifier().expect("good settings");
    for (name, member, want) in [
        ("a null app_id", "app_id", "claim_refused"),
        ("a null user_id", "user_id", "claim_refused"),
        ("a null name", "name", ACCEPTED),
        ("a null sub", "sub", "claim_invalid"),
        ("a null iat", "iat", "claim_invalid"),
        ("a null exp", "exp", "claim_invalid"),
    ] {
        let mut claims = claims(json!({}));
        claims[member] = Value::Null;
        assert_eq!(outcome(&verifier, &token(&claims)).await, want, "{name}");
    }
    // A null user_id beside no sub names nobody all the same.
    let mut claims = claims(json!({ "sub": null }));
    claims["user_id"] = Value::Null;
    assert_eq!(outcome(&verifier, &token(&claims)).await, "claim_refused");
}

#[tokio::test]
async fn a_claim_that_is_there_twice_is_not_chosen_from() {
    let (_idp, preset) = yes_man().await;
    let verifier = preset.verifier().expect("good settings");
    let good = claims(json!({})).to_string();
    for (name, member, want) in [
        ("app_id", format!("\"app_id\":\"{APP}\""), "claims_mismatch"),
        ("user_id", r#""user_id":"user""#.to_owned(), "claims_mismatch"),
        ("sub", r#""sub":"user""#.to_owned(), "token_malformed"),
        ("aud", format!("\"aud\":\"{APP}\""), "token_malformed"),
        ("what is of no interest", r#""theme":1,"theme":2"#.to_owned(), ACCEPTED),
    ] {
        let payload = format!("{{{member},{}", &good[1..]);
        let header = crate::support::issuer::encode(r#"{"alg":"HS256"}"#);
        let token = format!("{header}.{}.AAAA", crate::support::issuer::encode(payload));
        assert_eq!(outcome(&verifier, &token).await, want, "{name}");
    }
}
