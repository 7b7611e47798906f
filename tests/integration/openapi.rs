//! What a layer asks for, read by the crates that write OpenAPI.

use std::collections::BTreeMap;

use aide::openapi as aide;
use serde_json::{Value, json};
use tower_jwt_auth::binding::{ClientCertificates, Dpop};
use tower_jwt_auth::error::ConfigError;
use tower_jwt_auth::jwks::Jwks;
use tower_jwt_auth::openapi::SecuritySchemes;
use tower_jwt_auth::source::TokenSources;
use tower_jwt_auth::verify::Profile;
use tower_jwt_auth::{JwtAuthLayer, Verifier};
use utoipa::openapi::security as utoipa;

use super::resource::document_of;
use crate::support::app::{App, Canned, get, verifier};
use crate::support::issuer::{AUDIENCE, ISSUER, jwks_of, shared_key};

fn layer() -> JwtAuthLayer {
    JwtAuthLayer::new(verifier())
}

fn discovered(issuer: &str) -> JwtAuthLayer {
    let keys = Jwks::discovery_builder(issuer).expect("an issuer").with_fetch(Canned(String::new()));
    let keys = keys.spawn().expect("a runtime");
    JwtAuthLayer::new(Verifier::new(issuer, AUDIENCE, keys).expect("a policy"))
}

fn json_of(schemes: &SecuritySchemes) -> Value {
    serde_json::to_value(schemes).expect("JSON")
}

fn bearer() -> Value {
    json!({ "type": "http", "scheme": "bearer", "bearerFormat": "JWT" })
}

/// Layers and what they come to: their schemes, and what they require.
fn cases() -> Vec<(&'static str, JwtAuthLayer, Value, Value)> {
    let query = |name: &str| json!({ "type": "apiKey", "in": "query", "name": name });
    let cookie = |name: &str| json!({ "type": "apiKey", "in": "cookie", "name": name });
    let others =
        TokenSources::default().with_cookie("session").expect("a name").with_query("token").expect("a name");
    let openid = "https://login.example.com/.well-known/openid-configuration";
    let certificate = json!({ "type": "mutualTLS" });
    let of_header = |certificates: ClientCertificates| {
        layer().with_sources(TokenSources::bearer_only()).with_client_certificates(certificates)
    };
    let keys = Jwks::from_json(jwks_of([shared_key()])).expect("a key set");
    let second = JwtAuthLayer::new(Verifier::new("https://b.example", AUDIENCE, keys).expect("a policy"));
    vec![
        (
            "everything that is read by default",
            layer(),
            json!({ "bearer": bearer(), "query": query("jwt"), "cookie": cookie("__Host-jwt") }),
            json!([{ "bearer": [] }, { "query": [] }, { "cookie": [] }]),
        ),
        (
            "the header alone",
            layer().with_sources(TokenSources::bearer_only()),
            json!({ "bearer": bearer() }),
            json!([{ "bearer": [] }]),
        ),
        (
            "a token that is optional",
            layer().with_sources(TokenSources::bearer_only()).optional(),
            json!({ "bearer": bearer() }),
            json!([{ "bearer": [] }, {}]),
        ),
        (
            "other names",
            layer().with_sources(others.clone().without_bearer()),
            json!({ "query": query("token"), "cookie": cookie("session") }),
            json!([{ "query": [] }, { "cookie": [] }]),
        ),
        (
            "a provider that was discovered",
            discovered("https://login.example.com").with_sources(TokenSources::bearer_only()),
            json!({ "bearer": bearer(), "openid": { "type": "openIdConnect", "openIdConnectUrl": openid } }),
            json!([{ "bearer": [] }, { "openid": [] }]),
        ),
        (
            "a certificate with every token",
            layer().with_client_certificates(ClientCertificates::of_connection().required()),
            json!({
                "bearer": bearer(), "query": query("jwt"), "cookie": cookie("__Host-jwt"), "certificate": certificate,
            }),
            json!([
                { "bearer": [], "certificate": [] },
                { "query": [], "certificate": [] },
                { "cookie": [], "certificate": [] },
            ]),
        ),
        (
            "a certificate with a token that is optional",
            of_header(ClientCertificates::of_client_cert_header().required()).optional(),
            json!({ "bearer": bearer(), "certificate": certificate }),
            json!([{ "bearer": [], "certificate": [] }, {}]),
        ),
        (
            "a certificate with a token that is bound to it",
            of_header(ClientCertificates::of_connection()),
            json!({ "bearer": bearer(), "certificate": certificate }),
            json!([{ "bearer": [] }, { "bearer": [], "certificate": [] }]),
        ),
        (
            "two, one of which requires a certificate",
            JwtAuthLayer::any_of([
                of_header(ClientCertificates::of_connection().required()),
                second.clone().with_sources(TokenSources::bearer_only()),
            ])
            .expect("two issuers"),
            json!({ "bearer": bearer(), "certificate": certificate }),
            json!([{ "bearer": [], "certificate": [] }, { "bearer": [] }]),
        ),
        (
            "two that differ in a cookie",
            JwtAuthLayer::any_of([layer(), second.with_sources(others.without_query())])
                .expect("two issuers"),
            json!({
                "bearer": bearer(), "query": query("jwt"), "cookie": cookie("__Host-jwt"), "cookie_2": cookie("session"),
            }),
            json!([{ "bearer": [] }, { "query": [] }, { "cookie": [] }, { "cookie_2": [] }]),
        ),
    ]
}

