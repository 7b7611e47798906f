//! Tokens that are bound to a certificate, where TLS ends in the service: the handshake says whose connection it is.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::routing::get;
use axum::{Extension, Router};
use http::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    ClientConfig, HandshakeKind, RootCertStore, ServerConfig, SupportedProtocolVersion,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::binding::{ClientCertificate, ClientCertificates};

use super::certificate::{cnf_of, sequence};
use super::{bound_by, get_with};
use crate::support::app::{ACCEPTED, Answer, verifier};
use crate::support::record;
use crate::support::site::token_with;

const HOST: &str = "api.example.com";
const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Vouches for the names in certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and the key in it.
struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    fn certify(&self, name: &str) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([name.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        Identity {
            certificate: certificate.der().clone(),
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        }
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("an authority");
        Arc::new(roots)
    }
}

/// Whether the server gives up on clients without a certificate before HTTP begins.
#[derive(Clone, Copy, PartialEq)]
enum Asks {
    WhoeverComes,
    ForCertificates,
}

/// A service that ends TLS itself, with the layer in it.
struct Server {
    address: SocketAddr,
    authority: Authority,
}

impl Server {
    async fn start(asks: Asks, certificates: ClientCertificates) -> Self {
        let authority = Authority::new();
        let own = authority.certify(HOST);
        let clients = WebPkiClientVerifier::builder_with_provider(authority.roots(), provider());
        let clients = if asks == Asks::WhoeverComes { clients.allow_unauthenticated() } else { clients };
        let tls = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&VERSIONS)
            .expect("versions")
            .with_client_cert_verifier(clients.build().expect("an authority"))
            .with_single_cert(vec![own.certificate], own.key)
            .expect("an identity");
        let layer = JwtAuthLayer::new(verifier()).with_client_certificates(certificates);
        record::shown("a layer", format_args!("{layer:?}"));
        let app = Router::new().route("/", get("inside")).layer(layer);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(tls)), app));
        Self { address, authority }
    }

    /// A client that has this certificate, and whatever key.
    fn client(&self, version: &'static SupportedProtocolVersion, shown: Option<&Identity>) -> Client {
        self.client_with_key(version, shown.map(|own| (own, &own.key)))
    }

    fn client_with_key(
        &self,
        version: &'static SupportedProtocolVersion,
        shown: Option<(&Identity, &PrivateKeyDer<'static>)>,
    ) -> Client {
        let tls = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[version])
            .expect("a version")
            .with_root_certificates(self.authority.roots());
        let mut tls = match shown {
            None => tls.with_no_client_auth(),
            Some((identity, key)) => {
                let key = provider().key_provider.load_private_key(key.clone_key()).expect("a key");
                // Nobody here asks whether it is that of the certificate.
                let both = CertifiedKey::new(vec![identity.certificate.clone()], key);
                tls.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(both)))
            }
        };
        tls.resumption = Resumption::in_memory_sessions(8);
        Client { tls: TlsConnector::from(Arc::new(tls)), address: self.address }
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, app: Router) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, app) = (tls.clone(), app.clone());
        tokio::spawn(async move {
            // A handshake that fails is the client's to notice.
            let Ok(stream) = tls.accept(stream).await else { return };
            let (_, connection) = stream.get_ref();
            let app = match connection.peer_certificates().and_then(|chain| chain.first()) {
                Some(own) => app.layer(Extension(ClientCertificate::from_der(own))),
                None => app,
            };
            let http = auto::Builder::new(TokioExecutor::new());
            let _ = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app)).await;
        });
    }
}

struct Client {
    tls: TlsConnector,
    address: SocketAddr,
}

struct Connection {
    requests: SendRequest<Body>,
    handshake: Option<HandshakeKind>,
}

