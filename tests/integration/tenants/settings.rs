//! What can be set on tenants, and what they say of themselves.

use std::time::Duration;

use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::verify::{DEFAULT_TENANTS, MAX_TENANTS, Profile, TENANT_INTERVAL, Tenants, Verifiers};

use super::{LABEL, Land, outcome, signed};
use crate::support::app::ACCEPTED;
use crate::support::issuer::{AUDIENCE, NOW};

#[test]
fn a_pattern_an_audience_and_room_for_at_least_one_are_needed() {
    let made = |pattern: &str, audience: &str| Tenants::new(pattern, audience, |_| true);
    assert!(made(LABEL, AUDIENCE).is_ok());
    for (pattern, audience) in [
        (LABEL, ""),
        ("https://login.example", AUDIENCE),
        ("https://{tenant}.example", AUDIENCE),
        ("http://{tenant}.login.example", AUDIENCE),
        ("https://{tenant}.{tenant}.example", AUDIENCE),
    ] {
        let error = made(pattern, audience).expect_err(pattern).to_string();
        assert!(!error.is_empty(), "{pattern}");
    }
    for (capacity, want) in [(0, false), (1, true), (MAX_TENANTS, true), (MAX_TENANTS + 1, false)] {
        let tenants = made(LABEL, AUDIENCE).expect("a pattern").with_capacity(capacity);
        assert_eq!(tenants.is_ok(), want, "{capacity}");
    }
    assert_eq!((DEFAULT_TENANTS, MAX_TENANTS, TENANT_INTERVAL), (100, 10_000, Duration::from_secs(1)));
}

#[test]
fn tenants_say_what_is_checked_and_how_many_are_kept() {
    let tenants = || Tenants::new(LABEL, AUDIENCE, |_| true).expect("a pattern");
    let said = format!("{}", tenants());
    assert!(
        said.starts_with("iss is \"https://{tenant}.login.example\"; aud has one of [\"api\"]; "),
        "{said}"
    );
    let ending = "; {tenant} is one that is allowed; keys: discovered for each tenant, of up to 100 at a time, and \
                  one more every 1s; up to 1024 accepted tokens cached for 300s, for each tenant";
    assert!(said.ends_with(ending), "{said}");
    let changed = tenants()
        .with_policy(|_, verifier| Ok(verifier))
        .with_keys(|_| tower_jwt_auth::Jwks::from_json("{}"))
        .with_capacity(7)
        .expect("a number");
    assert_eq!(format!("{changed:?}"), format!("Tenants({changed})"));
    let said = format!("{:?}", JwtAuthLayer::new(changed));
    for part in [
        "; each tenant has a policy of its own; keys: given for each tenant, of up to 7 at a time",
        "; tokens from: ",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn the_tenant_of_a_token_is_told_wherever_the_pattern_has_it() {
    for pattern in ["https://{tenant}.login.example.com", "https://login.example.com/{tenant}/v2.0"] {
        let tenants = Tenants::new(pattern, "api", |_| false).expect("a pattern");
        assert_eq!(tenants.tenant_of(&pattern.replace("{tenant}", "acme")), Some("acme"), "{pattern}");
        for issuer in ["", "acme", pattern, "https://other.example/acme", &pattern.replace("{tenant}", "a.b")]
        {
            assert_eq!(tenants.tenant_of(issuer), None, "{issuer}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_tenant_is_judged_by_its_own_policy() {
    let land = Land::of(LABEL);
    let tenants = land.tenants(|_| true).with_policy(|tenant, verifier| match tenant {
        "strict" => verifier.with_profile(Profile::AccessToken),
        "patient" => verifier.with_leeway(Duration::from_secs(120)),
        "picky" => Ok(verifier.with_rule("bob", |token| token.payload().contains("bob"))),
        _ => Ok(verifier),
    });
    let tenants = Verifiers::from(tenants);
    for name in ["strict", "patient", "picky", "acme"] {
        let token = |changed: bool| {
            let token = land.token(name);
            signed(match (name, changed) {
                ("strict", true) => token.header("typ", "at+jwt").claim("client_id", "app"),
                ("picky", true) => token.subject("bob"),
                ("patient" | "acme", false) => token.claim("exp", NOW - 60),
                _ => token,
            })
        };
        let want = match name {
            "strict" => "type_mismatch",
            "patient" => ACCEPTED,
            "picky" => "claim_refused",
            _ => "token_expired",
        };
        // Before its keys are here, and with them.
        assert_eq!(outcome(&tenants, &token(false)).await, want, "{name}");
        assert_eq!(outcome(&tenants, &token(true)).await, ACCEPTED, "{name}");
        assert_eq!(outcome(&tenants, &token(false)).await, want, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_waiting_the_first_token_of_a_tenant_has_its_keys_fetched_all_the_same() {
    let land = Land::of(LABEL);
    let tenants = Verifiers::from(land.tenants(|_| true));
    let token = land.good("acme");
    assert_eq!(tenants.verify(&token).map_err(|error| error.code()).err(), Some("keys_pending"));
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(tenants.verify(&token).is_ok());
}

#[test]
fn outside_of_a_runtime_a_tenant_is_told_that_it_cannot_be_checked() {
    let tenants = Verifiers::from(Land::of(LABEL).tenants(|_| true));
    let token = Land::of(LABEL).good("acme");
    assert_eq!(tenants.verify(&token).map_err(|error| error.code()).err(), Some("keys_unavailable"));
}
