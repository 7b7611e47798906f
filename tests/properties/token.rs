//! Any text may come as a token: nothing panics, only what was signed is accepted, and that in one spelling only.

use std::cell::Cell;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::{option, sample};
use serde_json::{Map, Value, json};

use crate::for_all;
use crate::signing::{ACCEPTED, NOW, decoded, encoded, signed, token_with, verdict, verifier};

fn good_token() -> String {
    token_with(&format!(r#","sub":"alice","exp":{}"#, NOW + 300))
}

/// Any JSON, a few levels deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((".{0,6}", inner), 0..4)
                .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// The text of an object with most of the `usual` members, some of which say something else, and perhaps with others.
fn likely_object(
    usual: Vec<(&'static str, Value)>,
    others: &'static [&'static str],
) -> impl Strategy<Value = String> {
    let value = || {
        let likely = sample::select(vec![
            json!("HS256"),
            json!("none"),
            json!("api"),
            json!(["api"]),
            json!("https://issuer.example"),
            json!(NOW),
            json!(NOW + 1),
            json!(f64::from(NOW) + 0.5),
            json!(null),
        ]);
        prop_oneof![3 => likely, 1 => any_json()]
    };
    let usual: Vec<_> = usual
        .into_iter()
        .map(|(name, usual)| {
            let member = prop_oneof![14 => Just(usual).boxed(), 1 => value().boxed()];
            (Just(name.to_owned()), option::weighted(0.95, member))
        })
        .collect();
    let name = prop_oneof![sample::select(others).prop_map(str::to_owned), ".{0,6}"];
    let others = prop_oneof![2 => Just(Vec::new()), 1 => vec((name, value().prop_map(Some)), 1..4)];
    // Written by hand, as a map would drop what is there twice.
    (usual, others).prop_map(|(usual, others)| {
        let members = usual.iter().chain(&others);
        let members =
            members.filter_map(|(name, value)| Some(format!("{}:{}", json!(name), value.as_ref()?)));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    })
}

fn likely_header() -> impl Strategy<Value = String> {
    let usual = [("alg", json!("HS256"))];
    likely_object(usual.into(), &["alg", "typ", "kid", "crit", "b64", "zip", "cty", "jwk"])
}

fn likely_claims() -> impl Strategy<Value = String> {
    let usual = [("iss", json!("https://issuer.example")), ("aud", json!("api")), ("exp", json!(NOW + 300))];
    likely_object(usual.into(), &["iss", "aud", "exp", "nbf", "iat", "sub", "jti", "cnf"])
}

#[test]
fn no_text_that_nobody_signed_is_accepted_and_none_panics() {
    let part = || vec(any::<u8>(), 0..40).prop_map(encoded);
    let text = prop_oneof![
        ".*",
        "[A-Za-z0-9_=.+/ -]{0,80}",
        (part(), part(), part()).prop_map(|(header, payload, tag)| format!("{header}.{payload}.{tag}")),
        (likely_header(), likely_claims(), part())
            .prop_map(|(header, payload, tag)| { format!("{}.{}.{tag}", encoded(header), encoded(payload)) }),
    ];
    let verifier = verifier();
    for_all(text, |text| {
        prop_assert_ne!(verdict(&verifier, &text), ACCEPTED);
        Ok(())
    });
}

#[test]
fn of_all_that_is_signed_only_what_the_policy_asks_for_is_accepted_and_none_panics() {
    let verifier = verifier();
    let accepted = Cell::new(0);
    let is_text = |value: &Value| value.as_str().is_some();
    for_all((likely_header(), likely_claims()), |(header, payload)| {
        if verdict(&verifier, &signed(&header, &payload)) != ACCEPTED {
            return Ok(());
        }
        accepted.set(accepted.get() + 1);
        let header: Value = serde_json::from_str(&header).expect("JSON");
        let claims: Value = serde_json::from_str(&payload).expect("JSON");
        prop_assert_eq!(&header["alg"], "HS256");
        prop_assert!(["crit", "b64", "zip"].iter().all(|name| header.get(name).is_none()));
        prop_assert_eq!(&claims["iss"], "https://issuer.example");
        prop_assert!(claims["aud"] == "api" || claims["aud"] == json!(["api"]));
        prop_assert!(claims["exp"].as_f64().is_some_and(|exp| exp > f64::from(NOW)));
        prop_assert!(
            claims.get("nbf").is_none_or(|nbf| nbf.as_f64().is_some_and(|nbf| nbf <= f64::from(NOW)))
        );
        prop_assert!(claims.get("sub").is_none_or(is_text) && claims.get("jti").is_none_or(is_text));
        prop_assert!(claims.get("cnf").is_none());
        Ok(())
    });
    assert!(accepted.get() > 20, "only {} were accepted: this shows nothing", accepted.get());
}

#[test]
fn a_token_that_is_accepted_is_the_one_encoding_of_what_it_says() {
    let more = vec(("x_[a-z\u{e9}\"\\\\]{0,4}", any_json()), 0..4);
    let kid = option::of(".{0,12}");
    let verifier = verifier();
    for_all((more, kid), |(more, kid)| {
        let mut header = json!({ "alg": "HS256" });
        if let Some(kid) = kid {
            header["kid"] = kid.into();
        }
        let mut claims = json!({ "iss": "https://issuer.example", "aud": ["x", "api"], "exp": NOW + 1 });
        claims.as_object_mut().expect("an object").extend(more);
        let token = signed(header.to_string(), claims.to_string());
        let answer = verifier.verify(&token);
        prop_assert!(answer.is_ok(), "{:?} for {claims}", answer.err());
        let good = answer.expect("it is");
        let parts: Vec<_> = token.split('.').map(|part| decoded(part).expect("canonical")).collect();
        prop_assert_eq!(good.payload().as_bytes(), &*parts[1]);
        prop_assert_eq!(good.header().kid(), header["kid"].as_str());
        prop_assert_eq!(parts.iter().map(encoded).collect::<Vec<_>>().join("."), token);
        let read = good.claims::<Value>().expect("an object");
        prop_assert_eq!(&*read, &claims);
        Ok(())
    });
}

/// One change to a text.
#[derive(Debug, Clone)]
enum Change {
    Replace(sample::Index, char),
    Insert(sample::Index, char),
    Remove(sample::Index),
    Swap(sample::Index, sample::Index),
    Repeat(sample::Index, sample::Index),
    CutAfter(sample::Index),
    OtherCase(sample::Index),
    FlipBit(sample::Index, u8),
    /// One more character after the end of a part.
    Extend(sample::Index, char),
    /// Another character at the end of a part, the same bytes but for bits that are left over.
    Stray(sample::Index, u32),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<sample::Index>;
    let char = || {
        prop_oneof!["[A-Za-z0-9_.-]", "[=+/~ \t\n\r%\0]", "\\PC"]
            .prop_map(|text| text.chars().next().unwrap_or('.'))
    };
    prop_oneof![
        (at(), char()).prop_map(|(at, char)| Change::Replace(at, char)),
        (at(), char()).prop_map(|(at, char)| Change::Insert(at, char)),
        at().prop_map(Change::Remove),
        (at(), at()).prop_map(|(one, other)| Change::Swap(one, other)),
        (at(), at()).prop_map(|(from, to)| Change::Repeat(from, to)),
        at().prop_map(Change::CutAfter),
        at().prop_map(Change::OtherCase),
        (at(), 0..7_u8).prop_map(|(at, bit)| Change::FlipBit(at, bit)),
        (at(), char()).prop_map(|(at, char)| Change::Extend(at, char)),
        (at(), 1..16_u32).prop_map(|(at, bits)| Change::Stray(at, bits)),
    ]
}

/// Where one of the parts ends that dots divide a text into, which is not empty.
fn end_of(part: sample::Index, chars: &[char]) -> usize {
    let ends: Vec<_> =
        (1..=chars.len()).filter(|end| chars.get(*end).is_none_or(|next| *next == '.')).collect();
    ends[part.index(ends.len())]
}

impl Change {
    fn apply(&self, chars: &mut Vec<char>) {
        if chars.is_empty() {
            return;
        }
        let length = chars.len();
        match self {
            Self::Replace(at, char) => chars[at.index(length)] = *char,
            Self::Insert(at, char) => chars.insert(at.index(length + 1), *char),
            Self::Remove(at) => _ = chars.remove(at.index(length)),
            Self::Swap(one, other) => chars.swap(one.index(length), other.index(length)),
            Self::Repeat(from, to) => {
                let (from, to) = (from.index(length), to.index(length));
                chars.extend_from_within(from.min(to)..from.max(to));
            }
            Self::CutAfter(at) => chars.truncate(at.index(length)),
            Self::OtherCase(at) => {
                let char = &mut chars[at.index(length)];
                *char = if char.is_ascii_lowercase() {
                    char.to_ascii_uppercase()
                } else {
                    char.to_ascii_lowercase()
                };
            }
            Self::FlipBit(at, bit) => {
                let char = &mut chars[at.index(length)];
                *char = char::from_u32(u32::from(*char) ^ 1 << bit).unwrap_or('.');
            }
            Self::Extend(part, char) => chars.insert(end_of(*part, chars), *char),
            Self::Stray(part, bits) => {
                let end = end_of(*part, chars);
                let char = &mut chars[end - 1];
                let other = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
                if let Some(index) = other.find(*char) {
                    *char = other.as_bytes()[index ^ *bits as usize].into();
                }
            }
        }
    }
}

#[test]
fn a_token_that_was_changed_in_any_way_is_not_accepted_not_even_where_the_good_one_is_remembered() {
    let good = good_token();
    let (fresh, knowing) = (verifier().with_token_cache(0), verifier());
    assert_eq!([verdict(&fresh, &good), verdict(&knowing, &good)], [ACCEPTED; 2]);
    for_all(vec(change(), 1..4), |changes| {
        let mut chars: Vec<_> = good.chars().collect();
        for change in changes {
            change.apply(&mut chars);
        }
        let text: String = chars.into_iter().collect();
        for verifier in [&fresh, &knowing] {
            let verdict = verdict(verifier, &text);
            prop_assert_eq!(verdict == ACCEPTED, text == good, "{} for {}", verdict, text);
        }
        Ok(())
    });
}