impl Client {
    async fn connect(&self) -> io::Result<Connection> {
        let name = ServerName::try_from(HOST).expect("a name");
        let stream = self.tls.connect(name, TcpStream::connect(self.address).await?).await?;
        let handshake = stream.get_ref().1.handshake_kind();
        let (requests, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        tokio::spawn(connection);
        Ok(Connection { requests, handshake })
    }

    /// What a token comes to over a new connection; none if that does not last for a request.
    async fn bear(&self, token: &str) -> Option<Answer> {
        self.connect().await.ok()?.answer(get_with("Bearer", token, &[])).await
    }

    async fn code(&self, token: &str) -> Option<String> {
        self.bear(token).await.map(|answer| answer.code)
    }
}

impl Connection {
    async fn answer(&mut self, request: Request<Body>) -> Option<Answer> {
        record::sent(&request);
        let response = self.requests.send_request(request).await.ok()?;
        Some(Answer::read(response.map(Body::new)).await)
    }
}

fn bound_to(identity: &Identity) -> String {
    bound_by(cnf_of(&identity.certificate))
}

#[tokio::test]
async fn a_stolen_token_is_worth_nothing_over_the_connection_of_its_thief() {
    let server = Server::start(Asks::WhoeverComes, ClientCertificates::of_connection()).await;
    let [alice, eve] = ["alice", "eve"].map(|name| server.authority.certify(name));
    let (bound, unbound) = (bound_to(&alice), token_with(json!({})));
    for version in VERSIONS {
        for (name, shown, token, want) in [
            ("its own certificate", Some(&alice), &bound, (200, ACCEPTED)),
            ("another's", Some(&eve), &bound, (401, "token_bound")),
            ("none", None, &bound, (401, "token_bound")),
            ("a token that is not bound", Some(&eve), &unbound, (200, ACCEPTED)),
            ("a token that is not bound, and none", None, &unbound, (200, ACCEPTED)),
        ] {
            let answer = server.client(version, shown).bear(token).await.expect("an answer");
            assert_eq!((answer.status, &*answer.code), want, "{name}, {version:?}");
            let challenge = answer.header("www-authenticate");
            let is_bearer = |line: &str| line.starts_with("Bearer ") && line.contains("invalid_token");
            assert_eq!(challenge.is_some_and(is_bearer), want.0 == 401, "{name}: {challenge:?}");
        }
    }
}

#[tokio::test]
async fn where_certificates_are_required_an_unbound_token_counts_over_no_connection() {
    let certificates = ClientCertificates::of_connection().required();
    let server = Server::start(Asks::WhoeverComes, certificates).await;
    let [alice, eve] = ["alice", "eve"].map(|name| server.authority.certify(name));
    let (bound, unbound) = (bound_to(&alice), token_with(json!({})));
    for version in VERSIONS {
        for (name, shown, token, want) in [
            ("its own certificate", Some(&alice), &bound, (200, ACCEPTED)),
            ("another's", Some(&eve), &bound, (401, "token_bound")),
            ("none", None, &bound, (401, "token_bound")),
            ("a token that is not bound", Some(&alice), &unbound, (401, "token_unbound")),
            ("a token that is not bound, and none", None, &unbound, (401, "token_unbound")),
        ] {
            let answer = server.client(version, shown).bear(token).await.expect("an answer");
            assert_eq!((answer.status, &*answer.code), want, "{name}, {version:?}");
        }
    }
}

#[tokio::test]
async fn a_certificate_without_its_key_or_of_another_authority_makes_no_connection() {
    for asks in [Asks::WhoeverComes, Asks::ForCertificates] {
        let server = Server::start(asks, ClientCertificates::of_connection().required()).await;
        let [alice, eve] = ["alice", "eve"].map(|name| server.authority.certify(name));
        let stranger = Authority::new().certify("alice");
        for version in VERSIONS {
            let code = async |shown, token: &str| server.client_with_key(version, shown).code(token).await;
            let token = bound_to(&alice);
            assert_eq!(
                code(Some((&alice, &alice.key)), &token).await.as_deref(),
                Some(ACCEPTED),
                "{version:?}"
            );
            assert_eq!(code(Some((&alice, &eve.key)), &token).await, None, "{version:?}");
            let token = bound_to(&stranger);
            assert_eq!(code(Some((&stranger, &stranger.key)), &token).await, None, "{version:?}");
            let without = (asks == Asks::WhoeverComes).then_some("token_bound");
            assert_eq!(code(None, &token).await.as_deref(), without, "{version:?}");
        }
    }
}

#[tokio::test]
async fn every_request_of_a_connection_has_its_certificate_and_no_header_changes_it() {
    let server = Server::start(Asks::WhoeverComes, ClientCertificates::of_connection()).await;
    let [alice, eve] = ["alice", "eve"].map(|name| server.authority.certify(name));
    let (of_alice, of_eve) = (bound_to(&alice), bound_to(&eve));
    let mut connection = server.client(&TLS13, Some(&eve)).connect().await.expect("a connection");
    for (token, want) in
        [(&of_eve, ACCEPTED), (&of_alice, "token_bound"), (&of_eve, ACCEPTED), (&of_alice, "token_bound")]
    {
        let mut request = get_with("Bearer", token, &[]);
        let header = sequence(&alice.certificate).parse().expect("a value");
        request.headers_mut().insert("client-cert", header);
        let answer = connection.answer(request).await.expect("the same connection");
        assert_eq!(answer.code, want);
    }
}

#[tokio::test]
async fn a_session_that_is_resumed_has_the_certificate_that_it_began_with() {
    let server = Server::start(Asks::WhoeverComes, ClientCertificates::of_connection()).await;
    let [alice, eve] = ["alice", "eve"].map(|name| server.authority.certify(name));
    let token = bound_to(&alice);
    for version in VERSIONS {
        for (shown, want) in [(Some(&alice), ACCEPTED), (Some(&eve), "token_bound"), (None, "token_bound")] {
            let client = server.client(version, shown);
            for handshake in [HandshakeKind::Full, HandshakeKind::Resumed] {
                let mut connection = client.connect().await.expect("a connection");
                assert_eq!(connection.handshake, Some(handshake), "{version:?}");
                let answer = connection.answer(get_with("Bearer", &token, &[])).await.expect("an answer");
                assert_eq!(answer.code, want, "{version:?}, {handshake:?}");
            }
        }
    }
}
