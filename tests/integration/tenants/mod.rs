//! Tenants: whose keys are fetched, whose are kept, and that none of them opens another's door.

mod crossing;
mod flood;
mod keeping;
mod layer;
mod settings;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::jwks::{Jwks, JwksChanges};
use tower_jwt_auth::test_util::{Idp, Issuer, TokenBuilder};
use tower_jwt_auth::verify::{Tenants, Verifiers};

use crate::support::app::judged;
use crate::support::issuer::{AUDIENCE, NOW, encode};
use crate::support::record;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// By label.
const LABEL: &str = "https://{tenant}.login.example";
/// By segment.
const SEGMENT: &str = "https://login.example/{tenant}/v2.0";

/// A provider for each tenant, in memory, with keys of its own.
#[derive(Clone)]
struct Land {
    pattern: &'static str,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    providers: HashMap<String, Idp>,
    /// Each time that somebody has asked for a tenant's keys.
    asked: Vec<String>,
    /// How each of those key sets goes on.
    changes: Vec<(String, JwksChanges)>,
}

impl Land {
    fn of(pattern: &'static str) -> Self {
        Self { pattern, state: Arc::default() }
    }

    fn issuer(&self, tenant: &str) -> String {
        self.pattern.replace("{tenant}", tenant)
    }

    fn provider(&self, tenant: &str) -> Idp {
        let issuer = self.issuer(tenant);
        let mut state = self.state.lock().expect("no panic");
        let provider = state.providers.entry(tenant.to_owned()).or_insert_with(|| {
            Idp::in_memory(Issuer::new(issuer, AUDIENCE).with_clock(FixedClock::at_unix(NOW)))
        });
        provider.clone()
    }

    /// A good token, to be changed before it is signed.
    fn token(&self, tenant: &str) -> TokenBuilder {
        self.provider(tenant).issuer().token()
    }

    fn good(&self, tenant: &str) -> String {
        signed(self.token(tenant))
    }

    /// Those that `allows` allows, with keys from their providers.
    fn tenants(&self, allows: impl Fn(&str) -> bool + Send + Sync + 'static) -> Tenants {
        let land = self.clone();
        let tenants = Tenants::new(self.pattern, AUDIENCE, allows).expect("a pattern");
        tenants.with_clock(FixedClock::at_unix(NOW)).with_keys(move |tenant| {
            let provider = land.provider(tenant);
            let keys = Jwks::discovery_builder(&land.issuer(tenant))?.with_fetch(provider).spawn()?;
            let mut state = land.state.lock().expect("no panic");
            state.asked.push(tenant.to_owned());
            state.changes.push((tenant.to_owned(), keys.changes()));
            Ok(keys)
        })
    }

    /// For whose keys somebody has asked, in order.
    fn asked(&self) -> Vec<String> {
        self.state.lock().expect("no panic").asked.clone()
    }

    /// How many requests the providers have seen.
    fn requests(&self) -> usize {
        let state = self.state.lock().expect("no panic");
        state.providers.values().map(Idp::requests).sum()
    }
}

fn signed(token: TokenBuilder) -> String {
    let token = token.sign();
    record::secret("a token", &token);
    token
}

/// A token that is plausible but for `changes`, and that nobody has signed.
#[expect(clippy::needless_pass_by_value, reason = "the changes are written on the spot")]
fn unsigned(issuer: &str, changes: Value) -> String {
    let header = json!({ "alg": "ES256", "kid": "key-1" });
    let mut claims = json!({ "iss": issuer, "aud": AUDIENCE, "sub": "eve", "iat": NOW, "exp": NOW + 300 });
    for (name, value) in changes.as_object().expect("an object of changes") {
        claims[name] = value.clone();
    }
    format!("{}.{}.{}", encode(header.to_string()), encode(claims.to_string()), encode([7; 64]))
}

/// What it comes to when it is waited for what may help.
async fn outcome(verifiers: &Verifiers, token: &str) -> &'static str {
    judged(token, verifiers.verify_or_ask(token).await)
}
