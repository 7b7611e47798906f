//! How a guard answers, and what it does to the service behind it.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use http::{Method, Request, Response};
use serde_json::json;
use tokio::time::timeout;
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::authorize::{
    require, require_acr, require_any_scope, require_max_age, require_roles, require_scopes,
};

use super::{anonymous, behind, behind_both, challenge, with};
use crate::support::app::ACCEPTED;
use crate::support::app::{App, Place, request, verifier};
use crate::support::issuer::{NOW, claims_with, shared_key};

#[tokio::test]
async fn a_challenge_names_every_scope_of_the_guard_in_the_words_of_the_layer() {
    let layer = JwtAuthLayer::new(verifier()).with_realm("shop").expect("a realm");
    let guard = require_scopes(["read", "write"]).expect("scopes");
    let guard = guard
        .and(require_any_scope(["write", "admin"]).expect("scopes"))
        .and(require_scopes(["x"]).expect("a scope"));
    let answer = behind_both(guard, layer).answer(with(json!({ "scope": "write" }))).await;
    assert_eq!(answer.status, 403);
    assert_eq!(
        challenge(&answer),
        "Bearer realm=\"shop\", error=\"insufficient_scope\", error_description=\"a wider scope is required\", \
         scope=\"read write x\""
    );
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));

    // What is asked for anyway may be what will do elsewhere.
    let any = |scopes: [&'static str; 2]| require_any_scope(scopes).expect("scopes");
    let all = |scope: &str| require_scopes([scope]).expect("a scope");
    for (guard, want) in [
        (any(["read", "admin"]).and(all("admin")), "scope=\"admin\""),
        (all("admin").and(any(["read", "admin"])), "scope=\"admin\""),
        (any(["read", "admin"]).and(all("write")), "scope=\"write read\""),
        (any(["read", "admin"]).and(any(["list", "read"])), "scope=\"read\""),
    ] {
        let answer = behind(guard).answer(with(json!({ "scope": "x" }))).await;
        assert!(challenge(&answer).ends_with(want), "{want}: {:?}", answer.headers);
    }
}

#[tokio::test]
async fn who_lacks_a_role_is_not_sent_for_scopes() {
    let roles = require_roles(["roles"], ["staff"]).expect("a role");
    let guard = require_scopes(["pay"]).expect("a scope").and(roles);
    let layer = JwtAuthLayer::new(verifier()).with_scope_hint(["pay"]).expect("a scope");
    let app = behind_both(guard, layer);
    let answer = app.answer(with(json!({ "scope": "pay" }))).await;
    assert_eq!((answer.status, &*answer.code), (403, "permission_denied"));
    assert!(challenge(&answer).contains("insufficient_scope") && !challenge(&answer).contains("scope="));
    // Nor who lacks both, and who lacks scopes alone is.
    let answer = app.answer(with(json!({ "scope": "x" }))).await;
    assert_eq!(answer.code, "permission_denied");
    assert!(!challenge(&answer).contains("scope="), "{:?}", answer.headers);
    let answer = app.answer(with(json!({ "scope": "x", "roles": ["staff"] }))).await;
    assert!(challenge(&answer).ends_with("scope=\"pay\""), "{:?}", answer.headers);
    assert_eq!(app.answer(with(json!({ "scope": "pay", "roles": ["staff"] }))).await.code, ACCEPTED);
}

#[tokio::test]
async fn a_step_up_challenge_says_how_and_how_recently_and_with_what_scope() {
    let guard =
        require_acr(["gold", "platinum"]).expect("acr values").and(require_max_age(Duration::from_secs(300)));
    let app = behind(guard.clone().and(require_scopes(["pay"]).expect("a scope")));
    let answer = app.answer(with(json!({ "scope": "pay", "acr": "silver" }))).await;
    assert_eq!(answer.status, 401);
    assert_eq!(
        challenge(&answer),
        "Bearer realm=\"api\", error=\"insufficient_user_authentication\", \
         error_description=\"another or a more recent authentication is required\", scope=\"pay\", \
         acr_values=\"gold platinum\", max_age=\"300\""
    );
    // Of two limits, the stricter one.
    let app = behind(require_max_age(Duration::from_secs(60)).and(guard));
    let answer = app.answer(with(json!({ "acr": "gold" }))).await;
    assert!(
        challenge(&answer).ends_with("acr_values=\"gold platinum\", max_age=\"60\""),
        "{:?}",
        answer.headers
    );
    // Of two lists, what is good for both: who got the first of either would be asked again and again.
    let acr = |values: &[&str]| require_acr(values.iter().copied()).expect("acr values");
    let app = behind(acr(&["silver", "gold", "platinum"]).and(acr(&["platinum", "gold"])));
    let answer = app.answer(with(json!({ "acr": "silver" }))).await;
    assert!(challenge(&answer).ends_with("acr_values=\"gold platinum\""), "{:?}", answer.headers);
    assert_eq!(app.answer(with(json!({ "acr": "gold" }))).await.code, ACCEPTED);
    // Nothing is good for both of these, so there is nothing to name.
    let answer = behind(acr(&["silver"]).and(acr(&["gold"]))).answer(with(json!({ "acr": "silver" }))).await;
    assert_eq!(answer.code, "authentication_insufficient");
    assert!(!challenge(&answer).contains("acr_values"), "{:?}", answer.headers);
}

