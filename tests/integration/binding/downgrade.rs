//! A bound token is worth nothing without its proof, wherever it is put; and an unbound one gains nothing by a proof.

use axum::body::Body;
use axum::extract::Request;
use http::Method;
use serde_json::json;
use tower_jwt_auth::jwks::Jwks;
use tower_jwt_auth::verify::VerifiedToken;
use tower_jwt_auth::{JwtAuthLayer, Verifier};

use super::{app, bound_by, bound_to, challenges, client, dpop, get_with, layer_with, proof_for, verdict};
use crate::support::app::{ACCEPTED, App, Place, get, request, verifier_with};
use crate::support::issuer::{jwks_of, shared_key};
use crate::support::record;
use crate::support::site::token_with;

/// A request with a token at `place`, and perhaps a proof.
fn carried(place: Place, token: &str, proof: Option<&str>) -> http::Request<Body> {
    let mut request = place.carry(Method::GET, token);
    if let Some(proof) = proof {
        request.headers_mut().insert("dpop", proof.parse().expect("a value"));
    }
    request
}

#[tokio::test]
async fn a_bound_token_is_refused_from_every_other_place_with_its_proof_or_without() {
    let (app, client) = (app(), client());
    let (bound, unbound) = (bound_to(&client), token_with(json!({})));
    for place in Place::ALL {
        let proof = proof_for(&client, &bound).sign();
        for proof in [None, Some(&*proof), Some("x")] {
            let (status, code) = app.verdict(carried(place, &bound, proof)).await;
            assert_eq!((status, &*code), (401, "token_bound"), "{place:?} {proof:?}");
            // A proof beside what is not bound is not looked at.
            assert_eq!(app.verdict(carried(place, &unbound, proof)).await.1, ACCEPTED, "{place:?} {proof:?}");
        }
        assert_eq!(verdict(&app, &bound, &proof).await, ACCEPTED, "{place:?}");
    }
}

#[tokio::test]
async fn a_cached_token_is_judged_by_who_sends_it_as_the_first_time() {
    let (app, client, thief) = (app(), client(), client());
    let token = bound_to(&client);
    for round in 0..3 {
        let good = proof_for(&client, &token).sign();
        assert_eq!(verdict(&app, &token, &good).await, ACCEPTED, "{round}");
        let stolen = proof_for(&thief, &token).sign();
        assert_eq!(verdict(&app, &token, &stolen).await, "token_bound", "{round}: another key");
        assert_eq!(app.verdict(get_with("DPoP", &token, &[])).await.1, "dpop_proof_invalid", "{round}");
        for place in Place::ALL {
            assert_eq!(app.verdict(carried(place, &token, None)).await.1, "token_bound", "{round} {place:?}");
        }
    }
}

#[tokio::test]
async fn a_verifier_alone_refuses_what_its_layer_has_accepted() {
    let keys = Jwks::from_json(jwks_of([shared_key()])).expect("a key set");
    let verifier = std::sync::Arc::new(verifier_with(keys));
    let app = App::behind(JwtAuthLayer::new(verifier.clone()).with_dpop(dpop()));
    let client = client();
    let token = bound_to(&client);
    assert_eq!(verdict(&app, &token, &proof_for(&client, &token).sign()).await, ACCEPTED);
    for _ in 0..2 {
        assert_eq!(verifier.verify(&token).map(drop).map_err(|error| error.code()), Err("token_bound"));
    }
}

#[tokio::test]
async fn a_token_under_dpop_has_to_be_bound_by_what_is_checked_there() {
    let (app, client) = (app(), client());
    let jkt = client.thumbprint();
    for (name, token, want) in [
        ("bound", bound_by(json!({ "jkt": jkt })), ACCEPTED),
        ("not bound", token_with(json!({})), "token_unbound"),
        (
            "a null binding",
            shared_key().token_of(shared_key().header().to_string(), null_cnf()),
            "token_bound",
        ),
        ("nothing in it", bound_by(json!({})), "token_bound"),
        ("a member that nobody knows", bound_by(json!({ "jkt": jkt, "osc": {} })), "token_bound"),
        ("a key beside it", bound_by(json!({ "jkt": jkt, "kid": "a" })), "token_bound"),
        (
            "a certificate, which nobody looks at",
            bound_by(json!({ "jkt": jkt, "x5t#S256": jkt })),
            "token_bound",
        ),
        ("a certificate alone", bound_by(json!({ "x5t#S256": jkt })), "token_bound"),
        ("text", bound_by(json!(jkt)), "token_bound"),
        ("an array", bound_by(json!([{ "jkt": jkt }])), "token_bound"),
        ("cut", bound_by(json!({ "jkt": &jkt[..42] })), "token_bound"),
        ("padded", bound_by(json!({ "jkt": format!("{jkt}=") })), "token_bound"),
        ("in upper case", bound_by(json!({ "jkt": jkt.to_uppercase() })), "token_bound"),
    ] {
        let proof = proof_for(&client, &token).sign();
        assert_eq!(verdict(&app, &token, &proof).await, want, "{name}");
    }
}

