use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;
use tokio::time::timeout;

use super::{Mark, Receipt, ReplayStore, StoreError, StoreFuture, TokenId, nameless};
use crate::error::{AuthError, AuthErrorKind};
use crate::telemetry::{self, StoreTrouble};
use crate::verify::{MAX_LEEWAY, VerifiedToken};

/// The time that a store has for an answer. A question that it answers too late may have used its token up all the same.
pub const STORE_TIMEOUT: Duration = Duration::from_secs(1);

/// How much longer than its proof a mark is kept: one that was good when it was judged may be over by the time that the store
/// looks.
const OVERLAP: Duration = Duration::from_secs(60);

/// How much longer than the `exp` of its token a mark is kept: another that shares the store may forgive the longest leeway
/// there is, its clock be behind by as much, and that of the store ahead.
const OUTLASTS: Duration = Duration::from_secs(3 * MAX_LEEWAY.as_secs());

/// What a layer asks its [`ReplayStore`].
///
/// See the [module docs](super).
#[derive(Clone)]
#[must_use]
pub struct ReplayRule {
    store: Arc<dyn ReplayStore>,
    uses: Uses,
    on_failure: OnFailure,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Uses {
    Once,
    Many,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnFailure {
    Refuse,
    Accept,
}

impl ReplayRule {
    /// Each token counts once; it has to have a `jti` and an `exp`. What was revoked does not count at all.
    pub fn single_use(store: impl ReplayStore) -> Self {
        Self { store: Arc::new(store), uses: Uses::Once, on_failure: OnFailure::Refuse }
    }

    /// What was revoked is refused. A token without `jti` cannot be.
    pub fn deny_list(store: impl ReplayStore) -> Self {
        Self { uses: Uses::Many, ..Self::single_use(store) }
    }

    /// Lets tokens in while the store gives no answer, with a warning and a count of each.
    ///
    /// # Security
    ///
    /// Whoever can bring the store down can use a token again, and one that was revoked. A store that is full refuses all
    /// the same, and so does one that is asked outside of a tokio runtime.
    pub fn insecure_accept_when_the_store_fails(mut self) -> Self {
        self.on_failure = OnFailure::Accept;
        self
    }

    pub(crate) fn is_single_use(&self) -> bool {
        self.uses == Uses::Once
    }

    /// Whether `token` may be used, which uses it up if it counts once. A browser that it was handed over to has a receipt.
    ///
    /// # Errors
    ///
    /// [`AuthErrorKind::TokenReplayed`], [`AuthErrorKind::TokenRevoked`], [`AuthErrorKind::ReplayUnavailable`], and
    /// [`AuthErrorKind::ClaimMissing`] for want of a `jti` or an `exp`.
    pub(crate) async fn check(
        &self,
        token: &VerifiedToken,
        receipt: Option<&Receipt>,
    ) -> Result<(), AuthError> {
        match (self.uses, TokenId::of(token)?) {
            (Uses::Once, Some(id)) => {
                let until = end_of(token).ok_or_else(endless)?;
                let mark = receipt.map_or(Mark::Used, Receipt::mark);
                let found = self.ask(|| self.store.insert(id, mark, until)).await?;
                self.judge(found, receipt)
            }
            (Uses::Once, None) | (Uses::Many, _) => self.look(token, receipt).await,
        }
    }

    /// The same, but nothing is used up.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub(crate) async fn look(
        &self,
        token: &VerifiedToken,
        receipt: Option<&Receipt>,
    ) -> Result<(), AuthError> {
        match (self.uses, TokenId::of(token)?) {
            (Uses::Once, None) => Err(nameless()),
            (Uses::Once, Some(_)) if end_of(token).is_none() => Err(endless()),
            (Uses::Many, None) => Ok(()),
            (_, Some(id)) => self.judge(self.ask(|| self.store.find(id)).await?, receipt),
        }
    }

    fn judge(&self, found: Option<Mark>, receipt: Option<&Receipt>) -> Result<(), AuthError> {
        match found {
            None => Ok(()),
            Some(Mark::Revoked) => Err(AuthErrorKind::TokenRevoked.into()),
            Some(_) if self.uses == Uses::Many => Ok(()),
            Some(Mark::HandedOver(hash)) if receipt.is_some_and(|receipt| receipt.fits(&hash)) => Ok(()),
            Some(_) => Err(AuthErrorKind::TokenReplayed.into()),
        }
    }

    /// Whether `id`, which is no token's own, comes for the first time; from now on it does not, until `until` and a minute.
    ///
    /// # Errors
    ///
    /// [`AuthErrorKind::ReplayUnavailable`].
    pub(crate) async fn is_first_use(&self, id: TokenId, until: SystemTime) -> Result<bool, AuthError> {
        let until = until.checked_add(OVERLAP).unwrap_or(until);
        Ok(self.ask(|| self.store.insert(id, Mark::Used, until)).await?.is_none())
    }

    /// The same store, with each token counting once.
    pub(crate) fn counting_once(self) -> Self {
        Self { uses: Uses::Once, ..self }
    }

    /// Whether `token` was revoked, as far as the store can say; nothing is used up.
    pub(crate) async fn has_revoked(&self, token: &VerifiedToken) -> bool {
        let Ok(Some(id)) = TokenId::of(token) else { return false };
        matches!(self.ask(|| self.store.find(id)).await, Ok(Some(Mark::Revoked)))
    }

    /// Refuses `token` from now on, if it has a name and an end.
    ///
    /// # Errors
    ///
    /// [`AuthErrorKind::ReplayUnavailable`], whatever was chosen: who signs out is to know that it did not work.
    pub(crate) async fn revoke(&self, token: &VerifiedToken) -> Result<(), AuthError> {
        let (Some(id), Some(until)) = (TokenId::of(token)?, end_of(token)) else { return Ok(()) };
        within_time(|| self.store.deny(id, until)).await.map_err(|failure| {
            failure.tell(false);
            AuthErrorKind::ReplayUnavailable.into()
        })
    }

    /// The store's answer; none also where it gives none and that is to be accepted.
    async fn ask<'s>(
        &self,
        question: impl FnOnce() -> StoreFuture<'s, Option<Mark>>,
    ) -> Result<Option<Mark>, AuthError> {
        within_time(question).await.or_else(|failure| {
            let passes = failure.trouble != StoreTrouble::Full && is_within_runtime();
            let accepted = self.on_failure == OnFailure::Accept && passes;
            failure.tell(accepted);
            if accepted { Ok(None) } else { Err(AuthErrorKind::ReplayUnavailable.into()) }
        })
    }
}

