//! Many tenants, made up or real: what they can cause is bounded, and drives out nobody who is in use.

use std::sync::{Arc, Barrier};

use serde_json::json;
use tower_jwt_auth::AuthError;
use tower_jwt_auth::verify::Verifiers;

use super::{LABEL, Land, SECOND, SEGMENT, outcome, unsigned};
use crate::support::app::ACCEPTED;

#[tokio::test(start_paused = true)]
async fn ten_thousand_made_up_tenants_cost_no_fetch_and_no_memory() {
    for pattern in [LABEL, SEGMENT] {
        let land = Land::of(pattern);
        let tenants = Arc::new(land.tenants(|tenant| tenant == "acme"));
        let verifiers = Verifiers::from(Arc::clone(&tenants));
        assert_eq!(outcome(&verifiers, &land.good("acme")).await, ACCEPTED);
        let before = land.requests();
        for n in 0..10_000 {
            let token = unsigned(&land.issuer(&format!("made-up-{n}")), json!({}));
            let refusal = verifiers.verify_or_ask(&token).await.map_err(|error| error.code());
            assert_eq!(refusal.err(), Some("issuer_mismatch"), "{n}");
        }
        assert_eq!((land.requests() - before, tenants.count()), (0, 1), "{pattern}");
        assert_eq!(outcome(&verifiers, &land.good("acme")).await, ACCEPTED, "{pattern}");
    }
}

/// The answer to an unsigned token of `tenant`, without waiting for its keys.
fn knock(land: &Land, verifiers: &Verifiers, tenant: &str) -> AuthError {
    verifiers.verify(&unsigned(&land.issuer(tenant), json!({}))).expect_err("nobody has signed it")
}

#[tokio::test(start_paused = true)]
async fn of_ten_thousand_allowed_tenants_a_hundred_are_let_in_at_once_and_one_a_second_from_then_on() {
    let land = Land::of(LABEL);
    let tenants = Arc::new(land.tenants(|_| true));
    let verifiers = Verifiers::from(Arc::clone(&tenants));
    // In use: each has come more than once.
    let hot = ["acme", "globex", "initech"];
    for _ in 0..3 {
        for name in hot {
            assert_eq!(outcome(&verifiers, &land.good(name)).await, ACCEPTED, "{name}");
        }
    }
    let mut postponed = 0;
    for n in 0..10_000 {
        let refusal = knock(&land, &verifiers, &format!("tenant-{n}"));
        assert_eq!((refusal.code(), refusal.retry_after()), ("keys_pending", Some(SECOND)), "{n}");
        postponed += usize::from(land.asked().len() == 100);
    }
    assert!(postponed >= 9_900, "{postponed}");
    assert_eq!((land.asked().len(), tenants.count()), (100, 100));
    // A second later there is room for one more, for which another has to go.
    for n in 1..=200 {
        tokio::time::sleep(SECOND).await;
        for name in hot {
            assert_eq!(outcome(&verifiers, &land.good(name)).await, ACCEPTED, "{name}, {n}");
        }
        for m in 0..10 {
            knock(&land, &verifiers, &format!("late-{n}-{m}"));
        }
        assert_eq!((land.asked().len(), tenants.count()), (100 + n, 100));
    }
    // Those in use had their keys fetched once.
    for name in hot {
        assert_eq!(land.asked().iter().filter(|asked| *asked == name).count(), 1, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_has_to_wait_for_the_others_gets_in_when_they_are_done() {
    let land = Land::of(LABEL);
    let tenants = land.tenants(|_| true).with_capacity(2).expect("a number");
    let verifiers = Verifiers::from(tenants);
    for (name, want) in [("a", ACCEPTED), ("b", ACCEPTED), ("c", "keys_pending"), ("a", ACCEPTED)] {
        assert_eq!(outcome(&verifiers, &land.good(name)).await, want, "{name}");
    }
    tokio::time::sleep(SECOND).await;
    assert_eq!(outcome(&verifiers, &land.good("c")).await, ACCEPTED);
    assert_eq!(land.asked(), ["a", "b", "c"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_first_requests_at_a_time_are_one_discovery() {
    let land = Land::of(LABEL);
    let verifiers = Verifiers::from(land.tenants(|_| true));
    let token = land.good("acme");
    let requests: Vec<_> = (0..200)
        .map(|_| {
            let (verifiers, token) = (verifiers.clone(), token.clone());
            tokio::spawn(async move { outcome(&verifiers, &token).await })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.expect("no panic"), ACCEPTED);
    }
    assert_eq!((land.asked().len(), land.requests()), (1, 2), "metadata and keys");
}

/// Both find that their tenant has no keys, and neither goes on before the other has.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_first_requests_that_pass_each_other_are_one_discovery() {
    let land = Land::of(LABEL);
    let both = Barrier::new(2);
    let tenants = land.tenants(|_| true).with_policy(move |_, verifier| {
        both.wait();
        Ok(verifier)
    });
    let verifiers = Verifiers::from(tenants);
    let token = land.good("acme");
    let requests = [(); 2].map(|()| {
        let (verifiers, token) = (verifiers.clone(), token.clone());
        tokio::spawn(async move { outcome(&verifiers, &token).await })
    });
    for request in requests {
        assert_eq!(request.await.expect("no panic"), ACCEPTED);
    }
    assert_eq!((land.asked().len(), land.requests()), (1, 2), "metadata and keys");
}
