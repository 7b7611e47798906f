//! Check 9: it is for this URL, which nothing that a client sends has a say in.

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use http::{Method, Request};
use serde_json::json;
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::binding::Dpop;

use super::{URL, bound_to, client, dpop, layer_with, proof_for};
use crate::support::app::{ACCEPTED, App, Lines, request, verifier};

const INVALID: &str = "dpop_proof_invalid";

/// What `GET uri` with a proof for `htu` comes to.
async fn verdict(app: &App, uri: &str, htu: &str, lines: Lines<'_>) -> String {
    let client = client();
    let token = bound_to(&client);
    let proof = proof_for(&client, &token).claim("htu", htu).sign();
    let line = format!("DPoP {token}");
    let own = [("authorization", &*line), ("dpop", &*proof)];
    app.verdict(request(Method::GET, uri, &[&own[..], lines].concat())).await.1
}

/// A page at every path.
fn site(layer: JwtAuthLayer) -> App {
    App::of(Router::new().fallback(async || "inside").layer(layer))
}

#[tokio::test]
async fn a_url_is_the_same_however_it_is_written_and_another_by_any_other_letter() {
    let app = site(layer_with(dpop()));
    for (uri, htu, want) in [
        ("/", URL, ACCEPTED),
        ("/", "https://api.example.com", ACCEPTED),
        ("/a", "https://api.example.com/a", ACCEPTED),
        ("/a", "HTTPS://API.example.com:443/a", ACCEPTED),
        ("/a?b=c", "https://api.example.com/a", ACCEPTED),
        ("/a", "https://api.example.com/a?b=c", ACCEPTED),
        ("/a?b=c", "https://api.example.com/a?d#e", ACCEPTED),
        ("/%7Ea", "https://api.example.com/~a", ACCEPTED),
        ("/~a", "https://api.example.com/%7ea", ACCEPTED),
        ("/a%2fb", "https://api.example.com/a%2Fb", ACCEPTED),
        ("https://other.example/a", "https://api.example.com/a", ACCEPTED),
        ("/a%2Fb", "https://api.example.com/a/b", INVALID),
        ("/a/b", "https://api.example.com/a%2Fb", INVALID),
        ("/a", "https://api.example.com/A", INVALID),
        ("/a", "https://api.example.com/a/", INVALID),
        ("/a/", "https://api.example.com/a", INVALID),
        ("/a", "https://api.example.com/", INVALID),
        ("/a", "https://api.example.com//a", INVALID),
        ("/a", "http://api.example.com/a", INVALID),
        ("/a", "https://api.example.com:8443/a", INVALID),
        ("/a", "https://api.example.com.evil.example/a", INVALID),
        ("/a", "https://evil.example/a", INVALID),
        ("https://evil.example/a", "https://evil.example/a", INVALID),
        ("/a", "https://api.example.com@evil.example/a", INVALID),
        ("/a", "https://evil.example\\@api.example.com/a", INVALID),
        ("/a", "//api.example.com/a", INVALID),
        ("/a", "/a", INVALID),
        ("/a", "", INVALID),
        // A proof for one path is none for what another server would take for it.
        ("/b", "https://api.example.com/a/../b", INVALID),
        ("/a/../b", "https://api.example.com/b", INVALID),
        ("/a/../b", "https://api.example.com/a/../b", INVALID),
        ("/a/%2e%2e/b", "https://api.example.com/b", INVALID),
        ("/.", "https://api.example.com/", INVALID),
    ] {
        assert_eq!(verdict(&app, uri, htu, &[]).await, want, "{uri} by {htu}");
    }
}

