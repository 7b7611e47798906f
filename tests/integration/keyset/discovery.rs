//! From an issuer to its keys: OpenID Connect Discovery and RFC 8414.

use http::header::{ETAG, IF_NONE_MATCH};
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::jwks::REDISCOVERED_AFTER;

use super::*;
use crate::support::idp::{Idp, in_memory, over_http};
use crate::support::issuer::claims_with;

const TENANT: &str = "https://issuer.example/tenants/one";
const OPENID: &str = "https://issuer.example/tenants/one/.well-known/openid-configuration";
const OAUTH: &str = "https://issuer.example/.well-known/oauth-authorization-server/tenants/one";
const KEYS: &str = "https://keys.example/one";

fn metadata(issuer: &str, jwks_uri: &str) -> Answer {
    Answer::of(
        json!({ "issuer": issuer, "jwks_uri": jwks_uri, "response_types_supported": ["code"] }).to_string(),
    )
}

/// A provider of [`TENANT`] with `key`, that has its document at one of the two places.
fn tenant(place: &str, key: &SigningKey) -> Idp {
    let provider = in_memory(Answer::status(404));
    provider.serve_at(place, metadata(TENANT, KEYS));
    provider.serve_at(KEYS, set_of([key]));
    provider
}

fn discovered(issuer: &str, provider: &Idp) -> Jwks {
    let builder = Jwks::discovery_builder(issuer).expect("a good issuer");
    builder.with_fetch(provider.clone()).spawn().expect("a runtime")
}

fn verifier_of_tenant(jwks: &Jwks) -> Verifier {
    let verifier = Verifier::new(TENANT, AUDIENCE, jwks.clone()).expect("good settings");
    verifier.with_clock(FixedClock::at_unix(NOW))
}

fn tenants_claims() -> serde_json::Value {
    claims_with(json!({ "iss": TENANT }))
}

fn targets(provider: &Idp) -> Vec<String> {
    provider.seen().into_iter().map(|seen| seen.target).collect()
}