#[tokio::test]
async fn a_scheme_stands_for_each_place_that_is_read_and_for_no_other() {
    for (name, layer, schemes, requirements) in cases() {
        let described = layer.security_schemes();
        assert_eq!(json_of(&described), schemes, "{name}");
        let required = serde_json::to_value(described.requirements().expect("some")).expect("JSON");
        assert_eq!(required, requirements, "{name}");
    }
}

#[tokio::test]
async fn utoipa_and_aide_read_every_scheme_and_write_the_same() -> Result<(), ConfigError> {
    for (name, layer, schemes, requirements) in cases() {
        let described = layer.security_schemes();
        let of_utoipa: BTreeMap<String, utoipa::SecurityScheme> = described.convert()?;
        let of_aide: BTreeMap<String, aide::ReferenceOr<aide::SecurityScheme>> = described.convert()?;
        assert_eq!(serde_json::to_value(of_utoipa).expect("JSON"), schemes, "{name}");
        assert_eq!(serde_json::to_value(of_aide).expect("JSON"), schemes, "{name}");
        for (each, scheme) in described.iter() {
            let one: aide::SecurityScheme = scheme.convert()?;
            assert_eq!(serde_json::to_value(one).expect("JSON"), schemes[each], "{name}");
        }
        let of_utoipa: Vec<utoipa::SecurityRequirement> = described.requirements()?.convert()?;
        let of_aide: Vec<aide::SecurityRequirement> = described.requirements()?.convert()?;
        assert_eq!(serde_json::to_value(of_utoipa).expect("JSON"), requirements, "{name}");
        assert_eq!(serde_json::to_value(of_aide).expect("JSON"), requirements, "{name}");
    }
    Ok(())
}

#[test]
fn a_type_that_has_no_such_scheme_is_told_so() {
    let schemes = layer().security_schemes();
    assert!(schemes.convert::<Vec<String>>().is_err());
    assert!(schemes.requirements().expect("some").convert::<BTreeMap<String, String>>().is_err());
    assert!(schemes.without("bearer").convert::<BTreeMap<String, utoipa::SecurityScheme>>().is_ok());
}

/// An empty list of requirements is that of an API that anybody may use.
#[test]
fn where_no_scheme_is_there_or_left_nothing_is_said_instead_of_open_to_all() {
    let none = TokenSources::bearer_only().without_bearer();
    let proofs = Dpop::new("https://api.example.com").expect("an origin").required();
    let proven = layer().with_dpop(proofs).security_schemes();
    assert!(proven.requirements().is_ok());
    for (name, schemes) in [
        ("a source that OpenAPI has no word for", layer().with_sources(none.clone()).security_schemes()),
        ("the same, optional", layer().with_sources(none).optional().security_schemes()),
        ("proofs, without the one scheme that they come by", proven.without("dpop")),
    ] {
        assert!(schemes.requirements().is_err(), "{name}");
    }
}

