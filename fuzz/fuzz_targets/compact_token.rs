//! The compact form of a token.
//!
//! Input: a byte that chooses what the rest is: the text of a token; a signed token and what is changed of it; or a header
//! and a payload, with a line break between, which get a good tag.
//!
//! No text is accepted but those that were signed, byte for byte, however others of its kind were accepted and remembered
//! before, and an explanation says the same. What both this crate and jsonwebtoken accept, they read alike.

#![no_main]

use std::collections::HashSet;
use std::sync::OnceLock;

use jsonwebtoken::{DecodingKey, Validation};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::{Jwks, Verifier};
use tower_jwt_auth_fuzz::explain::explains;
use tower_jwt_auth_fuzz::issuer::{self, AUDIENCE, ISSUER, NOW, SECRET, sign};
use tower_jwt_auth_fuzz::vectors::Vectors;

fuzz_target!(|input: &[u8]| {
    let Some((choice, rest)) = input.split_first() else { return };
    match choice % 3 {
        0 => {
            if let Ok(text) = str::from_utf8(rest) {
                only_if_signed(text);
            }
        }
        1 => {
            if let Some((which, changes)) = rest.split_first() {
                let signed = &world().signed;
                let token = &signed[usize::from(*which) % signed.len()];
                // Accepted and remembered, before another comes that is like it.
                let [keys, _, secret, _] = &world().verifiers;
                assert!(keys.verify(token).is_ok() || secret.verify(token).is_ok());
                if let Ok(text) = String::from_utf8(changed(token, changes)) {
                    only_if_signed(&text);
                }
            }
        }
        _ => {
            let at = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            let (header, payload) = rest.split_at(at);
            signed_here(header, payload.get(1..).unwrap_or_default());
        }
    }
});

struct World {
    /// Key set and secret; a verifier that remembers, and one that does not.
    verifiers: [Verifier; 4],
    signed: Vec<String>,
    signed_set: HashSet<String>,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let vectors = Vectors::of_jwcrypto();
        let keys: Vec<_> = vectors.jwks.keys.iter().map(|key| key.get()).collect();
        let keys = Jwks::from_json(format!(r#"{{"keys":[{}]}}"#, keys.join(","))).expect("a key set");
        let by_keys = || {
            let verifier = Verifier::new(ISSUER, AUDIENCE, keys.clone()).expect("an issuer");
            verifier.with_clock(FixedClock::at_unix(NOW))
        };
        let by_secret = || issuer::verifier(Algorithm::Hs256);
        let mut signed: Vec<_> = vectors.good_tokens().iter().map(|case| case.token.clone()).collect();
        signed.extend(["", r#""sub":"ada","#, r#""sub":"eve","#].map(issuer::good_token));
        let signed_set = signed.iter().cloned().collect();
        let verifiers =
            [by_keys(), by_keys().with_token_cache(0), by_secret().with_token_cache(64), by_secret()];
        World { verifiers, signed, signed_set }
    })
}

fn only_if_signed(text: &str) {
    let World { verifiers, signed_set, .. } = world();
    let verdicts = verifiers.each_ref().map(|verifier| verifier.verify(text));
    for (verifier, verdict) in verifiers.iter().zip(&verdicts).skip(1).step_by(2) {
        explains(verifier, text, verdict);
    }
    let [keys, keys_afresh, secret, secret_afresh] =
        verdicts.map(|verdict| verdict.map(drop).map_err(|error| error.code()));
    assert_eq!(keys, keys_afresh);
    assert_eq!(secret, secret_afresh);
    assert_eq!(keys.is_ok() || secret.is_ok(), signed_set.contains(text), "{keys:?}, {secret:?}");
    assert!(keys.is_err() || secret.is_err());
}

/// `token` with some of its bytes replaced, more of them, or fewer.
fn changed(token: &str, changes: &[u8]) -> Vec<u8> {
    let mut text = token.as_bytes().to_vec();
    for change in changes.chunks_exact(4).take(16) {
        let [how, high, low, byte] = change else { continue };
        let place = usize::from(u16::from_be_bytes([*high, *low]));
        let at = place % (text.len() + 1);
        match how % 5 {
            0 => text.insert(at, *byte),
            1 if at < text.len() => text[at] = *byte,
            2 if at < text.len() => text[at] ^= 1 << (byte % 8),
            3 if at < text.len() => drop(text.remove(at)),
            // A part of another token.
            4 => {
                let signed = &world().signed;
                let other = signed[usize::from(*byte) % signed.len()].split('.').nth(place % 3);
                let own = String::from_utf8_lossy(&text).into_owned();
                let parts = own.split('.').enumerate();
                let parts = parts.map(|(n, part)| if n == place % 3 { other.unwrap_or(part) } else { part });
                text = parts.collect::<Vec<_>>().join(".").into_bytes();
            }
            _ => {}
        }
    }
    text
}

fn signed_here(header: &[u8], payload: &[u8]) {
    static THEIRS: OnceLock<(DecodingKey, Validation)> = OnceLock::new();
    let (key, validation) = THEIRS.get_or_init(|| {
        let mut validation = Validation::new(jsonwebtoken::Algorithm::HS256);
        validation.validate_exp = false;
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        (DecodingKey::from_secret(&SECRET), validation)
    });
    let token = sign(Algorithm::Hs256, header, payload);
    let [.., cached, afresh] = &world().verifiers;
    let [first, again, afresh] = [cached, cached, afresh].map(|verifier| verifier.verify(&token));
    let code =
        |verdict: &Result<_, tower_jwt_auth::AuthError>| verdict.as_ref().err().map(|error| error.code());
    assert_eq!(code(&first), code(&again));
    assert_eq!(code(&first), code(&afresh));
    let theirs = jsonwebtoken::decode::<Value>(&token, key, validation);
    for ours in [first, again, afresh].into_iter().flatten() {
        assert_eq!(ours.payload().as_bytes(), payload);
        assert_eq!(ours.algorithm(), Algorithm::Hs256);
        let claims = ours.claims::<Value>();
        assert_eq!(claims.as_deref().ok(), serde_json::from_slice::<Value>(payload).ok().as_ref());
        if let (Ok(claims), Ok(theirs)) = (claims, &theirs) {
            assert_eq!(*claims, theirs.claims);
            assert_eq!(ours.header().kid(), theirs.header.kid.as_deref());
            assert_eq!(ours.header().typ(), theirs.header.typ.as_deref());
        }
    }
}
