//! What a resource says of itself, and where its challenges say that it is.

mod place;

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use http::{Method, Request};
use serde_json::{Value, json};
use tower_jwt_auth::binding::{ClientCertificates, Dpop};
use tower_jwt_auth::error::ConfigError;
use tower_jwt_auth::jwks::Jwks;
use tower_jwt_auth::resource::{ResourceMetadata, WELL_KNOWN_PATH};
use tower_jwt_auth::source::TokenSources;
use tower_jwt_auth::token::{Algorithm, AlgorithmSet};
use tower_jwt_auth::verify::Tenants;
use tower_jwt_auth::{JwtAuthLayer, Verifier};

use crate::support::app::{Answer, App, Place, get, request, verifier};
use crate::support::issuer::{AUDIENCE, ISSUER, good_claims, jwks_of, shared_key};

const RESOURCE: &str = "https://api.example.com/mcp";
const URL: &str = "https://api.example.com/.well-known/oauth-protected-resource/mcp";
const PATH: &str = "/.well-known/oauth-protected-resource/mcp";

fn layer() -> JwtAuthLayer {
    JwtAuthLayer::new(verifier())
}

fn layer_of(issuer: &str) -> JwtAuthLayer {
    let keys = Jwks::from_json(jwks_of([shared_key()])).expect("a key set");
    JwtAuthLayer::new(Verifier::new(issuer, AUDIENCE, keys).expect("a policy"))
}

async fn answer_of(metadata: &ResourceMetadata, method: Method) -> Answer {
    let app = App::of(Router::new().route_service(metadata.path(), metadata.service()));
    app.answer(request(method, metadata.path(), &[])).await
}

pub async fn document_of(metadata: &ResourceMetadata) -> Value {
    serde_json::from_str(&answer_of(metadata, Method::GET).await.body).expect("JSON")
}

#[tokio::test]
async fn a_resource_of_which_nothing_is_known_says_its_name_and_leaves_the_rest_out()
-> Result<(), ConfigError> {
    let metadata = ResourceMetadata::new(RESOURCE)?;
    assert_eq!((metadata.resource(), metadata.url(), metadata.path()), (RESOURCE, URL, PATH));
    assert_eq!(document_of(&metadata).await, json!({ "resource": RESOURCE }));
    let emptied = metadata
        .with_scopes([] as [&str; 0])?
        .with_name("")
        .with_dpop_algorithms([])?
        .with_bearer_methods_of(&TokenSources::default().without_bearer());
    assert_eq!(document_of(&emptied).await, json!({ "resource": RESOURCE }));
    Ok(())
}

