use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::jwk::{SkipReason, VerifyingKey};
use crate::token::{Algorithm, AlgorithmSet, KnownHeaders, is_object};

/// The usable keys of a JWK Set ([RFC 7517 §5]), ordered by `kid`, and a count of the others.
///
/// [RFC 7517 §5]: https://www.rfc-editor.org/rfc/rfc7517#section-5
#[derive(Debug, Default)]
pub(crate) struct KeySet {
    keys: Vec<VerifyingKey>,
    /// The one key was given without a name: it answers to every name.
    nameless: bool,
    skipped: BTreeMap<SkipReason, usize>,
    /// Of tokens that these keys have verified.
    known_headers: KnownHeaders,
}

/// More keys than any identity provider rotates through.
const MAX_KEYS: usize = 128;

/// How many keys of one `kid` and algorithm a token may make us try.
const MAX_CANDIDATES: usize = 4;

#[derive(Deserialize)]
struct JwkSetDocument<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

impl KeySet {
    /// Reads a set, keeping every usable key; `None` if it is no JWK Set at all.
    pub(crate) fn parse(document: &[u8], allowed: AlgorithmSet) -> Option<Self> {
        let text = std::str::from_utf8(document).ok().filter(|text| is_object(text))?;
        let JwkSetDocument { keys: entries } = serde_json::from_str(text).ok()?;
        let mut set = Self::default();
        for entry in entries {
            let key = if set.keys.len() < MAX_KEYS {
                VerifyingKey::from_jwk(entry.get(), allowed)
            } else {
                Err(SkipReason::TooMany)
            };
            match key {
                Ok(key) => set.keys.push(key),
                Err(reason) => {
                    let count = set.skipped.entry(reason).or_default();
                    *count = count.saturating_add(1);
                }
            }
        }
        set.keys.sort();
        set.keys.dedup();
        Some(set)
    }

    /// One key that an operator gave; without a name, it answers to whatever name tokens call it by.
    pub(crate) fn of_one(key: VerifyingKey) -> Self {
        Self { nameless: key.kid().is_none(), keys: vec![key], ..Self::default() }
    }

    /// The keys that an operator gave; `None` if there are none, or more than a set may hold.
    pub(crate) fn of(mut keys: Vec<VerifyingKey>) -> Option<Self> {
        keys.sort();
        keys.dedup();
        let fits = (1..=MAX_KEYS).contains(&keys.len());
        fits.then(|| Self { keys, ..Self::default() })
    }

