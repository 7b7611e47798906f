//! The claims of a token whose signature is good.
//!
//! Input: the payload.
//!
//! Two verifiers with different policies answer exactly as the model says. What they accept reads as serde_json and
//! jsonwebtoken read it, and an explanation says the same. The build has debug assertions, so that the crate's two readers of claims are compared too.

#![no_main]

use std::sync::{LazyLock, OnceLock};
use std::time::{Duration, UNIX_EPOCH};

use jsonwebtoken::{DecodingKey, Validation};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tower_jwt_auth::claims::RegisteredClaims;
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::verify::VerifiedToken;
use tower_jwt_auth::{AuthError, Verifier};
use tower_jwt_auth_fuzz::explain::explains;
use tower_jwt_auth_fuzz::issuer::{self, SECRET, sign};
use tower_jwt_auth_fuzz::json;
use tower_jwt_auth_fuzz::policy::{OK, Policy, Prediction};

fuzz_target!(|payload: &[u8]| {
    let token = sign(Algorithm::Hs256, r#"{"alg":"HS256"}"#, payload);
    for (verifier, policy) in judges() {
        let verdict = verifier.verify(&token);
        let said = verdict.as_ref().map_or_else(|error| (error.code(), error.claim()), |_| OK);
        match policy.predict(payload) {
            Prediction::Is(want) => assert_eq!(said, want),
            Prediction::MalformedSomehow => {
                assert!(matches!(said.0, "token_malformed" | "claim_invalid"), "{said:?}");
            }
            Prediction::Open => {}
        }
        explains(verifier, &token, &verdict);
        if let Ok(verified) = verdict {
            reads_alike(&verified, payload, &token);
        }
    }
});

/// Verifiers, each with what is to be expected of it.
fn judges() -> &'static [(Verifier, Policy); 2] {
    static JUDGES: OnceLock<[(Verifier, Policy); 2]> = OnceLock::new();
    JUDGES.get_or_init(|| {
        let verifier = || issuer::verifier(Algorithm::Hs256);
        let usual = verifier().require_claim("email").expect("one claim");
        let strict = verifier()
            .insecure_ignore_binding()
            .with_issued_at_skew(Duration::from_secs(5))
            .with_max_age(Duration::from_secs(1_800))
            .with_max_lifetime(Duration::from_secs(3_600));
        [
            (usual, Policy { required: Some("email"), ..Policy::default() }),
            (
                strict,
                Policy {
                    ignores_binding: true,
                    issued_at_skew: Some(5.0),
                    max_age: Some(1_800.0),
                    max_lifetime: Some(3_600.0),
                    ..Policy::default()
                },
            ),
        ]
    })
}

fn reads_alike(verified: &VerifiedToken, payload: &[u8], token: &str) {
    assert_eq!(verified.payload().as_bytes(), payload);
    let ours: Result<_, AuthError> = verified.claims::<Value>();
    let theirs = serde_json::from_slice::<Value>(payload);
    match (&ours, &theirs) {
        (Ok(ours), Ok(theirs)) => assert_eq!(**ours, *theirs),
        (Err(error), Err(_)) => assert_eq!(error.code(), "claims_mismatch"),
        _ => panic!("only one of two readers likes the claims"),
    }
    let Ok(theirs) = theirs else { return };

    let (key, validation) = by_jsonwebtoken();
    if let Ok(decoded) = jsonwebtoken::decode::<Value>(token, key, validation) {
        assert_eq!(decoded.claims, theirs);
    }

    let exp = theirs["exp"].as_f64().expect("an expiry");
    let expires_at = verified.expires_at().expect("an expiry");
    let since = expires_at.duration_since(UNIX_EPOCH).expect("after the epoch").as_secs_f64();
    assert!((since - exp).abs() < 1e-3, "{since} is not {exp}");

    let registered = verified.claims::<RegisteredClaims>().expect("each was of its type");
    let text = |name: &str| theirs[name].as_str();
    assert_eq!(registered.iss.as_deref(), text("iss"));
    assert_eq!(registered.sub.as_deref(), text("sub"));
    assert_eq!(registered.jti.as_deref(), text("jti"));
    assert_eq!(
        [registered.exp, registered.nbf, registered.iat],
        ["exp", "nbf", "iat"].map(|name| theirs[name].as_f64())
    );
    let aud = match &theirs["aud"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        name => Vec::from_iter(name.as_str()),
    };
    assert_eq!(registered.aud, aud);
    assert!(json::parse(payload).is_ok(), "what is accepted is JSON");
}

fn by_jsonwebtoken() -> &'static (DecodingKey, Validation) {
    static THEIRS: LazyLock<(DecodingKey, Validation)> = LazyLock::new(|| {
        let mut validation = Validation::new(jsonwebtoken::Algorithm::HS256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        (DecodingKey::from_secret(&SECRET), validation)
    });
    &THEIRS
}
