//! A key set as a provider publishes it.
//!
//! Input: the document.
//!
//! A set holds the usable ones of its entries, up to 128, and nothing secret; reading it twice makes no difference. A key of
//! which a signed token is at hand verifies it, and no other key does.

#![no_main]

use std::sync::OnceLock;

use jsonwebtoken::jwk::Jwk;
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::jwks::VerifyingKey;
use tower_jwt_auth::{Jwks, Verifier};
use tower_jwt_auth_fuzz::issuer::{AUDIENCE, ISSUER, NOW};
use tower_jwt_auth_fuzz::json::{self, Json};
use tower_jwt_auth_fuzz::jwk::{Usable, is_usable};
use tower_jwt_auth_fuzz::vectors::Vectors;

const MAX_KEYS: usize = 128;
/// How many keys of one name a token can make a verifier try.
const MAX_CANDIDATES: usize = 4;

fuzz_target!(|document: &[u8]| {
    let set = Jwks::from_json(document);
    let entries = entries_of(document);
    let entries = entries.as_deref().unwrap_or_default();
    let mut usable = 0;
    let mut keys: Vec<VerifyingKey> = Vec::new();
    for entry in entries {
        if usable == MAX_KEYS {
            break;
        }
        if let Some(key) = judge(entry) {
            usable += 1;
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    let Ok(set) = set else { return assert_eq!(keys.len(), 0) };
    assert_ne!(keys.len(), 0);
    assert!(keys.len() <= MAX_KEYS);
    let status = set.status();
    assert_eq!(status.keys, keys.len());
    assert_eq!(status.skipped.values().sum::<usize>(), entries.len() - usable);
    assert_eq!(Jwks::from_json(document).expect("it was one before").status(), status);
    let shown = format!("{set} {set:?} {}", serde_json::to_string(&status).expect("a status"));
    assert!(shown.is_ascii() && shown.len() < 1_500, "{shown}");

    verify(&set, &keys, document);
});

/// What this crate says of an entry is what the model says, and what it says of jsonwebtoken's reading of it.
fn judge(entry: &RawValue) -> Option<VerifyingKey> {
    let key = VerifyingKey::from_jwk_json(entry.get());
    let predicted = is_usable(entry.get().as_bytes());
    let key = match (key, predicted) {
        (Ok(key), Usable::Yes | Usable::Perhaps) => key,
        (Err(_), Usable::No | Usable::Perhaps) => return None,
        (key, predicted) => panic!("{key:?}, and {predicted:?} was to be expected of {entry}"),
    };
    let members = json::parse_object(entry.get().as_bytes()).unwrap_or_default();
    let text = |name: &str| json::first(&members, name).and_then(Json::as_text);
    assert_eq!(key.kid(), text("kid"));
    if let Some(alg) = text("alg").filter(|alg| *alg != "Ed25519") {
        assert_eq!(key.algorithm().name(), alg);
    }
    if let Ok(theirs) = serde_json::from_str::<Jwk>(entry.get())
        && let Ok(theirs) = VerifyingKey::try_from(&theirs)
    {
        assert_eq!(theirs, key);
    }
    Some(key)
}

struct Known {
    kid: String,
    key: VerifyingKey,
    token: String,
}

/// Keys of which a signed token is at hand.
fn known() -> &'static [Known] {
    static KNOWN: OnceLock<Vec<Known>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let vectors = Vectors::of_jwcrypto();
        let known = |jwk: &RawValue| {
            let key = VerifyingKey::from_jwk_json(jwk.get()).expect("a good key");
            let kid = key.kid().expect("a name").to_owned();
            let cases = vectors.good_tokens();
            let case = cases.iter().find(|case| case.alg.eq_ignore_ascii_case(&kid)).expect("a token");
            Known { kid, key, token: case.token.clone() }
        };
        vectors.jwks.keys.iter().map(|jwk| known(jwk)).collect()
    })
}

/// The tokens of known keys are accepted if their key is there, and only then.
fn verify(set: &Jwks, keys: &[VerifyingKey], document: &[u8]) {
    let may_be_named = |known: &&Known| {
        document.contains(&b'\\')
            || document.windows(known.kid.len()).any(|window| window == known.kid.as_bytes())
    };
    let mut verifier = None;
    for known in known().iter().filter(may_be_named) {
        let verifier = verifier.get_or_insert_with(|| {
            let verifier = Verifier::new(ISSUER, AUDIENCE, set.clone()).expect("an issuer");
            verifier.with_clock(FixedClock::at_unix(NOW)).with_token_cache(0)
        });
        let is_accepted = verifier.verify(&known.token).is_ok();
        let namesakes: Vec<_> = keys.iter().filter(|key| is_namesake(key, known)).collect();
        let is_there = namesakes.contains(&&known.key);
        if namesakes.len() <= MAX_CANDIDATES {
            assert_eq!(is_accepted, is_there, "{}", known.kid);
        } else {
            assert!(is_there || !is_accepted, "{} verified by another key", known.kid);
        }
    }
}

fn is_namesake(key: &VerifyingKey, known: &Known) -> bool {
    key.kid() == known.key.kid() && key.algorithm() == known.key.algorithm()
}

/// What the one `keys` of a set holds.
fn entries_of(document: &[u8]) -> Option<Vec<Box<RawValue>>> {
    let text = str::from_utf8(document).ok()?;
    let Document(mut keys) = serde_json::from_str(text).ok()?;
    if keys.len() == 1 { serde_json::from_str(keys.remove(0).get()).ok() } else { None }
}

/// The values of every `keys`.
struct Document(Vec<Box<RawValue>>);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Document;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Document, A::Error> {
                let mut keys = Vec::new();
                while let Some(name) = members.next_key::<String>()? {
                    if name == "keys" {
                        keys.push(members.next_value()?);
                    } else {
                        members.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Document(keys))
            }
        }

        deserializer.deserialize_map(Members)
    }
}
