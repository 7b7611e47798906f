//! What those who are not let in are told.

use axum::Router;
use axum::routing::any;
use http::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tower_jwt_auth::authorize::require_scopes;
use tower_jwt_auth::error::{AuthErrorKind, ConfigError};
use tower_jwt_auth::jwks::Jwks;
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::{Claims, JwtAuthLayer, Verifier};

use crate::support::app::{Answer, App, Place, User, get, request, verifier};
use crate::support::issuer::{SigningKey, claims_with, good_claims, jwks_of, shared_key};

fn expired_token() -> String {
    shared_key().token(&claims_with(json!({ "exp": 1 })))
}

/// One way into each refusal that the default app can give.
pub(crate) fn refusals() -> Vec<(AuthErrorKind, http::Request<axum::body::Body>)> {
    use AuthErrorKind as Kind;
    let key = shared_key();
    let unknown = SigningKey::generate(Algorithm::Es256, "unknown");
    let token = |changes: Value| key.token(&claims_with(changes));
    let header = |members: Value| {
        let mut header = key.header();
        header.as_object_mut().expect("an object").extend(members.as_object().expect("members").clone());
        key.token_with_header(&header, &good_claims())
    };
    let good = token(json!({}));
    let (input, _) = good.rsplit_once('.').expect("a signature");
    let cookie = format!("__Host-jwt={good}");
    let cross_site = [("cookie", &*cookie), ("sec-fetch-site", "cross-site")];
    let by_header = |token: &str| Place::Header.carry(Method::GET, token);
    vec![
        (Kind::TokenMissing, get("/", &[])),
        (Kind::CredentialsMalformed, get("/", &[("authorization", "Bearer")])),
        (Kind::CredentialsConflict, get("/?jwt=a&jwt=b", &[])),
        (Kind::CrossSiteRequest, request(Method::POST, "/", &cross_site)),
        (Kind::TokenTooLarge, by_header(&"A".repeat(1 << 20))),
        (Kind::TokenMalformed, by_header("x")),
        (Kind::TokenEncrypted, by_header("a.b.c.d.e")),
        (Kind::HeaderUnsupported, by_header(&header(json!({ "crit": ["exp"] })))),
        (Kind::AlgorithmUnsupported, by_header(&header(json!({ "alg": "none" })))),
        (Kind::TypeMismatch, by_header(&header(json!({ "typ": "dpop+jwt" })))),
        (Kind::KeyUnknown, by_header(&unknown.token(&good_claims()))),
        (Kind::SignatureInvalid, by_header(&format!("{input}.AAAA"))),
        (Kind::TokenExpired, by_header(&expired_token())),
        (Kind::TokenNotYetValid, by_header(&token(json!({ "nbf": 1_900_000_000 })))),
        (Kind::IssuerMismatch, by_header(&token(json!({ "iss": "x" })))),
        (Kind::AudienceMismatch, by_header(&token(json!({ "aud": "x" })))),
        (Kind::ClaimMissing, by_header(&token(json!({ "exp": null })))),
        (Kind::ClaimInvalid, by_header(&token(json!({ "exp": "x" })))),
        (Kind::ClaimsMismatch, by_header(&token(json!({ "sub": null })))),
        (Kind::TokenBound, by_header(&token(json!({ "cnf": {} })))),
    ]
}

fn realm_and_error(answer: &Answer) -> Option<(&str, Option<&str>)> {
    let parameters = answer.header("www-authenticate")?.strip_prefix("Bearer ")?;
    let value = |name: &str| {
        parameters
            .split(", ")
            .find_map(|part| part.strip_prefix(name)?.strip_prefix("=\"")?.strip_suffix('"'))
    };
    Some((value("realm")?, value("error")))
}

#[tokio::test]
async fn every_refusal_has_its_status_its_challenge_its_problem_document_and_its_error() {
    let app = App::new();
    for (kind, request) in refusals() {
        let answer = app.answer(request).await;
        let error = answer.error.expect("an error in the extensions");
        assert_eq!(error.kind(), kind);
        assert_eq!(answer.status, error.status().as_u16(), "{kind:?}");
        let challenge = realm_and_error(&answer);
        match (answer.status, kind) {
            (401, AuthErrorKind::TokenMissing) => {
                assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"api\""));
            }
            (401, _) => assert_eq!(challenge, Some(("api", Some("invalid_token"))), "{kind:?}"),
            (400, _) => assert_eq!(challenge, Some(("api", Some("invalid_request"))), "{kind:?}"),
            _ => assert_eq!(answer.header("www-authenticate"), None, "{kind:?}"),
        }
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{kind:?}");
        let problem: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(problem["code"], error.code(), "{kind:?}");
        assert_eq!(problem["status"], answer.status, "{kind:?}");
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{kind:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{kind:?}");
        assert_eq!(answer.header("retry-after"), None, "{kind:?}");
    }
}

