//! What a layer says of itself: every check by name, and in capitals every one that is off.

use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};

use http::{Request, Response};
use tower::{Layer, service_fn};
use tower_jwt_auth::binding::Dpop;
use tower_jwt_auth::error::ConfigError;
use tower_jwt_auth::handoff::HandOff;
use tower_jwt_auth::jwks::SharedSecret;
use tower_jwt_auth::provider::Phonelink;
use tower_jwt_auth::remote::ValidationEndpoint;
use tower_jwt_auth::replay::{MemoryReplayStore, NonceRule, ReplayRule};
use tower_jwt_auth::source::TokenSources;
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::verify::Authority;
use tower_jwt_auth::{JwtAuthLayer, Verifier};

use crate::support::app::{Hanging, verifier, verifier_with};
use crate::support::log::Log;

#[test]
fn a_layer_says_what_it_checks_with_which_keys_and_where_it_looks() -> Result<(), ConfigError> {
    const BEGINNING: &str = "iss is \"https://issuer.example\"; aud has one of [\"api\"]; alg is one of ";
    const CHECKS: &str = "; typ is not that of another kind of token; exp is required; exp and nbf hold within 30s; \
                          cnf is absent or proven; keys: ";
    const CACHE: &str = "; up to 1024 accepted tokens cached for 300s";
    const PLACES: &str = "; tokens from: bearer, query jwt, cookie __Host-jwt";

    let public = "[RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 ES256K EdDSA]";
    let given = format!("{BEGINNING}{public}{CHECKS}1 key(s), given as JSON{CACHE}");
    let layer = JwtAuthLayer::new(verifier());
    assert_eq!(said(&layer), format!("{given}{PLACES}"));
    let sources = TokenSources::bearer_only().with_query("token")?;
    let layer = layer.with_sources(sources);
    assert_eq!(said(&layer), format!("{given}; tokens from: bearer, query token"));

    let secret = verifier_with(SharedSecret::new(Algorithm::Hs256, [7; 32])?);
    let want = format!("{BEGINNING}[HS256]{CHECKS}a shared secret for HS256{CACHE}{PLACES}");
    assert_eq!(said(&JwtAuthLayer::new(secret)), want);

    let rules =
        JwtAuthLayer::new(verifier()).with_replay_rule(ReplayRule::deny_list(MemoryReplayStore::new()));
    for (nonce, named) in [
        (NonceRule::from_cookie(), "cookie __Host-nonce"),
        (NonceRule::from_header("x-nonce")?, "header x-nonce"),
    ] {
        let want = format!("{given}{PLACES}; nonce is that of {named}; revoked tokens are refused");
        assert_eq!(said(&rules.clone().with_nonce(nonce)), want);
    }

    let http = JwtAuthLayer::new(verifier()).without_grpc_answers();
    assert_eq!(said(&http), format!("{given}{PLACES}; gRPC calls are refused as HTTP requests"));

    // What the provider has said is kept, and no token beside it.
    let endpoint = ValidationEndpoint::magiclinksdev("https://links.example/v1/jwt/validate", "key")?;
    let asking = said(&JwtAuthLayer::new(verifier_with(endpoint)));
    assert!(asking.ends_with(&format!(", kept for 60s{PLACES}")), "{asking}");
    Ok(())
}

#[test]
fn several_layers_say_what_each_of_them_checks() {
    let other = Verifier::new(
        "https://other.example",
        "api",
        SharedSecret::new(Algorithm::Hs256, [7; 32]).expect("a secret"),
    );
    let layers = [JwtAuthLayer::new(verifier()), JwtAuthLayer::new(other.expect("a policy"))];
    let [one, two] = layers.each_ref().map(said);
    let both = JwtAuthLayer::any_of(layers).expect("two issuers");
    assert_eq!(said(&both), format!("{one}; OR {two}"));
    assert_eq!(said(&both.optional()), format!("{one}; OR {two}; a token is optional"));
}

#[test]
fn a_layer_tells_what_it_checks_once_it_is_put_around_something_and_again_when_it_is_set_otherwise() {
    let page = || service_fn(async |_: Request<String>| Ok::<_, Infallible>(Response::new(String::new())));
    let told = |log: &Log| log.take().matches("verifying tokens").count();
    let (log, _guard) = Log::at_trace_level();
    let layer = JwtAuthLayer::new(verifier());
    assert_eq!(told(&log), 0, "it guards nothing");
    _ = layer.layer(page());
    let text = log.take();
    assert!(text.contains("verifying tokens") && text.contains(&said(&layer)), "{text}");
    _ = (layer.layer(page()), layer.clone().layer(page()));
    assert_eq!(told(&log), 0, "that is known");
    _ = layer.optional().layer(page());
    assert_eq!(told(&log), 1);
}

