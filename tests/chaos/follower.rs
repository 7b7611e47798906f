//! Follows the key set as an operator would, refresh by refresh.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;
use tokio::time::Instant;
use tower_jwt_auth::jwks::{Jwks, JwksStatus};
use tower_jwt_auth::test_util::Idp;

/// The end of a refresh, as it was told of.
#[derive(Clone)]
pub struct Told {
    pub at: Instant,
    pub status: JwksStatus,
    /// How often the provider had been asked by then.
    pub requests: usize,
}

pub struct Follower {
    told: Arc<Mutex<Vec<Told>>>,
    task: AbortHandle,
}

impl Follower {
    pub fn of(jwks: &Jwks, idp: &Idp) -> Self {
        let told = Arc::<Mutex<Vec<Told>>>::default();
        let (mut changes, idp) = (jwks.changes(), idp.clone());
        let log = Arc::clone(&told);
        let task = tokio::spawn(async move {
            while let Some(status) = changes.changed().await {
                let next = Told { at: Instant::now(), status, requests: idp.requests() };
                log.lock().unwrap_or_else(PoisonError::into_inner).push(next);
            }
        });
        Self { told, task: task.abort_handle() }
    }

    pub fn told(&self) -> MutexGuard<'_, Vec<Told>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}
