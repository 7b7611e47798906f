#![cfg(test)]
//! The token cache in every order in which threads may come to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use crate::Verifier;
use crate::jwks::interleavings::provider::{AUDIENCE, ISSUER, Provider, token};
use crate::sync::orders::play;

#[test]
fn a_token_whose_key_was_removed_is_not_let_in_once_the_set_is_swapped() {
    play(|mut stage| {
        let provider = Provider::prompt();
        let jwks = provider.jwks();
        let verifier = Arc::new(Verifier::new(ISSUER, AUDIENCE, jwks.clone()).expect("a policy"));
        let removed = Arc::new(AtomicBool::new(false));
        let first = jwks.clone();
        stage.enter(async move { first.ready().await.expect("a provider that is up") });
        stage.perform(|| panic!("somebody waits for nothing"));
        for number in [0, 0, 1] {
            let (verifier, removed) = (Arc::clone(&verifier), Arc::clone(&removed));
            stage.enter(async move {
                for _ in 0..3 {
                    // In this order: it may be removed while it is verified.
                    let was_removed = removed.load(SeqCst);
                    let is_let_in = verifier.verify(token(number)).is_ok();
                    assert!(number == 1 || !(was_removed && is_let_in), "its key was removed");
                    assert!(number == 0 || is_let_in, "its key is in both sets");
                }
            });
        }
        let rotated = provider.clone();
        stage.enter(async move {
            rotated.rotate();
            jwks.refresh_now().await.expect("a provider that is up");
            removed.store(true, SeqCst);
        });
        stage.perform(|| panic!("somebody waits for nothing"));
        assert!(verifier.verify(token(0)).is_err(), "what was put in late counts for the old set");
        assert!(verifier.verify(token(1)).is_ok());
    });
}