#[tokio::test]
async fn everything_that_is_set_is_in_the_document() -> Result<(), ConfigError> {
    let metadata = ResourceMetadata::new(RESOURCE)?
        .with_authorization_server("https://login.example.com")?
        .with_authorization_server("https://other.example.com/realms/a")?
        .with_authorization_server("https://login.example.com")?
        .with_scopes(["items:read", "items:write", "items:read"])?
        .with_bearer_methods_of(&TokenSources::bearer_only())
        .with_name("Items \"& more\"")
        .with_documentation("https://docs.example.com/items?v=2#auth")?
        .with_certificate_bound_tokens()
        .with_dpop_algorithms([Algorithm::Es256, Algorithm::EdDsa])?
        .with_dpop_required()
        .with_member("resource_name#de", "Dinge")?
        .with_member("x_limits", json!({ "per_minute": 60 }))?;
    let want = json!({
        "resource": RESOURCE,
        "authorization_servers": ["https://login.example.com", "https://other.example.com/realms/a"],
        "scopes_supported": ["items:read", "items:write"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Items \"& more\"",
        "resource_documentation": "https://docs.example.com/items?v=2#auth",
        "tls_client_certificate_bound_access_tokens": true,
        "dpop_signing_alg_values_supported": ["ES256", "EdDSA", "Ed25519"],
        "dpop_bound_access_tokens_required": true,
        "resource_name#de": "Dinge",
        "x_limits": { "per_minute": 60 },
    });
    assert_eq!(document_of(&metadata).await, want);
    Ok(())
}

#[test]
fn what_cannot_be_in_a_document_is_refused_when_it_is_set() -> Result<(), ConfigError> {
    let metadata = ResourceMetadata::new(RESOURCE)?;
    for resource in
        ["http://api.example.com", "https://api.example.com/a#b", "https://api.example.com/a?b", "api"]
    {
        assert!(ResourceMetadata::new(resource).is_err(), "{resource}");
    }
    for issuer in
        ["http://login.example.com", "https://login.example.com?a", "https://login.example.com#a", "x"]
    {
        assert!(metadata.clone().with_authorization_server(issuer).is_err(), "{issuer}");
    }
    for scope in ["", "a b", "a\"b", "offline_access"] {
        assert!(metadata.clone().with_scopes([scope]).is_err(), "{scope}");
    }
    assert!(metadata.clone().with_documentation("docs").is_err());
    assert!(metadata.clone().with_documentation("https://docs.example.com").is_ok());
    assert!(metadata.clone().with_dpop_algorithms([Algorithm::Hs256]).is_err());
    assert!(metadata.clone().with_dpop_algorithms([Algorithm::EdDsa]).is_ok());
    for (name, value) in [
        ("resource", json!("https://evil.example")),
        ("authorization_servers", json!(["https://evil.example"])),
        ("signed_metadata", json!("a.b.c")),
        ("", json!(1)),
        ("resource_policy_uri", Value::Null),
        ("resource_policy_uri", json!([])),
    ] {
        assert!(metadata.clone().with_member(name, value).is_err(), "{name}");
    }
    assert!(metadata.with_member("resource_policy_uri", "https://api.example.com/policy").is_ok());
    Ok(())
}

#[tokio::test]
async fn the_document_is_for_every_page_and_for_reading_only() -> Result<(), ConfigError> {
    let metadata = ResourceMetadata::new(RESOURCE)?;
    let get = answer_of(&metadata, Method::GET).await;
    assert_eq!(get.status, 200);
    assert_eq!(get.header("content-type"), Some("application/json"));
    assert_eq!(get.header("cache-control"), Some("public, max-age=3600"));
    let length = get.body.len().to_string();

    let head = answer_of(&metadata, Method::HEAD).await;
    assert_eq!((head.status, &*head.body), (200, ""));
    assert_eq!(head.header("content-type"), Some("application/json"));
    assert_eq!(head.header("content-length"), Some(&*length));

    let preflight = answer_of(&metadata, Method::OPTIONS).await;
    assert_eq!((preflight.status, &*preflight.body), (204, ""));
    assert_eq!(preflight.header("access-control-allow-methods"), Some("GET, HEAD, OPTIONS"));
    assert_eq!(preflight.header("access-control-allow-headers"), Some("*"));

    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::TRACE] {
        let other = answer_of(&metadata, method.clone()).await;
        assert_eq!((other.status, &*other.body), (405, ""), "{method}");
        assert_eq!(other.header("allow"), Some("GET, HEAD, OPTIONS"), "{method}");
        assert_eq!(other.header("access-control-allow-origin"), Some("*"), "{method}");
    }
    for answer in [get, head, preflight] {
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
    Ok(())
}

#[tokio::test]
async fn the_service_answers_without_a_router_too() -> Result<(), ConfigError> {
    use tower::ServiceExt;
    let metadata = ResourceMetadata::new(RESOURCE)?;
    let request = Request::get("/anything").body(String::new()).expect("a request");
    let response = metadata.service().oneshot(request).await.unwrap_or_else(|never| match never {});
    assert_eq!(response.body(), &json!({ "resource": RESOURCE }).to_string());
    Ok(())
}

#[tokio::test]
async fn a_layer_fills_in_what_it_knows() -> Result<(), ConfigError> {
    let described = |layer: JwtAuthLayer| async move {
        document_of(&layer.describe_resource(RESOURCE).expect("metadata")).await
    };
    let with = |sources: TokenSources| layer().with_sources(sources);
    let want = |methods: &[&str]| match methods {
        [] => json!({ "resource": RESOURCE, "authorization_servers": [ISSUER] }),
        _ => json!({
            "resource": RESOURCE, "authorization_servers": [ISSUER], "bearer_methods_supported": methods,
        }),
    };
    // A cookie, and a parameter of another name, are no methods of RFC 6750.
    assert_eq!(described(layer()).await, want(&["header"]));
    assert_eq!(described(with(TokenSources::bearer_only())).await, want(&["header"]));
    let standard = TokenSources::bearer_only().with_query("access_token")?;
    assert_eq!(described(with(standard.clone())).await, want(&["header", "query"]));
    assert_eq!(described(with(standard.without_bearer())).await, want(&["query"]));
    assert_eq!(described(with(TokenSources::default().without_bearer())).await, want(&[]));

    let two = JwtAuthLayer::any_of([layer(), layer_of("https://other.example"), layer_of("no-url")])?;
    let servers = &described(two).await["authorization_servers"];
    assert_eq!(
        *servers,
        json!([ISSUER, "https://other.example"]),
        "an issuer that is no URL serves no metadata"
    );

    let keys = || Jwks::from_json(jwks_of([shared_key()]));
    let [one, other] =
        ["https://one.example", "https://two.example"].map(|issuer| Verifier::new(issuer, AUDIENCE, keys()?));
    let servers =
        &described(JwtAuthLayer::new(Verifier::any_of([one?, other?])?)).await["authorization_servers"];
    assert_eq!(*servers, json!(["https://one.example", "https://two.example"]));

    let anybodys = JwtAuthLayer::new(verifier().insecure_accept_any_issuer());
    assert!(anybodys.describe_resource(RESOURCE).is_err());
    let tenants = Tenants::new("https://login.example.com/{tenant}", AUDIENCE, |_| true)?;
    assert!(JwtAuthLayer::new(tenants).describe_resource(RESOURCE).is_err());
    assert!(layer().describe_resource("http://api.example.com").is_err());
    Ok(())
}

#[tokio::test]
async fn a_layer_tells_of_the_bindings_that_it_takes() -> Result<(), ConfigError> {
    let dpop = |algorithms: &[Algorithm]| {
        let algorithms: AlgorithmSet = algorithms.iter().copied().collect();
        Dpop::new("https://api.example.com").and_then(|dpop| dpop.with_algorithms(algorithms))
    };
    let (one, other) =
        (dpop(&[Algorithm::Es256, Algorithm::Ps256])?, dpop(&[Algorithm::Es256, Algorithm::EdDsa])?);
    let certificates = layer().with_client_certificates(ClientCertificates::of_connection());
    let of_the_other = layer_of("https://other.example").with_dpop(other);
    let two = JwtAuthLayer::any_of([layer().with_dpop(one.clone().required()), of_the_other])?;
    for (name, layer, schemes, told) in [
        ("none", layer(), "bearer", json!([["header"], null, null, null])),
        (
            "proofs",
            layer().with_dpop(one.clone()),
            "bearer dpop",
            json!([["header"], ["PS256", "ES256"], null, null]),
        ),
        (
            "proofs alone",
            layer().with_dpop(one.required()),
            "dpop",
            json!([null, ["PS256", "ES256"], true, null]),
        ),
        ("certificates", certificates, "bearer certificate", json!([["header"], null, null, true])),
        ("two", two, "dpop bearer", json!([["header"], ["PS256", "ES256", "EdDSA", "Ed25519"], null, null])),
    ] {
        let document = document_of(&layer.describe_resource(RESOURCE)?).await;
        let members = [
            "bearer_methods_supported",
            "dpop_signing_alg_values_supported",
            "dpop_bound_access_tokens_required",
            "tls_client_certificate_bound_access_tokens",
        ];
        let got: Vec<_> =
            members.iter().map(|member| document.get(member).cloned().unwrap_or_default()).collect();
        assert_eq!(json!(got), told, "{name}");
        let described = layer.security_schemes().without("query").without("cookie");
        let names: Vec<_> = described.iter().map(|(name, _)| name).collect();
        assert_eq!(names.join(" "), schemes, "{name}");
    }
    Ok(())
}

fn challenge(answer: &Answer) -> &str {
    answer.header("www-authenticate").expect("a challenge")
}

#[tokio::test]
async fn challenges_say_where_the_metadata_is_and_which_scopes_to_ask_for() -> Result<(), ConfigError> {
    let metadata = ResourceMetadata::new(RESOURCE)?;
    let layer = layer().with_resource_metadata(&metadata).with_scope_hint(["items:read", "openid"])?;
    let app = App::behind(layer);
    let says = |answer: &Answer, parameter: &str| challenge(answer).contains(parameter);
    let (scope, place) = ("scope=\"items:read openid\"", format!("resource_metadata=\"{URL}\""));
    for (status, request, has_scope) in [
        (401, get("/", &[]), true),
        (401, Place::Header.carry(Method::GET, "x"), true),
        (400, get("/", &[("authorization", "Bearer")]), false),
    ] {
        let answer = app.answer(request).await;
        assert_eq!(answer.status, status);
        assert!(says(&answer, &place), "{}", challenge(&answer));
        assert_eq!(says(&answer, scope), has_scope, "{}", challenge(&answer));
    }
    let good = Place::Header.carry(Method::GET, &shared_key().token(&good_claims()));
    let answer = app.answer(good).await;
    assert_eq!((answer.status, answer.header("www-authenticate")), (200, None));
    Ok(())
}

#[test]
fn a_hint_is_one_or_more_scopes_that_a_resource_can_need() {
    for scopes in [&[] as &[&str], &[""], &["a b"], &["a\"b"], &["read", "offline_access"]] {
        assert!(layer().with_scope_hint(scopes.iter().copied()).is_err(), "{scopes:?}");
    }
    assert!(layer().with_scope_hint(["read"]).is_ok());
}

#[tokio::test]
async fn each_of_several_layers_tells_of_its_own_resource() -> Result<(), ConfigError> {
    let of = |layer: JwtAuthLayer, resource: &str| -> Result<JwtAuthLayer, ConfigError> {
        Ok(layer.with_resource_metadata(&ResourceMetadata::new(resource)?))
    };
    let other = layer_of("https://other.example");
    let app = App::behind(JwtAuthLayer::any_of([
        of(layer(), "https://one.example")?,
        of(other, "https://two.example")?.with_scope_hint(["two"])?,
    ])?);
    let mut claims = good_claims();
    claims["exp"] = json!(1);
    let expired = shared_key().token(&claims);
    claims["iss"] = json!("https://other.example");
    let of_the_other = shared_key().token(&claims);
    for (request, host, has_hint) in [
        (get("/", &[]), "one", false),
        (Place::Header.carry(Method::GET, &expired), "one", false),
        (Place::Header.carry(Method::GET, &of_the_other), "two", true),
    ] {
        let answer = app.answer(request).await;
        let place = format!("resource_metadata=\"https://{host}.example{WELL_KNOWN_PATH}\"");
        assert!(challenge(&answer).ends_with(&place), "{}", challenge(&answer));
        assert_eq!(challenge(&answer).contains("scope=\"two\""), has_hint);
    }
    Ok(())
}

#[tokio::test]
async fn the_metadata_beside_the_layer_needs_no_token_and_what_is_behind_it_does() -> Result<(), ConfigError>
{
    let auth = layer().with_sources(TokenSources::bearer_only());
    let metadata = auth.describe_resource("https://api.example.com/mcp")?;
    let router = Router::new()
        .route("/mcp", post("tools"))
        .layer(auth.with_resource_metadata(&metadata))
        .route_service(metadata.path(), metadata.service())
        .route_service(WELL_KNOWN_PATH, metadata.service());
    let app = App::of(router);
    for path in [PATH, WELL_KNOWN_PATH] {
        let answer = app.answer(get(path, &[])).await;
        let document: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!((answer.status, &document["resource"]), (200, &json!(RESOURCE)), "{path}");
    }
    let refused = app.answer(request(Method::POST, "/mcp", &[])).await;
    assert_eq!(refused.status, 401);
    let named = challenge(&refused).split('"').find(|part| part.starts_with("https://")).expect("a URL");
    let uri: http::Uri = named.parse().expect("a URL");
    assert_eq!(
        app.answer(Request::get(uri.path()).body(Body::empty()).expect("a request")).await.status,
        200
    );
    let bearer = format!("Bearer {}", shared_key().token(&good_claims()));
    let answer = app.answer(request(Method::POST, "/mcp", &[("authorization", &bearer)])).await;
    assert_eq!((answer.status, &*answer.body), (200, "tools"));
    Ok(())
}

#[test]
fn a_layer_says_that_it_is_described_and_what_it_hints_at() -> Result<(), ConfigError> {
    let bare = format!("{:?}", layer());
    let metadata = ResourceMetadata::new(RESOURCE)?;
    let told = format!("{:?}", layer().with_resource_metadata(&metadata).with_scope_hint(["a", "b"])?);
    let added = format!("; scopes to ask for: a b; described at {URL})");
    assert_eq!(told, format!("{}{added}", bare.trim_end_matches(')')));
    Ok(())
}
