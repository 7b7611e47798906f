//! Replicas and layers that share a store, and some that do not.

use std::time::{Duration, SystemTime};

use axum::Router;
use http::Method;
use tower_jwt_auth::clock::Clock;
use tower_jwt_auth::test_util::TestClock;

use super::*;
use crate::support::app::{App, Place};
use crate::support::site::{good, refused};

/// The store's clock is ahead by the leeway, one replica's behind by it: no mark goes while its token is still good there.
#[tokio::test(start_paused = true)]
async fn a_token_counts_once_over_replicas_whose_clocks_are_right_within_the_leeway() {
    let start = FixedClock::at_unix(NOW).now();
    for leeway in [0, 30, 60, 120, 300] {
        let leeway = Duration::from_secs(leeway);
        let right = TestClock::at(start);
        let store = Arc::new(MemoryReplayStore::new().with_clock(TestClock::at(start + leeway)));
        let replica = |clock| {
            let verifier = verifier().with_clock(clock).with_leeway(leeway).expect("no more than 5 min");
            let rule = ReplayRule::single_use(Arc::clone(&store));
            Site::behind(JwtAuthLayer::new(verifier).with_replay_rule(rule))
        };
        let (here, there) = (replica(right.clone()), replica(TestClock::at(start - leeway)));
        let token = named("1");
        assert_eq!(here.bear(&token).await, good(), "{leeway:?}");
        // It expires after 300 s, and `there` two leeways later.
        while right.now() < start + Duration::from_secs(300) + 2 * leeway {
            assert_ne!(
                there.bear(&token).await,
                good(),
                "{leeway:?}: {:?}",
                right.now().duration_since(start)
            );
            tokio::time::advance(Duration::from_secs(5)).await;
        }
        tokio::time::advance(Duration::from_secs(900)).await;
        assert!(format!("{store:?}").contains("remembered: 0"), "{leeway:?}: it goes in the end");
        assert_ne!(there.bear(&token).await, good(), "{leeway:?}: after all");
    }
}

/// The mark is set by the one whose leeway is the shorter, and looked for by the other for as long as that accepts the token.
#[tokio::test(start_paused = true)]
async fn layers_of_different_leeways_count_a_token_once_and_refuse_a_revoked_one_for_as_long_as_either_accepts_it()
 {
    for once in [true, false] {
        let clock = TestClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.into()));
        let store = Arc::new(MemoryReplayStore::new().with_clock(clock.clone()));
        let layer = |leeway| {
            let verifier = verifier().with_clock(clock.clone()).with_leeway(Duration::from_secs(leeway));
            let store = Arc::clone(&store);
            let rule = if once { ReplayRule::single_use(store) } else { ReplayRule::deny_list(store) };
            JwtAuthLayer::new(verifier.expect("no more than 5 min")).with_replay_rule(rule)
        };
        let (strict, lax) = (Site::behind(layer(0)), Site::behind(layer(300)));
        let token = named("1");
        assert_eq!(strict.bear(&token).await, good());
        if !once {
            let out = App::of(Router::new().route_service("/", layer(0).logout().expect("a cookie")));
            let answer = out.answer(Place::Cookie.carry(Method::POST, &token)).await;
            assert_eq!(answer.status, 303);
        }
        let want = refused(401, if once { "token_replayed" } else { "token_revoked" });
        // It expires after 300 s.
        for _ in 0..(600 / 5) {
            assert_eq!(lax.bear(&token).await, want, "{:?}", clock.now());
            tokio::time::advance(Duration::from_secs(5)).await;
        }
        assert_eq!(lax.bear(&token).await, refused(401, "token_expired"));
    }
}

#[tokio::test]
async fn a_layer_and_its_clones_count_a_token_once_and_what_another_call_has_made_counts_it_anew() {
    let plain = JwtAuthLayer::new(verifier());
    let single = plain.clone().single_use();
    let store = store();
    let with_store = || plain.clone().with_replay_rule(ReplayRule::single_use(Arc::clone(&store)));
    let of_several = JwtAuthLayer::any_of([single.clone()]).expect("one issuer");
    let other_realm = single.clone().with_realm("other").expect("a realm");
    for (name, first, second, shared) in [
        ("a clone", single.clone(), single.clone(), true),
        ("a clone that was changed", single.clone(), other_realm, true),
        ("a clone among several", single.clone(), of_several, true),
        ("a second call, which changes nothing", single.clone(), single.clone().single_use(), true),
        ("two calls", plain.clone().single_use(), plain.clone().single_use(), false),
        ("one store", with_store(), with_store().single_use(), true),
    ] {
        let token = named(name);
        let [first, second] = [first, second].map(Site::behind);
        assert_eq!(first.bear(&token).await, good(), "{name}");
        assert_eq!(first.bear(&token).await, refused(401, "token_replayed"), "{name}");
        let want = if shared { refused(401, "token_replayed") } else { good() };
        assert_eq!(second.bear(&token).await, want, "{name}");
        assert_eq!(second.bear(&token).await, refused(401, "token_replayed"), "{name}");
    }
}