#[tokio::test]
async fn no_header_has_a_say_in_where_the_service_is() {
    let app = site(layer_with(dpop()));
    let evil: [(&str, &str); 8] = [
        ("host", "evil.example"),
        ("forwarded", "host=evil.example;proto=https"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-port", "443"),
        ("x-forwarded-prefix", "/"),
        ("x-original-url", "/b"),
        ("x-http-method-override", "POST"),
    ];
    for (number, line) in evil.iter().enumerate() {
        for lines in [&[*line][..], &evil[..=number], &evil[number..]] {
            assert_eq!(verdict(&app, "/a", "https://evil.example/a", lines).await, INVALID, "{lines:?}");
            assert_eq!(verdict(&app, "/a", "https://api.example.com/a", lines).await, ACCEPTED, "{lines:?}");
        }
    }
    // A host with a path in it, which would move that of the request into a query.
    for name in ["host", "x-forwarded-host"] {
        let lines = [(name, "api.example.com/b?")];
        assert_eq!(verdict(&app, "/a", "https://api.example.com/b", &lines).await, INVALID, "{name}");
        assert_eq!(verdict(&app, "/b", "https://api.example.com/b", &lines).await, ACCEPTED, "{name}");
    }
}

#[tokio::test]
async fn the_path_is_that_of_the_request_as_it_came_in_before_any_router_has_cut_it() {
    let page = || Router::new().route("/", any(async || "inside")).route("/a", any(async || "inside"));
    let nested = App::of(Router::new().nest("/v1", page().layer(layer_with(dpop()))));
    let deeper =
        App::of(Router::new().nest("/v1", Router::new().nest("/users", page().layer(layer_with(dpop())))));
    for (app, uri, htu, want) in [
        (&nested, "/v1/a", "https://api.example.com/v1/a", ACCEPTED),
        (&nested, "/v1/a", "https://api.example.com/a", INVALID),
        (&nested, "/v1", "https://api.example.com/v1", ACCEPTED),
        (&nested, "/v1", "https://api.example.com/", INVALID),
        (&deeper, "/v1/users/a?b", "https://api.example.com/v1/users/a", ACCEPTED),
        (&deeper, "/v1/users/a", "https://api.example.com/users/a", INVALID),
        (&deeper, "/v1/users/a", "https://api.example.com/a", INVALID),
    ] {
        assert_eq!(verdict(app, uri, htu, &[]).await, want, "{uri} by {htu}");
    }
}

#[tokio::test]
async fn what_a_proxy_takes_off_is_put_before_the_path_and_a_service_may_have_several_names() {
    let behind = Dpop::new("https://example.com/api/orders/").expect("an origin");
    let app = site(layer_with(behind));
    for (uri, htu, want) in [
        ("/a", "https://example.com/api/orders/a", ACCEPTED),
        ("/", "https://example.com/api/orders/", ACCEPTED),
        ("/a", "https://example.com/a", INVALID),
        ("/api/orders/a", "https://example.com/api/orders/a", INVALID),
        ("/a", "https://example.com/api/ordersa", INVALID),
        ("/a", "https://example.com/api/orders", INVALID),
    ] {
        assert_eq!(verdict(&app, uri, htu, &[]).await, want, "{uri} by {htu}");
    }
    let named = dpop().with_additional_origin("http://orders.internal:8080").expect("an origin");
    let app = site(JwtAuthLayer::new(verifier()).with_dpop(named));
    for (htu, want) in [
        ("https://api.example.com/a", ACCEPTED),
        ("http://orders.internal:8080/a", ACCEPTED),
        ("https://orders.internal:8080/a", INVALID),
        ("http://api.example.com/a", INVALID),
    ] {
        assert_eq!(verdict(&app, "/a", htu, &[]).await, want, "{htu}");
    }
    assert!(dpop().with_additional_origin("orders.internal").is_err());
}

#[tokio::test]
async fn what_has_no_path_has_no_proof() {
    let app = site(layer_with(dpop()));
    let client = client();
    let token = bound_to(&client);
    for htu in ["https://api.example.com/", "https://api.example.com", "https://api.example.com/*", "*"] {
        let proof = client.proof_for("OPTIONS", htu, &token).claim("x", json!(1)).sign();
        let request = Request::builder().method("OPTIONS").uri("*").header("dpop", proof);
        let request = request.header("authorization", format!("DPoP {token}")).body(Body::empty());
        let (_, code) = app.verdict(request.expect("a request")).await;
        assert_eq!(code, INVALID, "{htu}");
    }
}