fn null_cnf() -> String {
    let claims = crate::support::issuer::good_claims().to_string();
    format!("{{\"cnf\":null,{}", &claims[1..])
}

#[tokio::test]
async fn without_dpop_its_scheme_is_nobodys_and_with_it_there_is_one_credential() {
    let client = client();
    let token = bound_to(&client);
    let proof = proof_for(&client, &token).sign();
    let plain = App::new();
    assert_eq!(plain.verdict(get_with("DPoP", &token, &[&proof])).await, (401, "token_missing".to_owned()));

    let app = app();
    let (dpop, bearer) = (format!("DPoP {token}"), format!("Bearer {token}"));
    for (name, uri, lines, want) in [
        ("both", "/".to_owned(), vec![("authorization", &*dpop), ("authorization", &*bearer)], 400),
        ("twice", "/".to_owned(), vec![("authorization", &*dpop), ("authorization", &*dpop)], 400),
        ("and a query", format!("/?jwt={token}"), vec![("authorization", &*dpop)], 400),
        ("and no token", "/".to_owned(), vec![("authorization", "DPoP")], 400),
        ("and a blank", "/".to_owned(), vec![("authorization", "DPoP ")], 400),
        ("and no b64token", "/".to_owned(), vec![("authorization", "DPoP a b")], 400),
        ("and Basic", "/".to_owned(), vec![("authorization", "Basic dXNlcg==")], 401),
        ("and nothing", "/".to_owned(), vec![], 401),
    ] {
        let lines: Vec<_> = lines.into_iter().chain([("dpop", &*proof)]).collect();
        let answer = app.answer(get(&uri, &lines)).await;
        assert_eq!(answer.status, want, "{name}");
        // What is wrong with credentials under DPoP is told there.
        let challenges = challenges(&answer);
        let blamed: Vec<_> = challenges.iter().filter(|challenge| challenge.contains("error=")).collect();
        let scheme = blamed.first().map(|challenge| &challenge[..4]);
        assert_eq!(scheme, (want == 400).then_some("DPoP"), "{name}: {challenges:?}");
        assert!(blamed.len() < 2, "{name}: {challenges:?}");
    }
    let cookie = [("authorization", &*dpop), ("dpop", &*proof), ("cookie", "__Host-jwt=x")];
    assert_eq!(app.verdict(get("/", &cookie)).await.1, ACCEPTED, "beside a header no cookie matters");
}

#[tokio::test]
async fn where_a_key_is_required_no_bearer_gets_in_and_the_challenge_offers_none() {
    let client = client();
    let (bound, unbound) = (bound_to(&client), token_with(json!({})));
    let (both, strict) = (app(), App::behind(layer_with(dpop().required())));
    for place in Place::ALL {
        let answer = strict.answer(place.carry(Method::GET, &unbound)).await;
        assert_eq!((answer.status, &*answer.code), (401, "token_unbound"), "{place:?}");
        let challenges = challenges(&answer);
        assert!(
            matches!(&*challenges, [only] if only.starts_with("DPoP ") && only.contains("invalid_token")),
            "{place:?}: {challenges:?}"
        );
        assert_eq!(strict.verdict(place.carry(Method::GET, &bound)).await.1, "token_bound", "{place:?}");
        assert_eq!(both.verdict(place.carry(Method::GET, &unbound)).await.1, ACCEPTED, "{place:?}");
    }
    assert_eq!(verdict(&strict, &bound, &proof_for(&client, &bound).sign()).await, ACCEPTED);
    let proof = proof_for(&client, &unbound).sign();
    assert_eq!(verdict(&strict, &unbound, &proof).await, "token_unbound", "though its sender has a key");

    for (app, want) in [(&strict, 1), (&both, 2)] {
        let answer = app.answer(request(Method::GET, "/", &[])).await;
        let challenges = challenges(&answer);
        assert_eq!(challenges.len(), want, "{challenges:?}");
        assert!(challenges.iter().all(|challenge| !challenge.contains("error")), "{challenges:?}");
        assert!(challenges[want - 1].starts_with("DPoP realm=\"api\", algs=\""), "{challenges:?}");
    }
}

#[tokio::test]
async fn who_ignores_bindings_still_asks_for_a_proof_where_one_is_required() {
    let keys = Jwks::from_json(jwks_of([shared_key()])).expect("a key set");
    let careless = || verifier_with(keys.clone()).insecure_ignore_binding();
    let (client, thief) = (client(), client());
    let token = bound_to(&client);
    let loose = App::behind(JwtAuthLayer::new(careless()).with_dpop(dpop()));
    let strict = App::behind(JwtAuthLayer::new(careless()).with_dpop(dpop().required()));
    assert_eq!(loose.verdict(get_with("Bearer", &token, &[])).await.1, ACCEPTED);
    assert_eq!(strict.verdict(get_with("Bearer", &token, &[])).await.1, "token_bound");
    let stolen = proof_for(&thief, &token).sign();
    assert_eq!(verdict(&strict, &token, &stolen).await, ACCEPTED, "whose key it is, nobody asks");
}

