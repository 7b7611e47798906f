//! Signatures that are not quite right.

use tower_jwt_auth::Verifier;
use tower_jwt_auth::error::AuthErrorKind;
use tower_jwt_auth::jwks::Jwks;
use tower_jwt_auth::token::Algorithm;

use crate::support::app::{ACCEPTED, outcome, verifier, verifier_with};
use crate::support::issuer::{SigningKey, decode, encode, good_claims, jwks_of, shared_key, shared_rsa_key};

const BAD: &str = "signature_invalid";

fn verifier_of(key: &SigningKey) -> Verifier {
    verifier_with(Jwks::from_json(jwks_of([key])).expect("a key set"))
}

/// A good token of `key` and its signature, apart.
fn signed(key: &SigningKey) -> (String, Vec<u8>) {
    let token = key.token(&good_claims());
    let (input, signature) = token.rsplit_once('.').expect("a signature");
    (input.to_owned(), decode(signature))
}

fn number(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).expect("digits");
        u8::from_str_radix(text, 16).expect("digits")
    };
    digits.chunks(2).map(byte).collect()
}

/// The sum of two numbers of one length, most significant byte first, if it still has that length.
fn sum(a: &[u8], b: &[u8]) -> Option<Vec<u8>> {
    let mut carry = 0;
    let mut sum: Vec<_> = a
        .iter()
        .zip(b)
        .rev()
        .map(|(a, b)| {
            let digit = u16::from(*a) + u16::from(*b) + carry;
            carry = digit >> 8;
            digit.to_le_bytes()[0]
        })
        .collect();
    sum.reverse();
    (carry == 0).then_some(sum)
}

#[test]
fn no_token_is_accepted_with_one_bit_of_it_flipped() {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let key = SigningKey::generate(Algorithm::EdDsa, "ed");
    let verifier = verifier_of(&key);
    let token = key.token(&good_claims());
    // A cache that knows the good one must not know the others.
    assert_eq!(outcome(&verifier, &token), ACCEPTED);
    for position in 0..token.len() {
        let byte = token.as_bytes()[position];
        for bit in 0..8 {
            let mut text = token.clone().into_bytes();
            text[position] ^= 1 << bit;
            let Ok(text) = String::from_utf8(text) else {
                continue;
            };
            assert_ne!(outcome(&verifier, &text), ACCEPTED, "bit {bit} at {position}");
        }
        let Some(value) = ALPHABET.iter().position(|letter| *letter == byte) else {
            continue;
        };
        for bit in 0..6 {
            let mut text = token.clone().into_bytes();
            text[position] = ALPHABET[value ^ (1 << bit)];
            let text = String::from_utf8(text).expect("ASCII");
            assert_ne!(outcome(&verifier, &text), ACCEPTED, "letter bit {bit} at {position}");
        }
    }
    assert_eq!(outcome(&verifier, &token), ACCEPTED);
}

#[test]
fn no_token_is_accepted_with_one_bit_of_its_decoded_parts_flipped() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let key = SigningKey::generate(algorithm, "k");
        let verifier = verifier_of(&key);
        let token = key.token(&good_claims());
        assert_eq!(outcome(&verifier, &token), ACCEPTED);
        let parts: Vec<_> = token.split('.').map(decode).collect();
        for (part, bytes) in parts.iter().enumerate() {
            for bit in 0..bytes.len() * 8 {
                let mut parts = parts.clone();
                parts[part][bit / 8] ^= 1 << (bit % 8);
                let parts: Vec<_> = parts.iter().map(encode).collect();
                let outcome = outcome(&verifier, &parts.join("."));
                assert_ne!(outcome, ACCEPTED, "{algorithm}: bit {bit} of part {part}");
            }
        }
    }
}

