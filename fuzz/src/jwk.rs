//! Which JSON Web Key may be used, written after the standards: all that can be said without a curve.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::json::{self, Json, Unread};

/// What a model can say of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usable {
    Yes,
    No,
    /// If its point is one of the curve.
    Perhaps,
}

const SECRET_MEMBERS: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// Each may be there once, as a text or as nothing.
const TEXTS: [&str; 8] = ["kid", "alg", "use", "crv", "n", "e", "x", "y"];

pub fn is_usable(entry: &[u8]) -> Usable {
    let members = match json::parse_object(entry) {
        Ok(members) => members,
        Err(Unread::NotJson) => return Usable::No,
        Err(Unread::HugeNumber) => return Usable::Perhaps,
    };
    if Json::Object(members.clone()).depth() > 16 || !is_well_formed(&members) {
        return Usable::No;
    }
    let text = |name: &str| json::first(&members, name).and_then(Json::as_text);
    let verifies =
        |operations: &Vec<Json>| operations.iter().any(|operation| operation.as_text() == Some("verify"));
    let purpose_fits = text("use").is_none_or(|purpose| purpose == "sig")
        && match json::first(&members, "key_ops") {
            Some(Json::Array(operations)) => verifies(operations),
            _ => true,
        };
    if !purpose_fits || text("kid").is_some_and(|kid| kid.len() > 256) {
        return Usable::No;
    }
    let bytes = |name: &str| text(name).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    let has_length = |name: &str, length| bytes(name).is_some_and(|bytes| bytes.len() == length);
    let is_point = |length, names: &[&str], algorithms: &[&str]| {
        let algorithm_fits = text("alg").is_none_or(|alg| algorithms.contains(&alg));
        if algorithm_fits && names.iter().all(|name| has_length(name, length)) {
            Usable::Perhaps
        } else {
            Usable::No
        }
    };
    match (text("kty"), text("crv")) {
        (Some("RSA"), _) => {
            let algorithm_fits = text("alg")
                .is_none_or(|alg| ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"].contains(&alg));
            match (bytes("n"), bytes("e")) {
                (Some(n), Some(e)) if algorithm_fits && is_rsa(&n, &e) => Usable::Yes,
                _ => Usable::No,
            }
        }
        (Some("EC"), Some("P-256")) => is_point(32, &["x", "y"], &["ES256"]),
        (Some("EC"), Some("P-384")) => is_point(48, &["x", "y"], &["ES384"]),
        (Some("EC"), Some("P-521")) => is_point(66, &["x", "y"], &["ES512"]),
        (Some("EC"), Some("secp256k1")) => is_point(32, &["x", "y"], &["ES256K"]),
        (Some("OKP"), Some("Ed25519")) => is_point(32, &["x"], &["EdDSA", "Ed25519"]),
        _ => Usable::No,
    }
}

fn is_well_formed(members: &[(String, Json)]) -> bool {
    let is_text = |value: &Json| matches!(value, Json::Text(_));
    let texts_fit = TEXTS.iter().all(|name| match json::all(members, name)[..] {
        [] | [Json::Null] => true,
        [value] => is_text(value),
        _ => false,
    });
    let operations_fit = match json::all(members, "key_ops")[..] {
        [] | [Json::Null] => true,
        [Json::Array(operations)] => operations.iter().all(is_text),
        _ => false,
    };
    let kty_fits = matches!(json::all(members, "kty")[..], [Json::Text(_)]);
    let holds_no_secret = SECRET_MEMBERS.iter().all(|name| json::first(members, name).is_none());
    texts_fit && operations_fit && kty_fits && holds_no_secret
}

fn is_rsa(n: &[u8], e: &[u8]) -> bool {
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    is_odd(n) && is_odd(e) && (2048..=8192).contains(&bits(n)) && (2..=33).contains(&bits(e))
}

fn bits(number: &[u8]) -> u32 {
    let mut bits = 0;
    for byte in number {
        bits = if bits > 0 { bits + 8 } else { 8 - byte.leading_zeros() };
    }
    bits
}
