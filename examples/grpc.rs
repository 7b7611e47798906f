//! The layer around a tonic server: what comes without a good token in its metadata reaches no service.
//!
//! ```sh
//! cargo run --example grpc        # with a demo issuer inside; calls itself, and prints a live token for the lines below
//! call() { printf '\0\0\0\0\0' | curl -i --http2-prior-knowledge -H 'content-type: application/grpc' --data-binary @- -o - "$@"; }
//! call -H "authorization: Bearer $TOKEN" localhost:3000/grpc.health.v1.Health/Check     # grpc-status: 0, in the trailers
//! call localhost:3000/grpc.health.v1.Health/Check                                       # grpc-status: 16, in the header
//! ```
//!
//! The service is gRPC's own health check, only because its messages come ready made, so that nothing needs protoc.
//! `BIND` (127.0.0.1:3000) is where it listens.

mod demo_issuer;

use std::{error::Error, sync::Arc};

use demo_issuer::DemoIssuer;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryFutureExt};
use serde::Deserialize;
use tokio::net::TcpListener;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Response, Status};
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse, health_client::HealthClient};
use tower::util::MapResponseLayer;
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::source::TokenSources;
use tower_jwt_auth::verify::VerifiedToken;

#[derive(Deserialize)]
struct User {
    name: String,
}

type Answer<T> = Result<Response<T>, Status>;

const SERVING: HealthCheckResponse = HealthCheckResponse { status: 1 };

struct AlwaysWell;

#[tonic::async_trait]
impl Health for AlwaysWell {
    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn check(&self, request: Request<HealthCheckRequest>) -> Answer<HealthCheckResponse> {
        let (_, user) = caller(&request)?;
        println!("  {} has called", user.name);
        Ok(Response::new(SERVING))
    }

    /// A token is judged when a stream is opened, and not again: the service has to end it in time.
    async fn watch(&self, request: Request<HealthCheckRequest>) -> Answer<Self::WatchStream> {
        let (token, user) = caller(&request)?;
        println!("  {} has opened a stream", user.name);
        let end = async move {
            match token.expires_in() {
                Some(left) => tokio::time::sleep(left).await,
                None => std::future::pending().await,
            }
            Err(Status::unauthenticated("the token has expired"))
        };
        Ok(Response::new(stream::iter([Ok(SERVING)]).chain(stream::once(end)).boxed()))
    }
}

/// What the layer has left in the request.
fn caller<T>(request: &Request<T>) -> Result<(VerifiedToken, Arc<User>), Status> {
    let token = request.extensions().get::<VerifiedToken>();
    let token = token.ok_or_else(|| Status::internal("this service is not behind a JwtAuthLayer"))?;
    let user = token.claims().map_err(|error| Status::unauthenticated(error.to_string()))?;
    Ok((token.clone(), user))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let bind = std::env::var("BIND").ok().filter(|bind| !bind.is_empty());
    let listener = TcpListener::bind(bind.as_deref().unwrap_or("127.0.0.1:3000")).await?;
    let app = format!("http://{}", listener.local_addr()?);
    let demo = DemoIssuer::start().await?;
    let auth = JwtAuthLayer::discover(&demo.url, demo_issuer::AUDIENCE)?;
    let server = Server::builder()
        .layer(auth.with_sources(TokenSources::bearer_only()))
        // The layer makes its answers from a `String`: tonic's body cannot be made from one; axum's can, and holds tonic's.
        .layer(MapResponseLayer::new(|answer: http::Response<_>| {
            answer.map(axum::body::Body::new::<tonic::body::Body>)
        }))
        .add_service(HealthServer::new(AlwaysWell))
        .serve_with_incoming(TcpIncoming::from(listener));
    tokio::try_join!(server.map_err(Box::from), call_and_tell(&app, &demo))?;
    Ok(())
}

/// Calls the server at `app` with tokens and without, and says what came of it.
async fn call_and_tell(app: &str, demo: &DemoIssuer) -> Result<(), Box<dyn Error>> {
    let good = demo.good_token();
    for (name, token) in [("a token", Some(&good)), ("none", None)] {
        let bearer: Option<AsciiMetadataValue> =
            token.map(|token| format!("Bearer {token}").parse()).transpose()?;
        let channel = Endpoint::from_shared(app.to_owned())?.connect().await?;
        let mut client = HealthClient::with_interceptor(channel, |mut call: Request<()>| {
            bearer.clone().map(|bearer| call.metadata_mut().insert("authorization", bearer));
            Ok(call)
        });
        println!("With {name}, a call and a stream:");
        tell(client.check(HealthCheckRequest::default()).await.map(Response::into_inner));
        match client.watch(HealthCheckRequest::default()).await {
            Ok(stream) => tell(stream.into_inner().message().await.map(Option::unwrap_or_default)),
            Err(status) => tell(Err(status)),
        }
    }
    println!("\nFor the lines at the top of examples/grpc.rs: TOKEN={good}");
    Ok(())
}

fn tell(answer: Result<HealthCheckResponse, Status>) {
    match answer {
        Ok(health) => println!("  {:?}", health.status()),
        Err(status) => println!("  {:?} ({}): {}", status.code(), status.code() as i32, status.message()),
    }
}