    /// The keys that may have signed a token with this `kid` and `alg`: those of that name and algorithm, and for a
    /// token without a name the only key of its algorithm, if there is just one.
    pub(crate) fn candidates(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &VerifyingKey> {
        let named = match kid {
            _ if self.nameless => self.keys.as_slice(),
            Some(kid) => {
                let first = self.keys.partition_point(|key| key.kid() < Some(kid));
                let rest = self.keys.get(first..).unwrap_or_default();
                let count = rest.partition_point(|key| key.kid() == Some(kid));
                rest.get(..count).unwrap_or_default()
            }
            None if self.has_one_key_for(algorithm) => &self.keys,
            None => &[],
        };
        named.iter().filter(move |key| key.algorithm() == algorithm).take(MAX_CANDIDATES)
    }

    fn has_one_key_for(&self, algorithm: Algorithm) -> bool {
        self.keys.iter().filter(|key| key.algorithm() == algorithm).take(2).count() == 1
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(crate) fn known_headers(&self) -> &KnownHeaders {
        &self.known_headers
    }

    pub(crate) fn skipped(&self) -> &BTreeMap<SkipReason, usize> {
        &self.skipped
    }

    /// Whether both hold the same keys, whatever else they skipped.
    pub(crate) fn has_same_keys(&self, other: &Self) -> bool {
        self.keys == other.keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P256: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;
    const ED: &str = r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;

    fn parse(entries: &str) -> KeySet {
        let document = format!(r#"{{"keys":[{entries}]}}"#);
        KeySet::parse(document.as_bytes(), AlgorithmSet::asymmetric()).expect("a JWK Set")
    }

    fn only_reason(entry: &str) -> SkipReason {
        let set = parse(&format!("{entry},{{{ED}}}"));
        assert_eq!(set.len(), 1, "the good key beside it stays: {entry}");
        let mut reasons = set.skipped().iter();
        match (reasons.next(), reasons.next()) {
            (Some((reason, 1)), None) => *reason,
            _ => panic!("one reason expected for {entry}: {:?}", set.skipped()),
        }
    }

    #[test]
    fn an_entry_that_cannot_be_used_is_skipped_with_its_reason_and_spoils_nothing() {
        use SkipReason::{
            Malformed, ModulusSize, OtherPurpose, Point, SecretMaterial, UnsupportedAlgorithm,
            UnsupportedType,
        };
        let zeros = "A".repeat(42);
        for (entry, want) in [
            ("7".to_owned(), Malformed),
            ("{}".to_owned(), Malformed),
            (r#"{"kty":"RSA"}"#.to_owned(), Malformed),
            (r#"["EC",null,null,null,null,"P-256"]"#.to_owned(), Malformed),
            (r#"{"kty":"EC","kid":"\ud800"}"#.to_owned(), Malformed),
            (format!(r#"{{{P256},"x5c":{}{}}}"#, "[".repeat(63), "]".repeat(63)), Malformed),
            (format!(r#"{{{P256},"d":null}}"#), SecretMaterial),
            (r#"{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}"#.to_owned(), UnsupportedType),
            (r#"{"kty":"OKP","crv":"X25519","x":"AA"}"#.to_owned(), UnsupportedType),
            (r#"{"kty":"oct","k":"AAAA"}"#.to_owned(), SecretMaterial),
            (format!(r#"{{{P256},"d":"AAAA"}}"#), SecretMaterial),
            (format!(r#"{{{P256},"use":"enc"}}"#), OtherPurpose),
            (format!(r#"{{{P256},"key_ops":["sign"]}}"#), OtherPurpose),
            (format!(r#"{{{P256},"key_ops":[]}}"#), OtherPurpose),
            (format!(r#"{{{P256},"alg":"ES384"}}"#), UnsupportedAlgorithm),
            (format!(r#"{{{P256},"alg":"RS256"}}"#), UnsupportedAlgorithm),
            (format!(r#"{{{P256},"alg":"ECDH-ES"}}"#), UnsupportedAlgorithm),
            (format!(r#"{{{P256},"alg":5}}"#), Malformed),
            (format!(r#"{{{P256},"kid":5}}"#), Malformed),
            (format!(r#"{{{P256},"kid":"{}"}}"#, "k".repeat(257)), Malformed),
            (format!(r#"{{{P256},"kty":"EC"}}"#), Malformed),
            (format!(r#"{{"kty":"EC","crv":"P-256","x":"{zeros}A","y":"{zeros}A"}}"#), Point),
            (r#"{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}"#.to_owned(), Point),
            (r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#.to_owned(), ModulusSize),
            (format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{zeros}A"}}"#), Point),
        ] {
            assert_eq!(only_reason(&entry), want, "{entry}");
        }
        for accepted in
            ["", r#","use":"sig""#, r#","key_ops":["verify"]"#, r#","alg":"ES256""#, r#","x5c":[]"#]
        {
            assert_eq!(parse(&format!("{{{P256}{accepted}}}")).len(), 1, "{accepted}");
        }
    }

    #[test]
    fn only_an_object_with_an_array_of_keys_is_a_set() {
        for document in
            ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[]"#, "<html>", r#"{"keys":[],"keys":[]}"#]
        {
            assert!(KeySet::parse(document.as_bytes(), AlgorithmSet::asymmetric()).is_none(), "{document}");
        }
        assert!(parse("").is_empty());
    }

    #[test]
    fn a_named_key_is_found_by_name_and_algorithm_and_no_other() {
        let set = parse(&format!(r#"{{{ED},"kid":"b"}},{{{P256},"kid":"a"}},{{{ED},"kid":"c"}}"#));
        let count = |kid, algorithm| set.candidates(kid, algorithm).count();
        assert_eq!(count(Some("a"), Algorithm::Es256), 1);
        assert_eq!(count(Some("a"), Algorithm::EdDsa), 0, "the name alone does not choose the algorithm");
        assert_eq!(count(Some("b"), Algorithm::EdDsa), 1);
        assert_eq!(count(Some("d"), Algorithm::EdDsa), 0);
        assert_eq!(count(Some(""), Algorithm::EdDsa), 0);
    }

    #[test]
    fn without_a_name_the_only_fitting_key_is_taken_and_never_one_of_two() {
        let one = parse(&format!(r#"{{{ED},"kid":"b"}},{{{P256},"kid":"a"}}"#));
        assert_eq!(one.candidates(None, Algorithm::EdDsa).count(), 1);
        assert_eq!(one.candidates(None, Algorithm::Rs256).count(), 0);
        let two = parse(&format!(r#"{{{ED},"kid":"b"}},{{{ED},"kid":"a"}}"#));
        assert_eq!(two.candidates(None, Algorithm::EdDsa).count(), 0);
    }

    #[test]
    fn one_key_without_a_name_answers_to_every_name_and_to_its_own_algorithm_only() {
        let key = || VerifyingKey::from_jwk_json(&format!("{{{ED}}}")).expect("a key");
        let nameless = KeySet::of_one(key());
        assert_eq!(nameless.candidates(Some("any"), Algorithm::EdDsa).count(), 1);
        assert_eq!(nameless.candidates(None, Algorithm::EdDsa).count(), 1);
        assert_eq!(nameless.candidates(Some("any"), Algorithm::Es256).count(), 0);
        let named = KeySet::of_one(key().with_kid("a"));
        assert_eq!(named.candidates(Some("any"), Algorithm::EdDsa).count(), 0);
        assert_eq!(named.candidates(Some("a"), Algorithm::EdDsa).count(), 1);
        let published = parse(&format!("{{{ED}}}"));
        assert_eq!(
            published.candidates(Some("any"), Algorithm::EdDsa).count(),
            0,
            "one that a provider publishes"
        );
    }

    #[test]
    fn the_order_in_which_keys_are_published_makes_no_difference() {
        let one = parse(&format!("{{{ED}}},{{{P256}}},{{{P256},\"kid\":\"a\"}}"));
        let other = parse(&format!("{{{P256},\"kid\":\"a\"}},{{{P256}}},{{{ED}}}"));
        assert!(one.has_same_keys(&other));
    }

    #[test]
    fn a_set_holds_a_bounded_number_of_keys() {
        let entries: Vec<_> = (0..10_000).map(|n| format!(r#"{{{ED},"kid":"{n}"}}"#)).collect();
        let set = parse(&entries.join(","));
        assert_eq!(set.len(), MAX_KEYS);
        assert_eq!(set.skipped().get(&SkipReason::TooMany), Some(&(10_000 - MAX_KEYS)));
    }
}