#[tokio::test(start_paused = true)]
async fn the_document_is_looked_for_where_openid_and_then_where_oauth_puts_it() {
    let one = key("one");
    for (place, want) in [(OPENID, vec![OPENID, KEYS]), (OAUTH, vec![OPENID, OAUTH, KEYS])] {
        let provider = tenant(place, &one);
        let jwks = discovered(TENANT, &provider);
        jwks.ready().await.expect("a first set");
        assert_eq!(targets(&provider), want);
        assert_eq!(jwks.status().failures, 0, "{place}");
        jwks.refresh_now().await.expect("a good refresh");
        assert_eq!(targets(&provider).last().map(String::as_str), Some(KEYS));
        assert_eq!(provider.requests(), want.len() + 1, "the place is remembered");
        pass(3 * HOUR).await;
        let later = targets(&provider).split_off(want.len() + 1);
        assert!(later.len() > 1 && later.iter().all(|target| target == KEYS), "and stays so: {later:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_with_a_page_or_no_access_for_every_path_does_not_hide_the_oauth_document() {
    for (name, everywhere, found) in [
        ("a page", Answer::of("<html>"), true),
        ("403", Answer::status(403), true),
        ("a redirect", Answer::redirect_to("https://issuer.example/login"), true),
        ("503", Answer::status(503), false),
        ("another issuer's document", metadata("https://other.example", KEYS), false),
    ] {
        let provider = tenant(OAUTH, &key("one"));
        provider.serve(everywhere);
        let jwks = discovered(TENANT, &provider);
        assert_eq!(jwks.refresh_now().await.is_ok(), found, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slash_at_the_end_of_an_issuer_is_part_of_its_name_and_not_of_the_path() {
    let provider = in_memory(Answer::status(404));
    provider.serve_at(OPENID, metadata(&format!("{TENANT}/"), KEYS));
    provider.serve_at(KEYS, set_of([&key("one")]));
    let jwks = discovered(&format!("{TENANT}/"), &provider);
    jwks.ready().await.expect("a first set");

    let without = discovered(TENANT, &provider);
    assert_eq!(without.refresh_now().await.expect_err("another issuer").code(), "issuer_mismatch");
}

#[tokio::test(start_paused = true)]
async fn a_document_that_may_not_be_believed_is_refused_and_its_keys_never_fetched() {
    let loopback = "http://127.0.0.1:1/jwks";
    for (name, issuer, jwks_uri, want) in [
        ("good", TENANT, KEYS, None),
        ("another issuer", "https://issuer.example/tenants/two", KEYS, Some("issuer_mismatch")),
        ("its parent", "https://issuer.example", KEYS, Some("issuer_mismatch")),
        ("a slash more", "https://issuer.example/tenants/one/", KEYS, Some("issuer_mismatch")),
        ("another case", "https://ISSUER.example/tenants/one", KEYS, Some("issuer_mismatch")),
        ("http keys", TENANT, "http://keys.example/one", Some("insecure_url")),
        ("http keys on this machine", TENANT, loopback, Some("insecure_url")),
        ("link-local keys", TENANT, "http://169.254.169.254/one", Some("insecure_url")),
        ("keys in a file", TENANT, "file:///etc/passwd", Some("insecure_url")),
        ("keys with userinfo", TENANT, "https://a:b@keys.example/one", Some("insecure_url")),
        ("a relative URL", TENANT, "/one", Some("insecure_url")),
    ] {
        let provider = in_memory(set_of([&key("one")]));
        provider.serve_at(OPENID, metadata(issuer, jwks_uri));
        let jwks = discovered(TENANT, &provider);
        let answer = jwks.refresh_now().await;
        assert_eq!(answer.as_ref().err().map(tower_jwt_auth::error::JwksError::code), want, "{name}");
        let only_documents = targets(&provider).iter().all(|target| target == OPENID);
        assert_eq!(only_documents, want.is_some(), "{name}");
        assert_eq!(jwks.status().state.is_ready(), want.is_none(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn documents_that_are_none_are_refused() {
    for (name, document, want) in [
        ("HTML", "<html>", "unparsable"),
        ("no issuer", r#"{"jwks_uri":"https://keys.example/one"}"#, "unparsable"),
        ("no jwks_uri", r#"{"issuer":"https://issuer.example/tenants/one"}"#, "unparsable"),
        ("an issuer that is a list", r#"{"issuer":["x"],"jwks_uri":"https://keys.example"}"#, "unparsable"),
    ] {
        let provider = in_memory(Answer::of(document));
        let error = discovered(TENANT, &provider).refresh_now().await.expect_err(name);
        assert_eq!(error.code(), want, "{name}");
    }
    let provider = in_memory(Answer::redirect_to("https://elsewhere.example/"));
    let error = discovered(TENANT, &provider).refresh_now().await.expect_err("a redirect");
    assert_eq!(error.code(), "redirected");
    assert!(targets(&provider).iter().all(|target| target.starts_with("https://issuer.example/")));
}

#[tokio::test(start_paused = true)]
async fn discovery_is_tried_again_in_the_background_until_it_works() {
    let one = key("one");
    let provider = in_memory(Answer::broken());
    let jwks = discovered(TENANT, &provider);
    let verifier = verifier_of_tenant(&jwks);
    pass(10 * MINUTE).await;
    assert_eq!(outcome(&verifier, &one.token(&tenants_claims())).await, refused(AuthErrorKind::KeysPending));
    assert!(provider.requests() > 10);
    provider.serve_at(OPENID, metadata(TENANT, KEYS));
    provider.serve_at(KEYS, set_of([&one]));
    let (ready, took) = timed(jwks.ready()).await;
    assert!(ready.is_ok() && took <= MINUTE, "{took:?}");
    assert_eq!(outcome(&verifier, &one.token(&tenants_claims())).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_jwks_uri_that_moves_is_found_again() {
    let (one, two) = (key("one"), key("two"));
    let provider = tenant(OPENID, &one);
    let jwks = discovered(TENANT, &provider);
    jwks.ready().await.expect("a first set");
    let verifier = verifier_of_tenant(&jwks);
    let moved = "https://keys.example/moved";
    provider.serve_at(KEYS, Answer::status(404));
    provider.serve_at(OPENID, metadata(TENANT, moved));
    provider.serve_at(moved, set_of([&one, &two]));
    pass(68 * MINUTE).await;
    assert_eq!((jwks.status().generation, jwks.status().failures), (2, 0));
    assert_eq!(outcome(&verifier, &one.token(&tenants_claims())).await, Ok(()));
    assert_eq!(outcome(&verifier, &two.token(&tenants_claims())).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_jwks_uri_that_moves_and_leaves_the_old_keys_behind_is_found_again() {
    let (one, two) = (key("one"), key("two"));
    let provider = tenant(OPENID, &one);
    let jwks = discovered(TENANT, &provider);
    jwks.ready().await.expect("a first set");
    let verifier = verifier_of_tenant(&jwks);
    let moved = "https://keys.example/moved";
    provider.serve_at(OPENID, metadata(TENANT, moved));
    provider.serve_at(moved, set_of([&two]));
    let stray = outcome(&verifier, &key("stray").token(&tenants_claims())).await;
    assert_eq!(stray, refused(AuthErrorKind::KeyUnknown));
    pass(31 * SECOND).await;
    assert_eq!(outcome(&verifier, &two.token(&tenants_claims())).await, Ok(()));
}

/// The longest pause between two refreshes.
const INTERVAL: Duration = Duration::from_secs(66 * 60);

fn fetches(provider: &Idp, target: &str) -> usize {
    targets(provider).iter().filter(|seen| *seen == target).count()
}

#[tokio::test(start_paused = true)]
async fn a_jwks_uri_that_moves_is_followed_within_a_day_though_the_old_one_still_answers() {
    let (leaked, kept) = (key("leaked"), key("kept"));
    let provider = tenant(OPENID, &leaked);
    provider.serve_at(KEYS, set_of([&leaked, &kept]).with(ETAG, "\"1\""));
    let jwks = discovered(TENANT, &provider);
    jwks.ready().await.expect("a first set");
    let verifier = verifier_of_tenant(&jwks);
    let [of_leaked, of_kept] = [&leaked, &kept].map(|key| key.token(&tenants_claims()));
    for token in [&of_leaked, &of_kept] {
        assert_eq!(outcome(&verifier, token).await, Ok(()));
    }

    // Somebody has the old place. The new one has another document, under the same tag.
    let moved = "https://keys.example/moved";
    provider.serve_at(OPENID, metadata(TENANT, moved));
    provider.serve_at(moved, set_of([&kept]).with(ETAG, "\"1\""));
    pass(REDISCOVERED_AFTER.saturating_sub(MINUTE)).await;
    assert_eq!((fetches(&provider, OPENID), fetches(&provider, moved)), (1, 0), "not before it is a day old");
    assert!(verifier.verify(&of_leaked).is_ok());
    pass(INTERVAL + 2 * MINUTE).await;
    assert_eq!(fetches(&provider, OPENID), 2);
    assert_eq!((jwks.status().generation, jwks.status().failures), (2, 0));
    let before = fetches(&provider, KEYS);
    pass(5 * HOUR).await;
    assert_eq!(fetches(&provider, KEYS), before, "the old place is forgotten");
    let moved_seen = provider.seen().into_iter().filter(|seen| seen.target == moved);
    let tags: Vec<_> = moved_seen.map(|seen| seen.header(IF_NONE_MATCH).map(str::to_owned)).collect();
    assert_eq!(tags[0], None, "the tag was that of another document");
    assert!(tags.len() > 3 && tags[1..].iter().all(|tag| tag.as_deref() == Some("\"1\"")), "{tags:?}");
    assert_eq!(outcome(&verifier, &of_kept).await, Ok(()));
    assert_eq!(outcome(&verifier, &of_leaked).await, refused(AuthErrorKind::KeyUnknown));
}

#[tokio::test(start_paused = true)]
async fn metadata_that_cannot_be_read_again_do_no_harm_and_are_tried_at_every_refresh() {
    let other = "https://other.example";
    for (name, answer) in [
        ("down", Answer::broken()),
        ("hanging", Answer::hanging()),
        ("slow", metadata(TENANT, "https://keys.example/moved").after(4 * SECOND)),
        ("an error", Answer::status(500)),
        ("gone", Answer::status(404)),
        ("a page", Answer::of("<html>")),
        ("a redirect", Answer::redirect_to(other)),
        ("of another issuer", metadata(other, "https://keys.example/evil")),
        ("keys that may not be fetched", metadata(TENANT, "http://keys.example/one")),
    ] {
        let one = key("one");
        let provider = tenant(OPENID, &one);
        let jwks = discovered(TENANT, &provider);
        jwks.ready().await.expect("a first set");
        provider.serve_at(OPENID, answer);
        pass(REDISCOVERED_AFTER).await;
        assert_eq!(fetches(&provider, OPENID), 1, "{name}");
        let (keys, mut failed) = (fetches(&provider, KEYS), false);
        for _ in 0..4 * 60 {
            pass(MINUTE).await;
            failed |= jwks.status().failures > 0;
        }
        assert!(!failed, "{name}");
        let again = fetches(&provider, KEYS) - keys;
        assert!((3..=5).contains(&again), "{name}: {again}");
        let tried = fetches(&provider, OPENID) - 1;
        assert!(
            tried == again || tried == again + 1,
            "{name}: {tried} beside {again}, one perhaps under way"
        );
        let elsewhere =
            targets(&provider).into_iter().find(|target| ![OPENID, OAUTH, KEYS].contains(&&**target));
        assert_eq!(elsewhere, None, "{name}");

        let two = key("two");
        provider.serve_at(OPENID, metadata(TENANT, "https://keys.example/two"));
        provider.serve_at("https://keys.example/two", set_of([&two]));
        pass(INTERVAL).await;
        let verifier = verifier_of_tenant(&jwks);
        assert_eq!(outcome(&verifier, &two.token(&tenants_claims())).await, Ok(()), "{name}: its end");
    }
}

#[tokio::test(start_paused = true)]
async fn metadata_are_read_again_once_a_day_and_neither_for_a_token_nor_on_demand() {
    let one = key("one");
    let provider = tenant(OPENID, &one);
    provider.serve_at(KEYS, set_of([&one]).with(ETAG, "\"1\""));
    let jwks = discovered(TENANT, &provider);
    jwks.ready().await.expect("a first set");
    for day in 1..=3 {
        let before = fetches(&provider, KEYS);
        pass(REDISCOVERED_AFTER).await;
        let keys = fetches(&provider, KEYS) - before;
        assert!((21..=28).contains(&keys), "day {day}: {keys}");
    }
    assert_eq!(fetches(&provider, OPENID), 3);
    let seen = provider.seen();
    let untagged = seen.iter().filter(|seen| seen.target == KEYS && seen.header(IF_NONE_MATCH).is_none());
    assert_eq!(untagged.count(), 1, "the place has not changed, and nor has what was seen there");

    let provider = tenant(OPENID, &key("one"));
    let jwks = discovered(TENANT, &provider);
    jwks.ready().await.expect("a first set");
    pass(REDISCOVERED_AFTER).await;
    let before = fetches(&provider, KEYS);
    jwks.refresh_now().await.expect("a good refresh");
    let stray = outcome(&verifier_of_tenant(&jwks), &key("stray").token(&tenants_claims())).await;
    assert_eq!(stray, refused(AuthErrorKind::KeyUnknown));
    assert_eq!((fetches(&provider, KEYS), fetches(&provider, OPENID)), (before + 2, 1));
}

#[tokio::test(start_paused = true)]
async fn keys_that_were_discovered_for_one_issuer_verify_for_no_other() {
    let jwks = discovered(TENANT, &tenant(OPENID, &key("one")));
    for (issuer, good) in
        [(TENANT, true), ("https://issuer.example/tenants/one/", false), ("https://issuer.example", false)]
    {
        assert_eq!(Verifier::new(issuer, AUDIENCE, jwks.clone()).is_ok(), good, "{issuer}");
    }
}

#[tokio::test(start_paused = true)]
async fn discovery_and_keys_together_take_5_s_at_most() {
    let one = key("one");
    for (each, good) in [(SECOND * 24 / 10, true), (SECOND * 26 / 10, false)] {
        let provider = in_memory(set_of([&one]).after(each));
        provider.serve_at(OPENID, metadata(TENANT, KEYS).after(each));
        let jwks = discovered(TENANT, &provider);
        let (answer, took) = timed(async {
            let mut changes = jwks.changes();
            changes.changed().await.expect("a refresh")
        })
        .await;
        assert_eq!(answer.failures == 0, good, "{each:?}");
        assert!(took <= SECOND * 501 / 100, "{took:?}");
    }
}

#[tokio::test]
async fn an_issuer_is_a_url_that_may_be_fetched_without_query_or_fragment() {
    for (issuer, good) in [
        ("https://issuer.example", true),
        ("https://issuer.example/tenant", true),
        ("http://localhost:8080", true),
        ("http://issuer.example", false),
        ("https://issuer.example?tenant=one", false),
        ("https://issuer.example#one", false),
        ("https://user@issuer.example", false),
        ("issuer.example", false),
        ("", false),
    ] {
        assert_eq!(Jwks::discovery_builder(issuer).is_ok(), good, "{issuer}");
    }
}

#[tokio::test]
async fn a_layer_needs_nothing_but_the_issuer_over_real_http() {
    for place in
        ["/realms/one/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/realms/one"]
    {
        let one = key("one");
        let idp = over_http(Answer::status(404)).await;
        let issuer = idp.url("/realms/one");
        idp.serve_at(place, metadata(&issuer, &idp.url("/keys")));
        idp.serve_at("/keys", set_of([&one]));
        let layer = JwtAuthLayer::discover(&issuer, AUDIENCE).expect("a good issuer");
        let far = u32::MAX;
        let good = json!({ "iss": issuer, "nbf": null, "iat": null, "exp": far });
        let other = json!({ "iss": ISSUER, "nbf": null, "iat": null, "exp": far });
        for (claims, want) in [(good, StatusCode::OK), (other, StatusCode::UNAUTHORIZED)] {
            let token = one.token(&claims_with(claims));
            let inside =
                service_fn(async |_: Request<String>| Ok::<_, Infallible>(Response::new(String::new())));
            let request = Request::get("/").header("authorization", format!("Bearer {token}"));
            let request = request.body(String::new()).expect("a request");
            let response = layer.layer(inside).oneshot(request).await.expect("an answer");
            assert_eq!(response.status(), want, "{place}");
        }
    }
}
