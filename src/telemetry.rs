//! What is told to the operator, and under which names: `tracing` events, and with the feature `metrics` the same
//! through the `metrics` facade. The names are listed in [`manual::operations`](crate::manual::operations).
//!
//! Fields are closed enums and numbers: never a token, a key, a kid or a claim. A message is always the same, to be
//! looked for as it is.

use std::error::Error;
use std::iter;
use std::time::Duration;

use crate::error::{AuthError, ConfigError, JwksError};
use crate::source::Source;

const TARGET: &str = "tower_jwt_auth";

/// How the token cache fared for a token that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CacheUse {
    Hit,
    Miss,
}

pub(crate) fn verified(cache: CacheUse) {
    let cache_use = match cache {
        CacheUse::Hit => "hit",
        CacheUse::Miss => "miss",
    };
    tracing::trace!(target: TARGET, cache = cache_use, "token verified");
    #[cfg(feature = "metrics")]
    match cache {
        CacheUse::Hit => metrics::counter!("jwt_auth_token_cache_total", "result" => "hit").increment(1),
        CacheUse::Miss => metrics::counter!("jwt_auth_token_cache_total", "result" => "miss").increment(1),
    }
}

pub(crate) fn admitted(source: Source) {
    tracing::trace!(target: TARGET, source = source.code(), "request admitted");
    #[cfg(feature = "metrics")]
    {
        // Labels that are literals cost no allocation, and nobody who gets in should pay for being counted.
        macro_rules! accepted {
            ($source:expr) => {
                metrics::counter!("jwt_auth_requests_total", "outcome" => "accepted", "source" => $source)
            };
        }
        let requests = match source {
            Source::Bearer => accepted!("bearer"),
            Source::Dpop => accepted!("dpop"),
            Source::Query => accepted!("query"),
            Source::Cookie => accepted!("cookie"),
            other => accepted!(other.code()),
        };
        requests.increment(1);
    }
}

/// A token in a link became a cookie.
pub(crate) fn handed_over() {
    tracing::debug!(target: TARGET, "link handed over to a browser");
    #[cfg(feature = "metrics")]
    metrics::counter!("jwt_auth_requests_total", "outcome" => "handed_over", "source" => "query")
        .increment(1);
}

pub(crate) fn anonymous() {
    tracing::trace!(target: TARGET, "no token, which is optional here");
    #[cfg(feature = "metrics")]
    metrics::counter!("jwt_auth_requests_total", "outcome" => "anonymous", "source" => "none").increment(1);
}

pub(crate) fn refused(error: &AuthError, source: Option<Source>) {
    let source = source.map_or("none", Source::code);
    let (code, claim) = (error.code(), error.claim().unwrap_or_default());
    tracing::debug!(target: TARGET, code, source, claim, "request refused");
    #[cfg(feature = "metrics")]
    metrics::counter!("jwt_auth_requests_total", "outcome" => code, "source" => source).increment(1);
}

/// The claims of a good token are not what a handler asks for.
pub(crate) fn claims_do_not_fit(wanted: &'static str, error: &serde_json::Error) {
    let text = error.to_string();
    let missing = missing_field(&text).unwrap_or_default();
    tracing::debug!(target: TARGET, wanted, missing, column = error.column(), "claims do not fit");
}

/// The field that is missing, by its name in the Rust type. Whatever else serde says may quote a value.
fn missing_field(error: &str) -> Option<&str> {
    error.strip_prefix("missing field `")?.split_once('`').map(|(name, _)| name)
}

/// A mistake in the program that only a request can show.
pub(crate) fn layer_missing() {
    tracing::error!(target: TARGET, "a route looks for a verified token but is not behind a JwtAuthLayer");
}

/// Times a verification that the cache did not answer, from when it is made to when it is dropped.
pub(crate) struct VerifyTimer {
    #[cfg(feature = "metrics")]
    started: tokio::time::Instant,
}

impl VerifyTimer {
    pub(crate) fn start() -> Self {
        Self {
            #[cfg(feature = "metrics")]
            started: tokio::time::Instant::now(),
        }
    }
}

