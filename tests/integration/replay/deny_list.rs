//! What was revoked lets nobody in, whatever remembers it as good.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::Method;
use serde_json::json;
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::replay::{MemoryReplayStore, ReplayRule, ReplayStore};

use super::{layer_over, named, store};
use crate::support::app::{Place, verifier};
use crate::support::issuer::{ISSUER, NOW};
use crate::support::site::{Site, good, refused, token_with};

fn later() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(NOW) + 3_600)
}

fn site_with_deny_list(store: &Arc<MemoryReplayStore>) -> Site {
    Site::behind(JwtAuthLayer::new(verifier()).with_replay_rule(ReplayRule::deny_list(Arc::clone(store))))
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_once_though_the_cache_knows_it_as_good() {
    let store = store();
    let site = site_with_deny_list(&store);
    let token = named("1");
    for place in [Place::ALL, Place::ALL].concat() {
        let answer = site.answer(place.carry(Method::GET, &token)).await;
        assert_eq!((answer.status, answer.code), good(), "{place:?}: before");
    }
    store.revoke(ISSUER, "1", later()).await.expect("room");
    for place in [Place::ALL, Place::ALL].concat() {
        let answer = site.answer(place.carry(Method::GET, &token)).await;
        assert_eq!((answer.status, answer.code), refused(401, "token_revoked"), "{place:?}: after");
    }
    assert_eq!(site.bear(&named("1")).await, refused(401, "token_revoked"), "signed again");
    assert_eq!(site.inside(), 6);
}

#[tokio::test]
async fn only_the_token_of_this_issuer_and_this_jti_is_revoked() {
    let store = store();
    let site = site_with_deny_list(&store);
    for (iss, jti) in [
        ("https://other.example", "1"),
        ("https://issuer.example/", "1"),
        ("https://issuer.exampl", "e1"),
        ("https://issuer.example1", ""),
        ("", "https://issuer.example1"),
        (ISSUER, "01"),
        (ISSUER, ""),
    ] {
        store.revoke(iss, jti, later()).await.expect("room");
        assert_eq!(site.bear(&named("1")).await, good(), "{iss} {jti}");
    }
    for name in ["no jti", "an empty one"] {
        let jti = if name == "no jti" { json!(null) } else { json!("") };
        assert_eq!(
            site.bear(&token_with(json!({ "jti": jti }))).await,
            good(),
            "{name}: it cannot be revoked"
        );
    }
    assert_eq!(site.bear(&token_with(json!({ "jti": 1 }))).await.0, 401, "a number is no name");
    store.revoke(ISSUER, "1", later()).await.expect("room");
    assert_eq!(site.bear(&named("1")).await, refused(401, "token_revoked"));
}

#[tokio::test]
async fn a_store_serves_single_use_and_deny_list_together() {
    let store = store();
    let (once, many) = (Site::behind(layer_over(&store)), site_with_deny_list(&store));
    assert_eq!(once.bear(&named("1")).await, good());
    assert_eq!(many.bear(&named("1")).await, good(), "used is not revoked");
    assert_eq!(many.bear(&named("2")).await, good());
    assert_eq!(once.bear(&named("2")).await, good(), "looking uses nothing up");
    for jti in ["1", "2", "3"] {
        store.revoke(ISSUER, jti, later()).await.expect("room");
        for (name, site) in [("once", &once), ("many", &many)] {
            assert_eq!(site.bear(&named(jti)).await, refused(401, "token_revoked"), "{jti}, {name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_revocation_ends_when_it_was_to_end_and_a_shorter_one_takes_nothing_away() {
    let clock = tower_jwt_auth::clock::FixedClock::at_unix(NOW);
    let store = Arc::new(MemoryReplayStore::new().with_clock(clock.clone()));
    let layer = JwtAuthLayer::new(verifier().with_clock(clock.clone()));
    let site = Site::behind(layer.with_replay_rule(ReplayRule::deny_list(Arc::clone(&store))));
    let token = token_with(json!({ "jti": "1", "exp": NOW + 9_000 }));
    let start = later() - Duration::from_secs(3_600);
    store.revoke(ISSUER, "1", start + Duration::from_secs(100)).await.expect("room");
    store.revoke(ISSUER, "1", start + Duration::from_secs(10)).await.expect("room");
    for (seconds, want) in
        [(0, refused(401, "token_revoked")), (99, refused(401, "token_revoked")), (1, good())]
    {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        clock.set(tower_jwt_auth::clock::Clock::now(&clock) + Duration::from_secs(seconds));
        assert_eq!(site.bear(&token).await, want, "{seconds} s later");
    }
}

#[tokio::test]
async fn a_layer_counts_once_and_asks_the_store_it_was_given_in_whichever_order_that_is_set() {
    let store = store();
    let rule = || ReplayRule::deny_list(Arc::clone(&store));
    let layer = || JwtAuthLayer::new(verifier());
    let any_of = |layer| JwtAuthLayer::any_of([layer]).expect("one issuer");
    let cases = [
        ("once", layer().single_use().with_replay_rule(rule()), "token_replayed"),
        ("once after", layer().with_replay_rule(rule()).single_use(), "token_replayed"),
        ("once for all", any_of(layer().with_replay_rule(rule())).single_use(), "token_replayed"),
        ("many", layer().with_replay_rule(rule()), "accepted"),
    ];
    for (name, layer, again) in cases {
        let site = Site::behind(layer);
        let token = named(name);
        assert_eq!(site.bear(&token).await, good(), "{name}");
        assert_eq!(site.bear(&token).await.1, again, "{name}: again");
        store.revoke(ISSUER, name, later()).await.expect("room");
        assert_eq!(
            site.bear(&token).await,
            refused(401, "token_revoked"),
            "{name}: by the store that was given"
        );
    }
}

#[tokio::test]
async fn counting_once_by_a_shared_store_is_not_undone_by_asking_for_it_again() {
    let store = store();
    let layer = || JwtAuthLayer::new(verifier()).with_replay_rule(ReplayRule::single_use(Arc::clone(&store)));
    let [one, other] = [layer().single_use(), layer().single_use()].map(Site::behind);
    let token = named("1");
    assert_eq!(one.bear(&token).await, good());
    assert_eq!(other.bear(&token).await, refused(401, "token_replayed"));
}