#[tokio::test]
async fn nobody_is_asked_for_what_will_not_help_and_one_sign_in_is_asked_for_all_that_it_brings() {
    let guard = require_scopes(["pay"])
        .expect("a scope")
        .and(require_max_age(Duration::from_secs(300)))
        .and(require_acr(["gold"]).expect("an acr"))
        .and(require_roles(["roles"], ["staff"]).expect("a role"));
    let app = behind(guard);
    let recent = NOW - 10;
    for (claims, status, want) in [
        (json!({}), 403, None),
        (json!({ "scope": "pay", "acr": "gold", "auth_time": recent }), 403, None),
        (json!({ "roles": "staff" }), 401, Some("scope=\"pay\", acr_values=\"gold\", max_age=\"300\"")),
        (
            json!({ "roles": "staff", "acr": "gold", "auth_time": recent - 400 }),
            401,
            Some("scope=\"pay\", acr_values=\"gold\", max_age=\"300\""),
        ),
        (json!({ "roles": "staff", "acr": "gold", "auth_time": recent }), 403, Some("scope=\"pay\"")),
    ] {
        let answer = app.answer(with(claims.clone())).await;
        assert_eq!(answer.status, status, "{claims}");
        match want {
            Some(end) => assert!(challenge(&answer).ends_with(end), "{claims}: {:?}", answer.headers),
            None => assert_eq!(answer.code, "permission_denied", "{claims}"),
        }
    }
    let all = json!({ "roles": "staff", "acr": "gold", "auth_time": recent, "scope": "pay" });
    assert_eq!(app.answer(with(all)).await.code, ACCEPTED);
}

#[tokio::test]
async fn what_no_scope_would_change_is_told_without_one() {
    let app = behind(require_roles(["roles"], ["admin"]).expect("roles"));
    let answer = app.answer(with(json!({ "roles": ["user"] }))).await;
    assert_eq!((answer.status, &*answer.code), (403, "permission_denied"));
    assert_eq!(
        challenge(&answer),
        "Bearer realm=\"api\", error=\"insufficient_scope\", error_description=\"the token does not permit this\""
    );
    assert!(!answer.body.contains("user") && !answer.body.contains("admin"), "{}", answer.body);
}

#[tokio::test]
async fn a_refusal_names_the_condition_where_it_has_a_name() {
    let guard = require(|claims: &serde_json::Value| claims["ok"] == true).named("ok");
    let answer = behind(guard).answer(with(json!({ "ok": 1 }))).await;
    let error = answer.error.expect("an error");
    assert_eq!((error.code(), error.claim()), ("permission_denied", Some("ok")));
}

#[tokio::test]
async fn nobody_is_told_to_sign_in_and_for_which_scope() {
    let guard = require_scopes(["read"]).expect("a scope");
    let optional = behind_both(guard.clone(), JwtAuthLayer::new(verifier()).optional());
    let answer = optional.answer(anonymous()).await;
    assert_eq!((answer.status, &*answer.code), (401, "token_missing"));
    assert_eq!(challenge(&answer), "Bearer realm=\"api\", scope=\"read\"");
    assert_eq!(optional.answer(with(json!({ "scope": "read" }))).await.status, 200);

    // A bad token is the layer's to refuse.
    let answer = optional.answer(Place::Header.carry(Method::GET, "x")).await;
    assert_eq!((answer.status, &*answer.code), (401, "token_malformed"));
}

#[tokio::test]
async fn a_guard_without_a_layer_lets_nobody_in() {
    let guard = require_scopes(["read"]).expect("a scope");
    let app = App::of(Router::new().route("/", any(async || "in")).layer(guard.clone()));
    let answer = app.answer(with(json!({ "scope": "read" }))).await;
    assert_eq!(answer.status, 500);
    assert!(answer.body.contains("JwtAuthLayer"), "{}", answer.body);
    // Nor one on the wrong side of it.
    let layer = JwtAuthLayer::new(verifier());
    let app = App::of(Router::new().route("/", any(async || "in")).layer(layer).layer(guard));
    assert_eq!(app.answer(with(json!({ "scope": "read" }))).await.status, 500);
}

