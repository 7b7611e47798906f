//! The process that serves: one router on a free port, until its input ends.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use axum::Router;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tower_jwt_auth::clock::{Clock, SystemClock};
use tower_jwt_auth::{Jwks, Verifier};

use crate::support::issuer::{AUDIENCE, Algorithm};
use crate::support::routers;
use crate::tokens::LIVE;
use crate::{axum_jwt_auth, oauth_resource_server};

/// The order to fetch the keys again and again.
pub const REFRESH: &str = "refresh";

/// The order to stop that; it is answered by a line with the [`Tally`].
pub const REST: &str = "rest";

/// Between the end of one refresh and the next: short enough to see each key before it signs, also one that is published
/// for a second only.
const PAUSE: Duration = Duration::from_millis(250);

/// What the cache has room for. Tokens of a key live for the three seconds for which the key is published, if keys rotate; and
/// the cache is divided into parts that fill unevenly: with room to spare, no live token is driven out.
const ROOM: usize = 2 * 3 * LIVE;

/// What is served: always one route, whose handler answers 204 and, behind all but the first, takes eight typed claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum App {
    NoAuth,
    Repeated,
    New,
    AxumJwtAuth,
    OauthResourceServer,
}

impl App {
    pub const ALL: [Self; 5] =
        [Self::NoAuth, Self::Repeated, Self::New, Self::AxumJwtAuth, Self::OauthResourceServer];

    pub fn name(self) -> &'static str {
        match self {
            Self::NoAuth => "no auth",
            Self::Repeated => "tower-jwt-auth, 1,000 tokens in turn",
            Self::New => "tower-jwt-auth, a new token each time",
            Self::AxumJwtAuth => "axum-jwt-auth 0.7.0, with aws-lc",
            Self::OauthResourceServer => "oauth-resource-server 0.4.1",
        }
    }

    pub fn of_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|app| app.name() == name).expect("the name of an app")
    }

    async fn open(self, issuer: &str) -> (Router, Option<Jwks>) {
        match self {
            Self::NoAuth => (routers::bare(), None),
            Self::Repeated => {
                let (verifier, jwks) = verifier(issuer).await;
                (routers::guarded(verifier.with_token_cache(ROOM)), Some(jwks))
            }
            Self::New => {
                let (verifier, jwks) = verifier(issuer).await;
                (routers::guarded(verifier.with_clock(Ahead::default())), Some(jwks))
            }
            Self::AxumJwtAuth => {
                let backend = &jsonwebtoken_10::crypto::aws_lc::DEFAULT_PROVIDER;
                backend.install_default().expect("nobody was here before");
                (axum_jwt_auth::router(issuer, Algorithm::Rs256).await, None)
            }
            Self::OauthResourceServer => (oauth_resource_server::router(issuer).await, None),
        }
    }
}

async fn verifier(issuer: &str) -> (Verifier, Jwks) {
    let jwks = Jwks::discover(issuer).expect("a key set");
    jwks.ready().await.expect("keys");
    (Verifier::new(issuer, AUDIENCE, jwks.clone()).expect("a verifier"), jwks)
}

/// The machine's clock, a second further ahead each time that it is looked at, which is once for each token.
///
/// A circle of tokens that is larger than the cache does not keep them new: the cache keeps some of what comes round. But it
/// believes none for longer than [5 min](tower_jwt_auth::verify::MAX_CACHED_AGE), and by this clock that has passed by
/// the time that a token comes again. So each is verified and, as tokens of the wild are, remembered.
#[derive(Debug, Default)]
struct Ahead {
    seconds: AtomicU64,
}

impl Clock for Ahead {
    fn now(&self) -> SystemTime {
        SystemClock.now() + Duration::from_secs(self.seconds.fetch_add(1, Ordering::Relaxed))
    }
}

/// Serves until the input ends; the first line of output is the port.
pub async fn serve(app: App, issuer: &str) {
    let (router, jwks) = app.open(issuer).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("{}", listener.local_addr().expect("an address").port());
    tokio::select! {
        _ = async { axum::serve(listener, router).await } => {}
        () = obey(jwks) => {}
    }
}

/// What refreshes came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// Those that have ended.
    pub ended: u64,
    pub failed: u64,
    /// How often the keys have changed.
    pub swaps: u64,
}

impl Tally {
    pub fn read(line: &str) -> Option<Self> {
        let figures: Vec<u64> = line.split(' ').filter_map(|figure| figure.parse().ok()).collect();
        let [ended, failed, swaps] = figures[..] else { return None };
        Some(Self { ended, failed, swaps })
    }

    fn line(&self) -> String {
        format!("{} {} {}", self.ended, self.failed, self.swaps)
    }
}

/// Does what it is told, until the one who tells is gone.
async fn obey(jwks: Option<Jwks>) {
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    let generation = || jwks.as_ref().map_or(0, |jwks| jwks.status().generation);
    let mut tally = Tally::default();
    let (mut refreshing, before) = (false, generation());
    loop {
        tokio::select! {
            order = orders.next_line() => match order.ok().flatten().as_deref() {
                Some(REFRESH) => refreshing = true,
                Some(REST) => {
                    refreshing = false;
                    tally.swaps = generation() - before;
                    println!("{}", tally.line());
                }
                _ => return,
            },
            () = refresh(jwks.as_ref(), &mut tally), if refreshing => {}
        }
    }
}

async fn refresh(jwks: Option<&Jwks>, tally: &mut Tally) {
    if let Some(jwks) = jwks {
        let outcome = jwks.refresh_now().await;
        tally.ended += 1;
        tally.failed += u64::from(outcome.is_err());
    }
    sleep(PAUSE).await;
}
