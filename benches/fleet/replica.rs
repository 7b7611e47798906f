//! One replica: its key set refreshes itself, and requests come in by chance.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep_until;

use crate::provider::Provider;
use crate::random::Random;
use crate::report::Tallies;
use crate::scenario;

/// Both lives of a slot, one after the other.
pub async fn live(slot: u64, provider: Arc<Provider>, tallies: Arc<Tallies>) {
    let mut random = Random::seeded(slot);
    for life in scenario::lives(&mut random) {
        sleep_until(provider.at(life.start)).await;
        serve(&provider, &tallies, &mut random, life.end).await;
    }
}

async fn serve(provider: &Arc<Provider>, tallies: &Tallies, random: &mut Random, end: Duration) {
    let (jwks, verifier) = provider.key_set_and_verifier();
    loop {
        let now = provider.now();
        let (mean, until) = scenario::traffic(now);
        let next = now + random.gap(mean);
        sleep_until(provider.at(next.min(until).min(end))).await;
        if provider.now() >= end {
            return;
        }
        if next >= until {
            // From here on requests come at another rate.
            continue;
        }
        let asked = provider.now();
        let age = jwks.status().age_seconds;
        let is_good = verifier.verify_or_ask(provider.token()).await.is_ok();
        tallies.note(asked, is_good, provider.now().saturating_sub(asked), age);
    }
}
