#![cfg(test)]
//! Asking about one token, in every order in which those who ask may come.
#![expect(clippy::arithmetic_side_effects, reason = "what is counted here is far from any limit")]

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::Poll;

use super::passkeyme::VerifyToken;
use super::{MAX_CALLS, ValidationEndpoint};
use crate::fetch::{Endpoint, Fetch, FetchFuture, FetchRequest};
use crate::sync::orders::{play, turn};

#[test]
fn all_who_ask_about_a_token_share_one_call_and_whoever_gives_up_leaves_it_to_another() {
    play(|mut stage| {
        let provider = Provider::default();
        let form = Arc::new(VerifyToken::new("app").expect("an app"));
        let url = Endpoint::new("https://issuer.example/verify-token").expect("a URL");
        let endpoint = ValidationEndpoint::of(form, url, Ok(Arc::new(provider.clone())));
        for _ in 0..3 {
            let endpoint = endpoint.clone();
            stage.enter(async move {
                assert!(endpoint.ask("a.b.c").await.is_ok(), "the provider says yes");
                assert!(endpoint.recall(b"a.b.c").is_some_and(|answer| answer.is_ok()), "it was asked");
            });
        }
        let given_up = endpoint.clone();
        stage.enter(async move {
            let mut ask = pin!(given_up.ask("a.b.c"));
            std::future::poll_fn(|context| {
                _ = ask.as_mut().poll(context);
                Poll::Ready(())
            })
            .await;
        });
        stage.perform(|| panic!("somebody waits for nothing"));
        let calls = provider.calls.load(SeqCst);
        assert!((1..=2).contains(&calls), "one call, and one for who gave up, not {calls}");
        assert_eq!(provider.most_under_way.load(SeqCst), 1, "one call at a time");
        assert_eq!(endpoint.inner.turns.available_permits(), MAX_CALLS, "a turn was not given back");
    });
}

#[derive(Clone, Default)]
struct Provider {
    calls: Arc<AtomicU32>,
    under_way: Arc<AtomicU32>,
    most_under_way: Arc<AtomicU32>,
}

impl Fetch for Provider {
    fn fetch(&self, _request: FetchRequest) -> FetchFuture<'_> {
        Box::pin(async {
            self.calls.fetch_add(1, SeqCst);
            let under_way = self.under_way.fetch_add(1, SeqCst) + 1;
            self.most_under_way.fetch_max(under_way, SeqCst);
            let _under_way = UnderWay(self);
            turn();
            let mut is_here = false;
            std::future::poll_fn(|context| {
                // Not at once, so that somebody else may come, or who asks may go.
                context.waker().wake_by_ref();
                if std::mem::replace(&mut is_here, true) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            turn();
            Ok(http::Response::new(br#"{"valid":true}"#.to_vec()))
        })
    }
}

struct UnderWay<'p>(&'p Provider);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, SeqCst);
    }
}