#[tokio::test]
async fn a_challenge_stays_within_the_characters_that_rfc_6750_allows() -> Result<(), ConfigError> {
    let app = App::behind(JwtAuthLayer::new(verifier()).with_realm("orders, v2 (eu)")?);
    for (kind, request) in refusals() {
        let answer = app.answer(request).await;
        let Some(challenge) = answer.header("www-authenticate") else {
            continue;
        };
        assert!(challenge.starts_with("Bearer realm=\"orders, v2 (eu)\""), "{kind:?}");
        let quoted = challenge.split('"').skip(1).step_by(2);
        for value in quoted {
            let allowed = |byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            assert!(value.bytes().all(allowed), "{kind:?}: {value}");
        }
        assert_eq!(challenge.matches('"').count() % 2, 0, "{kind:?}");
    }
    for realm in ["", "a\"b", "a\\b", "a\r\nb", "ä"] {
        assert!(JwtAuthLayer::new(verifier()).with_realm(realm).is_err(), "{realm:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_grpc_caller_is_answered_with_200_and_a_grpc_status() {
    let app = App::new();
    for content_type in ["application/grpc", "application/grpc+proto", "application/grpc-web"] {
        for (kind, mut request) in refusals() {
            // A GET with a token in its query has no twin.
            if request.uri().query().is_some() {
                continue;
            }
            *request.method_mut() = Method::POST;
            request.headers_mut().insert("content-type", content_type.parse().expect("a value"));
            let answer = app.answer(request).await;
            let status = match kind {
                AuthErrorKind::CrossSiteRequest => "7",
                _ => "16",
            };
            assert_eq!(answer.status, 200, "{kind:?}");
            assert_eq!(answer.header("grpc-status"), Some(status), "{kind:?}");
            assert!(answer.header("grpc-message").is_some(), "{kind:?}");
            assert_eq!(answer.header("content-type"), Some(content_type), "{kind:?}");
            assert_eq!(answer.body, "", "{kind:?}");
            assert_eq!(answer.error.map(|error| error.kind()), Some(kind));
        }
    }
}

/// Proxies that ask before they pass a request on (`auth_request`, `ForwardAuth`) do so by GET, with the header fields of the
/// client, and take any 2xx for a yes.
#[tokio::test]
async fn no_request_but_a_grpc_call_is_refused_with_a_success() {
    let app = App::new();
    let with = |method, content_type| app.answer(request(method, "/", &[("content-type", content_type)]));
    for content_type in ["application/grpc", "application/grpc+proto", "application/grpc-web"] {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE] {
            let answer = with(method.clone(), content_type).await;
            assert_eq!(answer.status, 401, "{method} {content_type}");
            assert_eq!(answer.header("grpc-status"), None, "{method} {content_type}");
            assert!(realm_and_error(&answer).is_some(), "{method} {content_type}");
        }
        let call = with(Method::POST, content_type).await;
        assert_eq!((call.status, call.header("grpc-status")), (200, Some("16")), "{content_type}");
    }
}

#[tokio::test]
async fn without_grpc_answers_a_grpc_call_is_refused_as_any_other_request() {
    let layer = || JwtAuthLayer::new(verifier()).hand_off().expect("both are read");
    let hook = |layer: JwtAuthLayer| layer.with_refusal_hook(|_| Response::new("no".to_owned()));
    let any_of = JwtAuthLayer::any_of([layer()]).expect("one issuer").without_grpc_answers();
    // A request without a token is refused in the words of the first, whichever asks for what.
    let other = || {
        let keys = Jwks::from_json(jwks_of([shared_key()])).expect("keys");
        JwtAuthLayer::new(Verifier::new("https://other.example", "api", keys).expect("a policy"))
    };
    let with_other = |layers: [JwtAuthLayer; 2]| JwtAuthLayer::any_of(layers).expect("two issuers");
    let cross_site = format!("__Host-jwt={}", shared_key().token(&good_claims()));
    let cross_site = [("cookie", &*cross_site), ("sec-fetch-site", "cross-site")];
    for (name, layer, http) in [
        ("default", layer(), false),
        ("without", layer().without_grpc_answers(), true),
        ("without, of several", any_of, true),
        ("without, one of two", with_other([layer(), other().without_grpc_answers()]), true),
        ("without, the other of two", with_other([layer().without_grpc_answers(), other()]), true),
        ("neither of two", with_other([layer(), other()]), false),
        ("with a hook", hook(layer()), false),
        ("without, with a hook", hook(layer().without_grpc_answers()), true),
    ] {
        let out = layer.logout().expect("a cookie");
        let out = App::of(Router::new().route_service("/", out));
        let guard = require_scopes(["read"]).expect("a scope");
        let guarded = Router::new().route("/", any(async || "in").layer(guard)).layer(layer.clone());
        let (app, guarded) = (App::behind(layer), App::of(guarded));
        for content_type in ["application/grpc", "application/grpc+proto", "application/grpc-web"] {
            let own = [("content-type", content_type)];
            let bearer = format!("Bearer {}", shared_key().token(&good_claims()));
            let good = [own[0], ("authorization", &*bearer)];
            let post = |lines: &[(&str, &str)]| request(Method::POST, "/", lines);
            for (where_, answer, status, grpc_status) in [
                ("no token", app.answer(post(&own)).await, 401, "16"),
                ("a link", app.answer(request(Method::POST, "/?jwt=x", &own)).await, 401, "16"),
                ("a guard", guarded.answer(post(&good)).await, 403, "7"),
                ("signing out", out.answer(post(&[&own[..], &cross_site].concat())).await, 403, "7"),
            ] {
                let want = if http { (status, None) } else { (200, Some(grpc_status)) };
                let got = (answer.status, answer.header("grpc-status"));
                assert_eq!(got, want, "{name}, {where_}, {content_type}");
                let challenged = answer.header("www-authenticate").is_some();
                assert_eq!(challenged, http && where_ != "signing out", "{name}, {where_}, {content_type}");
            }
            let answer = app.answer(post(&good)).await;
            assert_eq!((answer.status, answer.header("grpc-status")), (200, None), "{name}");
        }
    }
}

#[tokio::test]
async fn a_content_type_that_only_resembles_grpc_is_answered_as_http() {
    let app = App::new();
    for content_type in ["application/json", "text/application/grpc", "application/grp"] {
        let answer = app.answer(request(Method::POST, "/", &[("content-type", content_type)])).await;
        assert_eq!((answer.status, &*answer.code), (401, "token_missing"));
    }
}

#[tokio::test]
async fn a_hook_replaces_the_answer_and_cannot_lose_the_challenge_or_the_error() {
    let layer = JwtAuthLayer::new(verifier())
        .with_refusal_hook(|refusal| Response::new(format!("sorry: {}", refusal.error.code())));
    let app = App::behind(layer);
    for (kind, request) in refusals() {
        let answer = app.answer(request).await;
        let error = answer.error.expect("an error in the extensions");
        assert_eq!(error.kind(), kind);
        assert_eq!(answer.body, format!("sorry: {}", error.code()));
        let challenged = answer.header("www-authenticate").is_some();
        assert_eq!(challenged, matches!(answer.status, 400 | 401), "{kind:?}");
    }
}

#[tokio::test]
async fn a_hook_may_send_browsers_elsewhere_and_is_not_asked_about_those_who_get_in() {
    let layer = JwtAuthLayer::new(verifier()).with_refusal_hook(|refusal| {
        let mut response = refusal.response;
        *response.status_mut() = StatusCode::SEE_OTHER;
        response.headers_mut().remove("www-authenticate");
        response.headers_mut().insert("location", "/login".parse().expect("a value"));
        response
    });
    let app = App::behind(layer);
    let answer = app.answer(get("/", &[])).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/login")));
    assert_eq!(answer.header("www-authenticate"), None);
    let good = shared_key().token(&good_claims());
    let answer = app.answer(Place::Header.carry(Method::GET, &good)).await;
    assert_eq!((answer.status, &*answer.body), (200, "alice"));
}

#[tokio::test]
async fn what_a_hook_makes_of_a_refusal_is_an_answer_of_its_own_and_never_a_success() {
    for (status, want) in [
        (200, 401),
        (204, 401),
        (299, 401),
        // What the browser has is good, it says.
        (304, 401),
        (301, 301),
        (303, 303),
        (307, 307),
        (400, 400),
        (403, 403),
        (404, 404),
        (500, 500),
    ] {
        let layer = JwtAuthLayer::new(verifier()).with_refusal_hook(move |mut refusal| {
            *refusal.response.status_mut() = StatusCode::from_u16(status).expect("a status");
            refusal.response
        });
        let answer = App::behind(layer).answer(get("/", &[])).await;
        assert_eq!((answer.status, &*answer.code), (want, "token_missing"), "{status}");
    }
}

#[tokio::test]
async fn a_refusal_by_the_extractor_is_answered_in_the_words_of_the_layer() -> Result<(), ConfigError> {
    let layer =
        JwtAuthLayer::new(verifier()).with_realm("orders")?.optional().with_refusal_hook(|mut refusal| {
            let code = refusal.error.code().parse().expect("a value");
            refusal.response.headers_mut().insert("x-code", code);
            refusal.response
        });
    let app = App::behind(layer);
    let nameless = shared_key().token(&claims_with(json!({ "sub": null })));
    for (name, request, code) in [
        ("no token", get("/", &[]), "token_missing"),
        ("claims that do not fit", Place::Header.carry(Method::GET, &nameless), "claims_mismatch"),
    ] {
        let answer = app.answer(request).await;
        assert_eq!((answer.status, &*answer.code), (401, code), "{name}");
        assert_eq!(answer.header("x-code"), Some(code), "{name}");
        let realm = realm_and_error(&answer).map(|(realm, _)| realm);
        assert_eq!(realm, Some("orders"), "{name}");
    }
    let mut over_grpc = Place::Header.carry(Method::POST, &nameless);
    over_grpc.headers_mut().insert("content-type", "application/grpc".parse().expect("a value"));
    let answer = app.answer(over_grpc).await;
    assert_eq!((answer.status, answer.header("grpc-status")), (200, Some("16")));
    Ok(())
}

#[tokio::test]
async fn an_extractor_without_the_layer_is_a_mistake_that_names_the_layer() {
    let whoami = async |user: Claims<User>| user.sub.clone();
    let maybe = async |user: Option<Claims<User>>| user.map_or("nobody".to_owned(), |user| user.sub.clone());
    let app = App::of(Router::new().route("/claims", any(whoami)).route("/maybe", any(maybe)));
    for uri in ["/claims", "/maybe"] {
        let bearer = format!("Bearer {}", shared_key().token(&good_claims()));
        let answer = app.answer(get(uri, &[("authorization", &bearer)])).await;
        assert_eq!(answer.status, 500, "{uri}");
        assert!(answer.body.contains("JwtAuthLayer"), "{uri}: {}", answer.body);
    }
}

#[tokio::test]
async fn what_describes_an_answer_goes_with_it_when_the_layer_replaces_it_and_the_rest_stays() {
    async fn compress(
        request: axum::extract::Request,
        next: axum::middleware::Next,
    ) -> axum::response::Response {
        let mut response = next.run(request).await;
        for (name, value) in [
            ("content-encoding", "gzip"),
            ("content-length", "4711"),
            ("cache-control", "public, max-age=60"),
            ("etag", "\"1\""),
            ("x-request-id", "7"),
        ] {
            response.headers_mut().insert(name, value.parse().expect("a value"));
        }
        response
    }
    let me = axum::routing::get(async |Claims(user): Claims<User>| user.sub.clone());
    let layer = JwtAuthLayer::new(verifier()).with_refusal_hook(|refusal| {
        let mut page = Response::new(format!("sorry: {}", refusal.error.code()));
        *page.status_mut() = StatusCode::SEE_OTHER;
        page
    });
    let router = Router::new().route("/", me).layer(axum::middleware::from_fn(compress)).layer(layer);
    let app = App::of(router);
    let nameless = shared_key().token(&claims_with(json!({ "sub": null })));
    let answer = app.answer(Place::Header.carry(Method::GET, &nameless)).await;
    assert_eq!((answer.status, &*answer.body), (303, "sorry: claims_mismatch"));
    for gone in ["content-encoding", "etag", "content-type", "www-authenticate"] {
        assert_eq!(answer.header(gone), None, "{gone}");
    }
    let length = answer.header("content-length");
    assert!(length.is_none_or(|length| length == answer.body.len().to_string()), "{length:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-request-id"), Some("7"));
}

#[tokio::test]
async fn the_refusal_of_an_extractor_reaches_a_grpc_caller_without_a_challenge() {
    let app = App::new();
    let nameless = shared_key().token(&claims_with(json!({ "sub": null })));
    let mut request = Place::Header.carry(Method::POST, &nameless);
    request.headers_mut().insert("content-type", "application/grpc".parse().expect("a value"));
    let answer = app.answer(request).await;
    assert_eq!((answer.status, answer.header("grpc-status")), (200, Some("16")));
    assert_eq!(answer.header("www-authenticate"), None);
}