#[test]
fn a_signature_belongs_to_its_own_header_and_payload() {
    let key = shared_key();
    let (token, other) = (key.token(&good_claims()), key.token(&serde_json::json!({})));
    let split = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (parts, others) = (split(&token), split(&other));
    let verifier = verifier();
    assert_eq!(outcome(&verifier, &parts.join(".")), ACCEPTED);
    let with_other = [&*parts[0], &parts[1], &others[2]].join(".");
    assert_eq!(outcome(&verifier, &with_other), BAD);
    let without_dot = key.sign(format!("{}{}", parts[0], parts[1]).as_bytes());
    let over_decoded = key.sign(&[decode(&parts[0]), b".".to_vec(), decode(&parts[1])].concat());
    let over_payload = key.sign(parts[1].as_bytes());
    for signature in [without_dot, over_decoded, over_payload] {
        let token = format!("{}.{}.{}", parts[0], parts[1], encode(signature));
        assert_eq!(outcome(&verifier, &token), BAD);
    }
}

#[test]
fn an_ecdsa_signature_is_two_numbers_of_full_length() {
    for (algorithm, length) in
        [(Algorithm::Es256, 64), (Algorithm::Es384, 96), (Algorithm::Es512, 132), (Algorithm::Es256K, 64)]
    {
        let key = SigningKey::generate(algorithm, "k");
        let verifier = verifier_of(&key);
        let (input, good) = signed(&key);
        assert_eq!(good.len(), length, "{algorithm}");
        let (r, s) = good.split_at(length / 2);
        let zero = vec![0; length / 2];
        let one = [&zero[1..], &[1]].concat();
        for (name, signature, want) in [
            ("good", good.clone(), ACCEPTED),
            ("r = s = 0", [&*zero, &*zero].concat(), BAD),
            ("r = 0", [&*zero, s].concat(), BAD),
            ("s = 0", [r, &*zero].concat(), BAD),
            ("r = s = 1", [&*one, &*one].concat(), BAD),
            ("all ones", vec![0xff; length], BAD),
            ("DER", der(r, s), BAD),
            ("a byte short", good[1..].to_vec(), BAD),
            ("a byte short at the end", good[..length - 1].to_vec(), BAD),
            ("a byte longer", [&good[..], &[0]].concat(), BAD),
            ("a zero before", [&[0], &good[..]].concat(), BAD),
            ("a zero before each", [&[0], r, &[0], s].concat(), BAD),
            ("swapped", [s, r].concat(), BAD),
            ("twice", [&*good, &*good].concat(), BAD),
            ("one byte", vec![0], BAD),
        ] {
            let token = format!("{input}.{}", encode(signature));
            assert_eq!(outcome(&verifier, &token), want, "{algorithm}: {name}");
        }
    }
}

/// `SEQUENCE { INTEGER r, INTEGER s }`
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let number = &number[zeros..];
        let sign = if number[0] & 0x80 == 0 { &[][..] } else { &[0][..] };
        let length = u8::try_from(sign.len() + number.len()).expect("short");
        [&[2, length], sign, number].concat()
    };
    let body = [integer(r), integer(s)].concat();
    let length = u8::try_from(body.len()).expect("short");
    let head: &[u8] = if length < 0x80 { &[0x30, length] } else { &[0x30, 0x81, length] };
    [head, &body].concat()
}

