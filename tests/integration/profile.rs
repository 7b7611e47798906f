//! Profiles: what makes a token an access token or an ID token, and that one is never taken for the other.

use aws_lc_rs::{digest, hmac};
use serde_json::{Value, json};
use tower_jwt_auth::Verifier;
use tower_jwt_auth::error::{AuthErrorKind, ConfigError};
use tower_jwt_auth::jwks::{Jwks, SharedSecret};
use tower_jwt_auth::replay::NonceRule;
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::verify::{Outcome, Profile};

use crate::support::app::{ACCEPTED, App, get, outcome, verifier, verifier_with};
use crate::support::issuer::{SigningKey, claims_with, encode, jwks_of, mac_token, shared_key};

const MISSING: &str = "claim_missing";
const INVALID: &str = "claim_invalid";
const REFUSED: &str = "claim_refused";
const OTHER_TYPE: &str = "type_mismatch";

/// A token of the type `typ`, or of none.
fn typed(typ: Option<&str>, claims: &Value) -> String {
    let mut header = shared_key().header();
    match typ {
        Some(typ) => header["typ"] = typ.into(),
        None => _ = header.as_object_mut().and_then(|header| header.remove("typ")),
    }
    shared_key().token_with_header(&header, claims)
}

/// An access token with some of its claims replaced, or with `null` removed.
fn access_token(changes: Value) -> String {
    typed(Some("at+jwt"), &access_claims(changes))
}

