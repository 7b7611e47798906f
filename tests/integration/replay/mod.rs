//! Tokens that count once, tokens that were revoked, tokens that belong to one browser, and what no store can forget.

mod deny_list;
mod nonce;
mod outage;
mod receipt;
mod replicas;
mod secrecy;
mod single_use;

use std::sync::Arc;

use serde_json::json;
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::replay::{MemoryReplayStore, ReplayRule};

use crate::support::app::verifier;
use crate::support::issuer::NOW;
use crate::support::site::{Site, token_with};

/// A token with a name of its own.
fn named(jti: &str) -> String {
    token_with(json!({ "jti": jti }))
}

fn layer() -> JwtAuthLayer {
    JwtAuthLayer::new(verifier()).single_use()
}

fn site() -> Site {
    Site::behind(layer())
}

/// A layer that uses tokens up in a store which may be shared.
fn layer_over(store: &Arc<MemoryReplayStore>) -> JwtAuthLayer {
    JwtAuthLayer::new(verifier()).with_replay_rule(ReplayRule::single_use(Arc::clone(store)))
}

/// A store that goes by the tests' own time.
fn store() -> Arc<MemoryReplayStore> {
    Arc::new(MemoryReplayStore::new().with_clock(FixedClock::at_unix(NOW)))
}