impl Drop for VerifyTimer {
    fn drop(&mut self) {
        #[cfg(feature = "metrics")]
        metrics::histogram!("jwt_auth_verify_seconds").record(self.started.elapsed());
    }
}

/// One refresh that worked; `changed` says whether it brought other keys.
pub(crate) fn refreshed(
    endpoint: &str,
    changed: bool,
    generation: u64,
    keys: usize,
    skipped: usize,
    took: Duration,
) {
    if changed {
        tracing::info!(target: TARGET, endpoint, generation, keys, skipped, ?took, "key set changed");
    } else {
        tracing::debug!(target: TARGET, endpoint, generation, keys, skipped, ?took, "key set unchanged");
    }
    #[cfg(feature = "metrics")]
    {
        let result = if changed { "changed" } else { "unchanged" };
        metrics::counter!("jwt_auth_jwks_refresh_total", "endpoint" => endpoint.to_owned(), "result" => result)
            .increment(1);
        metrics::histogram!("jwt_auth_jwks_refresh_seconds", "endpoint" => endpoint.to_owned()).record(took);
        #[allow(clippy::cast_precision_loss, reason = "a gauge takes f64, and none of these comes near 2^53")]
        {
            metrics::gauge!("jwt_auth_jwks_generation", "endpoint" => endpoint.to_owned())
                .set(generation as f64);
            metrics::gauge!("jwt_auth_jwks_keys", "endpoint" => endpoint.to_owned()).set(keys as f64);
            metrics::gauge!("jwt_auth_jwks_failures", "endpoint" => endpoint.to_owned()).set(0.0);
            metrics::gauge!("jwt_auth_jwks_keys_skipped", "endpoint" => endpoint.to_owned())
                .set(skipped as f64);
        }
    }
}

pub(crate) fn refresh_failed(endpoint: &str, error: &JwksError, in_a_row: u32, retry_in: Duration) {
    let cause = causes(error.source());
    tracing::warn!(target: TARGET,
        endpoint,
        code = error.code(),
        cause,
        in_a_row,
        ?retry_in,
        %error,
        "key set not refreshed"
    );
    #[cfg(feature = "metrics")]
    {
        metrics::counter!("jwt_auth_jwks_refresh_total", "endpoint" => endpoint.to_owned(), "result" => error.code())
            .increment(1);
        metrics::gauge!("jwt_auth_jwks_failures", "endpoint" => endpoint.to_owned()).set(in_a_row);
    }
}

/// `first` and all that is behind it, down to the connection that was refused or the certificate that is not trusted.
pub(crate) fn causes(first: Option<&(dyn Error + 'static)>) -> String {
    let all: Vec<_> = iter::successors(first, |&cause| cause.source()).map(ToString::to_string).collect();
    all.join(": ")
}

/// The state machine moved, or, from nowhere, begins.
pub(crate) fn state_changed(endpoint: &str, from: Option<&'static str>, to: &'static str, ready: bool) {
    match from {
        None => tracing::debug!(target: TARGET, endpoint, to, "key set state begins"),
        Some(from) if ready => tracing::info!(target: TARGET, endpoint, from, to, "key set state changed"),
        // Tokens cannot be checked.
        Some(from) => tracing::error!(target: TARGET, endpoint, from, to, "key set state changed"),
    }
    #[cfg(feature = "metrics")]
    for state in ["cold", "fresh", "stale", "expired"] {
        let value = if state == to { 1.0 } else { 0.0 };
        metrics::gauge!("jwt_auth_jwks_state", "endpoint" => endpoint.to_owned(), "state" => state)
            .set(value);
    }
}

pub(crate) fn secret_material_published(endpoint: &str) {
    tracing::warn!(target: TARGET, endpoint, "the key set publishes private or symmetric keys");
}

/// What became of a token that no key of the set verifies: its own is not in there, or another has its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnknownKey {
    /// It caused a fetch.
    Refetched,
    /// It waited for a fetch that was under way.
    Joined,
    /// It was answered at once: an attempt was made too recently, or the key is known not to be there.
    Refused,
    /// It was answered at once: too many wait already.
    Crowded,
}