#[tokio::test]
async fn a_hopeless_token_under_dpop_is_told_what_it_is_told_as_bearer() {
    let (app, client) = (app(), client());
    let cnf = json!({ "jkt": client.thumbprint() });
    for (name, changes, want) in [
        ("expired", json!({ "cnf": cnf, "exp": 1 }), "token_expired"),
        ("of another issuer", json!({ "cnf": cnf, "iss": "https://evil.example" }), "issuer_mismatch"),
        ("for others", json!({ "cnf": cnf, "aud": "other" }), "audience_mismatch"),
    ] {
        let token = token_with(changes);
        assert_eq!(verdict(&app, &token, &proof_for(&client, &token).sign()).await, want, "{name}");
    }
    let forged = bound_to(&client) + "A";
    let proof = proof_for(&client, &forged).sign();
    assert_ne!(verdict(&app, &forged, &proof).await, ACCEPTED);
}

#[tokio::test]
async fn at_a_door_of_several_issuers_each_has_its_own_demands() {
    let other = "https://other.example";
    let keys = Jwks::from_json(jwks_of([shared_key()])).expect("a key set");
    let plain = Verifier::new(other, crate::support::issuer::AUDIENCE, keys).expect("a policy");
    let plain = JwtAuthLayer::new(
        plain.with_clock(tower_jwt_auth::clock::FixedClock::at_unix(crate::support::issuer::NOW)),
    );
    let strict = layer_with(dpop().required());
    let client = client();
    let bound = bound_to(&client);
    let (of_plain, of_strict) = (token_with(json!({ "iss": other })), token_with(json!({})));
    let bound_plain = token_with(json!({ "iss": other, "cnf": { "jkt": client.thumbprint() } }));
    for layers in [[plain.clone(), strict.clone()], [strict, plain]] {
        let app = App::behind(JwtAuthLayer::any_of(layers).expect("issuers that differ"));
        assert_eq!(app.verdict(get_with("Bearer", &of_plain, &[])).await.1, ACCEPTED);
        assert_eq!(app.verdict(get_with("Bearer", &of_strict, &[])).await.1, "token_unbound");
        assert_eq!(verdict(&app, &bound, &proof_for(&client, &bound).sign()).await, ACCEPTED);
        // Whose issuer takes no proofs has no token under this scheme.
        let proof = proof_for(&client, &bound_plain).sign();
        assert_eq!(verdict(&app, &bound_plain, &proof).await, "issuer_mismatch");
        assert_eq!(app.verdict(get_with("Bearer", &bound_plain, &[])).await.1, "token_bound");
    }
}

#[tokio::test]
async fn a_handler_that_prints_its_request_prints_no_token_and_no_proof() {
    let seen = axum::Router::new().fallback(async |request: Request| {
        let token = request.extensions().get::<VerifiedToken>().expect("a token").clone();
        let shown = format!("{:?} {token:?}", request.headers());
        record::shown("a request behind the layer", &shown);
        shown
    });
    let app = App::of(seen.layer(layer_with(dpop())));
    let client = client();
    let token = bound_to(&client);
    let proof = proof_for(&client, &token).sign();
    let shown = app.answer(get_with("DPoP", &token, &[&proof])).await.body;
    assert!(shown.contains("Sensitive") && shown.contains("source: Dpop"), "{shown}");
    for secret in [&token, &proof] {
        assert!(!shown.contains(&secret[..20]) && !shown.contains(&secret[secret.len() - 20..]), "{shown}");
    }
    // Also where another field has several lines.
    let twice = super::with_lines(&token, &proof_for(&client, &token).sign(), &[("x-a", "1"), ("x-a", "2")]);
    let shown = app.answer(twice).await.body;
    assert!(!shown.contains("eyJ"), "{shown}");
}

#[tokio::test]
async fn an_optional_layer_lets_nobody_pass_with_half_of_the_credentials() {
    let app = App::of(axum::Router::new().fallback(async || "inside").layer(layer_with(dpop()).optional()));
    let client = client();
    let token = bound_to(&client);
    let proof = proof_for(&client, &token).sign();
    assert_eq!(app.verdict(request(Method::GET, "/", &[("dpop", &proof)])).await.0, 200, "that is no token");
    assert_eq!(app.verdict(get_with("DPoP", &token, &[])).await.1, "dpop_proof_invalid");
    assert_eq!(app.verdict(get_with("Bearer", &token, &[&proof])).await.1, "token_bound");
    assert_eq!(app.verdict(get_with("DPoP", &token, &[&proof])).await.0, 200);
}
