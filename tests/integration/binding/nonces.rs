//! Check 10: with a nonce of the last minutes, where nonces are given out.

use std::time::{Duration, SystemTime};

use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::clock::{Clock, FixedClock};
use tower_jwt_auth::test_util::DpopKey;

use super::{ORIGIN, app, bound_to, challenges, client, dpop, get_with, layer_with, proof_for, verdict};
use crate::support::app::{ACCEPTED, Answer, App, verifier};
use crate::support::issuer::{NOW, claims_with, shared_key};

const REQUIRED: &str = "dpop_nonce_required";

async fn ask(app: &App, client: &DpopKey, token: &str, nonce: Option<&str>) -> Answer {
    let proof = proof_for(client, token);
    let proof = nonce.map_or(proof.clone(), |nonce| proof.nonce(nonce)).sign();
    app.answer(get_with("DPoP", token, &[&proof])).await
}

fn nonce_of(answer: &Answer) -> Option<String> {
    answer.header("dpop-nonce").map(str::to_owned)
}

#[tokio::test]
async fn a_client_without_a_nonce_is_given_one_and_gets_in_with_it() {
    let app = App::behind(layer_with(dpop().with_nonces()));
    let client = client();
    let token = bound_to(&client);
    for (name, nonce) in
        [("none", None), ("empty", Some("")), ("made up", Some("a")), ("long", Some("a.b.c"))]
    {
        let answer = ask(&app, &client, &token, nonce).await;
        assert_eq!((answer.status, &*answer.code), (401, REQUIRED), "{name}");
        let challenges = challenges(&answer);
        assert!(challenges[1].contains("error=\"use_dpop_nonce\""), "{name}: {challenges:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
        let nonce = nonce_of(&answer).expect("a nonce");
        let answer = ask(&app, &client, &token, Some(&nonce)).await;
        assert_eq!((&*answer.code, nonce_of(&answer)), (ACCEPTED, None), "{name}");
    }
    let number = proof_for(&client, &token).claim("nonce", 7).sign();
    assert_eq!(verdict(&app, &token, &number).await, REQUIRED);
}

#[tokio::test]
async fn a_nonce_makes_nothing_else_good_and_is_given_to_nobody_whose_proof_is_bad() {
    let app = App::behind(layer_with(dpop().with_nonces()));
    let client = client();
    let token = bound_to(&client);
    let nonce = nonce_of(&ask(&app, &client, &token, None).await).expect("a nonce");
    for (name, proof) in [
        ("another method", proof_for(&client, &token).nonce(&nonce).claim("htm", "POST")),
        ("too old", proof_for(&client, &token).nonce(&nonce).claim("iat", NOW - 90)),
        ("another method, no nonce", proof_for(&client, &token).claim("htm", "POST")),
    ] {
        let answer = app.answer(get_with("DPoP", &token, &[&proof.sign()])).await;
        assert_eq!((&*answer.code, nonce_of(&answer)), ("dpop_proof_invalid", None), "{name}");
    }
    let proof = proof_for(&client, &token).nonce(&nonce).sign();
    assert_eq!(verdict(&app, &token, &proof).await, ACCEPTED);
    assert_eq!(
        verdict(&app, &token, &proof).await,
        "dpop_proof_replayed",
        "a nonce may be used again, a proof not"
    );
    let another = proof_for(&client, &token).nonce(&nonce).sign();
    assert_eq!(verdict(&app, &token, &another).await, ACCEPTED);
}

#[tokio::test]
async fn without_nonces_one_that_comes_is_not_looked_at_and_none_is_given() {
    let (app, client) = (app(), client());
    let token = bound_to(&client);
    for nonce in [None, Some("anything")] {
        let answer = ask(&app, &client, &token, nonce).await;
        assert_eq!((&*answer.code, nonce_of(&answer)), (ACCEPTED, None));
    }
}

/// A replica at this time, and a client and a token for it.
fn at(clock: &FixedClock, secret: [u8; 32]) -> App {
    let dpop = dpop().with_shared_nonces(secret).expect("a secret");
    App::behind(JwtAuthLayer::new(verifier().with_clock(clock.clone())).with_dpop(dpop))
}

#[tokio::test]
async fn a_nonce_lasts_for_five_to_ten_minutes_and_the_next_comes_in_time() {
    // At the start of one of its times, which last for five minutes.
    let start = FixedClock::at_unix(NOW - NOW % 300).now();
    let clock = FixedClock::at(start);
    let app = at(&clock, [7; 32]);
    let client = DpopKey::generate().with_clock(clock.clone());
    let claims = serde_json::json!({ "cnf": { "jkt": client.thumbprint() }, "exp": NOW + 10_000 });
    let token = shared_key().token(&claims_with(claims));
    let first = nonce_of(&ask(&app, &client, &token, None).await).expect("a nonce");
    for (seconds, code, is_renewed) in [
        (0, ACCEPTED, false),
        (299, ACCEPTED, false),
        (300, ACCEPTED, true),
        (599, ACCEPTED, true),
        (600, REQUIRED, true),
    ] {
        clock.set(start + Duration::from_secs(seconds));
        let answer = ask(&app, &client, &token, Some(&first)).await;
        assert_eq!((&*answer.code, nonce_of(&answer).is_some()), (code, is_renewed), "{seconds}");
        if let Some(next) = nonce_of(&answer) {
            assert_ne!(next, first);
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{seconds}");
            let answer = ask(&app, &client, &token, Some(&next)).await;
            assert_eq!((&*answer.code, nonce_of(&answer)), (ACCEPTED, None), "{seconds}");
        }
    }
    clock.set(SystemTime::UNIX_EPOCH);
    assert_ne!(ask(&app, &client, &token, Some(&first)).await.code, ACCEPTED);
}

#[tokio::test]
async fn replicas_know_each_others_nonces_if_they_share_a_secret() {
    let clock = FixedClock::at_unix(NOW);
    let (one, same, other) = (at(&clock, [7; 32]), at(&clock, [7; 32]), at(&clock, [8; 32]));
    let client = client();
    let token = bound_to(&client);
    let nonce = nonce_of(&ask(&one, &client, &token, None).await).expect("a nonce");
    assert_eq!(ask(&same, &client, &token, Some(&nonce)).await.code, ACCEPTED);
    assert_eq!(ask(&other, &client, &token, Some(&nonce)).await.code, REQUIRED);
    let alone = App::behind(layer_with(dpop().with_nonces()));
    assert_eq!(ask(&alone, &client, &token, Some(&nonce)).await.code, REQUIRED);
    assert!(dpop().with_shared_nonces([7; 31]).is_err());
    let shown = format!("{:?}", dpop().with_nonces());
    assert!(shown.contains(ORIGIN) && shown.contains("with a nonce"), "{shown}");
}
