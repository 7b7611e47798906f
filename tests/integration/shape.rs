//! What a token may look like. Every text here that can be is signed by the right key: only its shape speaks against it.

use serde_json::json;
use tower_jwt_auth::token::MAX_TOKEN_BYTES;

use crate::support::app::{ACCEPTED, outcome, verifier};
use crate::support::issuer::{AUDIENCE, ISSUER, NOW, claims_with, encode, good_claims, shared_key};

pub const MALFORMED: &str = "token_malformed";

/// A good header, its members before `more`.
pub fn header_text(more: &str) -> String {
    let kid = shared_key().kid();
    format!(r#"{{"alg":"ES256","kid":"{kid}"{more}}}"#)
}

/// Good claims, their members before `more`.
pub fn claims_text(more: &str) -> String {
    format!(r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","sub":"alice","exp":{}{more}}}"#, NOW + 300)
}

/// A good token with `-` or `_` in each of its parts and a last character with stray bits in each.
fn token_of_all_characters() -> String {
    let header = header_text(r#","x":"~~~~~~""#);
    let claims = claims_text(r#","x":"~~~~~~""#);
    let pad = |text: &str| format!("{text}{}", " ".repeat(4 - text.len() % 3));
    std::iter::repeat_with(|| shared_key().token_of(pad(&header), pad(&claims)))
        .find(|token| token.split('.').all(|part| part.contains(['-', '_']) && part.len() % 4 != 0))
        .expect("a signature with one of 64 characters")
}

#[test]
fn only_three_parts_that_hold_something_are_a_token() {
    let verifier = verifier();
    let token = shared_key().token(&good_claims());
    let parts: Vec<_> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    for (name, text, want) in [
        ("three parts", token.clone(), ACCEPTED),
        ("nothing", String::new(), MALFORMED),
        ("one part", header.to_owned(), MALFORMED),
        ("two parts", format!("{header}.{payload}"), MALFORMED),
        ("four parts", format!("{token}.{signature}"), MALFORMED),
        ("four parts, the last empty", format!("{token}."), MALFORMED),
        ("four parts, the first empty", format!(".{token}"), MALFORMED),
        ("five parts", format!("{token}.{signature}.{signature}"), "token_encrypted"),
        ("five parts, two of them empty", format!("{token}.."), "token_encrypted"),
        ("six parts", format!("{token}.{signature}.{signature}.{signature}"), MALFORMED),
        ("no payload", format!("{header}..{signature}"), MALFORMED),
        ("no header", format!(".{payload}.{signature}"), MALFORMED),
        ("no signature", format!("{header}.{payload}."), MALFORMED),
        ("only dots", "..".to_owned(), MALFORMED),
        ("other dots", token.replace('.', "\u{2024}"), MALFORMED),
    ] {
        assert_eq!(outcome(&verifier, &text), want, "{name}");
    }
}

#[test]
fn a_serialization_other_than_compact_is_malformed() {
    let verifier = verifier();
    let token = shared_key().token(&good_claims());
    let parts: Vec<_> = token.split('.').collect();
    let signature = json!({ "protected": parts[0], "signature": parts[2] });
    let flattened = json!({ "payload": parts[1], "protected": parts[0], "signature": parts[2] });
    let general = json!({ "payload": parts[1], "signatures": [signature] });
    assert_eq!(outcome(&verifier, &token), ACCEPTED);
    assert_eq!(outcome(&verifier, &flattened.to_string()), MALFORMED);
    assert_eq!(outcome(&verifier, &general.to_string()), MALFORMED);
}

#[test]
fn a_text_that_is_compact_and_json_at_once_is_malformed() {
    let verifier = verifier();
    let token = shared_key().token(&good_claims());
    let parts: Vec<_> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    let evil = encode(claims_text(r#","admin":true"#));
    // One reader takes what stands between the dots, another the members, which are signed.
    let signed = format!(r#""protected":"{header}","payload":"{payload}","signature":"{signature}""#);
    for (name, text) in [
        ("the forged claims in a name", format!(r#"{{"  {header}.{evil}.":"",{signed}}}"#)),
        ("the forged claims in a value", format!(r#"{{"x":"{header}.{evil}.",{signed}}}"#)),
        ("the forged token in a name", format!(r#"{{"{header}.{evil}.{signature}":"",{signed}}}"#)),
        ("the members behind the token", format!("{header}.{evil}.{signature}{{{signed}}}")),
        ("the members before the token", format!("{{{signed}}}{header}.{evil}.{signature}")),
    ] {
        assert_eq!(outcome(&verifier, &text), MALFORMED, "{name}");
    }
    assert_eq!(outcome(&verifier, &format!("{header}.{evil}.{signature}")), "signature_invalid");
    assert_eq!(outcome(&verifier, &token), ACCEPTED);
}

#[test]
fn a_mebibyte_is_refused_for_its_size_alone() {
    let verifier = verifier();
    let mebibyte = 1 << 20;
    for text in [
        ".".repeat(mebibyte),
        "A".repeat(mebibyte),
        "A.".repeat(mebibyte / 2),
        "\u{1f600}".repeat(mebibyte / 4),
        "{\"a\":".repeat(mebibyte / 5),
    ] {
        assert_eq!(outcome(&verifier, &text), "token_too_large", "{}...", &text[..4]);
    }
}

#[test]
fn the_longest_token_is_accepted_and_one_byte_more_of_claims_is_too_large() {
    let verifier = verifier();
    let of = |padding: usize| shared_key().token(&claims_with(json!({ "x": "x".repeat(padding) })));
    let padding = (0..MAX_TOKEN_BYTES)
        .rev()
        .step_by(512)
        .find(|padding| of(*padding).len() <= MAX_TOKEN_BYTES)
        .expect("a token that is short enough");
    let padding = (padding..MAX_TOKEN_BYTES)
        .find(|padding| of(padding + 1).len() > MAX_TOKEN_BYTES)
        .expect("one that is not");
    assert_eq!(outcome(&verifier, &of(padding)), ACCEPTED);
    assert_eq!(outcome(&verifier, &of(padding + 1)), "token_too_large");
}

#[test]
fn a_header_is_at_most_4_kib_long() {
    let verifier = verifier();
    let of = |length: usize| {
        let padding = length - header_text(r#","x":"""#).len();
        let header = header_text(&format!(r#","x":"{}""#, "x".repeat(padding)));
        assert_eq!(header.len(), length);
        shared_key().token_of(header, claims_text(""))
    };
    assert_eq!(outcome(&verifier, &of(4096)), ACCEPTED);
    assert_eq!(outcome(&verifier, &of(4097)), MALFORMED);
}

/// A way to write a part wrongly.
type Spoil = fn(&str) -> String;

#[test]
fn each_part_is_strict_canonical_base64url() {
    let verifier = verifier();
    let token = token_of_all_characters();
    assert_eq!(outcome(&verifier, &token), ACCEPTED);
    let ways: [(&str, Spoil); 12] = [
        ("padded", |part| format!("{part}{}", "=".repeat(4 - part.len() % 4))),
        ("half padded", |part| format!("{part}=")),
        ("the other alphabet", |part| part.replace('-', "+").replace('_', "/")),
        ("a space before", |part| format!(" {part}")),
        ("a space after", |part| format!("{part} ")),
        ("a line feed after", |part| format!("{part}\n")),
        ("CR LF inside", |part| format!("{}\r\n{}", &part[..8], &part[8..])),
        ("a tab inside", |part| format!("{}\t{}", &part[..8], &part[8..])),
        ("a null byte after", |part| format!("{part}\0")),
        ("one character short of a byte", |part| format!("{}A", &part[..part.len() / 4 * 4])),
        ("stray bits", with_stray_bits),
        ("not ASCII", |part| format!("{part}é")),
    ];
    for (name, spoil) in ways {
        for index in 0..3 {
            let mut parts: Vec<_> = token.split('.').map(str::to_owned).collect();
            parts[index] = spoil(&parts[index]);
            assert_eq!(outcome(&verifier, &parts.join(".")), MALFORMED, "{name}, part {index}");
        }
    }
}

/// The same bytes in another text: the bits of the last character that belong to no byte are not zero.
fn with_stray_bits(part: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = part.split_at(part.len() - 1);
    let value = ALPHABET.iter().position(|byte| [*byte] == last.as_bytes());
    let stray = ALPHABET[value.expect("base64url") | 1];
    assert_ne!(stray, last.as_bytes()[0], "the last bit was free");
    format!("{rest}{}", char::from(stray))
}

#[test]
fn kinds_of_tokens_that_are_never_for_access_are_refused_however_they_are_written() {
    let verifier = verifier();
    for (typ, want) in [
        ("JWT", ACCEPTED),
        ("at+jwt", ACCEPTED),
        ("dpop+jwt", "type_mismatch"),
        ("DPoP+JWT", "type_mismatch"),
        ("application/dpop+jwt", "type_mismatch"),
        ("logout+jwt", "type_mismatch"),
        ("secevent+jwt", "type_mismatch"),
        ("token-introspection+jwt", "type_mismatch"),
        ("oauth-authz-req+jwt", "type_mismatch"),
    ] {
        let header = header_text(&format!(r#","typ":"{typ}""#));
        let token = shared_key().token_of(header, claims_text(""));
        assert_eq!(outcome(&verifier, &token), want, "{typ}");
    }
}

#[test]
fn a_required_type_is_compared_as_a_media_type() {
    let verifier = verifier().with_type("at+jwt");
    for (typ, want) in [
        (r#","typ":"at+jwt""#, ACCEPTED),
        (r#","typ":"AT+JWT""#, ACCEPTED),
        (r#","typ":"application/at+jwt""#, ACCEPTED),
        (r#","typ":"JWT""#, "type_mismatch"),
        (r#","typ":"text/at+jwt""#, "type_mismatch"),
        (r#","typ":"at+jwt ""#, "type_mismatch"),
        (r#","typ":"""#, "type_mismatch"),
        ("", "type_mismatch"),
    ] {
        let token = shared_key().token_of(header_text(typ), claims_text(""));
        assert_eq!(outcome(&verifier, &token), want, "{typ}");
    }
}

#[test]
fn a_token_is_the_whole_text() {
    let verifier = verifier();
    let token = shared_key().token(&good_claims());
    for (name, text) in [
        ("a space before", format!(" {token}")),
        ("a line feed after", format!("{token}\n")),
        ("a byte order mark before", format!("\u{feff}{token}")),
        ("the scheme before", format!("Bearer {token}")),
        ("quotes around", format!("\"{token}\"")),
        ("encoded once more", encode(&token)),
    ] {
        assert_eq!(outcome(&verifier, &text), MALFORMED, "{name}");
    }
    assert_eq!(outcome(&verifier, &token), ACCEPTED);
}
