//! The tokens that the load carries, in files for its script.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use serde_json::{Value, json};
use tower_jwt_auth::test_util::SigningKey;

use crate::provider::Provider;
use crate::support::issuer::AUDIENCE;

/// How many tokens of one key are alive where tokens are repeated.
pub const LIVE: usize = 1_000;

/// How many tokens there are of a key that is the only one: more than there are seconds in the 5 min for which an accepted
/// token is remembered, many times.
const ALL: usize = 2_048;

/// Claims of the user number `n`. They hold for as long as anybody will measure, and serve everybody: the peers ask for
/// some of them.
pub fn claims(issuer: &str, n: usize) -> Value {
    json!({
        "iss": issuer, "aud": AUDIENCE, "sub": format!("5b0c7f3e-{n:012}"),
        "exp": 4_102_444_800_u64, "iat": 1_700_000_000, "nbf": 1_700_000_000,
        "jti": format!("0f6d2c51-{n:012}"), "azp": "web", "typ": "Bearer",
        "email_verified": true, "tenant": 7, "level": 3, "scope": "read write",
    })
}

/// A block of lines for each key, a token in each line.
pub struct TokenFile {
    blocks: Vec<Vec<String>>,
    path: PathBuf,
}

impl TokenFile {
    /// Of the keys of `provider`.
    pub fn of(provider: &Provider) -> Self {
        let count = if provider.keys().len() == 1 { ALL } else { LIVE };
        Self::with(provider.keys().iter().map(|key| sign(key, &provider.issuer, count)).collect())
    }

    /// Another file, with the first `count` of each block.
    pub fn first(&self, count: usize) -> Self {
        Self::with(self.blocks.iter().map(|block| block[..count].to_vec()).collect())
    }

    fn with(blocks: Vec<Vec<String>>) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let program = std::env::current_exe().expect("a program has a path");
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = program.with_file_name(format!("tokens-{}-{number}.txt", std::process::id()));
        std::fs::write(&path, blocks.concat().join("\n")).expect("a file beside the program");
        Self { blocks, path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }
}

impl Drop for TokenFile {
    fn drop(&mut self) {
        _ = std::fs::remove_file(&self.path);
    }
}

/// On two threads: RSA is slow to sign.
fn sign(key: &SigningKey, issuer: &str, count: usize) -> Vec<String> {
    let part = |numbers: std::ops::Range<usize>| {
        numbers.map(|number| key.token(&claims(issuer, number))).collect::<Vec<_>>()
    };
    let (mut first, second) = thread::scope(|scope| {
        let second = scope.spawn(|| part(count / 2..count));
        (part(0..count / 2), second.join().expect("tokens"))
    });
    first.extend(second);
    first
}
