//! PasskeyMe: its endpoint has the last word, in three forms, and its clients get the words that they look for.

use std::time::Duration;

use http::Method;
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::jwks::Jwks;
use tower_jwt_auth::provider::{EXPIRES_SOON, PasskeyMe};
use tower_jwt_auth::token::Algorithm;

use super::stand_in::passkeyme::{PasskeyMeStandIn, Settings};
use super::stand_in::signing::{now, uuid};
use super::*;
use crate::support::app::{Lines, get, request};
use crate::support::idp::{Answer, Idp, over_http};
use crate::support::issuer::{SigningKey, jwks_of, mac_token};

pub const APP: &str = "550e8400-e29b-41d4-a716-446655440000";

/// What PasskeyMe says of a user at [`NOW`].
pub fn claims(changes: Value) -> Value {
    let claims = json!({
        "sub": "user", "email": "ada@example.com", "name": "Ada", "aud": APP, "iss": "https://passkeyme.com", "iat": NOW,
        "exp": NOW + 3600, "user_id": "user", "app_id": APP, "has_passkey": true, "email_verified": true,
    });
    changed(claims, changes)
}

/// A token that nobody but PasskeyMe could verify.
pub fn token(claims: &Value) -> String {
    mac_token(
        aws_lc_rs::hmac::HMAC_SHA256,
        b"PasskeyMe's own",
        &json!({ "alg": "HS256", "typ": "JWT" }),
        claims,
    )
}

