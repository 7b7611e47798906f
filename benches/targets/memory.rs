//! What the token cache takes of the machine's memory, full and after a million tokens.

use aws_lc_rs::hmac;
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use http::StatusCode;
use tower_jwt_auth::Verifier;
use tower_jwt_auth::jwks::SharedSecret;
use tower_jwt_auth::token::Algorithm as Alg;

use crate::support::issuer::{AUDIENCE, Algorithm, Issuer};
use crate::support::requests::{Door, bearer, door};
use crate::support::routers::{guarded, verifier};
use crate::support::targets::{Bound, Target, Unit};

/// How many tokens are remembered by default.
const CAPACITY: usize = 1024;

const MILLION: usize = 1_000_000;

const SECRET: [u8; 32] = [7; 32];

pub fn targets() -> Vec<Target> {
    // RS256 tokens are the longest; the claims that the handler asks for are kept with each.
    let issuer = Issuer::new("https://login.example.com", Algorithm::Rs256);
    let mut full = door(guarded(verifier(&issuer)));
    let mut number = 0;
    let mut send = |door: &mut Door, count| {
        for _ in 0..count {
            accept(door, &issuer.token(number));
            number += 1;
        }
    };
    send(&mut door(guarded(verifier(&issuer))), 1);
    let cached = growth(|| send(&mut full, CAPACITY));

    // A MAC costs so little that a million tokens take seconds. All of them have the length of the others.
    let issuer = Issuer::new("https://login.example.com", Algorithm::EdDsa);
    let secret = SharedSecret::new(Alg::Hs256, SECRET).expect("a secret");
    let verifier = Verifier::new(&issuer.url, AUDIENCE, secret).expect("a verifier");
    let mut flooded = door(guarded(verifier));
    let key = hmac::Key::new(hmac::HMAC_SHA256, &SECRET);
    let mut flood = |from, to| {
        for number in from..to {
            let token = mac_token(&key, &issuer, number);
            // Twice, as a full cache remembers what comes again.
            accept(&mut flooded, &token);
            accept(&mut flooded, &token);
        }
    };
    flood(0, 4 * CAPACITY);
    let million = growth(|| flood(4 * CAPACITY, MILLION));
    vec![
        memory("1,024 tokens in the cache", cached, 4.0),
        memory("a million distinct tokens, beyond the first 4,096", million, 1.0)
            .with_note("up to 1 MiB counts as none"),
    ]
}

fn memory(name: &str, measured: Option<f64>, most: f64) -> Target {
    let target = Target::new(name, measured.unwrap_or(f64::NAN), Bound::AtMost(most), Unit::Mebibytes);
    if measured.is_none() { target.with_note("only Linux tells") } else { target }
}

fn accept(door: &mut Door, token: &str) {
    assert_eq!(door(bearer(token)), StatusCode::NO_CONTENT);
}

fn mac_token(key: &hmac::Key, issuer: &Issuer, number: usize) -> String {
    let encode = |text: String| BASE64URL.encode_to_string(text);
    let header = encode(serde_json::json!({ "alg": "HS256", "typ": "JWT" }).to_string());
    let input = format!("{header}.{}", encode(issuer.claims(number).to_string()));
    let tag = hmac::sign(key, input.as_bytes());
    format!("{input}.{}", BASE64URL.encode_to_string(tag))
}

/// How many mebibytes of memory the program has more than before.
fn growth(work: impl FnOnce()) -> Option<f64> {
    let before = resident()?;
    work();
    Some((resident()? - before) / 1024.0)
}

/// Resident memory in KiB.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