/// Where a token is sent in vain, nobody is told to send one.
#[tokio::test]
async fn what_is_always_refused_is_not_offered() {
    let dpop = || Dpop::new("https://api.example.com").expect("an origin");
    let fapi = || JwtAuthLayer::new(verifier().with_profile(Profile::Fapi2).expect("algorithms in common"));
    let certificates = ClientCertificates::of_connection;
    let bound =
        json!([{ "bearer": [], "certificate": [] }, { "dpop": [] }, { "dpop": [], "certificate": [] }]);
    let proven = json!([{ "dpop": [] }]);
    let proofs_only = || TokenSources::bearer_only().without_bearer();
    for (name, layer, want) in [
        ("proofs of all", layer().with_dpop(dpop().required()), proven.clone()),
        ("proofs alone", layer().with_sources(proofs_only()).with_dpop(dpop()), proven.clone()),
        ("the same, the other way", layer().with_dpop(dpop()).with_sources(proofs_only()), proven.clone()),
        (
            "bearers again",
            layer().with_dpop(dpop()).with_sources(proofs_only()).with_sources(TokenSources::bearer_only()),
            json!([{ "bearer": [] }, { "dpop": [] }]),
        ),
        ("FAPI 2.0 with proofs", fapi().with_dpop(dpop()), proven.clone()),
        (
            "FAPI 2.0 with certificates",
            fapi().with_client_certificates(certificates()),
            json!([{ "bearer": [], "certificate": [] }]),
        ),
        (
            "FAPI 2.0 with either, without bearers",
            fapi()
                .with_dpop(dpop())
                .with_client_certificates(certificates())
                .with_sources(TokenSources::default().without_bearer()),
            json!([{ "dpop": [] }, { "dpop": [], "certificate": [] }]),
        ),
        (
            "FAPI 2.0 with either",
            fapi().with_dpop(dpop()).with_client_certificates(certificates()),
            bound.clone(),
        ),
        ("the same, the other way", fapi().with_client_certificates(certificates()).with_dpop(dpop()), bound),
    ] {
        let schemes = layer.security_schemes();
        assert_eq!(
            serde_json::to_value(schemes.requirements().expect("some")).expect("JSON"),
            want,
            "{name}"
        );
        let metadata = layer.describe_resource("https://api.example.com").expect("a resource");
        let metadata = document_of(&metadata).await;
        let only_proofs = !want.to_string().contains("bearer");
        assert_eq!(metadata["dpop_bound_access_tokens_required"] == true, only_proofs, "{name}");
        assert_eq!(metadata["bearer_methods_supported"].is_null(), only_proofs, "{name}: {metadata}");
        let challenges = App::behind(layer).answer(get("/", &[])).await;
        let challenges =
            challenges.headers.get_all("www-authenticate").iter().map(|line| line.to_str().expect("text"));
        let bearers = challenges.filter(|line| line.starts_with("Bearer")).count();
        assert_eq!(bearers == 0, only_proofs, "{name}");
    }
}

#[test]
fn scopes_are_asked_for_in_every_alternative_and_never_of_nobody() -> Result<(), ConfigError> {
    let schemes = layer().optional().security_schemes().without("query");
    let scoped = schemes.requirements()?.with_scopes(["items:read", "items:write"]);
    let both = ["items:read", "items:write"];
    let want = json!([{ "bearer": both }, { "cookie": both }]);
    assert_eq!(serde_json::to_value(scoped).expect("JSON"), want);
    let unscoped = schemes.requirements()?.with_scopes([] as [&str; 0]);
    assert_eq!(unscoped, schemes.requirements()?);

    // A certificate has none.
    let certificates = ClientCertificates::of_connection().required();
    let schemes = layer().optional().with_client_certificates(certificates).security_schemes();
    let scoped = schemes.without("query").without("cookie").requirements()?.with_scopes(both);
    let want = json!([{ "bearer": both, "certificate": [] }]);
    assert_eq!(serde_json::to_value(scoped).expect("JSON"), want);
    Ok(())
}

#[tokio::test]
async fn the_metadata_of_a_provider_is_where_discovery_looks_for_it() {
    for issuer in ["https://login.example.com/realms/a", "https://login.example.com/realms/a/"] {
        let schemes = json_of(&discovered(issuer).security_schemes());
        let url = "https://login.example.com/realms/a/.well-known/openid-configuration";
        assert_eq!(schemes["openid"]["openIdConnectUrl"], url, "{issuer}");
    }
    let given = json_of(&layer().security_schemes());
    assert_eq!(given.get("openid"), None, "{ISSUER} was not asked");
}
