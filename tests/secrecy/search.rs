//! Looking for any part of any secret in whatever was shown.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use serde_json::value::RawValue;

use crate::record::Entry;
use crate::spelling::readings;

/// What is shorter occurs by chance, and protects nothing.
const LEAST_BYTES: usize = 6;

/// Of a long secret, every part of this many bytes that begins at a multiple of [`STEP`] is looked for: any 23 bytes of it
/// hold one.
const FRAGMENT_BYTES: usize = 16;
const STEP: usize = 8;

/// The beginning of a fragment, by which it is looked up.
type Start = [u8; LEAST_BYTES];

pub(crate) struct Secrets {
    all: Vec<Secret>,
    fragments: HashMap<Start, Vec<Fragment>>,
    /// Whether a fragment may begin with these two bytes.
    begun: Vec<bool>,
}

pub(crate) struct Secret {
    pub(crate) what: String,
    pub(crate) test: String,
    text: Vec<u8>,
}

struct Fragment {
    text: Vec<u8>,
    /// Whose it is, among others.
    secret: usize,
}

/// A secret in something that was shown.
pub(crate) struct Finding<'r> {
    pub(crate) shown: &'r Entry,
    pub(crate) secret: &'r Secret,
    spelling: &'static str,
    part: String,
}

impl Secrets {
    pub(crate) fn of(entries: &[Entry]) -> Self {
        let mut secrets = Self { all: Vec::new(), fragments: HashMap::new(), begun: vec![false; 1 << 16] };
        let mut known = HashSet::new();
        for entry in entries {
            let text = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(&entry.text).expect("base64url");
            for (what, text) in parts(&entry.what, text) {
                let says_something = text.len() >= LEAST_BYTES && !is_a_word(&text);
                if says_something && known.insert((what.to_owned(), text.clone())) {
                    secrets.all.push(Secret { what: what.to_owned(), test: entry.test.clone(), text });
                }
            }
        }
        secrets.all.retain(|secret| {
            let is_public = || known.contains(&(PUBLIC.to_owned(), secret.text.clone()));
            secret.what != PUBLIC && !(secret.what == "a claim" && is_public())
        });
        let mut known = HashSet::new();
        for (secret, Secret { what, text, .. }) in secrets.all.iter().enumerate() {
            for fragment in fragments(text) {
                if known.insert((what, fragment)) {
                    let (start, _) = fragment.split_first_chunk().expect("long enough");
                    secrets.begun[usize::from(u16::from_be_bytes([start[0], start[1]]))] = true;
                    let fragment = Fragment { text: fragment.to_vec(), secret };
                    secrets.fragments.entry(*start).or_default().push(fragment);
                }
            }
        }
        secrets
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn fragments(&self) -> usize {
        self.fragments.values().map(Vec::len).sum()
    }

    /// How many there are of each kind.
    pub(crate) fn amounts(&self) -> BTreeMap<&str, usize> {
        let mut amounts = BTreeMap::new();
        for secret in &self.all {
            *amounts.entry(&*secret.what).or_default() += 1;
        }
        amounts
    }

    /// What `shown` tells, in any of its readings; of each kind of secret one for each thing shown.
    pub(crate) fn found_in<'r>(&'r self, shown: &'r [Entry]) -> Vec<Finding<'r>> {
        let mut findings = Vec::new();
        for shown in shown {
            let mut found = HashSet::new();
            for (spelling, text) in readings(shown.text.as_bytes()) {
                for fragment in self.in_text(&text) {
                    let secret = &self.all[fragment.secret];
                    // A handler says who has come to it.
                    let is_meant = secret.what == "a claim" && shown.what == "the body of a success";
                    if !is_meant && found.insert(&secret.what) {
                        let part = String::from_utf8_lossy(&fragment.text).into_owned();
                        findings.push(Finding { shown, secret, spelling, part });
                    }
                }
            }
        }
        findings
    }

    fn in_text<'s>(&'s self, text: &'s [u8]) -> impl Iterator<Item = &'s Fragment> {
        let starts = text
            .windows(LEAST_BYTES)
            .enumerate()
            .filter(|(_, start)| self.begun[usize::from(u16::from_be_bytes([start[0], start[1]]))]);
        starts.flat_map(move |(at, start)| {
            let fragments = self.fragments.get(start).map(Vec::as_slice).unwrap_or_default();
            fragments.iter().filter(move |fragment| text[at..].starts_with(&fragment.text))
        })
    }
}

/// What of a secret is secret: of a token what follows its header, and the claims that are about somebody.
fn parts(what: &str, text: Vec<u8>) -> Vec<(&str, Vec<u8>)> {
    // A public key that somebody signs with as if it were a secret is none.
    if text.starts_with(b"{\"") || text.starts_with(b"-----BEGIN PUBLIC KEY") {
        return Vec::new();
    }
    let pieces: Vec<_> = text.split(|byte| *byte == b'.').collect();
    let [_, payload, _, ..] = &*pieces else {
        // Whatever else may be wrong with it.
        let is_of_a_token = text.windows(3).any(|start| start == b"eyJ");
        return vec![(if is_of_a_token { "a token" } else { what }, text)];
    };
    let mut parts: Vec<_> = pieces[1..].iter().map(|part| ("a token", part.to_vec())).collect();
    let claims = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(payload).ok();
    // As they stand: what serde_json's `Value` makes of some claims, which are refused, is deeper than the stack.
    let claims =
        claims.and_then(|claims| serde_json::from_slice::<BTreeMap<String, Box<RawValue>>>(&claims).ok());
    for (name, value) in claims.unwrap_or_default() {
        let what = if EVERYBODYS.contains(&&*name) { PUBLIC } else { "a claim" };
        let values = serde_json::from_str::<Vec<Box<RawValue>>>(value.get()).unwrap_or_else(|_| vec![value]);
        let texts = values.iter().filter_map(|value| serde_json::from_str::<String>(value.get()).ok());
        parts.extend(texts.map(|text| (what, text.into_bytes())));
    }
    parts
}

/// Who issues tokens for whom is configuration, and said aloud. So is where a service is, which a proof repeats, and what a
/// guard can ask for.
const EVERYBODYS: [&str; 7] = ["iss", "aud", "htm", "htu", "scope", "scp", "acr"];

const PUBLIC: &str = "a name that everybody knows";

/// What is no more than a word may well be said.
fn is_a_word(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_lowercase)
}