#[expect(clippy::needless_pass_by_value, reason = "the changes are written on the spot")]
fn access_claims(changes: Value) -> Value {
    let mut claims = claims_with(json!({ "client_id": "app", "jti": "1", "email": "a@b.example" }));
    for (name, value) in changes.as_object().expect("an object of changes") {
        match value {
            Value::Null => _ = claims.as_object_mut().and_then(|claims| claims.remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

/// An ID token, likewise.
fn id_token(changes: Value) -> String {
    typed(Some("JWT"), &claims_with(changes))
}

fn of(profile: Profile) -> Verifier {
    verifier().with_profile(profile).expect("a profile")
}

/// The claim that a refusal is about.
fn about(verifier: &Verifier, token: &str) -> Option<&'static str> {
    verifier.verify(token).err().and_then(|error| error.claim())
}

#[test]
fn an_access_token_says_that_it_is_one_in_its_typ() {
    let verifier = of(Profile::AccessToken);
    for (typ, want) in [
        (Some("at+jwt"), ACCEPTED),
        (Some("application/at+jwt"), ACCEPTED),
        (Some("AT+JWT"), ACCEPTED),
        (Some("JWT"), OTHER_TYPE),
        (None, OTHER_TYPE),
        (Some(""), OTHER_TYPE),
        (Some("at+jwt "), OTHER_TYPE),
        (Some("at+jwt;v=1"), OTHER_TYPE),
        (Some("at"), OTHER_TYPE),
        (Some("at jwt"), OTHER_TYPE),
        (Some("application/application/at+jwt"), OTHER_TYPE),
        (Some("text/at+jwt"), OTHER_TYPE),
        (Some("id+jwt"), OTHER_TYPE),
        (Some("dpop+jwt"), OTHER_TYPE),
        (Some("logout+jwt"), OTHER_TYPE),
    ] {
        assert_eq!(outcome(&verifier, &typed(typ, &access_claims(json!({})))), want, "{typ:?}");
    }
}

#[test]
fn an_access_token_has_all_seven_claims_and_nothing_else_needs_to_be_there() {
    let verifier = of(Profile::AccessToken);
    assert_eq!(outcome(&verifier, &access_token(json!({}))), ACCEPTED);
    for (claim, want) in [
        ("iss", "issuer_mismatch"),
        ("aud", "audience_mismatch"),
        ("exp", MISSING),
        ("sub", MISSING),
        ("client_id", MISSING),
        ("iat", MISSING),
        ("jti", MISSING),
        ("email", ACCEPTED),
        ("nbf", ACCEPTED),
    ] {
        let token = access_token(json!({ claim: null }));
        assert_eq!(outcome(&verifier, &token), want, "without {claim}");
        assert_eq!(about(&verifier, &token), Some(claim).filter(|_| want == MISSING), "without {claim}");
    }
}

#[test]
fn the_client_id_of_an_access_token_is_a_string_and_there_once() {
    let verifier = of(Profile::AccessToken);
    let rest = access_claims(json!({ "client_id": null })).to_string();
    for (client_id, want) in [
        (r#""client_id":"app""#, ACCEPTED),
        (r#""client_\u0069d":"app""#, ACCEPTED),
        (r#""client_id":null"#, MISSING),
        (r#""client_id":7"#, INVALID),
        (r#""client_id":["app"]"#, INVALID),
        (r#""client_id":{"id":"app"}"#, INVALID),
        (r#""client_id":"app","client_id":"app""#, "token_malformed"),
        (r#""client_id":"app","client_\u0069d":"other""#, "token_malformed"),
    ] {
        let header = json!({ "alg": "ES256", "kid": shared_key().kid(), "typ": "at+jwt" });
        let token = shared_key().token_of(header.to_string(), format!("{{{client_id},{}", &rest[1..]));
        assert_eq!(outcome(&verifier, &token), want, "{client_id}");
    }
}

#[test]
fn an_id_token_is_no_access_token_and_an_access_token_is_no_id_token() {
    // With all claims of both.
    let claims = access_claims(json!({ "azp": "api", "nonce": "n" }));
    for (typ, as_access_token, as_id_token) in [
        (Some("at+jwt"), ACCEPTED, OTHER_TYPE),
        (Some("application/at+jwt"), ACCEPTED, OTHER_TYPE),
        (Some("At+Jwt"), ACCEPTED, OTHER_TYPE),
        (Some("at+jwt; v=1"), OTHER_TYPE, OTHER_TYPE),
        (Some("application/at+jwt;"), OTHER_TYPE, OTHER_TYPE),
        (Some("JWT"), OTHER_TYPE, ACCEPTED),
        (None, OTHER_TYPE, ACCEPTED),
    ] {
        let token = typed(typ, &claims);
        for (profile, want) in [(Profile::AccessToken, as_access_token), (Profile::IdToken, as_id_token)] {
            assert_eq!(outcome(&of(profile), &token), want, "{typ:?} as {profile:?}");
        }
        // Who names no profile gets both.
        assert_eq!(outcome(&verifier(), &token), ACCEPTED, "{typ:?}");
    }
}

#[test]
fn an_id_token_has_its_five_claims() {
    let verifier = of(Profile::IdToken);
    assert_eq!(outcome(&verifier, &id_token(json!({}))), ACCEPTED);
    for (claim, want) in [
        ("iss", "issuer_mismatch"),
        ("aud", "audience_mismatch"),
        ("sub", MISSING),
        ("exp", MISSING),
        ("iat", MISSING),
        ("nbf", ACCEPTED),
    ] {
        assert_eq!(outcome(&verifier, &id_token(json!({ claim: null }))), want, "without {claim}");
    }
}

#[test]
fn an_id_token_for_several_says_that_it_was_issued_to_us_and_none_says_that_it_was_not()
-> Result<(), ConfigError> {
    let one = of(Profile::IdToken);
    let two = verifier().with_additional_audience("app")?.with_profile(Profile::IdToken)?;
    for (aud, azp, want_of_one, want_of_two) in [
        (json!("api"), None, ACCEPTED, ACCEPTED),
        (json!("api"), Some(json!("api")), ACCEPTED, ACCEPTED),
        (json!("api"), Some(json!("app")), REFUSED, ACCEPTED),
        (json!("api"), Some(json!("other")), REFUSED, REFUSED),
        (json!("api"), Some(json!("API")), REFUSED, REFUSED),
        (json!("api"), Some(json!("")), REFUSED, REFUSED),
        (json!(["api"]), None, ACCEPTED, ACCEPTED),
        (json!(["api", "other"]), None, MISSING, MISSING),
        (json!(["api", "api"]), None, MISSING, MISSING),
        (json!(["api", "other"]), Some(json!("api")), ACCEPTED, ACCEPTED),
        (json!(["api", "other"]), Some(json!("other")), REFUSED, REFUSED),
        (json!(["api", "other"]), Some(json!("app")), REFUSED, ACCEPTED),
        (json!("api"), Some(json!(["api"])), INVALID, INVALID),
        (json!("api"), Some(json!(7)), INVALID, INVALID),
    ] {
        let mut claims = claims_with(json!({ "aud": aud }));
        if let Some(azp) = &azp {
            claims["azp"] = azp.clone();
        }
        let token = typed(Some("JWT"), &claims);
        for (verifier, want) in [(&one, want_of_one), (&two, want_of_two)] {
            assert_eq!(outcome(verifier, &token), want, "aud {aud}, azp {azp:?}");
            if want != ACCEPTED {
                assert_eq!(about(verifier, &token), Some("azp"), "aud {aud}, azp {azp:?}");
            }
        }
    }
    // A member that is there twice, or holds nothing.
    let rest = claims_with(json!({})).to_string();
    for (azp, want) in [
        (r#""azp":"api""#, ACCEPTED),
        (r#""azp":null"#, INVALID),
        (r#""azp":"api","azp":"other""#, INVALID),
        (r#""azp":"other","a\u007ap":"api""#, INVALID),
    ] {
        let token =
            shared_key().token_of(shared_key().header().to_string(), format!("{{{azp},{}", &rest[1..]));
        assert_eq!(outcome(&one, &token), want, "{azp}");
    }
    Ok(())
}

/// OpenID Connect Back-Channel Logout 1.0 §2.4: a logout token says so by `events`, where its `typ` does not.
#[test]
fn what_tells_of_events_is_no_id_token() {
    const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";
    let rest = claims_with(json!({ "sid": "1", "jti": "1" })).to_string();
    for events in [json!({ LOGOUT: {} }), json!({}), json!(null), json!(7)] {
        let claims = format!("{{\"events\":{events},{}", &rest[1..]);
        let token = shared_key().token_of(shared_key().header().to_string(), claims);
        assert_eq!(outcome(&of(Profile::IdToken), &token), REFUSED, "{events}");
        assert_eq!(about(&of(Profile::IdToken), &token), Some("events"), "{events}");
        assert_eq!(outcome(&verifier(), &token), ACCEPTED, "{events}");
    }
    let token = id_token(json!({ "sid": "1", "jti": "1", "event": { LOGOUT: {} } }));
    assert_eq!(outcome(&of(Profile::IdToken), &token), ACCEPTED);
}

#[test]
fn the_nonce_of_an_id_token_is_compared_by_the_layer() {
    let layer = tower_jwt_auth::JwtAuthLayer::new(of(Profile::IdToken));
    let app = App::behind(layer.with_nonce(NonceRule::from_header("x-nonce").expect("a name")));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for (nonce, want) in [("n-1", (200, ACCEPTED)), ("n-2", (401, "nonce_mismatch"))] {
        let bearer = format!("Bearer {}", id_token(json!({ "nonce": "n-1" })));
        let request = get("/", &[("authorization", &bearer), ("x-nonce", nonce)]);
        let verdict = runtime.block_on(app.verdict(request));
        assert_eq!((verdict.0, &*verdict.1), want, "{nonce}");
    }
}

/// The left half of a hash.
fn half(algorithm: &'static digest::Algorithm, text: &str) -> String {
    let hash = digest::digest(algorithm, text.as_bytes());
    encode(&hash.as_ref()[..hash.as_ref().len() / 2])
}

#[test]
fn at_hash_is_half_the_hash_of_the_access_token_by_the_hash_function_of_the_algorithm()
-> Result<(), ConfigError> {
    use Algorithm::{EdDsa, Es256, Es256K, Es384, Es512, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
    let hashes = [&digest::SHA256, &digest::SHA384, &digest::SHA512];
    for (algorithms, right) in [
        (&[Rs256, Ps256, Es256, Es256K][..], 0),
        (&[Rs384, Ps384, Es384], 1),
        (&[Rs512, Ps512, Es512, EdDsa], 2),
    ] {
        for algorithm in algorithms {
            let key = SigningKey::generate(*algorithm, "k");
            let verifier = verifier_with(Jwks::from_json(jwks_of([&key]))?).with_profile(Profile::IdToken)?;
            for (index, hash) in hashes.into_iter().enumerate() {
                let token = key.token(&claims_with(json!({ "at_hash": half(hash, "access") })));
                let id_token = verifier.verify(&token).expect("a good token");
                let checked = id_token.check_access_token_hash("access").map_err(|error| error.code());
                assert_eq!(checked.is_ok(), index == right, "{algorithm}, {hash:?}");
                assert!(id_token.check_access_token_hash("Access").is_err(), "{algorithm}, {hash:?}");
            }
        }
    }
    for (algorithm, mac, name, length, hash) in [
        (Algorithm::Hs256, hmac::HMAC_SHA256, "HS256", 32, &digest::SHA256),
        (Algorithm::Hs384, hmac::HMAC_SHA384, "HS384", 48, &digest::SHA384),
        (Algorithm::Hs512, hmac::HMAC_SHA512, "HS512", 64, &digest::SHA512),
    ] {
        let secret = vec![7; length];
        let verifier = verifier_with(SharedSecret::new(algorithm, secret.clone())?);
        let claims = claims_with(json!({ "at_hash": half(hash, "access") }));
        let token = mac_token(mac, &secret, &json!({ "alg": name }), &claims);
        let id_token = verifier.verify(&token).expect("a good token");
        assert!(id_token.check_access_token_hash("access").is_ok(), "{name}");
        assert!(id_token.check_access_token_hash("access ").is_err(), "{name}");
    }
    Ok(())
}

/// OpenID Connect Core §A.3: the access token and the `at_hash` of its example, for RS256.
#[test]
fn at_hash_is_that_of_the_specifications_example() {
    const ACCESS_TOKEN: &str = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
    const AT_HASH: &str = "77QmUPtjPfzWtF2AnpK9RQ";
    let verifier = of(Profile::IdToken);
    let given = |at_hash: Value| {
        let id_token = verifier.verify(&id_token(json!({ "at_hash": at_hash }))).expect("a good token");
        id_token.check_access_token_hash(ACCESS_TOKEN).map_err(|error| (error.kind(), error.claim()))
    };
    assert_eq!(given(json!(AT_HASH)), Ok(()));
    let about = |kind| Err((kind, Some("at_hash")));
    assert_eq!(given(Value::Null), about(AuthErrorKind::ClaimMissing));
    for at_hash in
        ["", &AT_HASH[1..], &AT_HASH.to_lowercase(), &format!("{AT_HASH}=="), &half(&digest::SHA256, "x")]
    {
        assert_eq!(given(json!(at_hash)), about(AuthErrorKind::ClaimRefused), "{at_hash}");
    }
    for at_hash in [json!(7), json!([AT_HASH]), json!({})] {
        assert_eq!(given(at_hash.clone()), about(AuthErrorKind::ClaimInvalid), "{at_hash}");
    }
}

#[test]
fn a_profile_is_one_and_goes_with_no_call_that_takes_from_it() -> Result<(), ConfigError> {
    type Weaken = fn(Verifier) -> Verifier;
    let access = || verifier().with_profile(Profile::AccessToken);
    assert!(access()?.with_profile(Profile::AccessToken).is_ok(), "the same again");
    assert!(access()?.with_profile(Profile::IdToken).is_err());
    let weaken: [(&str, Weaken); 3] = [
        ("any issuer", Verifier::insecure_accept_any_issuer),
        ("any audience", Verifier::insecure_accept_any_audience),
        ("without expiry", Verifier::insecure_accept_without_expiry),
    ];
    for (name, weaken) in weaken {
        for profile in [Profile::AccessToken, Profile::IdToken] {
            assert!(weaken(verifier()).with_profile(profile).is_err(), "{name}, {profile:?}");
        }
    }
    // What comes later takes nothing from it either.
    let policy = access()?.to_string();
    for (name, weaken) in weaken {
        assert_eq!(weaken(access()?).to_string(), policy, "{name}");
    }
    let same = access()?.insecure_accept_any_audience().insecure_accept_any_issuer();
    assert_eq!(outcome(&same, &access_token(json!({}))), ACCEPTED);
    assert_eq!(outcome(&same, &access_token(json!({ "aud": "other" }))), "audience_mismatch");
    assert_eq!(outcome(&same, &access_token(json!({ "iss": "https://other.example" }))), "issuer_mismatch");
    // The binding is what no profile of a kind is about.
    let loose = access()?.insecure_ignore_binding();
    assert_eq!(outcome(&loose, &access_token(json!({ "cnf": { "jkt": "x" } }))), ACCEPTED);
    Ok(())
}

#[test]
fn a_cached_token_was_judged_by_the_profile_and_a_profile_that_is_set_later_forgets_it()
-> Result<(), ConfigError> {
    let token = id_token(json!({}));
    let verifier = verifier();
    assert_eq!([outcome(&verifier, &token), outcome(&verifier, &token)], [ACCEPTED; 2]);
    let verifier = verifier.with_profile(Profile::AccessToken)?;
    assert_eq!(outcome(&verifier, &token), OTHER_TYPE);
    Ok(())
}

#[tokio::test]
async fn each_check_of_a_profile_is_printed_and_explained() {
    for (profile, want) in [
        (
            Profile::AccessToken,
            "profile access token (typ is at+jwt; iss, exp, aud, sub, client_id, iat, jti are present; client_id is a \
             string)",
        ),
        (
            Profile::IdToken,
            "profile ID token (typ is not at+jwt; iss, sub, aud, exp, iat are present; azp, if there, is one of our \
             audiences, and it is there if aud has several; events is not there)",
        ),
    ] {
        assert_eq!(profile.to_string(), want);
        let verifier = of(profile).require_claim("email").expect("a claim");
        let said = verifier.to_string();
        assert!(said.contains(&format!("; {want}; email is present; cnf is absent or proven; ")), "{said}");
        let failed = |explanation: &tower_jwt_auth::verify::Explanation| -> Vec<_> {
            let checks = explanation.checks().iter();
            let failed = checks.filter(|check| matches!(check.outcome(), Outcome::Failed(_)));
            failed.map(|check| (check.name(), check.note().unwrap_or_default().to_owned())).collect()
        };
        let of_the_other_kind = match profile {
            Profile::AccessToken => typed(Some("JWT"), &access_claims(json!({ "client_id": 7 }))),
            _ => typed(Some("at+jwt"), &access_claims(json!({ "azp": "other" }))),
        };
        let wanted = format!("wanted {want}");
        let explanation = verifier.explain(&of_the_other_kind).await;
        assert_eq!(failed(&explanation), [("typ", wanted.clone()), ("profile", wanted)]);
    }
}
