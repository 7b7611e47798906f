//! How long the keys of a tenant are kept, and what happens to one happens to no other.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use tokio::time::timeout;
use tower_jwt_auth::jwks::{Jwks, JwksState};
use tower_jwt_auth::test_util::Answer;
use tower_jwt_auth::verify::Verifiers;

use super::{HOUR, LABEL, Land, SECOND, outcome, signed};
use crate::support::app::ACCEPTED;
use crate::support::log::Log;

/// Whether the refresh task of this tenant's keys has ended, of the last ones if there were several.
async fn has_ended(land: &Land, tenant: &str) -> bool {
    let last = {
        let state = land.state.lock().expect("no panic");
        let mut of_it = state.changes.iter().rev().filter(|(name, _)| name == tenant);
        of_it.next().expect("its keys were asked for").1.clone()
    };
    let mut changes = last;
    loop {
        match timeout(SECOND, changes.changed()).await {
            Ok(Some(_)) => {}
            ended => return ended == Ok(None),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_gives_way_takes_its_task_along_and_may_come_back() {
    let land = Land::of(LABEL);
    let tenants = Arc::new(land.tenants(|_| true).with_capacity(2).expect("a number"));
    let verifiers = Verifiers::from(Arc::clone(&tenants));
    for name in ["hot", "cold", "hot", "hot"] {
        assert_eq!(outcome(&verifiers, &land.good(name)).await, ACCEPTED, "{name}");
    }
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(outcome(&verifiers, &land.good("new")).await, ACCEPTED);
    assert_eq!(tenants.count(), 2);
    assert_eq!((has_ended(&land, "cold").await, has_ended(&land, "hot").await), (true, false));
    assert_eq!(tenants.status("cold"), None);
    assert_eq!(tenants.status("hot").map(|status| status.state), Some(JwksState::Fresh));

    // No fetch of what is gone: of the others each does at least one in the next hours.
    let before = ["hot", "cold", "new"].map(|name| land.provider(name).requests());
    tokio::time::sleep(4 * HOUR).await;
    let after = ["hot", "cold", "new"].map(|name| land.provider(name).requests());
    assert_eq!(after[1], before[1]);
    assert!(after[0] > before[0] && after[2] > before[2], "{before:?} {after:?}");

    assert_eq!(outcome(&verifiers, &land.good("cold")).await, ACCEPTED, "it is discovered anew");
    assert_eq!(land.asked(), ["hot", "cold", "new", "cold"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_judging_a_token_keeps_the_keys_until_that_is_done() {
    let land = Land::of(LABEL);
    let verifiers = Verifiers::from(land.tenants(|_| true).with_capacity(1).expect("a number"));
    let token = land.good("acme");
    let judging = verifiers.verifier_for(&token).expect("it is allowed");
    tokio::time::sleep(SECOND).await;
    assert_eq!(outcome(&verifiers, &land.good("globex")).await, ACCEPTED);
    assert!(judging.verify_or_ask(&token).await.is_ok());
    assert!(!has_ended(&land, "acme").await);
    drop(judging);
    assert!(has_ended(&land, "acme").await);
}

#[tokio::test(start_paused = true)]
async fn with_the_last_handle_all_tasks_end() {
    let land = Land::of(LABEL);
    let verifiers = Verifiers::from(land.tenants(|_| true));
    let again = verifiers.clone();
    for name in ["acme", "globex"] {
        assert_eq!(outcome(&verifiers, &land.good(name)).await, ACCEPTED, "{name}");
    }
    drop(verifiers);
    assert_eq!((has_ended(&land, "acme").await, has_ended(&land, "globex").await), (false, false));
    drop(again);
    assert_eq!((has_ended(&land, "acme").await, has_ended(&land, "globex").await), (true, true));
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_is_allowed_no_more_is_refused_at_once_and_its_keys_are_let_go() {
    let land = Land::of(LABEL);
    let allowed = Arc::new(RwLock::new(HashSet::from(["acme", "globex"])));
    let asked = Arc::clone(&allowed);
    let tenants = Arc::new(land.tenants(move |tenant| asked.read().expect("no panic").contains(tenant)));
    let verifiers = Verifiers::from(Arc::clone(&tenants));
    let tokens = ["acme", "globex"].map(|name| land.good(name));
    for token in tokens.iter().chain(&tokens) {
        assert_eq!(outcome(&verifiers, token).await, ACCEPTED);
    }
    allowed.write().expect("no panic").remove("acme");
    // Though the cache knows it as good.
    assert_eq!(outcome(&verifiers, &tokens[0]).await, "issuer_mismatch");
    assert_eq!((has_ended(&land, "acme").await, tenants.count()), (true, 1));
    assert_eq!(outcome(&verifiers, &tokens[1]).await, ACCEPTED);
    allowed.write().expect("no panic").insert("acme");
    assert_eq!(outcome(&verifiers, &tokens[0]).await, ACCEPTED);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_down_touches_no_other_tenant() {
    let land = Land::of(LABEL);
    let verifiers = Verifiers::from(land.tenants(|_| true));
    land.provider("down").go_down().await;
    land.provider("hanging").serve(Answer::hanging());
    let (down, hanging) = (land.good("down"), land.good("hanging"));
    let waiting: Vec<_> = [&down, &hanging, &down]
        .map(|token| {
            let (verifiers, token) = (verifiers.clone(), token.clone());
            tokio::spawn(async move { outcome(&verifiers, &token).await })
        })
        .into();
    tokio::task::yield_now().await;
    // While those wait, nobody else does.
    let acme = land.good("acme");
    let answer = timeout(Duration::from_millis(1), outcome(&verifiers, &acme)).await;
    assert_eq!(answer, Ok(ACCEPTED));
    for answer in waiting {
        assert_eq!(answer.await.expect("no panic"), "keys_pending");
    }
    land.provider("down").come_back().expect("in memory");
    tokio::time::sleep(2 * 60 * SECOND).await;
    assert_eq!(outcome(&verifiers, &land.good("down")).await, ACCEPTED);
    assert_eq!(land.asked(), ["down", "hanging", "acme"]);
}

#[tokio::test(start_paused = true)]
async fn keys_that_cannot_be_set_up_are_tried_again_after_half_a_minute_and_hold_up_no_other() {
    let land = Land::of(LABEL);
    let tries = Arc::new(AtomicUsize::new(0));
    let (count, providers) = (Arc::clone(&tries), land.clone());
    let tenants = land.tenants(|_| true).with_capacity(3).expect("a number").with_keys(move |tenant| {
        if tenant == "broken" && count.fetch_add(1, Ordering::Relaxed) == 0 {
            return Jwks::from_json("{}");
        }
        Jwks::from_json(providers.provider(tenant).issuer().jwks())
    });
    let (log, _guard) = Log::at_trace_level();
    let verifiers = Verifiers::from(tenants);
    let broken = land.good("broken");
    for _ in 0..100 {
        let refusal = verifiers.verify_or_ask(&broken).await.expect_err("there are no keys");
        assert_eq!((refusal.code(), refusal.retry_after()), ("keys_unavailable", Some(30 * SECOND)));
    }
    assert_eq!(tries.load(Ordering::Relaxed), 1);
    assert_eq!(log.take().matches("tenant not set up").count(), 1);
    assert_eq!(outcome(&verifiers, &land.good("acme")).await, ACCEPTED);
    tokio::time::sleep(29 * SECOND).await;
    assert_eq!(outcome(&verifiers, &broken).await, "keys_unavailable");
    tokio::time::sleep(SECOND).await;
    assert_eq!(outcome(&verifiers, &broken).await, ACCEPTED);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_at_one_tenant_is_followed_there_and_nowhere_else() {
    let land = Land::of(LABEL);
    let verifiers = Verifiers::from(land.tenants(|_| true));
    for name in ["acme", "globex"] {
        assert_eq!(outcome(&verifiers, &land.good(name)).await, ACCEPTED, "{name}");
    }
    land.provider("acme").issuer().rotate();
    let before = land.provider("globex").requests();
    assert_eq!(outcome(&verifiers, &land.good("acme")).await, ACCEPTED);
    let crossed = land.token("acme").claim("iss", land.issuer("globex"));
    assert_eq!(outcome(&verifiers, &signed(crossed)).await, "key_unknown");
    assert!(land.provider("globex").requests() > before, "it may have been rotated too");
}

#[tokio::test(start_paused = true)]
async fn what_happens_to_a_tenant_is_told_by_its_name_and_made_up_names_are_not() {
    let land = Land::of(LABEL);
    let tenants = land.tenants(|tenant| tenant != "made-up").with_capacity(1).expect("a number");
    let verifiers = Verifiers::from(tenants);
    let (log, _guard) = Log::at_trace_level();
    for name in ["acme", "made-up", "globex"] {
        outcome(&verifiers, &land.good(name)).await;
    }
    tokio::time::sleep(SECOND).await;
    outcome(&verifiers, &land.good("globex")).await;
    let log = log.take();
    for (tenant, event) in
        [("acme", "added"), ("globex", "postponed"), ("acme", "dropped"), ("globex", "added")]
    {
        assert!(log.contains(&format!("tenant=\"{tenant}\" event=\"{event}\"")), "{tenant} {event}: {log}");
    }
    assert!(!log.contains("made-up"), "{log}");
    assert!(
        !log.contains("verifying tokens of a tenant"),
        "they have the policy that the layer tells of: {log}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_policy_of_a_tenants_own_is_told_with_what_it_turns_off_in_capitals() {
    let land = Land::of(LABEL);
    let tenants = land.tenants(|_| true).with_policy(|tenant, verifier| match tenant {
        "acme" => Ok(verifier.insecure_accept_any_audience()),
        _ => Ok(verifier),
    });
    let verifiers = Verifiers::from(tenants);
    let (log, _guard) = Log::at_trace_level();
    for name in ["acme", "globex", "acme"] {
        assert_eq!(outcome(&verifiers, &land.good(name)).await, ACCEPTED, "{name}");
    }
    let log = log.take();
    let told: Vec<_> = log.lines().filter(|line| line.contains("verifying tokens of a tenant")).collect();
    assert_eq!(told.len(), 2, "{log}");
    assert!(told[0].contains("tenant=\"acme\"") && told[0].contains("AUDIENCE IS NOT CHECKED"), "{log}");
    assert!(told[1].contains("tenant=\"globex\"") && !told[1].contains("NOT CHECKED"), "{log}");
}
