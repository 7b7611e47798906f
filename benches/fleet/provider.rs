//! The one provider that all replicas ask: it counts, and answers as the scenario says.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use http::header::{ETAG, IF_NONE_MATCH};
use http::{Response, StatusCode};
use serde_json::json;
use tokio::time::{Instant, sleep};
use tower_jwt_auth::clock::Clock;
use tower_jwt_auth::fetch::{Fetch, FetchError, FetchFuture, FetchRequest};
use tower_jwt_auth::test_util::{SigningKey, jwks_of};
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::{Jwks, Verifier};

use crate::scenario::{self, Manner};

/// How long a good answer takes.
const LATENCY: Duration = Duration::from_millis(50);

/// How many keys there are in the course of time.
const KEYS: usize = 3;

pub struct Provider {
    started: Instant,
    keys: Vec<SigningKey>,
    /// A good token of each key.
    tokens: Vec<String>,
    counts: Mutex<Counts>,
}

/// Requests by the second in which they came.
#[derive(Clone)]
pub struct Counts {
    pub asked: Vec<u32>,
    /// Of those, the ones that got no good answer.
    pub failed: Vec<u32>,
}

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api";
/// When it all begins.
const NOW: u32 = 1_800_000_000;

impl Provider {
    pub fn new() -> Self {
        let nothing = vec![0; scenario::END as usize];
        let counts = Mutex::new(Counts { asked: nothing.clone(), failed: nothing });
        let key = |number| SigningKey::generate(Algorithm::Rs256, &format!("key-{number}"));
        let keys: Vec<_> = (0..KEYS).map(key).collect();
        let claims = json!({ "iss": ISSUER, "aud": AUDIENCE, "exp": u64::from(NOW) + 2 * scenario::END });
        let tokens = keys.iter().map(|key| key.token(&claims)).collect();
        Self { started: Instant::now(), keys, tokens, counts }
    }

    /// The time since the start.
    pub fn now(&self) -> Duration {
        self.started.elapsed()
    }

    pub fn at(&self, time: Duration) -> Instant {
        self.started + time
    }

    /// What a replica starts with.
    pub fn key_set_and_verifier(self: &Arc<Self>) -> (Jwks, Verifier) {
        let builder = Jwks::builder("https://issuer.example/jwks.json").expect("a good URL");
        let jwks = builder.with_fetch(Wire(Arc::clone(self))).spawn().expect("a runtime");
        let verifier = Verifier::new(ISSUER, AUDIENCE, jwks.clone()).expect("good settings");
        // One token at a time is all that a replica is shown here.
        (jwks, verifier.with_token_cache(1).with_clock(VirtualClock(self.started)))
    }

    /// A token as the issuer signs them now.
    pub fn token(&self) -> &str {
        &self.tokens[scenario::signer(self.now().as_secs())]
    }

    pub fn counts(&self) -> Counts {
        self.counting().clone()
    }

    fn answer(&self, request: &FetchRequest) -> Answer {
        let second = self.now().as_secs();
        let manner = scenario::manner(second);
        let mut counts = self.counting();
        counts.asked[second as usize] += 1;
        let Manner::Serves(keys) = manner else {
            counts.failed[second as usize] += 1;
            return if matches!(manner, Manner::Hangs) { Answer::None } else { Answer::Refused };
        };
        let version = format!("\"{keys:?}\"");
        let is_known = request.http.headers().get(IF_NONE_MATCH).is_some_and(|known| *known == *version);
        let document = || jwks_of(keys.iter().map(|key| &self.keys[*key])).into_bytes();
        let mut response = Response::new(if is_known { Vec::new() } else { document() });
        *response.status_mut() = if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
        response.headers_mut().insert(ETAG, version.parse().expect("a header value"));
        Answer::Good(response)
    }

    fn counting(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().expect("nobody panics while counting")
    }
}

enum Answer {
    Good(Response<Vec<u8>>),
    Refused,
    None,
}

struct Wire(Arc<Provider>);

impl Fetch for Wire {
    fn fetch(&self, request: FetchRequest) -> FetchFuture<'_> {
        let answer = self.0.answer(&request);
        Box::pin(async move {
            match answer {
                Answer::Good(response) => {
                    sleep(LATENCY).await;
                    Ok(response)
                }
                Answer::Refused => Err(FetchError::Failed("connection refused".into())),
                Answer::None => std::future::pending().await,
            }
        })
    }
}

/// The wall clock, which goes with the virtual one.
#[derive(Debug)]
struct VirtualClock(Instant);

impl Clock for VirtualClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.into()) + self.0.elapsed()
    }
}
