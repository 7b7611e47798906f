use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tower::util::MapResponseLayer;
use tower_jwt_auth::test_util::Idp;
use tower_jwt_auth::verify::VerifiedToken;
use tower_jwt_auth::{Jwks, JwtAuthLayer, Verifier};

/// How many messages a stream has.
pub const MESSAGES: usize = 3;

/// A server with a service that counts who reaches it, a client of it, and the provider whose tokens it takes.
pub struct Served {
    pub idp: Idp,
    pub channel: Channel,
    reached: Arc<AtomicUsize>,
    server: AbortHandle,
}

impl Served {
    pub async fn start() -> Self {
        Self::behind(|layer| layer).await
    }

    /// Sets the layer as `set` says.
    pub async fn behind(set: impl FnOnce(JwtAuthLayer) -> JwtAuthLayer) -> Self {
        Self::with(Idp::start("my-api").await.expect("a port"), set).await
    }

    pub async fn with(idp: Idp, set: impl FnOnce(JwtAuthLayer) -> JwtAuthLayer) -> Self {
        let keys = Jwks::remote(&idp.jwks_url()).expect("a URL");
        let verifier = Verifier::new(idp.issuer().url(), "my-api", keys).expect("a policy");
        let layer = set(JwtAuthLayer::new(verifier));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let reached = Arc::new(AtomicUsize::new(0));
        let service = HealthServer::new(Counting { reached: Arc::clone(&reached) });
        let server = Server::builder()
            // Else hyper itself refuses what the layer should.
            .http2_max_header_list_size(1 << 16)
            .layer(layer)
            .layer(MapResponseLayer::new(|answer: http::Response<tonic::body::Body>| {
                answer.map(axum::body::Body::new)
            }))
            .add_service(service)
            .serve_with_incoming(TcpIncoming::from(listener));
        let server = tokio::spawn(async { server.await.expect("a server") }).abort_handle();
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("a URL");
        let channel = endpoint.connect().await.expect("a connection");
        Self { idp, channel, reached, server }
    }

    /// One call that is answered by one message, with this metadata: whom it was for.
    pub async fn call(&self, metadata: &[(&'static str, String)]) -> Result<String, Status> {
        let mut client = HealthClient::new(self.channel.clone());
        let answer = client.check(request(metadata)).await?;
        assert_eq!(answer.get_ref().status(), ServingStatus::Serving);
        Ok(whom(answer.metadata()))
    }

    /// One that is answered by a stream: whom it was for.
    pub async fn stream(&self, metadata: &[(&'static str, String)]) -> Result<String, Status> {
        let mut client = HealthClient::new(self.channel.clone());
        let answer = client.watch(request(metadata)).await?;
        let whom = whom(answer.metadata());
        let messages: Vec<_> = answer.into_inner().collect().await;
        assert_eq!(messages.len(), MESSAGES);
        assert!(messages.iter().all(Result::is_ok), "{messages:?}");
        Ok(whom)
    }

    /// Both, each with this metadata.
    pub async fn both(&self, metadata: &[(&'static str, String)]) -> [Result<String, Status>; 2] {
        [self.call(metadata).await, self.stream(metadata).await]
    }

    /// How many calls and streams have reached the service.
    pub fn reached(&self) -> usize {
        self.reached.load(Ordering::SeqCst)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The metadata of a call with `token`.
pub fn bearing(token: &str) -> Vec<(&'static str, String)> {
    vec![("authorization", format!("Bearer {token}"))]
}

fn request(metadata: &[(&'static str, String)]) -> Request<HealthCheckRequest> {
    let mut request = Request::new(HealthCheckRequest::default());
    for (name, value) in metadata {
        request.metadata_mut().append(*name, MetadataValue::try_from(value).expect("a value"));
    }
    request
}

fn whom(metadata: &MetadataMap) -> String {
    metadata.get("for").expect("whom").to_str().expect("text").to_owned()
}

struct Counting {
    reached: Arc<AtomicUsize>,
}

#[derive(Deserialize)]
struct User {
    sub: String,
}

impl Counting {
    /// Says whose token it has.
    fn answer<T, A>(&self, request: &Request<T>, answer: A) -> Response<A> {
        self.reached.fetch_add(1, Ordering::SeqCst);
        let whom = match request.extensions().get::<VerifiedToken>() {
            Some(token) => token.claims::<User>().expect("claims").sub.clone(),
            None => "nobody".to_owned(),
        };
        let mut response = Response::new(answer);
        response.metadata_mut().insert("for", whom.parse().expect("a value"));
        response
    }
}

#[tonic::async_trait]
impl Health for Counting {
    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        Ok(self.answer(&request, serving()))
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Ok(self.answer(&request, stream::repeat_with(|| Ok(serving())).take(MESSAGES).boxed()))
    }
}

fn serving() -> HealthCheckResponse {
    HealthCheckResponse { status: ServingStatus::Serving.into() }
}
