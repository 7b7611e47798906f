//! A tonic server behind the layer, and tonic's own client, over loopback: what each call is answered with.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    unreachable_pub,
    reason = "a test may stop at the first thing that is not as it says"
)]

mod server;
mod wire;

use tonic::{Code, Status};
use tower_jwt_auth::error::AuthErrorKind;
use tower_jwt_auth::source::TokenSources;
use tower_jwt_auth::test_util::{Answer, Flaw, Idp};
use tower_jwt_auth::{AuthError, JwtAuthLayer};

use server::{Served, bearing};

/// Asserts that a call and a stream were refused with `code`, for what `kind` says.
#[track_caller]
fn refused(outcomes: [Result<String, Status>; 2], code: Code, kind: AuthErrorKind, name: &str) {
    let message = AuthError::from(kind).to_string();
    for outcome in outcomes {
        let status = outcome.expect_err(name);
        assert_eq!((status.code(), status.message()), (code, &*message), "{name}");
    }
}

#[track_caller]
fn accepted(outcomes: [Result<String, Status>; 2], whom: &str, name: &str) {
    for outcome in outcomes {
        assert_eq!(outcome.expect(name), whom, "{name}");
    }
}

#[tokio::test]
async fn a_good_token_in_the_metadata_reaches_the_service_and_says_whose_it_is() {
    let served = Served::start().await;
    let token = served.idp.issuer().token().subject("bob").sign();
    accepted(served.both(&bearing(&token)).await, "bob", "a good token");
    accepted(served.both(&[("authorization", format!("bearer  {token}"))]).await, "bob", "in small letters");
    assert_eq!(served.reached(), 4);
}

#[tokio::test]
async fn a_call_without_one_good_token_is_unauthenticated_and_never_reaches_the_service() {
    let served = Served::start().await;
    let good = served.idp.issuer().good();
    let bearer = format!("Bearer {good}");
    for (name, metadata, kind) in [
        ("none", vec![], AuthErrorKind::TokenMissing),
        ("another scheme", vec![("authorization", "Basic YTpi".to_owned())], AuthErrorKind::TokenMissing),
        ("under another name", vec![("x-authorization", bearer.clone())], AuthErrorKind::TokenMissing),
        ("no token", bearing("a b"), AuthErrorKind::CredentialsMalformed),
        ("twice", [bearing(&good), bearing(&good)].concat(), AuthErrorKind::CredentialsConflict),
        ("cut off", bearing(&good[..good.len() - 1]), AuthErrorKind::TokenMalformed),
        ("longer", bearing(&format!("{good}A")), AuthErrorKind::SignatureInvalid),
    ] {
        refused(served.both(&metadata).await, Code::Unauthenticated, kind, name);
    }
    assert_eq!(served.reached(), 0);
    accepted(served.both(&bearing(&good)).await, "alice", "the good one");
    assert_eq!(served.reached(), 2);
}

#[tokio::test]
async fn every_flaw_is_told_in_the_words_of_the_table() {
    let served = Served::start().await;
    for flaw in Flaw::ALL {
        let outcomes = served.both(&bearing(&served.idp.issuer().flawed(*flaw))).await;
        refused(outcomes, Code::Unauthenticated, flaw.refused_as(), &format!("{flaw:?}"));
    }
    assert_eq!(served.reached(), 0);
    accepted(served.both(&bearing(&served.idp.issuer().good())).await, "alice", "the good one");
}

#[tokio::test]
async fn a_call_is_a_post_whose_query_is_not_read_and_a_cookie_only_where_it_is_asked_for() {
    let good = |served: &Served| vec![("cookie", format!("__Host-jwt={}", served.idp.issuer().good()))];
    let served = Served::start().await;
    accepted(served.both(&good(&served)).await, "alice", "a cookie, by default");
    let served = Served::behind(|layer| layer.with_sources(TokenSources::bearer_only())).await;
    refused(
        served.both(&good(&served)).await,
        Code::Unauthenticated,
        AuthErrorKind::TokenMissing,
        "a cookie",
    );
    accepted(served.both(&bearing(&served.idp.issuer().good())).await, "alice", "the metadata");
}

#[tokio::test]
async fn where_a_token_is_optional_none_passes_and_a_bad_one_does_not() {
    let served = Served::behind(JwtAuthLayer::optional).await;
    accepted(served.both(&[]).await, "nobody", "none");
    let expired = served.idp.issuer().expired();
    refused(
        served.both(&bearing(&expired)).await,
        Code::Unauthenticated,
        AuthErrorKind::TokenExpired,
        "expired",
    );
    assert_eq!(served.reached(), 2);
}

#[tokio::test]
async fn while_the_provider_is_down_a_call_is_told_to_come_back_and_afterwards_it_passes() {
    let idp = Idp::start("my-api").await.expect("a port");
    idp.serve(Answer::status(500));
    let served = Served::with(idp, |layer| layer).await;
    let bearing = bearing(&served.idp.issuer().good());
    refused(
        served.both(&bearing).await,
        Code::Unavailable,
        AuthErrorKind::KeysPending,
        "down from the start",
    );
    assert_eq!(served.reached(), 0);

    let served = Served::with(Idp::start("my-api").await.expect("a port"), |layer| layer).await;
    accepted(served.both(&bearing_good(&served)).await, "alice", "up");
}

#[tokio::test]
async fn a_key_that_cannot_be_looked_for_is_unavailable_and_the_known_one_goes_on() {
    let served = Served::start().await;
    let known = bearing_good(&served);
    accepted(served.both(&known).await, "alice", "the known key");
    served.idp.go_down().await;
    served.idp.issuer().rotate();
    let unknown = served.call(&bearing_good(&served)).await.expect_err("a new key");
    assert_eq!(unknown.code(), Code::Unavailable);
    accepted(served.both(&known).await, "alice", "the known key, still");
    assert_eq!(served.reached(), 4);
}

fn bearing_good(served: &Served) -> Vec<(&'static str, String)> {
    bearing(&served.idp.issuer().good())
}
