//! An identity provider on loopback: discovery and a key set, and what may go wrong with them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use tower_jwt_auth::test_util::SigningKey;
use tower_jwt_auth::token::Algorithm;

use crate::tokens::claims;

/// How many keys a provider that rotates has: each signs for a second, is published a second before that, and is dropped a
/// second after. They come round, under the same name, after as many seconds as there are keys.
pub const ROTATING: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    Steady,
    Rotates,
    /// Refuses connections.
    Down,
    /// Accepts connections, reads requests and never answers.
    Hangs,
}

pub struct Provider {
    pub issuer: String,
    pub manner: Manner,
    shared: Arc<Shared>,
    address: SocketAddr,
    serving: JoinHandle<()>,
    /// Keeps the port from others while nobody listens there.
    _kept: Option<TcpSocket>,
}

struct Shared {
    issuer: String,
    keys: Vec<SigningKey>,
    jwks: Vec<Value>,
    hangs: AtomicBool,
    asked: AtomicU64,
}

impl Provider {
    /// One that is good until it is told to [misbehave](Self::misbehave); but one that rotates its keys does so at once.
    pub async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let count = if manner == Manner::Rotates { ROTATING } else { 1 };
        let keys: Vec<_> = (0..count)
            .map(|number| SigningKey::generate(Algorithm::Rs256, &format!("key-{number}")))
            .collect();
        let issuer = format!("http://{address}");
        let shared = Arc::new(Shared {
            issuer: issuer.clone(),
            jwks: keys.iter().map(SigningKey::public_jwk).collect(),
            keys,
            hangs: AtomicBool::new(false),
            asked: AtomicU64::new(0),
        });
        let app = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(key_set))
            .with_state(Arc::clone(&shared));
        let serving = spawn(listener, app);
        Self { issuer, manner, shared, address, serving, _kept: None }
    }

    pub async fn misbehave(&mut self) {
        match self.manner {
            Manner::Steady | Manner::Rotates => {}
            Manner::Hangs => self.shared.hangs.store(true, Ordering::Relaxed),
            Manner::Down => {
                self.serving.abort();
                _ = (&mut self.serving).await;
                let socket = TcpSocket::new_v4().expect("a socket");
                socket.set_reuseaddr(true).expect("an option");
                socket.bind(self.address).expect("the port that was just given up");
                self._kept = Some(socket);
            }
        }
    }

    pub fn keys(&self) -> &[SigningKey] {
        &self.shared.keys
    }

    /// How many requests have arrived here.
    pub fn asked(&self) -> u64 {
        self.shared.asked.load(Ordering::Relaxed)
    }

    /// A good token, of the key that signs at the moment.
    pub fn token_of_now(&self) -> String {
        let keys = self.keys();
        keys[now() % keys.len()].token(&claims(&self.issuer, 0))
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[allow(clippy::disallowed_methods, reason = "it has to serve while others do something else")]
fn spawn(listener: TcpListener, app: Router) -> JoinHandle<()> {
    tokio::spawn(async move { axum::serve(listener, app).await.expect("a server") })
}

async fn discovery(State(shared): State<Arc<Shared>>) -> Json<Value> {
    shared.arrive().await;
    let issuer = &shared.issuer;
    Json(json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/jwks"),
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
}

async fn key_set(State(shared): State<Arc<Shared>>) -> Json<Value> {
    shared.arrive().await;
    let keys = shared.jwks.len();
    let published: Vec<_> = match keys {
        1 => shared.jwks.iter().collect(),
        // The last signer, this one and the next.
        _ => (keys - 1..=keys + 1).map(|offset| &shared.jwks[(now() + offset) % keys]).collect(),
    };
    Json(json!({ "keys": published }))
}

impl Shared {
    async fn arrive(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.hangs.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }
}

/// The second of the wall clock, which the load goes by as well.
#[allow(clippy::disallowed_methods, reason = "the load generator knows no other clock")]
fn now() -> usize {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_secs();
    usize::try_from(seconds).expect("a machine of 64 bits")
}
