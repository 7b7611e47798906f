//! One endpoint under several policies, and an endpoint behind the layer: a yes never stands for a policy.

use axum::Router;
use axum::routing::any;
use http::Method;
use tower_jwt_auth::claims::RegisteredClaims;
use tower_jwt_auth::{Claims, JwtAuthLayer};

use super::*;
use crate::support::app::{App, Place, get, outcome as outcome_without_asking};
use crate::support::issuer::{ISSUER, NOW, SigningKey};
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::token::Algorithm;

fn policy(issuer: &str, audience: &str, endpoint: &ValidationEndpoint) -> Verifier {
    let verifier = Verifier::new(issuer, audience, endpoint.clone()).expect("a policy");
    verifier.with_clock(FixedClock::at_unix(NOW))
}

#[tokio::test(start_paused = true)]
async fn a_yes_for_one_verifier_is_none_for_another_with_other_demands() {
    for form in Form::ALL {
        let token = token("crossing");
        let provider = in_memory(Answer::of(form.yes(&token)));
        let endpoint = form.over(&provider);
        assert_eq!(outcome(&policy(ISSUER, AUDIENCE, &endpoint), &token).await, ACCEPTED, "{form:?}");
        let others = [
            ("another audience", policy(ISSUER, "api2", &endpoint), "audience_mismatch"),
            ("another issuer", policy("https://other.example", AUDIENCE, &endpoint), "issuer_mismatch"),
            (
                "a required claim",
                policy(ISSUER, AUDIENCE, &endpoint).require_claim("email").expect("a claim"),
                "claim_missing",
            ),
            ("another subject", policy(ISSUER, AUDIENCE, &endpoint).with_subject("bob"), "claim_refused"),
            (
                "another algorithm",
                policy(ISSUER, AUDIENCE, &endpoint).with_algorithms([Algorithm::EdDsa]).expect("one"),
                "algorithm_unsupported",
            ),
            ("a type", policy(ISSUER, AUDIENCE, &endpoint).with_type("at+jwt"), "type_mismatch"),
            ("a rule", policy(ISSUER, AUDIENCE, &endpoint).with_rule("never", |_| false), "claim_refused"),
            (
                "a shorter life",
                policy(ISSUER, AUDIENCE, &endpoint).with_max_lifetime(Duration::from_secs(299)),
                "token_too_old",
            ),
        ];
        for (name, other, want) in others {
            assert_eq!(outcome_without_asking(&other, &token), want, "{form:?}: {name}");
            assert_eq!(outcome(&other, &token).await, want, "{form:?}: {name}");
        }
        // The twin: the same demands in another verifier share the answer.
        assert_eq!(
            outcome_without_asking(&policy(ISSUER, AUDIENCE, &endpoint), &token),
            ACCEPTED,
            "{form:?}"
        );
        assert_eq!(provider.requests(), 1, "{form:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_changed_holds_for_an_answer_that_is_kept() {
    let token = token("crossing");
    let provider = in_memory(Answer::of(Form::PasskeyMe.yes(&token)));
    let endpoint = Form::PasskeyMe.over(&provider);
    let verifier = policy(ISSUER, AUDIENCE, &endpoint);
    assert_eq!(outcome(&verifier, &token).await, ACCEPTED);
    let verifier = verifier.with_rule("refuse alice", |token| !token.payload().contains("alice"));
    assert_eq!(outcome_without_asking(&verifier, &token), "claim_refused");
    assert_eq!(outcome(&verifier, &token).await, "claim_refused");
}

#[tokio::test(start_paused = true)]
async fn the_word_of_one_endpoint_is_none_for_another() {
    let token = token("crossing");
    let (trusting, strict) =
        (in_memory(Answer::of(Form::PasskeyMe.yes(&token))), in_memory(Form::PasskeyMe.no()));
    let endpoint = Form::PasskeyMe.over(&trusting);
    // Even made from the same endpoint: another client is another provider, as far as is known.
    let other = endpoint.clone().with_fetch(strict);
    assert_eq!(outcome(&policy(ISSUER, AUDIENCE, &endpoint), &token).await, ACCEPTED);
    assert_eq!(outcome(&policy(ISSUER, AUDIENCE, &other), &token).await, "token_refused");
    // And a yes of an endpoint is none for keys.
    let keys = SigningKey::generate(Algorithm::Es256, "es256-1");
    let keys = tower_jwt_auth::jwks::Jwks::from_json(crate::support::issuer::jwks_of([&keys])).expect("keys");
    assert_eq!(outcome(&verifier_with(keys), &token).await, "signature_invalid");
}

fn app(endpoint: ValidationEndpoint) -> App {
    App::behind(JwtAuthLayer::new(verifier_with(endpoint)))
}

#[tokio::test(start_paused = true)]
async fn the_layer_answers_200_401_or_503_as_the_provider_does_from_every_place() {
    for form in Form::ALL {
        for place in Place::ALL {
            let token = token("layer");
            for (answer, want) in [
                (Answer::of(form.yes(&token)), (200, ACCEPTED)),
                (form.no(), (401, form.refusal())),
                (Answer::status(500), (503, "verifier_unavailable")),
                (Answer::broken(), (503, "verifier_unavailable")),
                (Answer::hanging(), (503, "verifier_unavailable")),
            ] {
                let provider = in_memory(answer);
                let answer = app(form.over(&provider)).answer(place.carry(Method::GET, &token)).await;
                let name = format!("{form:?} {place:?} {want:?}");
                assert_eq!((answer.status, &*answer.code), want, "{name}");
                assert_eq!(answer.header("retry-after").is_some(), want.0 == 503, "{name}");
                assert_eq!(answer.header("www-authenticate").is_some(), want.0 == 401, "{name}");
                assert_eq!(provider.requests(), 1, "{name}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_layer_passes_on_when_the_provider_wants_to_be_asked_again() {
    let provider = in_memory(Answer::status(429).with(http::header::RETRY_AFTER, "42"));
    let app = app(Form::PasskeyMe.over(&provider));
    for name in ["first", "second"] {
        let answer = app.answer(Place::Header.carry(Method::GET, &token(name))).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("42")), "{name}");
    }
    assert_eq!(provider.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_optional_layer_lets_nobody_pass_whose_token_is_bad_or_cannot_be_checked() {
    let whoami = async |claims: Option<Claims<RegisteredClaims>>| {
        claims.map_or("nobody".to_owned(), |claims| format!("{:?}", claims.sub))
    };
    for form in Form::ALL {
        let token = token("layer");
        for (answer, want) in [
            (Answer::of(form.yes(&token)), (200, "Some(\"alice\")")),
            (form.no(), (401, "")),
            (Answer::status(500), (503, "")),
        ] {
            let provider = in_memory(answer);
            let layer = JwtAuthLayer::new(verifier_with(form.over(&provider))).optional();
            let app = App::of(Router::new().route("/", any(whoami)).layer(layer));
            let anonymous = app.answer(get("/", &[])).await;
            assert_eq!((anonymous.status, &*anonymous.body), (200, "nobody"), "{form:?}");
            assert_eq!(provider.requests(), 0, "{form:?}: nobody is asked about nobody");
            let answer = app.answer(Place::Header.carry(Method::GET, &token)).await;
            assert_eq!(answer.status, want.0, "{form:?}");
            assert!(answer.status != 200 || answer.body == want.1, "{form:?}: {}", answer.body);
        }
    }
}
