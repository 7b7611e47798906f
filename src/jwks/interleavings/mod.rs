#![cfg(test)]
//! The key set in every order in which its threads may come.
#![expect(clippy::arithmetic_side_effects, reason = "what is counted here is far from any limit")]

pub(crate) mod provider;

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use shuttle::rand::{Rng, thread_rng};
use tokio::time::{Instant, sleep, timeout};

use super::{Jwks, REFETCH_WAIT};
use crate::Verifier;
use crate::fetch::FETCH_TIMEOUT;
use crate::sync::orders::{Stage, play};
use provider::{AUDIENCE, ISSUER, Provider, token, version_of};

#[test]
fn everybody_who_comes_before_the_first_set_is_let_in_by_one_fetch() {
    play(|mut stage| {
        let provider = Provider::prompt();
        let jwks = provider.jwks();
        let verifier = verifier(&jwks);
        for number in [0, 0, 1] {
            let verifier = Arc::clone(&verifier);
            stage.enter(async move {
                verifier.verify_or_ask(token(number)).await.expect("a key of the first set");
            });
        }
        let ready = jwks.clone();
        stage.enter(async move { ready.ready().await.expect("a provider that is up") });
        stage.perform(|| panic!("somebody waits for nothing"));
        assert_eq!(provider.log().fetches, 1);
        expect_tidy(&stage, &provider, jwks, verifier);
    });
}

#[test]
fn whoever_comes_while_the_attempt_of_another_ends_finds_what_it_has_brought() {
    play(|mut stage| {
        let provider = Provider::prompt();
        let jwks = ready(&mut stage, &provider);
        let verifier = verifier(&jwks);
        provider.rotate();
        for _ in 0..2 {
            let verifier = Arc::clone(&verifier);
            stage.enter(async move {
                verifier.verify_or_ask(token(2)).await.expect("a key that is published");
            });
        }
        stage.perform(|| panic!("somebody waits for nothing"));
        assert_eq!(provider.log().fetches, 2, "the first and one attempt");
        expect_tidy(&stage, &provider, jwks, verifier);
    });
}

#[test]
fn everybody_who_asks_for_what_is_published_gets_it_whatever_was_under_way() {
    play(|mut stage| {
        let provider = Provider::prompt();
        let jwks = ready(&mut stage, &provider);
        let verifier = verifier(&jwks);
        for _ in 0..3 {
            let (provider, verifier) = (provider.clone(), Arc::clone(&verifier));
            stage.enter(async move {
                provider.publishes(1).await;
                verifier.verify_or_ask(token(2)).await.expect("a key that is published");
            });
        }
        let rotated = provider.clone();
        if thread_rng().gen_bool(0.5) {
            stage.enter(async move { rotated.rotate() });
        } else {
            rotated.rotate_when_read();
        }
        let (early, late, published) = (jwks.clone(), jwks.clone(), provider.clone());
        // It may read the old set and end when others have asked.
        stage.enter(async move {
            early.refresh_now().await.expect("a provider that is up");
        });
        stage.enter(async move {
            published.publishes(1).await;
            late.refresh_now().await.expect("a provider that is up");
            assert_eq!(version_of(&late.load()), Some(1), "what it has read is older than the call");
        });
        stage.perform(|| panic!("somebody waits for nothing"));
        let fetches = provider.log().fetches;
        assert!(fetches <= 4, "the first, the two that were asked for and one attempt, not {fetches}");
        assert_eq!(jwks.status().generation, 2, "the keys have changed once");
        expect_tidy(&stage, &provider, jwks, verifier);
    });
}