/// Or else whoever lacks a scope can use up a limit by holding connections whose one request was refused.
#[tokio::test(start_paused = true)]
async fn a_guard_that_refuses_gives_back_what_readiness_had_reserved() {
    let guard = require_scopes(["read"]).expect("a scope");
    let page = service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new("in".to_owned())));
    let alone = guard.layer(ConcurrencyLimit::new(page, 1));
    let behind = JwtAuthLayer::new(verifier()).layer(guard.layer(ConcurrencyLimit::new(page, 1)));
    let read = || with(json!({ "scope": "read" }));
    // Nobody is let in without a layer, so that it is asked for its readiness alone.
    let mut another = alone.clone();
    let mut service = alone;
    let refused = service.ready().await.expect("ready").call(read()).await.expect("an answer");
    assert_eq!(refused.status(), 500);
    timeout(Duration::from_secs(60), another.ready()).await.expect("a place").expect("ready");

    let another = behind.clone();
    let mut service = behind;
    for status in [200, 403] {
        let request = if status == 200 { read() } else { with(json!({ "scope": "write" })) };
        let answer = service.ready().await.expect("ready").call(request).await.expect("an answer");
        assert_eq!(answer.status(), status);
    }
    let answer = timeout(Duration::from_secs(60), another.oneshot(read())).await;
    let answer = answer.expect("the refused one still holds the only place");
    assert_eq!(answer.expect("an answer").status(), 200);
    drop(service);
}

#[tokio::test]
async fn guards_of_a_router_and_of_its_routes_both_count() {
    let [outer, inner] = ["list", "price"].map(|scope| require_scopes([scope]).expect("a scope"));
    let app = App::of(
        Router::new()
            .route("/list", any(async || "in"))
            .route("/price", any(async || "in").layer(inner))
            .layer(outer)
            .layer(JwtAuthLayer::new(verifier())),
    );
    for (path, scope, want) in [
        ("/list", "list", 200),
        ("/list", "price", 403),
        ("/price", "list price", 200),
        ("/price", "list", 403),
        ("/price", "price", 403),
    ] {
        let token = shared_key().token(&claims_with(json!({ "scope": scope })));
        let request = request(Method::GET, path, &[("authorization", &format!("Bearer {token}"))]);
        assert_eq!(app.answer(request).await.status, want, "{path} with {scope}");
    }
}

#[tokio::test]
async fn a_hook_sees_the_refusals_of_guards_and_cannot_lose_their_challenge() {
    let layer = JwtAuthLayer::new(verifier()).with_refusal_hook(|refusal| {
        let mut response = Response::new(format!("no: {}", refusal.error.code()));
        *response.status_mut() = refusal.error.status();
        response
    });
    let app = behind_both(require_scopes(["read"]).expect("a scope"), layer);
    let answer = app.answer(with(json!({}))).await;
    assert_eq!((answer.status, &*answer.body), (403, "no: scope_insufficient"));
    assert!(challenge(&answer).contains("scope=\"read\""), "{:?}", answer.headers);
}

#[tokio::test]
async fn a_grpc_caller_gets_a_status_of_its_own_protocol() {
    let app = behind(require_scopes(["read"]).expect("a scope").and(require_acr(["gold"]).expect("an acr")));
    for (claims, want) in [
        (json!({}), Some("16")),
        (json!({ "scope": "read" }), Some("16")),
        (json!({ "acr": "gold" }), Some("7")),
        (json!({ "scope": "read", "acr": "gold" }), None),
    ] {
        let mut request = with(claims.clone());
        *request.method_mut() = Method::POST;
        request.headers_mut().insert("content-type", http::HeaderValue::from_static("application/grpc"));
        let answer = app.answer(request).await;
        assert_eq!((answer.status, answer.header("grpc-status")), (200, want), "{claims}");
        assert_eq!(answer.header("www-authenticate"), None);
    }
}

#[tokio::test]
async fn a_query_token_that_lacks_a_scope_is_refused_as_privately_as_any() {
    let app = behind(require_scopes(["read"]).expect("a scope"));
    let token = shared_key().token(&claims_with(json!({ "scope": "x" })));
    let answer = app.answer(Place::Query.carry(Method::GET, &token)).await;
    assert_eq!((answer.status, answer.header("referrer-policy")), (403, Some("no-referrer")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn a_guard_says_what_it_asks_for() {
    let guard = require_any_scope(["read", "write"])
        .expect("scopes")
        .and(require_acr(["gold"]).expect("an acr"))
        .and(require(|_: &serde_json::Value| true));
    let text = "one of the scopes: read write; acr: gold; a condition on the claims";
    assert_eq!((guard.to_string(), format!("{guard:?}")), (text.to_owned(), format!("Guard({text})")));
}
