use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::clock::Clock;
use crate::error::{AuthError, AuthErrorKind};
use crate::replay::{MemoryReplayStore, ReplayRule, TokenId};

/// Which proofs were used, at all layers whose [`Dpop`](super::Dpop) was cloned from one.
#[derive(Default)]
pub(super) struct Memory {
    /// Of the first that is put to work.
    kept: OnceLock<(ReplayRule, Arc<dyn Clock>)>,
    /// The longest age that one of them takes, in milliseconds: that long, all of them remember.
    longest_age: AtomicU64,
}

impl Memory {
    pub(super) fn join(&self, clock: &Arc<dyn Clock>, max_age: Duration) {
        self.kept.get_or_init(|| {
            let store = MemoryReplayStore::new().with_shared_clock(Arc::clone(clock));
            (ReplayRule::single_use(store), Arc::clone(clock))
        });
        self.keep_for(max_age);
    }

    pub(super) fn keep_for(&self, max_age: Duration) {
        let age = u64::try_from(max_age.as_millis()).unwrap_or(u64::MAX);
        self.longest_age.fetch_max(age, Ordering::Relaxed);
    }

    /// Whether `id` comes for the first time; `left` is how long its proof counts where it is up to `max_age` old. A span, and
    /// no time, because another of them may have a clock that shows another.
    pub(super) async fn is_first_use(
        &self,
        id: TokenId,
        left: Duration,
        max_age: Duration,
    ) -> Result<bool, AuthError> {
        let Some((rule, clock)) = self.kept.get() else {
            return Err(AuthErrorKind::ReplayUnavailable.into());
        };
        let longest = Duration::from_millis(self.longest_age.load(Ordering::Relaxed));
        let left = left.saturating_add(longest.saturating_sub(max_age));
        rule.is_first_use(id, clock.now().checked_add(left).unwrap_or_else(|| clock.now())).await
    }
}