/// Why there is no answer of a store.
struct Failure {
    trouble: StoreTrouble,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl Failure {
    /// `accepted` says whether the token is let in all the same.
    fn tell(&self, accepted: bool) {
        telemetry::store_failed(self.trouble, self.cause.as_deref().map(|cause| cause as _), accepted);
    }
}

fn is_within_runtime() -> bool {
    Handle::try_current().is_ok()
}

/// A `question` is not even put where nobody could tell how long it takes: a store may act on it at once.
async fn within_time<'s, T>(question: impl FnOnce() -> StoreFuture<'s, T>) -> Result<T, Failure> {
    if !is_within_runtime() {
        return Err(Failure {
            trouble: StoreTrouble::Failed,
            cause: Some("a store is asked in a tokio runtime".into()),
        });
    }
    let (trouble, cause) = match timeout(STORE_TIMEOUT, question()).await {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(StoreError::Full)) => (StoreTrouble::Full, None),
        Ok(Err(StoreError::Failed(source))) => (StoreTrouble::Failed, Some(source)),
        Err(_) => (StoreTrouble::TimedOut, None),
    };
    Err(Failure { trouble, cause })
}

/// When the mark of `token` may go: nobody who shares the store accepts it any more, whatever leeway is set there.
fn end_of(token: &VerifiedToken) -> Option<SystemTime> {
    token.expires_at()?.checked_add(OUTLASTS)
}

/// Of a token that cannot count once: its mark could never go.
fn endless() -> AuthError {
    AuthError::about(AuthErrorKind::ClaimMissing, "exp")
}

/// For the list of what a layer checks.
impl fmt::Display for ReplayRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.uses {
            Uses::Once => "each token counts once",
            Uses::Many => "revoked tokens are refused",
        })?;
        match self.on_failure {
            OnFailure::Refuse => Ok(()),
            OnFailure::Accept => f.write_str(", UNLESS THE STORE FAILS"),
        }
    }
}

impl fmt::Debug for ReplayRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplayRule({self})")
    }
}
