//! Whatever one builder gives has one store, one key set and one endpoint.

use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::provider::{MagicLinksDev, PasskeyMe, Phonelink};
use tower_jwt_auth::replay::{MemoryReplayStore, ReplayRule};
use tower_jwt_auth::source::TokenSources;

use super::passkeyme;
use super::phonelink::{CLIENT, NONCE, claims, key, preset};
use super::*;
use crate::support::app::get;
use crate::support::idp::{Answer, Idp, in_memory};
use crate::support::issuer::{AUDIENCE, claims_with, jwks_of, shared_key};
use crate::support::site::{Site, cookies_of};

const SERVER: &str = "https://links.example";

fn keys() -> Answer {
    Answer::of(jwks_of([shared_key()]))
}

fn link(jti: &str) -> String {
    shared_key().token(&claims_with(json!({ "iss": SERVER, "jti": jti })))
}

fn links(provider: &Idp) -> MagicLinksDev {
    let preset = MagicLinksDev::new(&format!("{SERVER}/api/v2/"), AUDIENCE).expect("good settings");
    preset.with_fetch(provider.clone()).with_clock(FixedClock::at_unix(NOW))
}

async fn bear(layer: JwtAuthLayer, token: &str) -> String {
    app(layer).verdict(get("/", &[("authorization", &format!("Bearer {token}"))])).await.1
}

#[tokio::test(start_paused = true)]
async fn a_phone_that_was_used_with_one_is_used_for_all() {
    let key = key();
    let document = jwks_of([&key]);
    let token = |jti: &str| key.token(&claims(json!({ "jti": jti })));
    let cookie = format!("__Host-nonce={NONCE}");
    let arrive = async |of: &Phonelink, token: &str| {
        let app = app(of.layer().expect("a runtime"));
        app.verdict(get(&format!("/?token={token}"), &[("cookie", &cookie)])).await.1
    };
    let validate = async |of: &Phonelink, token: &str| {
        let validator = of.validator().expect("a runtime");
        validator.validate(token, NONCE).await.map_or_else(|error| error.code(), |_| ACCEPTED).to_owned()
    };
    for (name, preset) in [
        ("its own store", preset(&document)),
        ("a store that was given", {
            let store = MemoryReplayStore::new().with_clock(FixedClock::at_unix(NOW));
            preset(&document).with_replay_rule(ReplayRule::single_use(store))
        }),
    ] {
        let again = preset.clone();
        assert_eq!(arrive(&preset, &token("a")).await, ACCEPTED, "{name}");
        assert_eq!(validate(&preset, &token("a")).await, "token_replayed", "{name}");
        assert_eq!(arrive(&preset, &token("a")).await, "token_replayed", "{name}");
        assert_eq!(validate(&again, &token("a")).await, "token_replayed", "{name}, by a clone");
        assert_eq!(validate(&preset, &token("b")).await, ACCEPTED, "{name}");
        assert_eq!(arrive(&preset, &token("b")).await, "token_replayed", "{name}");
    }
    assert_eq!(validate(&preset(&document), &token("a")).await, ACCEPTED, "another builder");
}