#[test]
fn nobody_waits_for_nothing_and_nothing_goes_back_while_the_provider_has_trouble() {
    play(|mut stage| {
        let provider = Provider::with_trouble();
        let jwks = ready(&mut stage, &provider);
        let verifier = verifier(&jwks);
        let waiting = Waiting::default();
        for _ in 0..2 {
            let (verifier, waiting) = (Arc::clone(&verifier), waiting.clone());
            stage.enter(async move {
                for _ in 0..2 {
                    a_while().await;
                    let number = thread_rng().gen_range(0..4);
                    _ = waiting.request(verifier.verify_or_ask(token(number))).await;
                }
            });
        }
        let (cancelled, hasty) = (Arc::clone(&verifier), waiting.clone());
        stage.enter(async move {
            polled_once(hasty.request(cancelled.verify_or_ask(token(2)))).await;
            let request = hasty.request(cancelled.verify_or_ask(token(3)));
            _ = timeout(Duration::from_millis(400), request).await;
        });
        let rotated = provider.clone();
        stage.enter(async move {
            for _ in 0..2 {
                a_while().await;
                rotated.rotate();
            }
        });
        let (refreshed, published, patient) = (jwks.clone(), provider.clone(), waiting.clone());
        stage.enter(async move {
            let before = published.version();
            if patient.refresh(refreshed.refresh_now()).await.is_ok() {
                assert!(
                    version_of(&refreshed.load()) >= Some(before),
                    "what it reads is older than the call"
                );
            }
        });
        let mut changes = jwks.changes();
        stage.enter(async move { while changes.changed().await.is_some() {} });
        let shared = Arc::clone(&jwks.inner.shared);
        stage.enter(async move {
            let mut seen = (0, None);
            for _ in 0..8 {
                let snapshot = shared.published.load();
                let now = (snapshot.generation(), version_of(&snapshot));
                assert!(now.0 >= seen.0 && now.1 >= seen.1, "from {seen:?} back to {now:?}");
                assert!((now.0 == seen.0) == (now.1 == seen.1), "from {seen:?} to {now:?}");
                seen = now;
                drop(snapshot);
                a_while().await;
            }
        });
        // The last handle goes with the last of them.
        let shared = Arc::clone(&jwks.inner.shared);
        drop((jwks, verifier));
        stage.perform(|| {
            let waiting = waiting.0.lock().expect("a list");
            let requests = waiting.iter().filter(|waits| waits.has_place).count();
            assert_eq!(shared.gate().waiters(), requests, "places that are taken, and requests that wait");
            // Timers count whole milliseconds.
            let past = Instant::now() - Duration::from_millis(1);
            assert!(
                waiting.iter().all(|waits| past <= waits.until),
                "somebody waits for longer than was promised"
            );
            assert!(waiting.is_empty() || provider.log().under_way == 1, "somebody waits for nothing");
            if waiting.is_empty() { Duration::from_secs(thread_rng().gen_range(1..40)) } else { MOMENT }
        });
        assert_eq!(provider.log().most_under_way, 1, "one fetch at a time");
        assert_eq!(shared.gate().waiters(), 0, "a place was not given back");
        assert_eq!(stage.tasks_left(), 0, "the task ends with the last handle");
    });
}

/// By how much time moves at once while somebody waits.
const MOMENT: Duration = Duration::from_millis(250);

fn verifier(jwks: &Jwks) -> Arc<Verifier> {
    Arc::new(Verifier::new(ISSUER, AUDIENCE, jwks.clone()).expect("a policy"))
}

/// The provider's key set, with its first version fetched.
fn ready(stage: &mut Stage<'_>, provider: &Provider) -> Jwks {
    let jwks = provider.jwks();
    let ready = jwks.clone();
    stage.enter(async move { ready.ready().await.expect("a task") });
    stage.perform(|| MOMENT);
    jwks
}

/// All has been given back, and with its last handle the task ends.
fn expect_tidy(stage: &Stage<'_>, provider: &Provider, jwks: Jwks, verifier: Arc<Verifier>) {
    assert_eq!(provider.log().most_under_way, 1, "one fetch at a time");
    assert_eq!(jwks.inner.shared.gate().waiters(), 0, "a place was not given back");
    drop((jwks, verifier));
    assert_eq!(stage.tasks_left(), 0, "the task ends with the last handle");
}

async fn a_while() {
    let millis = [0, 50, 700, 3_000, 40_000][thread_rng().gen_range(0..5)];
    if millis > 0 {
        sleep(Duration::from_millis(millis)).await;
    }
}

async fn polled_once<T>(future: impl Future<Output = T>) {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        _ = future.as_mut().poll(context);
        Poll::Ready(())
    })
    .await;
}

/// Who waits for a fetch.
#[derive(Clone, Default)]
struct Waiting(Arc<Mutex<Vec<Waits>>>);

#[derive(Clone, Copy, PartialEq)]
struct Waits {
    until: Instant,
    has_place: bool,
}

impl Waiting {
    /// A request, if it comes to that.
    async fn request<T>(&self, request: impl Future<Output = T>) -> T {
        self.list(Waits { until: Instant::now() + REFETCH_WAIT, has_place: true }, request).await
    }

    /// Somebody who wants a fetch that begins now: another may be under way.
    async fn refresh<T>(&self, refresh: impl Future<Output = T>) -> T {
        self.list(Waits { until: Instant::now() + 2 * FETCH_TIMEOUT + MOMENT, has_place: false }, refresh)
            .await
    }

    async fn list<T>(&self, waits: Waits, what: impl Future<Output = T>) -> T {
        self.0.lock().expect("a list").push(waits);
        let _listed = Listed(self, waits);
        what.await
    }
}

/// Until it has waited, or is dropped.
struct Listed<'w>(&'w Waiting, Waits);

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.0.lock().expect("a list");
        let at = waiting.iter().position(|waits| *waits == self.1).expect("it is listed");
        waiting.swap_remove(at);
    }
}