/// One that says yes to everything, and the preset that asks it.
pub async fn yes_man() -> (Idp, PasskeyMe) {
    let idp = over_http(Answer::of(r#"{"valid":true,"user":{"id":"user"}}"#)).await;
    let preset = PasskeyMe::new(APP).expect("an app id").with_verify_url(&idp.url("/api/auth/verify-token"));
    (idp, preset.with_clock(FixedClock::at_unix(NOW)))
}

/// The three documented forms.
fn forms(server: &PasskeyMeStandIn) -> [(&'static str, PasskeyMe); 3] {
    let preset = PasskeyMe::new(&server.app_id).expect("an app id");
    let newer = format!("{}/auth/verify-token", server.base_url);
    [
        ("/api/auth/verify-token", preset.clone().with_verify_url(&server.verify_token_url())),
        ("/auth/verify-token", preset.clone().with_verify_url(&newer)),
        ("/auth/validate", preset.with_validate_url(&server.validate_url())),
    ]
}

#[tokio::test]
async fn the_service_has_the_last_word_in_all_three_forms() {
    let server = PasskeyMeStandIn::start(Settings::default()).await.expect("a port");
    let other = PasskeyMeStandIn::start(Settings { app_id: server.app_id.clone(), ..Settings::default() });
    let other = other.await.expect("a port");
    let at = now();
    let signed = |changes| {
        let base = changed(
            claims(json!({ "iat": at, "exp": at + 3600 })),
            json!({ "aud": server.app_id, "app_id": server.app_id }),
        );
        server.key().sign(&changed(base, changes).to_string())
    };
    for (form, preset) in forms(&server) {
        let verifier = preset.verifier().expect("good settings");
        for (name, token, want) in [
            ("its own", server.token(), ACCEPTED),
            ("signed with its secret", signed(json!({})), ACCEPTED),
            ("iat 299 s ahead", signed(json!({ "iat": at + 299 })), ACCEPTED),
            ("expired", server.token_issued(at - 3700), "token_expired"),
            (
                "expired in the leeway, which the service has not",
                signed(json!({ "exp": at - 10 })),
                "token_refused",
            ),
            ("iat far ahead", server.token_issued(at + 400), "token_not_yet_valid"),
            ("forged", forged(&server.token()), "token_refused"),
            ("of another secret", other.token(), "token_refused"),
            ("for another app", signed(json!({ "aud": uuid() })), "audience_mismatch"),
            ("of another issuer", signed(json!({ "iss": "https://passkeyme.com/" })), "issuer_mismatch"),
            (
                "of another issuer, whose name begins so",
                signed(json!({ "iss": "https://passkeyme.com.evil.example" })),
                "issuer_mismatch",
            ),
            ("its app_id is another", signed(json!({ "app_id": uuid() })), "claim_refused"),
            ("its user_id is another", signed(json!({ "user_id": "eve" })), "claim_refused"),
            (
                "without what is optional",
                signed(json!({ "app_id": null, "user_id": null, "email": null, "name": null })),
                ACCEPTED,
            ),
        ] {
            let name = format!("{form}: {name}");
            assert_eq!(outcome(&verifier, &token).await, want, "{name}");
        }
    }
    // The same service, asked for another app than the token's, refuses by itself.
    let elsewhere = PasskeyMe::new(&uuid()).expect("an app id").with_verify_url(&server.verify_token_url());
    let lenient = elsewhere.verifier().expect("good settings").insecure_accept_any_audience();
    assert_ne!(outcome(&lenient, &server.token()).await, ACCEPTED);
}

#[tokio::test]
async fn nobody_gets_in_while_it_is_down_and_it_is_left_alone_when_it_has_had_enough() {
    let server = PasskeyMeStandIn::start(Settings::default()).await.expect("a port");
    for (form, preset) in forms(&server) {
        server.set_down(true);
        let verifier = preset.verifier().expect("good settings");
        assert_eq!(outcome(&verifier, &server.token()).await, "verifier_unavailable", "{form}");
        server.set_down(false);
        // Of the one that it was asked about, it is known for a second that there is no answer.
        assert_eq!(outcome(&verifier, &server.token_issued(now() - 60)).await, ACCEPTED, "{form}");
    }
    server.set_limited(true);
    let verifier = forms(&server)[0].1.verifier().expect("good settings");
    let at = now();
    for n in 0..100 {
        assert_eq!(outcome(&verifier, &server.token_issued(at - n)).await, ACCEPTED, "{n}");
    }
    let late = server.token_issued(at - 100);
    let error = verifier.verify_or_ask(&late).await.expect_err("too many");
    assert_eq!(error.code(), "verifier_unavailable");
    assert!(error.retry_after().is_some_and(|after| after > Duration::from_secs(5)), "{error:?}");
    assert_eq!(outcome(&verifier, &server.token_issued(at)).await, ACCEPTED, "its answer is here");
    server.set_limited(false);
    assert_eq!(
        outcome(&verifier, &server.token_issued(at - 101)).await,
        "verifier_unavailable",
        "it said when"
    );
}

#[tokio::test]
async fn the_layer_reads_the_header_its_own_cookie_and_its_own_parameter() {
    let (_idp, preset) = yes_man().await;
    let app = app(preset.layer().expect("good settings"));
    let token = token(&claims(json!({})));
    let (bearer, cookie) = (format!("Bearer {token}"), format!("passkeyme_token={token}"));
    let other_cookies =
        [format!("__Host-jwt={token}"), format!("access_token={token}"), format!("Passkeyme_token={token}")];
    let cases: [(&str, String, Lines<'_>, u16); 10] = [
        ("header", "/".to_owned(), &[("authorization", &bearer)], 200),
        ("header without scheme", "/".to_owned(), &[("authorization", &token)], 401),
        ("cookie", "/".to_owned(), &[("cookie", &cookie)], 200),
        ("the usual cookie", "/".to_owned(), &[("cookie", &other_cookies[0])], 401),
        ("another cookie", "/".to_owned(), &[("cookie", &other_cookies[1])], 401),
        ("the cookie in another case", "/".to_owned(), &[("cookie", &other_cookies[2])], 401),
        ("query", format!("/?token={token}"), &[], 200),
        ("the usual parameter", format!("/?jwt={token}"), &[], 401),
        ("the parameter twice", format!("/?token={token}&token={token}"), &[], 400),
        ("header and query", format!("/?token={token}"), &[("authorization", &bearer)], 400),
    ];
    for (name, uri, lines, want) in cases {
        let answer = app.answer(get(&uri, lines)).await;
        assert_eq!(answer.status, want, "{name}: {answer:?}");
        assert!(!answer.body.contains(&token), "{name}: the token is gone from the query");
    }
}

#[tokio::test]
async fn refusals_are_in_the_words_that_its_clients_look_for_and_in_ours() {
    let (idp, preset) = yes_man().await;
    let app = app(preset.layer().expect("good settings"));
    let bearer = |token: &str| get("/", &[("authorization", &format!("Bearer {token}"))]);
    let cookie = format!("passkeyme_token={}", token(&claims(json!({}))));
    let crossed = request(Method::POST, "/", &[("cookie", &cookie), ("sec-fetch-site", "cross-site")]);
    let refused = token(&claims(json!({ "n": 1 })));
    let unanswered = token(&claims(json!({ "n": 2 })));
    let unchanged = None::<Answer>;
    let cases = vec![
        ("none", get("/", &[]), unchanged.clone(), 401, "token_missing", "No token provided"),
        ("rubbish", bearer("x.y.z"), unchanged.clone(), 401, "token_malformed", "Invalid token"),
        (
            "expired",
            bearer(&token(&claims(json!({ "exp": 1 })))),
            unchanged.clone(),
            401,
            "token_expired",
            "Invalid token",
        ),
        ("malformed header", bearer("a b"), unchanged.clone(), 400, "credentials_malformed", "Invalid token"),
        ("cross-site", crossed, unchanged.clone(), 403, "cross_site_request", "Access denied"),
        (
            "refused",
            bearer(&refused),
            Some(Answer::of(r#"{"valid":false}"#)),
            401,
            "token_refused",
            "Invalid token",
        ),
        (
            "down",
            bearer(&unanswered),
            Some(Answer::status(500)),
            503,
            "verifier_unavailable",
            "Token verification failed",
        ),
    ];
    for (name, request, answer, status, code, error) in cases {
        if let Some(answer) = answer {
            idp.serve(answer);
        }
        let answer = app.answer(request).await;
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!((answer.status, &*answer.code), (status, code), "{name}");
        assert_eq!(body["error"], error, "{name}");
        assert_eq!(body["status"], status, "{name}: it is still a problem document");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{name}");
        assert_eq!(answer.header("www-authenticate").is_some(), matches!(status, 400 | 401), "{name}");
        assert_eq!(answer.header("retry-after").is_some(), status == 503, "{name}");
    }
}

#[tokio::test]
async fn the_last_five_minutes_are_announced() {
    let (idp, preset) = yes_man().await;
    let app = app(preset.layer().expect("good settings"));
    assert_eq!(EXPIRES_SOON, Duration::from_secs(300));
    for (left, want) in [
        (3600, None),
        (301, None),
        (300, None),
        (299, Some("299")),
        (1, Some("1")),
        (0, Some("0")),
        (-29, Some("0")),
    ] {
        let token = token(&claims(json!({ "exp": i64::from(NOW) + left })));
        // Whether the answer has to be asked for or is here.
        for way in ["asked", "kept"] {
            let answer = app.answer(get("/", &[("authorization", &format!("Bearer {token}"))])).await;
            assert_eq!(answer.status, 200, "{left} {way}");
            assert_eq!(answer.header("token-expires-in"), want, "{left} {way}");
        }
    }
    assert_eq!(idp.requests(), 7);
    let late = token(&claims(json!({ "exp": NOW - 30 })));
    let answer = app.answer(get("/", &[("authorization", &format!("Bearer {late}"))])).await;
    assert_eq!((answer.status, answer.header("token-expires-in")), (401, None));
    // Without the preset's layer, nothing is announced.
    let (_idp, preset) = yes_man().await;
    let plain = super::app(JwtAuthLayer::new(preset.verifier().expect("good settings")));
    let soon = token(&claims(json!({ "exp": NOW + 10 })));
    let answer = plain.answer(get("/", &[("authorization", &format!("Bearer {soon}"))])).await;
    assert_eq!((answer.status, answer.header("token-expires-in")), (200, None));
}

#[tokio::test]
async fn with_keys_of_the_operators_own_nobody_is_asked_and_no_secret_counts() {
    let (idp, preset) = yes_man().await;
    let key = SigningKey::generate(Algorithm::Es256, "es");
    let keys = Jwks::from_json(jwks_of([&key])).expect("keys");
    let verifier = preset.clone().with_jwks(keys).verifier().expect("good settings");
    let good = key.token(&claims(json!({})));
    for (name, token, want) in [
        ("of the key", good.clone(), ACCEPTED),
        ("HS256", token(&claims(json!({}))), "algorithm_unsupported"),
        ("forged", forged(&good), "signature_invalid"),
        (
            "of another key",
            SigningKey::generate(Algorithm::Es256, "es").token(&claims(json!({}))),
            "signature_invalid",
        ),
        ("another app_id", key.token(&claims(json!({ "app_id": "x" }))), "claim_refused"),
        ("iat 301 s ahead", key.token(&claims(json!({ "iat": NOW + 301 }))), "token_not_yet_valid"),
    ] {
        assert_eq!(outcome(&verifier, &token).await, want, "{name}");
    }
    assert_eq!(idp.requests(), 0);
    // The endpoint takes the other kind too, because it knows.
    let verifier = preset.verifier().expect("good settings");
    assert_eq!(outcome(&verifier, &token(&claims(json!({})))).await, ACCEPTED);
    assert_eq!(idp.requests(), 1);
}

#[tokio::test]
async fn an_app_without_an_id_cannot_be_made() {
    assert!(PasskeyMe::new("").is_err());
    let preset = PasskeyMe::new(APP).expect("an app id");
    assert!(preset.verifier().is_ok());
    assert!(preset.clone().with_issuer("").verifier().is_err());
    assert!(preset.clone().with_verify_url("http://auth.passkeyme.com/verify-token").verifier().is_err());
    assert!(preset.with_validate_url("https://api.passkeyme.com/auth/validate?x").verifier().is_err());
}
