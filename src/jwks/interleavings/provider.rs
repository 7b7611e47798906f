#![cfg(test)]
//! A provider whose key set moves on, in some orders slowly and with failures.
#![expect(clippy::arithmetic_side_effects, reason = "what is counted here is far from any limit")]

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use shuttle::rand::{Rng, thread_rng};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::fetch::{Fetch, FetchError, FetchFuture, FetchRequest};
use crate::jwks::Jwks;
use crate::jwks::state::Snapshot;
use crate::sync::orders::turn;
use crate::token::Algorithm;

pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const AUDIENCE: &str = "api";

/// How many versions there are, each with its own key and the next one's.
const VERSIONS: u32 = 4;

/// At a version that only grows: key `n` is published from version `n - 1` to version `n`.
#[derive(Clone)]
pub(crate) struct Provider(Arc<State>);

struct State {
    version: watch::Sender<u32>,
    log: Mutex<Log>,
    has_trouble: bool,
    rotates_when_read: AtomicBool,
}

/// What fetches there were.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Log {
    pub(crate) fetches: u32,
    pub(crate) under_way: u32,
    pub(crate) most_under_way: u32,
}

impl Provider {
    pub(crate) fn prompt() -> Self {
        Self::new(false)
    }

    /// Answers late, too late or not at all, now and then.
    pub(crate) fn with_trouble() -> Self {
        Self::new(true)
    }

    fn new(has_trouble: bool) -> Self {
        let (version, log) = (watch::Sender::new(0), Mutex::default());
        Self(Arc::new(State { version, log, has_trouble, rotates_when_read: AtomicBool::new(false) }))
    }

    /// Its key set, not fetched yet.
    pub(crate) fn jwks(&self) -> Jwks {
        let builder = Jwks::builder("https://issuer.example/keys").expect("a URL");
        builder.with_fetch(self.clone()).spawn().expect("a runtime")
    }

    pub(crate) fn rotate(&self) {
        turn();
        self.0.version.send_modify(|version| *version += 1);
    }

    /// Moves on in the middle of the next fetch, which answers with what it has read before.
    pub(crate) fn rotate_when_read(&self) {
        self.0.rotates_when_read.store(true, SeqCst);
    }

    pub(crate) fn version(&self) -> u32 {
        *self.0.version.borrow()
    }

    /// Waits until `version` is what is published.
    pub(crate) async fn publishes(&self, version: u32) {
        self.0.version.subscribe().wait_for(|now| *now >= version).await.expect("a provider");
    }

    pub(crate) fn log(&self) -> Log {
        *self.0.log.lock().expect("a log")
    }

    fn note(&self, note: impl FnOnce(&mut Log)) {
        note(&mut self.0.log.lock().expect("a log"));
    }
}

impl Fetch for Provider {
    fn fetch(&self, _request: FetchRequest) -> FetchFuture<'_> {
        Box::pin(async {
            let _under_way = UnderWay::begin(self);
            turn();
            let version = self.version();
            if self.0.rotates_when_read.swap(false, SeqCst) {
                self.rotate();
            }
            turn();
            if self.0.has_trouble {
                match thread_rng().gen_range(0..8) {
                    0 => return Err(FetchError::Failed("down".into())),
                    1 => sleep(Duration::from_millis(300)).await,
                    2 => sleep(Duration::from_secs(4)).await,
                    3 => sleep(Duration::from_secs(60)).await,
                    _ => {}
                }
            }
            turn();
            Ok(http::Response::new(document(version)))
        })
    }
}

/// A fetch, until it has ended or was given up.
struct UnderWay<'p>(&'p Provider);

impl<'p> UnderWay<'p> {
    fn begin(provider: &'p Provider) -> Self {
        provider.note(|log| {
            log.fetches += 1;
            log.under_way += 1;
            log.most_under_way = log.most_under_way.max(log.under_way);
        });
        Self(provider)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.note(|log| log.under_way -= 1);
    }
}

static KEY: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed"));

static TOKENS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let sign = |number| {
        let header = format!(r#"{{"alg":"EdDSA","kid":"{number}"}}"#);
        let claims = format!(r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","exp":4102444800}}"#);
        let input = [header, claims].map(|part| BASE64URL.encode_to_string(part)).join(".");
        format!("{input}.{}", BASE64URL.encode_to_string(KEY.sign(input.as_bytes())))
    };
    (0..=VERSIONS).map(sign).collect()
});

/// A token by key `number`.
pub(crate) fn token(number: u32) -> &'static str {
    &TOKENS[usize::try_from(number).expect("a small number")]
}

/// All are the same key, by different names.
fn document(version: u32) -> Vec<u8> {
    let x = BASE64URL.encode_to_string(KEY.public_key());
    let [own, next] = [version, version + 1]
        .map(|number| format!(r#"{{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"{number}","x":"{x}"}}"#));
    format!(r#"{{"keys":[{own},{next}]}}"#).into_bytes()
}

/// Which version `snapshot` is of.
///
/// # Panics
///
/// If it is a mixture.
pub(crate) fn version_of(snapshot: &Snapshot) -> Option<u32> {
    let holds =
        |number: u32| snapshot.keys().candidates(Some(&number.to_string()), Algorithm::EdDsa).count() == 1;
    let held: Vec<_> = (0..=VERSIONS).filter(|number| holds(*number)).collect();
    match *held {
        [] => None,
        [version, next] if next == version + 1 => Some(version),
        _ => panic!("no version has the keys {held:?}"),
    }
}
