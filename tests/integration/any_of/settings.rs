//! What is set on a door of several layers, and what each of them had before.

use std::sync::Arc;

use serde_json::json;
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::binding::{ClientCertificates, Dpop};
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::replay::{MemoryReplayStore, NonceRule, ReplayRule};
use tower_jwt_auth::source::TokenSources;

use super::{OTHER, alice, any_of, bob, others, ours, who};
use crate::support::app::{App, Lines, get};
use crate::support::issuer::NOW;
use crate::support::site::{Site, token_with};

#[tokio::test]
async fn what_is_set_on_the_result_is_set_on_all() {
    let bearers = [alice(), bob()].map(|token| format!("Bearer {token}"));
    let expired = [json!({ "exp": 1 }), json!({ "exp": 1, "iss": OTHER })];
    let expired = expired.map(|changes| format!("Bearer {}", token_with(changes)));
    let both = any_of([ours(), others()]);
    let changed = both.clone().single_use().with_realm("both").expect("a realm");
    let (plain, changed) = (App::behind(both), App::behind(changed));
    for (good, bad) in bearers.iter().zip(&expired) {
        for (time, want) in [("first", "accepted"), ("second", "token_replayed")] {
            let line = [("authorization", &**good)];
            assert_eq!(changed.verdict(get("/", &line)).await.1, want, "{time}");
            assert_eq!(plain.verdict(get("/", &line)).await.1, "accepted", "{time}");
        }
        for (app, realm) in [(&plain, "api"), (&changed, "both")] {
            let answer = app.answer(get("/", &[("authorization", bad)])).await;
            let challenge = answer.header("www-authenticate").expect("a challenge");
            assert!(challenge.contains(&format!("realm=\"{realm}\"")), "{challenge}");
        }
    }
}

#[tokio::test]
async fn the_result_may_be_optional_and_none_of_the_layers() {
    for layers in [[ours().optional(), others()], [ours(), others().optional()]] {
        assert!(JwtAuthLayer::any_of(layers).is_err());
    }
    assert!(JwtAuthLayer::any_of([ours().optional()]).is_err());
    let required = any_of([ours(), others()]);
    assert_eq!(Site::behind(required.clone()).follow("/", &[]).await.code, "token_missing");
    let optional = Site::behind(required.optional());
    assert_eq!(optional.follow("/", &[]).await.body, "nobody /");
    assert_eq!(optional.bear("x").await, (401, "token_malformed".to_owned()));
}

fn proofs() -> Dpop {
    Dpop::new("https://api.example.com").expect("an origin")
}

fn nonce_in_header() -> NonceRule {
    NonceRule::from_header("x-nonce").expect("a name")
}

/// However strict one of them was.
#[tokio::test]
async fn what_is_set_on_the_result_replaces_what_each_layer_had() {
    type Change = fn(JwtAuthLayer) -> JwtAuthLayer;
    let token = token_with(json!({ "nonce": "a-nonce" }));
    let bearer = ("authorization", &*format!("Bearer {token}"));
    let cookie = ("cookie", &*format!("__Host-jwt={token}"));
    let cases: [(&str, Change, Lines<'_>, &str, Change); 4] = [
        (
            "proofs",
            |layer| layer.with_dpop(proofs().required()),
            &[bearer],
            "token_unbound",
            |layer| layer.with_dpop(proofs()),
        ),
        (
            "certificates",
            |layer| layer.with_client_certificates(ClientCertificates::of_connection().required()),
            &[bearer],
            "token_unbound",
            |layer| layer.with_client_certificates(ClientCertificates::of_connection()),
        ),
        (
            "sources",
            |layer| layer.with_sources(TokenSources::bearer_only()),
            &[cookie],
            "token_missing",
            |layer| layer.with_sources(TokenSources::default()),
        ),
        (
            "nonce",
            |layer| layer.with_nonce(nonce_in_header()),
            &[bearer, ("cookie", "__Host-nonce=a-nonce")],
            "nonce_missing",
            |layer| layer.with_nonce(NonceRule::from_cookie()),
        ),
    ];
    for (name, strict, lines, code, set) in cases {
        for (order, layers) in [("first", [strict(ours()), others()]), ("last", [others(), strict(ours())])] {
            let both = any_of(layers);
            assert_eq!(who(&App::behind(both.clone()), "/", lines).await, code, "{name}, {order}");
            assert_eq!(who(&App::behind(set(both.clone())), "/", lines).await, "alice", "{name}, {order}");
            let again = App::behind(strict(set(both)));
            assert_eq!(who(&again, "/", lines).await, code, "{name}, {order}: strict for all");
        }
    }
}

/// Which tokens were used is not forgotten.
#[tokio::test]
async fn single_use_is_added_to_what_each_layer_had_and_not_taken_away() {
    let store = || Arc::new(MemoryReplayStore::new().with_clock(FixedClock::at_unix(NOW)));
    let once = ours().with_replay_rule(ReplayRule::single_use(store()));
    let bearers = [alice(), bob()].map(|token| format!("Bearer {token}"));
    let lines = bearers.each_ref().map(|bearer| [("authorization", &**bearer)]);
    let who_comes = async |layer: JwtAuthLayer| {
        let app = App::behind(layer);
        [who(&app, "/", &lines[0]).await, who(&app, "/", &lines[1]).await]
    };
    let both = any_of([once, others()]);
    assert_eq!(who_comes(both.clone()).await, ["alice", "bob"]);
    let all = both.clone().single_use();
    assert_eq!(who_comes(all.clone()).await, ["token_replayed", "bob"], "its own store goes on");
    assert_eq!(who_comes(all).await, ["token_replayed"; 2]);
    // Another store knows nothing of before, and each layer counts as it did.
    let other = both.with_replay_rule(ReplayRule::deny_list(store()));
    assert_eq!(who_comes(other.clone()).await, ["alice", "bob"]);
    assert_eq!(who_comes(other).await, ["token_replayed", "bob"]);
}
