//! The token cache never changes an answer: whatever comes, in whatever order, is judged as if there were none.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use tower_jwt_auth::Verifier;
use tower_jwt_auth::clock::{Clock, FixedClock};

use crate::for_all;
use crate::signing::{NOW, token_with, verdict, verifier};

/// Verifiers of different policies, each by `clock`.
fn verifiers(clock: &FixedClock) -> [Verifier; 4] {
    let leeway = Duration::from_secs(60);
    [
        verifier(),
        verifier().with_leeway(leeway).expect("a leeway"),
        verifier().with_subject("alice"),
        verifier().with_max_age(leeway),
    ]
    .map(|verifier| verifier.with_clock(clock.clone()))
}

/// Tokens that differ in when they are good, and for whom.
fn tokens() -> Vec<String> {
    let mut tokens = Vec::new();
    for subject in ["alice", "bob"] {
        for exp in [30, 100, 400, 1_000] {
            for nbf in [0, 50] {
                tokens.push(token_with(&format!(
                    r#","sub":"{subject}","iat":{NOW},"nbf":{},"exp":{}"#,
                    NOW + nbf,
                    NOW + exp
                )));
            }
        }
    }
    tokens
}

#[test]
fn a_cache_of_any_size_changes_no_answer_of_any_verifier_at_any_time() {
    let tokens = tokens();
    let move_by = prop_oneof![2 => Just(0_i16), 2 => 0..40_i16, 1 => 0..400_i16, 1 => -200..0_i16];
    let visit = (0..tokens.len(), 0..4_usize, move_by);
    for_all((0..5_usize, vec(visit, 1..40)), |(capacity, visits)| {
        let clock = FixedClock::at_unix(NOW);
        let forgetful = verifiers(&clock).map(|verifier| verifier.with_token_cache(0));
        let remembering = verifiers(&clock).map(|verifier| verifier.with_token_cache(capacity));
        for (token, verifier, seconds) in visits {
            let moved = Duration::from_secs(seconds.unsigned_abs().into());
            let now = clock.now();
            clock.set(if seconds < 0 { now - moved } else { now + moved });
            let want = verdict(&forgetful[verifier], &tokens[token]);
            prop_assert_eq!(verdict(&remembering[verifier], &tokens[token]), want);
        }
        Ok(())
    });
}