pub(crate) fn unknown_key(action: UnknownKey) {
    let action = match action {
        UnknownKey::Refetched => "refetched",
        UnknownKey::Joined => "joined",
        UnknownKey::Refused => "refused",
        UnknownKey::Crowded => "crowded",
    };
    tracing::debug!(target: TARGET, action, "no key here verifies the token");
    #[cfg(feature = "metrics")]
    metrics::counter!("jwt_auth_unknown_key_total", "action" => action).increment(1);
}

/// A provider was asked about a token; `cause` is there if it gave no answer.
pub(crate) fn asked(endpoint: &str, result: &'static str, cause: Option<&str>, took: Duration) {
    match cause {
        None => tracing::debug!(target: TARGET, endpoint, result, ?took, "provider asked about a token"),
        Some(cause) => {
            tracing::warn!(target: TARGET, endpoint, result, cause, ?took, "no answer about a token");
        }
    }
    #[cfg(feature = "metrics")]
    {
        metrics::counter!("jwt_auth_remote_total", "endpoint" => endpoint.to_owned(), "result" => result)
            .increment(1);
        metrics::histogram!("jwt_auth_remote_seconds", "endpoint" => endpoint.to_owned()).record(took);
    }
}

/// Why a store of used and revoked tokens had no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreTrouble {
    Full,
    Failed,
    TimedOut,
}

/// `accepted` says whether the token was let in all the same.
pub(crate) fn store_failed(trouble: StoreTrouble, cause: Option<&(dyn Error + 'static)>, accepted: bool) {
    let code = match trouble {
        StoreTrouble::Full => "full",
        StoreTrouble::Failed => "failed",
        StoreTrouble::TimedOut => "timed_out",
    };
    let cause = causes(cause);
    tracing::warn!(target: TARGET, code, cause, accepted, "no answer from the replay store");
    #[cfg(feature = "metrics")]
    {
        let outcome = if accepted { "accepted" } else { "refused" };
        metrics::counter!("jwt_auth_replay_store_failures_total", "code" => code, "outcome" => outcome)
            .increment(1);
    }
}

/// What happened to the keys of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TenantEvent {
    /// They are fetched from now on.
    Added,
    /// They gave way to those of others, or are used no more.
    Dropped,
    /// They are not fetched yet, as too many others are new.
    Postponed,
}

/// `tenant` is one that is allowed: made-up names do not get here.
pub(crate) fn tenant(event: TenantEvent, tenant: &str) {
    let event = match event {
        TenantEvent::Added => "added",
        TenantEvent::Dropped => "dropped",
        TenantEvent::Postponed => "postponed",
    };
    tracing::debug!(target: TARGET, tenant, event, "tenant");
    #[cfg(feature = "metrics")]
    {
        metrics::counter!("jwt_auth_tenants_total", "event" => event).increment(1);
        match event {
            "added" => metrics::gauge!("jwt_auth_tenants").increment(1.0),
            "dropped" => metrics::gauge!("jwt_auth_tenants").decrement(1.0),
            _ => {}
        }
    }
}

/// The policy or the keys of a tenant could not be set up, which is a mistake in the program.
pub(crate) fn tenant_failed(tenant: &str, error: &ConfigError) {
    tracing::error!(target: TARGET, tenant, %error, "tenant not set up");
    #[cfg(feature = "metrics")]
    metrics::counter!("jwt_auth_tenants_total", "event" => "failed").increment(1);
}

/// A tenant with a policy of its own is verified for: says what that is.
pub(crate) fn guarding_tenant(tenant: &str, policy: &dyn std::fmt::Display) {
    tracing::info!(target: TARGET, tenant, %policy, "verifying tokens of a tenant");
}

/// A layer starts to guard something: says once what it checks.
pub(crate) fn guarding(policy: &dyn std::fmt::Display) {
    tracing::info!(target: TARGET, %policy, "verifying tokens");
}
