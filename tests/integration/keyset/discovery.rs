//! From an issuer to its keys: OpenID Connect Discovery and RFC 8414.

use tower_jwt_auth::JwtAuthLayer;

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