fn fragments(secret: &[u8]) -> Vec<&[u8]> {
    if secret.len() < FRAGMENT_BYTES + STEP {
        return vec![secret];
    }
    let mut fragments: Vec<_> = secret.windows(FRAGMENT_BYTES).step_by(STEP).collect();
    fragments.extend(secret.last_chunk::<FRAGMENT_BYTES>().map(|end| &end[..]));
    fragments
}

impl fmt::Display for Finding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shown, secret, spelling, part } = self;
        let text: String = shown.text.chars().take(400).collect();
        write!(
            f,
            "{} of {} is told by {} of {}, {spelling}: {part:?} in {text:?}",
            secret.what, secret.test, shown.what, shown.test
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(what: &str, text: &str) -> Entry {
        Entry { test: "a test".to_owned(), what: what.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_secret_that_is_planted_is_found_in_whatever_spelling_and_nothing_is_where_none_is() {
        let payload =
            base64_simd::URL_SAFE_NO_PAD.encode_to_string(r#"{"iss":"https://a.example","sub":"someb@dy"}"#);
        let signature = "kV1wKHhPkTWbhJ8vfnQOKb6hQ0Ly4Tq2cVd3Yw5rX1Ze7Uj9Sg";
        let token = format!("eyJhbGciOiJFUzI1NiJ9.{payload}.{signature}");
        let secrets = [("a token", &*token), ("a key", "s/cr:t-of-many-bytes")]
            .map(|(what, secret)| entry(what, &base64_simd::URL_SAFE_NO_PAD.encode_to_string(secret)));
        let secrets = Secrets::of(&secrets);
        let hexadecimal = signature.bytes().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        for (name, text, want) in [
            ("nothing", "an event says that nothing is here, of https://a.example".to_owned(), None),
            ("a header", "eyJhbGciOiJFUzI1NiJ9".to_owned(), None),
            ("all of it", format!("Bearer {token}"), Some("a token")),
            ("a part", format!("…{}…", &signature[20..43]), Some("a token")),
            ("less than a part", signature[20..30].to_owned(), None),
            ("a claim", "hello someb@dy".to_owned(), Some("a claim")),
            ("hexadecimal", format!("x{hexadecimal}"), Some("a token")),
            ("base64", base64_simd::STANDARD.encode_to_string(&*format!("id:{signature}")), Some("a token")),
            ("bytes", format!("{:?}", signature.as_bytes()), Some("a token")),
            ("bytes, a line each", format!("{:#?}", signature.as_bytes()), Some("a token")),
            ("a short key", "key=s/cr:t-of-many-bytes".to_owned(), Some("a key")),
            ("a part of a short key", "key=s/cr:t-of-many".to_owned(), None),
        ] {
            let shown = [entry("a log", &text)];
            let found = secrets.found_in(&shown);
            assert_eq!(found.first().map(|finding| &*finding.secret.what), want, "{name}: {text}");
        }
    }
}