#[test]
fn an_ecdsa_number_beyond_the_order_of_the_curve_is_not_reduced() {
    let order = number("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let key = shared_key();
    let (input, good) = signed(key);
    let (r, s) = good.split_at(32);
    for (name, signature, want) in [
        ("good", good.clone(), ACCEPTED),
        ("r = n", [&*order, s].concat(), BAD),
        ("s = n", [r, &*order].concat(), BAD),
        ("r = s = n", [&*order, &*order].concat(), BAD),
    ] {
        let token = format!("{input}.{}", encode(signature));
        assert_eq!(outcome(&verifier(), &token), want, "{name}");
    }

    // P-521 leaves seven bits free, so that r + n and s + n are as long as r and s.
    let order = number(
        "01ff ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
         fffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
    );
    let key = SigningKey::generate(Algorithm::Es512, "k");
    let verifier = verifier_of(&key);
    let (input, good) = signed(&key);
    let (r, s) = good.split_at(66);
    let beyond = |number: &[u8]| sum(number, &order).expect("there is room");
    for (name, signature, want) in [
        ("good", good.clone(), ACCEPTED),
        ("r + n", [&*beyond(r), s].concat(), BAD),
        ("s + n", [r, &*beyond(s)].concat(), BAD),
        ("both", [beyond(r), beyond(s)].concat(), BAD),
    ] {
        let token = format!("{input}.{}", encode(signature));
        assert_eq!(outcome(&verifier, &token), want, "{name}");
    }
}

#[test]
fn an_ed25519_signature_has_one_form_only() {
    let order = number("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed");
    let key = SigningKey::generate(Algorithm::EdDsa, "ed");
    let verifier = verifier_of(&key);
    let (input, good) = signed(&key);
    let (r, s) = good.split_at(32);
    let reversed = |bytes: &[u8]| bytes.iter().rev().copied().collect::<Vec<_>>();
    let s_plus_order = reversed(&sum(&reversed(s), &order).expect("there is room"));
    let neutral = [&[1], &[0; 31][..]].concat();
    for (name, signature, want) in [
        ("good", good.clone(), ACCEPTED),
        ("S + L", [r, &*s_plus_order].concat(), BAD),
        ("S = L", [r, &*reversed(&order)].concat(), BAD),
        ("S = 0", [r, &[0; 32]].concat(), BAD),
        ("R neutral, S = 0", [&*neutral, &[0; 32]].concat(), BAD),
        ("R neutral", [&*neutral, s].concat(), BAD),
        ("all zeros", vec![0; 64], BAD),
        ("all ones", vec![0xff; 64], BAD),
        ("63 bytes", good[..63].to_vec(), BAD),
        ("65 bytes", [&good[..], &[0]].concat(), BAD),
        ("swapped", [s, r].concat(), BAD),
    ] {
        let token = format!("{input}.{}", encode(signature));
        assert_eq!(outcome(&verifier, &token), want, "{name}");
    }
}

#[test]
fn an_rsa_signature_is_exactly_as_long_as_the_modulus() {
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
        let key = shared_rsa_key().with_algorithm(algorithm);
        let verifier = verifier_of(&key);
        let (input, good) = signed(&key);
        let modulus = decode(key.public_jwk()["n"].as_str().expect("n"));
        let mut cases = vec![
            ("good", good.clone(), ACCEPTED),
            ("zero", vec![0; 256], BAD),
            ("one", [&[0; 255][..], &[1]].concat(), BAD),
            ("n", modulus.clone(), BAD),
            ("a byte short", good[1..].to_vec(), BAD),
            ("a zero before", [&[0], &good[..]].concat(), BAD),
            ("a zero after", [&good[..], &[0]].concat(), BAD),
            ("one byte", vec![0], BAD),
        ];
        cases.extend(sum(&good, &modulus).map(|beyond| ("s + n", beyond, BAD)));
        for (name, signature, want) in cases {
            let token = format!("{input}.{}", encode(signature));
            assert_eq!(outcome(&verifier, &token), want, "{algorithm}: {name}");
        }
    }
}

#[test]
fn a_signature_longer_than_any_key_makes_is_malformed_and_one_as_long_is_just_bad() {
    let (input, _) = signed(shared_key());
    let kind = |length: usize| {
        let token = format!("{input}.{}", encode(vec![7; length]));
        verifier().verify(&token).map_err(|error| error.kind()).err()
    };
    assert_eq!(kind(1024), Some(AuthErrorKind::SignatureInvalid));
    assert_eq!(kind(1025), Some(AuthErrorKind::TokenMalformed));
}
