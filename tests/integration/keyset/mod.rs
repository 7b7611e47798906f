//! The key set of an issuer, in good times and bad; the numbers are those of `manual::defaults`.

mod bad_answers;
mod discovery;
mod fixed_keys;
mod flood;
mod hostile;
mod lifecycle;
mod magiclinks;
mod outage;
mod refresh;
mod rotation;
mod start_up;

use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tower::{Layer, ServiceExt, service_fn};
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::error::AuthErrorKind;
use tower_jwt_auth::jwks::Jwks;
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::{JwtAuthLayer, Verifier};

use crate::support::idp::{Answer, Idp, gaps, in_memory};
use crate::support::issuer::{AUDIENCE, ISSUER, NOW, SigningKey, encode, good_claims, jwks_of};
use crate::support::record;

const URL: &str = "https://issuer.example/jwks.json";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

fn key(kid: &str) -> SigningKey {
    SigningKey::generate(Algorithm::EdDsa, kid)
}

/// A good document with these keys.
fn set_of<'k>(keys: impl IntoIterator<Item = &'k SigningKey>) -> Answer {
    Answer::of(jwks_of(keys))
}

/// A provider in memory that has `key`.
fn provider_of(key: &SigningKey) -> Idp {
    in_memory(set_of([key]))
}

fn remote(provider: &Idp) -> Jwks {
    Jwks::builder(URL).expect("a good URL").with_fetch(provider.clone()).spawn().expect("a runtime")
}

/// The same, with its first set in hand.
async fn loaded(provider: &Idp) -> Jwks {
    let jwks = remote(provider);
    jwks.ready().await.expect("a first set");
    jwks
}

/// A verifier at [`NOW`] that is cheap to hand around.
fn verifier(jwks: &Jwks) -> Arc<Verifier> {
    verifier_with_clock(jwks, FixedClock::at_unix(NOW))
}

fn verifier_with_clock(jwks: &Jwks, clock: FixedClock) -> Arc<Verifier> {
    let verifier = Verifier::new(ISSUER, AUDIENCE, jwks.clone()).expect("good settings");
    Arc::new(verifier.with_clock(clock))
}

/// A token that satisfies every policy, in the name of a key that nobody has. It is never signed.
fn stray_token(kid: &str) -> String {
    let header = json!({ "alg": "EdDSA", "kid": kid });
    let signature = encode([7; 64]);
    format!("{}.{}.{signature}", encode(header.to_string()), encode(good_claims().to_string()))
}

/// What `verifier` thinks of `token`, having waited.
async fn outcome(verifier: &Verifier, token: &str) -> Result<(), AuthErrorKind> {
    let answer = verifier.verify_or_ask(token).await;
    record::secret("a token", token);
    record::shown("a verdict", format_args!("{answer:?}"));
    answer.map(|_| ()).map_err(|error| error.kind())
}

/// The same in a task of its own, as concurrent requests are.
fn knock(verifier: &Arc<Verifier>, token: &str) -> JoinHandle<Result<(), AuthErrorKind>> {
    let (verifier, token) = (Arc::clone(verifier), token.to_owned());
    tokio::spawn(async move { outcome(&verifier, &token).await })
}

/// The answer of a service behind the layer to a request with `token`.
async fn request(verifier: &Arc<Verifier>, token: &str) -> Response<String> {
    let inside =
        service_fn(async |_: Request<String>| Ok::<_, Infallible>(Response::new("inside".to_owned())));
    let request = Request::get("/")
        .header("authorization", format!("Bearer {token}"))
        .body(String::new())
        .expect("a request");
    let service = JwtAuthLayer::new(Arc::clone(verifier)).layer(inside);
    record::sent(&request);
    let response = service.oneshot(request).await.expect("an answer");
    record::answered(&response);
    response
}

async fn status(verifier: &Arc<Verifier>, token: &str) -> StatusCode {
    request(verifier, token).await.status()
}

/// Runs `test` under paused time, for tests of what strangers can cause: should they stop a thread for good, the test
/// fails instead of never ending.
fn unless_it_hangs(test: impl Future<Output = ()> + Send + 'static) {
    let (alive, ended) = mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().start_paused(true).build();
        runtime.expect("a runtime").block_on(test);
        drop(alive);
    });
    // A busy machine takes many times as long as an idle one, which takes a second or two.
    let end = ended.recv_timeout(120 * SECOND);
    assert_ne!(end, Err(mpsc::RecvTimeoutError::Timeout), "a thread hangs");
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

/// How long `future` takes, in whole milliseconds of tokio's time.
async fn timed<T>(future: impl Future<Output = T>) -> (T, Duration) {
    let started = Instant::now();
    let value = future.await;
    (value, Duration::from_millis(started.elapsed().as_millis().try_into().expect("not for ever")))
}

/// Lets `duration` of paused time pass, and all that is due in it happen.
async fn pass(duration: Duration) {
    tokio::time::sleep(duration).await;
}

fn refused(kind: AuthErrorKind) -> Result<(), AuthErrorKind> {
    Err(kind)
}
