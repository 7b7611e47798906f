//! What a refusal is on the wire.

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tonic::body::Body;
use tower::{Service, ServiceExt};

use crate::server::Served;

/// An empty message, framed.
const EMPTY: &[u8] = &[0; 5];

/// Calls `Check` with these headers, as they are.
async fn post(served: &Served, headers: &[(&str, &str)]) -> Response<Body> {
    let request = Request::post("/grpc.health.v1.Health/Check");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let request = request.body(Body::new(http_body_util::Full::from(EMPTY))).expect("a request");
    let mut channel = served.channel.clone();
    channel.ready().await.expect("a connection").call(request).await.expect("an answer")
}

#[tokio::test]
async fn a_refusal_is_of_headers_only_and_an_answer_has_its_status_in_the_trailers() {
    let served = Served::start().await;
    let refused = post(&served, &[("content-type", "application/grpc")]).await;
    assert_eq!(refused.status(), StatusCode::OK);
    let header = |name| refused.headers()[name].to_str().expect("text");
    assert_eq!(header("grpc-status"), "16");
    assert_eq!(header("grpc-message"), "a token is required");
    assert_eq!(header("content-type"), "application/grpc");
    assert!(!refused.headers().contains_key("www-authenticate"));
    let body = refused.into_body().collect().await.expect("a body");
    assert_eq!(body.trailers(), None, "trailers-only: they are the header");
    assert!(body.to_bytes().is_empty());

    let bearer = format!("Bearer {}", served.idp.issuer().good());
    let answered = post(&served, &[("content-type", "application/grpc"), ("authorization", &bearer)]).await;
    assert!(!answered.headers().contains_key("grpc-status"));
    let body = answered.into_body().collect().await.expect("a body");
    assert_eq!(body.trailers().map(|trailers| trailers["grpc-status"].as_bytes()), Some(&b"0"[..]));
    assert_eq!(served.reached(), 1);
}

/// A client of gRPC-Web looks at the type of an answer before its status.
#[tokio::test]
async fn a_refusal_has_the_content_type_of_the_call() {
    let served = Served::start().await;
    for (called, answered) in [
        ("application/grpc", "application/grpc"),
        ("application/grpc+proto", "application/grpc+proto"),
        ("application/grpc-web", "application/grpc-web"),
        ("application/grpc-web+proto", "application/grpc-web+proto"),
        ("application/grpc-web+json", "application/grpc-web+json"),
        ("application/grpc-web-text", "application/grpc-web-text"),
        ("application/grpc-web-text+proto; charset=utf-8", "application/grpc-web-text+proto"),
        ("Application/gRPC-Web+Proto", "application/grpc-web+proto"),
        ("application/grpc-web+thrift", "application/grpc-web"),
        ("application/grpc+thrift", "application/grpc"),
    ] {
        let refused = post(&served, &[("content-type", called)]).await;
        assert_eq!(refused.status(), StatusCode::OK, "{called}");
        assert_eq!(refused.headers()["grpc-status"], "16", "{called}");
        assert_eq!(refused.headers()["content-type"], answered, "{called}");
    }
    assert_eq!(served.reached(), 0);
    let bearer = format!("Bearer {}", served.idp.issuer().good());
    let answered =
        post(&served, &[("content-type", "application/grpc-web"), ("authorization", &bearer)]).await;
    assert_eq!((answered.status(), served.reached()), (StatusCode::OK, 1), "the twin passes");
}

#[tokio::test]
async fn what_is_no_grpc_is_refused_as_http() {
    let served = Served::start().await;
    let refused = post(&served, &[("content-type", "application/json")]).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert!(refused.headers().contains_key("www-authenticate"));
    assert!(!refused.headers().contains_key("grpc-status"));
}