#[tokio::test(start_paused = true)]
async fn a_store_judges_by_the_clock_that_was_set_last() {
    let key = key();
    let ahead = preset(&jwks_of([&key])).with_clock(FixedClock::at_unix(NOW + 3600));
    ahead.validator().expect("a runtime");
    let validator = ahead.clone().with_clock(FixedClock::at_unix(NOW)).validator().expect("a runtime");
    let token = key.token(&claims(json!({ "jti": "a" })));
    let used = async || validator.validate(&token, NONCE).await.map_err(|error| error.code()).is_ok();
    assert!(used().await);
    for again in 0..3 {
        assert!(!used().await, "{again}: by the clock an hour ahead its mark was over at once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_without_a_nonce_takes_back_that_of_the_session_before() {
    let key = key();
    let preset = preset(&jwks_of([&key])).insecure_without_nonce();
    let sources = TokenSources::default().with_query("token").expect("a name");
    let layer = preset.layer().expect("a runtime").with_sources(sources).hand_off().expect("both are read");
    let site = Site::behind(layer);
    for (jti, cookies, nonce) in [
        ("with one", format!("__Host-nonce={NONCE}"), format!("__Host-jwt-nonce={NONCE}; ")),
        ("without", "a=1".to_owned(), "__Host-jwt-nonce=; ".to_owned()),
    ] {
        let link = format!("/?token={}", key.token(&claims(json!({ "jti": jti }))));
        let answer = site.follow(&link, &[("cookie", &cookies)]).await;
        assert_eq!(answer.status, 303, "{jti}: {answer:?}");
        assert!(cookies_of(&answer)[1].starts_with(&nonce), "{jti}: {:?}", cookies_of(&answer));
    }
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_once_for_all() {
    let provider = in_memory(keys());
    let preset = links(&provider);
    let verifier = preset.verifier().expect("a runtime");
    preset.jwks().expect("a runtime").ready().await.expect("a key set");
    assert_eq!(outcome(&verifier, &link("1")).await, ACCEPTED);
    assert_eq!(bear(preset.layer().expect("a runtime"), &link("2")).await, ACCEPTED);
    assert_eq!(outcome(&preset.clone().verifier().expect("a runtime"), &link("3")).await, ACCEPTED);
    let asked: Vec<_> = provider.seen().into_iter().map(|seen| seen.target).collect();
    assert_eq!(asked, [format!("{SERVER}/api/v2/jwks.json")]);

    // Elsewhere, with what was fetched here, nothing is known.
    let elsewhere = "https://elsewhere.example/keys";
    provider.serve_at(elsewhere, Answer::of(r#"{"keys":[]}"#));
    let moved = preset.clone().with_jwks_url(elsewhere);
    assert_ne!(outcome(&moved.verifier().expect("a runtime"), &link("1")).await, ACCEPTED);
    assert!(provider.seen().iter().any(|seen| seen.target == elsewhere), "it was asked");
    assert_eq!(outcome(&preset.verifier().expect("a runtime"), &link("4")).await, ACCEPTED, "as before");

    let phones = in_memory(Answer::of(jwks_of([&key()])));
    let phonelink = Phonelink::new(CLIENT).expect("a client id").with_fetch(phones.clone());
    phonelink.jwks().expect("a runtime").ready().await.expect("a key set");
    let _all = (phonelink.verifier(), phonelink.layer(), phonelink.validator());
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(phones.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_provider_is_asked_about_a_token_once_for_all() {
    let passkey = passkeyme::token(&passkeyme::claims(json!({})));
    let passkeys = in_memory(Answer::of(r#"{"valid":true,"user":{"id":"user"}}"#));
    let preset = PasskeyMe::new(passkeyme::APP).expect("an app id");
    let preset = preset.with_fetch(passkeys.clone()).with_clock(FixedClock::at_unix(NOW));
    let elsewhere = "https://elsewhere.example/ask";
    let [by_url, by_header] =
        [preset.clone().with_verify_url(elsewhere), preset.clone().with_validate_url(elsewhere)];
    for (asked, name, preset) in
        [(1, "PasskeyMe", &preset), (2, "another URL", &by_url), (3, "another way", &by_header)]
    {
        assert_eq!(outcome(&preset.verifier().expect("good settings"), &passkey).await, ACCEPTED, "{name}");
        assert_eq!(bear(preset.layer().expect("good settings"), &passkey).await, ACCEPTED, "{name}");
        assert_eq!(passkeys.requests(), asked, "{name}");
    }

    let token = link("1");
    let said =
        json!({ "jwtValidateResults": { "claims": claims_with(json!({ "iss": SERVER, "jti": "1" })) } });
    let server = in_memory(Answer::of(said.to_string()));
    let preset = links(&server).validated_remotely("7c9d3b6e-6f0c-4d39-9f2c-6c1b6d6b3f11");
    let moved = preset.clone().with_validate_url(elsewhere);
    for (asked, name, preset) in [(1, "magiclinksdev", &preset), (2, "another URL", &moved)] {
        assert_eq!(outcome(&preset.verifier().expect("good settings"), &token).await, ACCEPTED, "{name}");
        assert_eq!(bear(preset.layer().expect("good settings"), &token).await, ACCEPTED, "{name}");
        assert_eq!(server.requests(), asked, "{name}");
    }
    assert_eq!(server.seen()[1].target, elsewhere);
}
