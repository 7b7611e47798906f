//! A key set that is swapped while it is read.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Response;
use tokio::runtime::Runtime;
use tokio::task::AbortHandle;
use tower_jwt_auth::Jwks;
use tower_jwt_auth::fetch::{Fetch, FetchFuture, FetchRequest};
use tower_jwt_auth::test_util::{SigningKey, jwks_of};
use tower_jwt_auth::token::Algorithm;

/// A remote key set that always holds one key, and another one that is replaced some times a second.
pub struct Swapped {
    pub jwks: Jwks,
    swaps: Option<AbortHandle>,
}

impl Swapped {
    pub fn around(key: &SigningKey, swaps_a_second: u32, runtime: &Runtime) -> Self {
        let document = |kid| jwks_of([key, &SigningKey::generate(Algorithm::Es256, kid)]).into_bytes();
        let documents = [document("one"), document("other")];
        let provider = Alternating { documents, next: AtomicUsize::new(0) };
        let _inside = runtime.enter();
        let builder = Jwks::builder("https://issuer.example/keys").expect("a URL");
        let jwks = builder.with_fetch(provider).spawn().expect("a runtime");
        runtime.block_on(jwks.ready()).expect("keys");
        let swaps = Duration::from_secs(1).checked_div(swaps_a_second).map(|pause| {
            let swapped = jwks.clone();
            let swap = async move {
                loop {
                    swapped.refresh_now().await.expect("keys");
                    tokio::time::sleep(pause).await;
                }
            };
            let mut changes = jwks.changes();
            let swaps = runtime.spawn(swap).abort_handle();
            let status = runtime.block_on(changes.changed()).expect("a refresh");
            assert!(status.generation > 1, "a refresh that swaps nothing");
            swaps
        });
        Self { jwks, swaps }
    }
}

impl Drop for Swapped {
    fn drop(&mut self) {
        if let Some(swaps) = &self.swaps {
            swaps.abort();
        }
    }
}

/// Serves two documents in turn.
struct Alternating {
    documents: [Vec<u8>; 2],
    next: AtomicUsize,
}

impl Fetch for Alternating {
    fn fetch(&self, _request: FetchRequest) -> FetchFuture<'_> {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.documents.len();
        let body = self.documents[next].clone();
        Box::pin(std::future::ready(Ok(Response::new(body))))
    }
}
