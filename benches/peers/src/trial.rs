//! Whether a peer does what it is measured for: a fast answer that is wrong is not worth a row.

use std::time::Duration;

use http::StatusCode;

use crate::support::issuer::{Issuer, forged};
use crate::support::requests::{Door, bearer};

/// Some fetch their keys in the background, and refuse everything until then.
const TRIES: u32 = 200;

/// What a peer accepts that it should not.
pub struct Trial {
    pub name: String,
    pub accepted: Vec<&'static str>,
}

impl Trial {
    /// Waits until the peer accepts a good token, and then offers others.
    pub async fn of(name: &str, door: &mut Door, issuer: &Issuer) -> Self {
        let token = issuer.token(0);
        for _ in 0..TRIES {
            if is_accepted(door, &token) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(is_accepted(door, &token), "{name} refuses a good token of {}", issuer.algorithm.name());
        let mut bad = vec![
            ("**A FORGED SIGNATURE**", forged(&token)),
            ("**an expired token**", issuer.expired_token()),
        ];
        bad.extend(issuer.doubtful_tokens());
        let accepted = bad.iter().filter(|(_, token)| is_accepted(door, token)).map(|(what, _)| *what);
        Self { name: name.to_owned(), accepted: accepted.collect() }
    }
}

fn is_accepted(door: &mut Door, token: &str) -> bool {
    door(bearer(token)) == StatusCode::NO_CONTENT
}
