#![cfg(test)]
//! The store of one process in every order in which threads may come to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use aws_lc_rs::hmac;
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;

use super::{Mark, MemoryReplayStore, ReplayRule, ReplayStore, TokenId};
use crate::Verifier;
use crate::clock::{Clock, FixedClock};
use crate::jwks::SharedSecret;
use crate::sync::orders::play;
use crate::token::Algorithm;
use crate::verify::VerifiedToken;

#[test]
fn of_all_who_present_a_token_at_once_one_is_let_in() {
    play(|mut stage| {
        let rule = ReplayRule::single_use(MemoryReplayStore::new());
        let let_in = Arc::new(AtomicU32::new(0));
        for _ in 0..4 {
            let (rule, let_in) = (rule.clone(), Arc::clone(&let_in));
            stage.enter(async move {
                if rule.check(&verified(), None).await.is_ok() {
                    let_in.fetch_add(1, SeqCst);
                }
            });
        }
        stage.perform(|| panic!("somebody waits for nothing"));
        assert_eq!(let_in.load(SeqCst), 1);
    });
}

#[test]
fn a_token_is_not_let_in_once_it_was_revoked_and_a_full_store_stays_within_its_room() {
    play(|mut stage| {
        let clock = FixedClock::at_unix(1_800_000_000);
        let store = Arc::new(MemoryReplayStore::new().with_clock(clock.clone()).with_capacity(2));
        let until = clock.now() + Duration::from_secs(3600);
        let id = |name: &str| TokenId::new("https://issuer.example", name);
        let (revoked, room_taken) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        for name in ["a", "b", "c"] {
            let (store, revoked) = (Arc::clone(&store), Arc::clone(&revoked));
            let room_taken = Arc::clone(&room_taken);
            stage.enter(async move {
                let was_revoked = revoked.load(SeqCst);
                match store.insert(id(name), Mark::Used, until).await {
                    Ok(None) => {
                        assert!(name != "a" || !was_revoked, "it was revoked");
                        room_taken.fetch_add(1, SeqCst);
                    }
                    Ok(Some(mark)) => assert!(name == "a" && mark == Mark::Revoked),
                    Err(_) => {}
                }
            });
        }
        let (revoking, revocations) = (Arc::clone(&store), Arc::clone(&revoked));
        stage.enter(async move {
            if revoking.deny(id("a"), until).await.is_ok() {
                revocations.store(true, SeqCst);
            }
        });
        stage.perform(|| panic!("somebody waits for nothing"));
        assert!(room_taken.load(SeqCst) <= 2);
        let found = shuttle::future::block_on(store.find(id("a"))).expect("an answer");
        assert!(!revoked.load(SeqCst) || found == Some(Mark::Revoked), "{found:?}");
    });
}

fn verified() -> VerifiedToken {
    let secret = [7; 32];
    let claims = r#"{"iss":"https://issuer.example","aud":"api","exp":4102444800,"jti":"1"}"#;
    let input = [r#"{"alg":"HS256"}"#, claims].map(|part| BASE64URL.encode_to_string(part)).join(".");
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), input.as_bytes());
    let secret = SharedSecret::new(Algorithm::Hs256, secret).expect("a secret");
    let verifier = Verifier::new("https://issuer.example", "api", secret).expect("a policy");
    verifier.verify(&format!("{input}.{}", BASE64URL.encode_to_string(mac))).expect("a good token")
}