#[tokio::test]
async fn each_protection_that_is_off_is_said_in_capitals_and_none_that_is_on() {
    let authority = || Authority::from(SharedSecret::new(Algorithm::Hs256, [7; 32]).expect("a secret"));
    let with = |changed: fn(Verifier) -> Verifier| JwtAuthLayer::new(changed(verifier_with(authority())));
    let default = || with(|verifier| verifier);
    let store = MemoryReplayStore::default;
    let proofs = || Dpop::new("https://api.example.com").expect("an origin");
    let hand_off = |hand_off| default().with_hand_off(hand_off).expect("a query and a cookie");
    let phonelink = |changed: fn(Phonelink) -> Phonelink| {
        let phonelink = Phonelink::new("client").expect("a client").with_fetch(Hanging);
        changed(phonelink).layer().expect("a layer")
    };
    for (name, layer, want) in [
        ("default", default(), ""),
        ("issuer", with(Verifier::insecure_accept_any_issuer), "ISSUER IS NOT CHECKED"),
        ("audience", with(Verifier::insecure_accept_any_audience), "AUDIENCE IS NOT CHECKED"),
        ("expiry", with(Verifier::insecure_accept_without_expiry), "EXP IS NOT REQUIRED"),
        ("binding", with(Verifier::insecure_ignore_binding), "CNF IS IGNORED"),
        ("cross-site", default().insecure_accept_cross_site_requests(), "CROSS-SITE REQUESTS ARE ACCEPTED"),
        ("nonce", default().with_nonce(NonceRule::from_cookie()), ""),
        ("replay", default().with_replay_rule(ReplayRule::deny_list(store())), ""),
        (
            "replay without a store",
            default().with_replay_rule(ReplayRule::deny_list(store()).insecure_accept_when_the_store_fails()),
            "UNLESS THE STORE FAILS",
        ),
        ("proofs", default().with_dpop(proofs()), ""),
        (
            "proofs that are sent again",
            default().with_dpop(proofs().insecure_accept_repeated_proofs()),
            "PROOFS COUNT MORE THAN ONCE",
        ),
        ("hand-off", hand_off(HandOff::default()), ""),
        (
            "sessions",
            hand_off(HandOff::default().insecure_replace_sessions()),
            "SESSIONS OF OTHERS ARE REPLACED",
        ),
        ("phonelink", phonelink(|phonelink| phonelink), ""),
        ("phonelink's nonce", phonelink(Phonelink::insecure_without_nonce), "IF THERE"),
    ] {
        let text = said(&layer);
        let capitals = text.split([';', ',']).map(str::trim).filter(|part| is_shouted(part));
        assert_eq!(capitals.collect::<Vec<_>>().join("; "), want, "{name}: {text}");
    }
}

#[test]
fn each_insecure_call_that_there_is_has_a_row_above() {
    let here = include_str!("display.rs");
    let mut calls = Vec::new();
    for file in rust_files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))) {
        let text = fs::read_to_string(file).expect("a source");
        let names = text.split("pub fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next());
        calls.extend(names.filter(|name| name.starts_with("insecure_")).map(str::to_owned));
    }
    assert!(calls.len() >= 8, "{calls:?}");
    for call in calls {
        assert!(here.contains(&call), "{call}: what it turns off is nowhere said in capitals");
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] }).collect()
}

#[test]
fn the_origins_that_are_trusted_are_said() {
    let layer = JwtAuthLayer::new(verifier());
    assert!(!said(&layer).contains("trusted"));
    let [one, other] = ["https://a.example", "https://b.example:8443"];
    let trusting = layer.with_trusted_origin(one).and_then(|layer| layer.with_trusted_origin(other));
    let text = said(&trusting.expect("origins"));
    assert!(text.ends_with(&format!("; trusted origins: {one}, {other}")), "{text}");
}

fn said(layer: &JwtAuthLayer) -> String {
    format!("{layer:?}").trim_start_matches("JwtAuthLayer(").trim_end_matches(')').to_owned()
}

fn is_shouted(part: &str) -> bool {
    part.contains(' ') && !part.contains(|char: char| char.is_ascii_lowercase())
}
