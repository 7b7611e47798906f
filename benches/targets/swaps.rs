//! What requests notice of a key set that is swapped beneath them.
#![allow(clippy::disallowed_methods, reason = "what is measured is the wall time, as a caller sees it")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::{Response, StatusCode};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use tower_jwt_auth::fetch::{Fetch, FetchFuture, FetchRequest};
use tower_jwt_auth::{Jwks, Verifier};

use crate::support::interleave::{Samples, quantile};
use crate::support::issuer::{AUDIENCE, Algorithm, Issuer};
use crate::support::requests::{Door, bearer, door};
use crate::support::routers::guarded;
use crate::support::targets::{Bound, Target, Unit};

/// How long requests are sent with swaps, or without, before it is the other's turn.
const WINDOW: Duration = Duration::from_millis(50);

const WINDOWS: usize = 60;

/// More of one window than of the other counts as noise up to here.
const NOISE: f64 = 1.1;

const PERCENTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

pub fn targets() -> Vec<Target> {
    let issuer = Issuer::new("https://login.example.com", Algorithm::Rs256);
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let jwks = swapped(&issuer, &runtime);
    let verifier = || Verifier::new(&issuer.url, AUDIENCE, jwks.clone()).expect("a verifier");
    let token = issuer.token(0);
    let mut every_time = door(guarded(verifier().with_token_cache(0)));
    let mut repeated = door(guarded(verifier()));
    // A swap makes every remembered token a new one, once: the swaps are rare enough that this is no percentile.
    let mut targets = compare("verified each time, 40 swaps a second", &mut every_time, &token, || {
        swaps(&jwks, &runtime, 25)
    });
    targets.extend(compare("repeated token, 20 swaps a second", &mut repeated, &token, || {
        swaps(&jwks, &runtime, 50)
    }));
    targets
}

/// Each window with swaps beside two without, which show the noise.
fn compare(
    name: &str,
    door: &mut Door,
    token: &str,
    start: impl Fn() -> tokio::task::AbortHandle,
) -> Vec<Target> {
    let mut kinds = [(); 3].map(|()| PERCENTILES.map(|_| Vec::with_capacity(WINDOWS)));
    for window in 0..WINDOWS {
        for turn in 0..3 {
            let kind = (window + turn) % 3;
            let swapping = (kind == 0).then(&start);
            let times = send(door, token);
            if let Some(swapping) = swapping {
                swapping.abort();
            }
            for (values, (_, q)) in kinds[kind].iter_mut().zip(PERCENTILES) {
                values.push(quantile(times.clone(), q));
            }
        }
    }
    let samples =
        |kind: usize, index: usize| Samples { name: String::new(), nanoseconds: kinds[kind][index].clone() };
    PERCENTILES
        .iter()
        .enumerate()
        .map(|(index, (percentile, _))| {
            let [with, without, again] = [0, 1, 2].map(|kind| samples(kind, index));
            let target = Target::new(
                format!("{name}: {percentile} with swaps ÷ without"),
                with.median_ratio_to(&without),
                Bound::AtMost(NOISE),
                Unit::Times,
            );
            target.with_note(format!(
                "{:.1} µs and {:.1} µs of wall time; without ÷ without {:.2}; needs two processors that are free",
                with.median() / 1e3,
                without.median() / 1e3,
                again.median_ratio_to(&without),
            ))
        })
        .collect()
}

/// How long each request of one window took, in nanoseconds.
fn send(door: &mut Door, token: &str) -> Vec<f64> {
    let mut times = Vec::with_capacity(100_000);
    let end = Instant::now() + WINDOW;
    loop {
        let authorization = bearer(token);
        let start = Instant::now();
        let status = door(authorization);
        let now = Instant::now();
        assert_eq!(status, StatusCode::NO_CONTENT);
        times.push((now - start).as_secs_f64() * 1e9);
        if now >= end {
            return times;
        }
    }
}

/// A remote key set that always holds the issuer's key, and another one that changes with each fetch.
fn swapped(issuer: &Issuer, runtime: &Runtime) -> Jwks {
    let document = |kid: &str| {
        let mut other = Issuer::new("", Algorithm::Es256).jwk();
        other["kid"] = kid.into();
        json!({ "keys": [issuer.jwk(), other] }).to_string().into_bytes()
    };
    let provider = Alternating { documents: [document("one"), document("other")], next: AtomicUsize::new(0) };
    let _inside = runtime.enter();
    let builder = Jwks::builder("https://login.example.com/keys").expect("a URL");
    let jwks = builder.with_fetch(provider).spawn().expect("a runtime");
    runtime.block_on(jwks.ready()).expect("keys");
    jwks
}

fn swaps(jwks: &Jwks, runtime: &Runtime, every_milliseconds: u64) -> tokio::task::AbortHandle {
    let jwks = jwks.clone();
    let swap = async move {
        loop {
            // At first half the time, so that no window ends with its only swap.
            tokio::time::sleep(Duration::from_millis(every_milliseconds / 2)).await;
            jwks.refresh_now().await.expect("keys");
            tokio::time::sleep(Duration::from_millis(every_milliseconds / 2)).await;
        }
    };
    runtime.spawn(swap).abort_handle()
}

struct Alternating {
    documents: [Vec<u8>; 2],
    next: AtomicUsize,
}

impl Fetch for Alternating {
    fn fetch(&self, _request: FetchRequest) -> FetchFuture<'_> {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.documents.len();
        Box::pin(async move { Ok(Response::new(self.documents[next].clone())) })
    }
}
