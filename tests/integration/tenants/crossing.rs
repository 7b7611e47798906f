//! What a token says of its issuer, and what comes of it: nothing of one tenant counts for another.

use serde_json::json;
use tower_jwt_auth::test_util::Idp;
use tower_jwt_auth::verify::{Tenants, Verifiers};
use tower_jwt_auth::{Jwks, Verifier};

use super::{LABEL, Land, SEGMENT, outcome, signed, unsigned};
use crate::support::app::ACCEPTED;
use crate::support::issuer::AUDIENCE;

const OTHER_ISSUER: &str = "issuer_mismatch";
const FORGED: &str = "signature_invalid";

#[tokio::test(start_paused = true)]
async fn each_tenant_gets_in_by_its_own_keys_and_by_no_others() {
    for pattern in [LABEL, SEGMENT] {
        let land = Land::of(pattern);
        let tenants = Verifiers::from(land.tenants(|tenant| ["acme", "globex"].contains(&tenant)));
        for (name, other) in [("acme", "globex"), ("globex", "acme")] {
            assert_eq!(outcome(&tenants, &land.good(name)).await, ACCEPTED, "{name}, {pattern}");
            // Its issuer's name over the other's signature, with a `kid` that both have.
            let crossed = land.token(other).claim("iss", land.issuer(name));
            assert_eq!(outcome(&tenants, &signed(crossed)).await, FORGED, "{name}, {pattern}");
            let unknown = land.token(other).claim("iss", land.issuer(name)).header("kid", "key-2");
            assert_eq!(outcome(&tenants, &signed(unknown)).await, "key_unknown", "{name}, {pattern}");
        }
        // A token of the one is no token of the other, whoever looks at it.
        let acme = tenants.verifier_for(&land.good("acme")).expect("it is here");
        assert!(acme.verify(&land.good("acme")).is_ok());
        let theirs = acme.verify(&land.good("globex")).map_err(|error| error.code());
        assert_eq!(theirs.err(), Some(OTHER_ISSUER), "{pattern}");
        assert_eq!(land.asked(), ["acme", "globex"], "{pattern}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_the_issuer_of_a_tenant_to_the_code_point_is_no_issuer_and_causes_no_request() {
    for (pattern, issuers) in [
        (
            LABEL,
            &[
                "https://acme.login.example.evil",
                "https://acme.login.example.",
                "https://acme.login.example/",
                "https://acme.login.example:443",
                "https://evil/acme.login.example",
                "https://evil#acme.login.example",
                "https://acme.evil.login.example",
                "https://acme@evil.login.example",
                "https://ACME.login.example",
                "https://%61cme.login.example",
                "https://acme%2e.login.example",
                "https://acme\u{200b}.login.example",
                "https://\u{430}cme.login.example",
                "https://-acme.login.example",
                "https://.login.example",
                "https://{tenant}.login.example",
                "http://acme.login.example",
                "acme",
                "",
            ][..],
        ),
        (
            SEGMENT,
            &[
                "https://login.example.evil/acme/v2.0",
                "https://login.example/acme",
                "https://login.example/acme/v2.0/",
                "https://login.example/x/acme/v2.0",
                "https://login.example/../v2.0",
                "https://login.example/acme/../v2.0",
                "https://login.example/acme%2f/v2.0",
                "https://login.example/acme?/v2.0",
                "https://login.example/acme#/v2.0",
                "https://login.example/ac.me/v2.0",
                "https://login.example//v2.0",
                "https://login.example/{tenant}/v2.0",
            ],
        ),
    ] {
        let land = Land::of(pattern);
        // Whatever name it would be.
        let tenants = Verifiers::from(land.tenants(|_| true));
        for issuer in issuers {
            let token = signed(land.token("acme").claim("iss", *issuer));
            assert_eq!(outcome(&tenants, &token).await, OTHER_ISSUER, "{issuer}");
        }
        assert_eq!((land.asked().len(), land.requests()), (0, 0), "{pattern}");
        assert_eq!(outcome(&tenants, &land.good("acme")).await, ACCEPTED, "{pattern}");
        // In a path, two cases are two tenants.
        let shouted = outcome(&tenants, &land.good("ACME")).await;
        assert_eq!(shouted, if pattern == SEGMENT { ACCEPTED } else { OTHER_ISSUER });
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_is_not_allowed_causes_no_request_though_its_token_is_good() {
    let land = Land::of(LABEL);
    let tenants = Verifiers::from(land.tenants(|tenant| tenant == "acme"));
    for name in ["globex", "acm", "acmee", "acme-", "a"] {
        assert_eq!(outcome(&tenants, &land.good(name)).await, OTHER_ISSUER, "{name}");
    }
    assert_eq!((land.asked().len(), land.requests()), (0, 0));
    assert_eq!(outcome(&tenants, &land.good("acme")).await, ACCEPTED);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_not_plausible_under_its_tenants_policy_causes_no_request() {
    let land = Land::of(LABEL);
    let tenants = land.tenants(|_| true).with_policy(|tenant, verifier| match tenant {
        "typed" => Ok(verifier.with_type("at+jwt")),
        "ruled" => verifier.require_claim("email"),
        "narrow" => verifier.with_algorithms([tower_jwt_auth::token::Algorithm::EdDsa]),
        _ => Ok(verifier),
    });
    let tenants = Verifiers::from(tenants);
    let of = |tenant: &str| land.issuer(tenant);
    let good = unsigned(&of("acme"), json!({}));
    for (name, token, want) in [
        ("audience", unsigned(&of("acme"), json!({ "aud": "other" })), "audience_mismatch"),
        ("no audience", unsigned(&of("acme"), json!({ "aud": [] })), "audience_mismatch"),
        ("expired", unsigned(&of("acme"), json!({ "exp": 1 })), "token_expired"),
        ("no expiry", unsigned(&of("acme"), json!({ "exp": null })), "claim_invalid"),
        ("too early", unsigned(&of("acme"), json!({ "nbf": 4_000_000_000_u32 })), "token_not_yet_valid"),
        ("bound", unsigned(&of("acme"), json!({ "cnf": {} })), "token_bound"),
        ("typ", unsigned(&of("typed"), json!({})), "type_mismatch"),
        ("claim", unsigned(&of("ruled"), json!({})), "claim_missing"),
        ("algorithm", unsigned(&of("narrow"), json!({})), "algorithm_unsupported"),
        ("issuer twice", good.replace(&part(&good), &twice(&of("acme"))), "token_malformed"),
        ("no issuer", unsigned("", json!({ "iss": null })), "claim_invalid"),
        ("issuers", unsigned("", json!({ "iss": [of("acme")] })), "claim_invalid"),
        ("size", format!("{good}{}", "A".repeat(20_000)), "token_too_large"),
        ("signature", format!("{good}="), "token_malformed"),
        ("no signature", good.rsplit_once('.').expect("parts").0.to_owned(), "token_malformed"),
        ("five parts", format!("{good}.a.b"), "token_encrypted"),
        ("header", good.replacen('e', "x", 1), "token_malformed"),
        ("empty", String::new(), "token_malformed"),
    ] {
        assert_eq!(outcome(&tenants, &token).await, want, "{name}");
    }
    assert_eq!((land.asked().len(), land.requests()), (0, 0));
    // The twin of them all: what is plausible, signed or not.
    assert_eq!(outcome(&tenants, &good).await, FORGED);
    assert_eq!((land.asked(), land.requests()), (vec!["acme".to_owned()], 2));
    for tenant in ["acme", "ruled", "typed"] {
        let token = land.token(tenant).claim("email", "a@b.example").header("typ", "at+jwt");
        assert_eq!(outcome(&tenants, &signed(token)).await, ACCEPTED, "{tenant}");
    }
}

fn part(token: &str) -> String {
    token.split('.').nth(1).expect("claims").to_owned()
}

/// Claims with an issuer that may be asked, and another.
fn twice(issuer: &str) -> String {
    crate::support::issuer::encode(format!(
        r#"{{"iss":"{issuer}","iss":"https://evil.example","aud":"{AUDIENCE}","exp":4000000000}}"#
    ))
}

/// Over HTTP, with keys that discovery finds: one listener for all tenants, which sees every request.
#[tokio::test]
async fn by_discovery_only_the_documents_of_allowed_tenants_are_asked_for() {
    let idp = Idp::start_with(|url| tower_jwt_auth::test_util::Issuer::new(format!("{url}/acme"), AUDIENCE));
    let idp = idp.await.expect("a port");
    let pattern = idp.url("/{tenant}");
    let tenants = Tenants::new(&pattern, AUDIENCE, |tenant| ["acme", "globex"].contains(&tenant));
    let tenants = Verifiers::from(tenants.expect("a pattern"));
    let good = |issuer: &str| signed(idp.issuer().token().claim("iss", issuer));

    for name in ["initech", "acme/", "../acme", "acme%2f..", "", ".", "x/acme", "acme/.well-known"] {
        assert_eq!(outcome(&tenants, &good(&idp.url(&format!("/{name}")))).await, OTHER_ISSUER, "{name}");
    }
    let elsewhere = Idp::start(AUDIENCE).await.expect("a port");
    assert_eq!(outcome(&tenants, &good(&elsewhere.url("/acme"))).await, OTHER_ISSUER);
    assert_eq!((idp.requests(), elsewhere.requests()), (0, 0));

    assert_eq!(outcome(&tenants, &good(&idp.url("/acme"))).await, ACCEPTED);
    let paths = |idp: &Idp| -> Vec<_> { idp.seen().into_iter().map(|seen| seen.target).collect() };
    assert_eq!(paths(&idp), ["/acme/.well-known/openid-configuration", "/acme/jwks.json"]);
    // One that is allowed, and whose metadata are another's.
    idp.serve_at(
        "/globex/.well-known/openid-configuration",
        tower_jwt_auth::test_util::Answer::of(
            json!({ "issuer": idp.issuer().url(), "jwks_uri": idp.url("/acme/jwks.json") }).to_string(),
        ),
    );
    assert_eq!(outcome(&tenants, &good(&idp.url("/globex"))).await, "keys_pending");
    assert!(!paths(&idp)[2..].iter().any(|path| path.ends_with("jwks.json")), "{:?}", paths(&idp));
}

#[tokio::test(start_paused = true)]
async fn keys_that_were_discovered_for_one_tenant_are_not_taken_for_another() {
    let land = Land::of(LABEL);
    let (tenants, providers) = (land.tenants(|_| true), land.clone());
    let tenants = tenants.with_keys(move |_| {
        Jwks::discovery_builder(&providers.issuer("acme"))?.with_fetch(providers.provider("acme")).spawn()
    });
    let tenants = Verifiers::from(tenants);
    assert_eq!(outcome(&tenants, &land.good("acme")).await, ACCEPTED);
    let crossed = land.token("acme").claim("iss", land.issuer("globex"));
    assert_eq!(outcome(&tenants, &signed(crossed)).await, "keys_unavailable");
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_would_open_the_door_to_others_opens_it_to_nobody() {
    let land = Land::of(LABEL);
    let keys = land.provider("acme").issuer().jwks();
    let tenants = land.tenants(|_| true).with_policy(move |tenant, verifier| {
        let of_ones_own = |issuer: &str| Verifier::new(issuer, AUDIENCE, Jwks::from_json(&keys)?);
        match tenant {
            "any" => Ok(verifier.insecure_accept_any_issuer()),
            "another" => of_ones_own("https://acme.login.example"),
            "keyed" => of_ones_own("https://keyed.login.example"),
            "failing" => Err(tower_jwt_auth::error::ConfigError::new("nobody knows this tenant")),
            _ => Ok(verifier),
        }
    });
    let tenants = Verifiers::from(tenants);
    for name in ["any", "another", "keyed", "failing"] {
        // By its own keys, and by those that the policy has brought.
        let crossed = land.token("acme").claim("iss", land.issuer(name));
        for token in [land.good(name), signed(crossed)] {
            assert_eq!(outcome(&tenants, &token).await, "keys_unavailable", "{name}");
        }
    }
    assert_eq!((land.asked().len(), land.requests()), (0, 0));
    assert_eq!(outcome(&tenants, &land.good("acme")).await, ACCEPTED);
}
