//! The JSON inside of a token. Every one here is signed by the right key: only its text speaks against it.

use http::Method;
use serde_json::{Value, json};
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::token::Algorithm;

use crate::shape::{MALFORMED, claims_text, header_text};
use crate::support::app::{ACCEPTED, App, Place, outcome, verifier};
use crate::support::issuer::{AUDIENCE, ISSUER, NOW, SigningKey, shared_key};
use crate::support::site::{Site, token_with};

#[test]
fn json_nests_16_deep_in_the_header_and_64_deep_in_the_claims_and_no_deeper() {
    let verifier = verifier();
    let nested = |levels: usize| format!(r#","x":{}{}"#, "[".repeat(levels), "]".repeat(levels));
    let objects = |levels: usize| format!(r#","x":{}0{}"#, r#"{"x":"#.repeat(levels), "}".repeat(levels));
    let open = |levels: usize| format!(r#","x":{}"#, "[".repeat(levels));
    let plain = String::new();
    for (name, header, claims, want) in [
        ("header 16", nested(15), plain.clone(), ACCEPTED),
        ("header 17", nested(16), plain.clone(), MALFORMED),
        ("header 17, objects", objects(16), plain.clone(), MALFORMED),
        ("header 2,000", nested(1_999), plain.clone(), MALFORMED),
        ("header 10,000, never closed", open(10_000), plain.clone(), MALFORMED),
        ("claims 64", plain.clone(), nested(63), ACCEPTED),
        ("claims 64, objects", plain.clone(), objects(63), ACCEPTED),
        ("claims 65", plain.clone(), nested(64), MALFORMED),
        ("claims 65, objects", plain.clone(), objects(64), MALFORMED),
        ("claims 5,000", plain.clone(), nested(5_000), MALFORMED),
        ("claims 10,000, never closed", plain, open(10_000), MALFORMED),
    ] {
        let token = shared_key().token_of(header_text(&header), claims_text(&claims));
        assert_eq!(outcome(&verifier, &token), want, "{name}");
    }
}

#[test]
fn claims_that_serde_json_would_read_as_something_else_are_none() {
    let verifier = verifier();
    for (claims, want) in [
        (r#","x":{"$serde_json":"[]"}"#, ACCEPTED),
        (r#","x":"a $serde_json::private::RawValue""#, ACCEPTED),
        (r#","x":{"$serde_json::private::RawValue":"[]"}"#, MALFORMED),
        (r#","x":[{"\u0024serde_json::private::RawValue":"{}"}]"#, MALFORMED),
        (r#","x":{"$serde_json::private::Number":"1"}"#, MALFORMED),
    ] {
        let token = shared_key().token_of(header_text(""), claims_text(claims));
        assert_eq!(outcome(&verifier, &token), want, "{claims}");
    }
}

/// JSON in strings in JSON, as deep as a token is long: read as what it would be without the quotes, it takes more stack
/// than there is.
#[tokio::test]
async fn a_cookie_that_nobody_has_signed_takes_no_more_stack_than_any_other() {
    let hidden = (0..23).rev().fold("0".to_owned(), |inner, level| {
        let arrays = if level == 0 { 50 } else { 122 };
        let inner = inner.replace('\\', "\\u005c").replace('"', "\\u0022");
        let (open, close) = ("[".repeat(arrays), "]".repeat(arrays));
        format!("{open}{{\"$serde_json::private::RawValue\":\"{inner}\"}}{close}")
    });
    let stranger = SigningKey::generate(Algorithm::Es256, "unknown");
    let header = json!({ "alg": "ES256", "kid": "unknown" }).to_string();
    let cookie =
        format!("__Host-jwt={}", stranger.token_of(header, claims_text(&format!(",\"x\":{hidden}"))));
    let site = Site::behind(JwtAuthLayer::new(verifier()).hand_off().expect("both are read"));
    let answer = site.follow(&format!("/?jwt={}", token_with(json!({}))), &[("cookie", &cookie)]).await;
    assert_eq!(answer.status, 303, "it is no session");
}

#[test]
fn a_header_is_one_json_object_in_clean_utf_8() {
    let verifier = verifier();
    let good = header_text("");
    let members = good.trim_matches(['{', '}']);
    let text = |text: &str| text.as_bytes().to_vec();
    for (name, header, want) in [
        ("good", text(&good), ACCEPTED),
        ("white space around", text(&format!(" \n{good}\t ")), ACCEPTED),
        ("array", text(&format!("[{good}]")), MALFORMED),
        ("number", text("7"), MALFORMED),
        ("null", text("null"), MALFORMED),
        ("string", text("\"ES256\""), MALFORMED),
        ("empty object", text("{}"), MALFORMED),
        ("members without braces", text(members), MALFORMED),
        ("not closed", text(&format!("{{{members}")), MALFORMED),
        ("trailing comma", text(&format!("{{{members},}}")), MALFORMED),
        ("single quotes", text(&good.replace('"', "'")), MALFORMED),
        ("a comment", text(&format!("{good}//")), MALFORMED),
        ("a byte after", text(&format!("{good}x")), MALFORMED),
        ("a null byte after", text(&format!("{good}\0")), MALFORMED),
        ("another object after", text(&format!("{good}{good}")), MALFORMED),
        ("byte order mark", text(&format!("\u{feff}{good}")), MALFORMED),
        ("not UTF-8", [b"{\"x\":\"\xff\",", members.as_bytes(), b"}"].concat(), MALFORMED),
        ("overlong UTF-8", [b"{\"x\":\"\xc0\xae\",", members.as_bytes(), b"}"].concat(), MALFORMED),
        ("UTF-16", good.encode_utf16().flat_map(u16::to_le_bytes).collect(), MALFORMED),
        ("an escape", text(&header_text(r#","x":"\ud83d\ude00""#)), ACCEPTED),
        ("a lone high surrogate", text(&header_text(r#","x":"\ud83d""#)), MALFORMED),
        ("a lone low surrogate in a name", text(&header_text(r#","\ude00":1"#)), MALFORMED),
        ("surrogates in the wrong order", text(&header_text(r#","x":"\ude00\ud83d""#)), MALFORMED),
        ("alg twice", text(&header_text(r#","alg":"ES256""#)), MALFORMED),
        ("alg twice, once escaped", text(&header_text(r#","\u0061lg":"ES256""#)), MALFORMED),
        ("kid twice", text(&header_text(&format!(r#","kid":"{}""#, shared_key().kid()))), MALFORMED),
        ("an unknown member twice", text(&header_text(r#","x":1,"x":1"#)), MALFORMED),
        ("an unknown member once", text(&header_text(r#","x":1,"X":1"#)), ACCEPTED),
        ("alg escaped, once", text(&good.replace("\"alg\"", r#""\u0061lg""#)), ACCEPTED),
        ("typ is a number", text(&header_text(r#","typ":1"#)), MALFORMED),
    ] {
        let token = shared_key().token_of(header, claims_text(""));
        assert_eq!(outcome(&verifier, &token), want, "{name}");
    }
}

#[tokio::test]
async fn a_header_member_of_any_type_is_a_refusal_or_nothing_and_never_a_500() {
    let app = App::new();
    for name in ["alg", "typ", "kid", "cty", "crit", "b64", "zip", "jwk", "jku", "x5u", "x5c", "x5t", "epk"] {
        let is_read = ["alg", "typ", "kid", "cty", "crit", "b64", "zip"].contains(&name);
        for value in ["null", "0", "-1", "1e400", "true", "[]", "[null]", "{}", r#"{"kty":null}"#] {
            let mut header: Value = serde_json::from_str(&header_text("")).expect("JSON");
            header.as_object_mut().expect("an object").remove(name);
            let header = format!(r#"{{"{name}":{value},{}"#, &header.to_string()[1..]);
            let token = shared_key().token_of(header, claims_text(""));
            let verdict = app.verdict(Place::Header.carry(Method::GET, &token)).await;
            let want = if is_read { 401 } else { 200 };
            assert_eq!(verdict.0, want, "{name}: {value}: {}", verdict.1);
        }
    }
}

#[test]
fn claims_are_one_json_object_in_clean_utf_8() {
    let verifier = verifier();
    let good = claims_text("");
    let members = good.trim_matches(['{', '}']);
    let exp = NOW + 300;
    let text = |text: &str| text.as_bytes().to_vec();
    for (name, claims, want) in [
        ("good", text(&good), ACCEPTED),
        ("white space around", text(&format!(" \n{good}\t ")), ACCEPTED),
        ("array", text(&format!("[{good}]")), MALFORMED),
        ("number", text("7"), MALFORMED),
        ("null", text("null"), MALFORMED),
        ("string", text(&json!(good).to_string()), MALFORMED),
        ("not closed", text(&format!("{{{members}")), MALFORMED),
        ("a byte after", text(&format!("{good}x")), MALFORMED),
        ("another object after", text(&format!("{good}{{}}")), MALFORMED),
        ("byte order mark", text(&format!("\u{feff}{good}")), MALFORMED),
        ("not UTF-8", [b"{\"x\":\"\xff\",", members.as_bytes(), b"}"].concat(), MALFORMED),
        (
            "a surrogate in raw bytes",
            [b"{\"x\":\"\xed\xa0\xbd\",", members.as_bytes(), b"}"].concat(),
            MALFORMED,
        ),
        ("an escape", text(&claims_text(r#","x":"\ud83d\ude00""#)), ACCEPTED),
        ("a lone high surrogate", text(&claims_text(r#","x":"\ud83d""#)), MALFORMED),
        ("a lone low surrogate", text(&claims_text(r#","x":"\ude00""#)), MALFORMED),
        ("a lone surrogate deep inside", text(&claims_text(r#","x":[{"y":"\ud83dz"}]"#)), MALFORMED),
        ("exp twice", text(&claims_text(&format!(r#","exp":{exp}"#))), MALFORMED),
        ("exp twice, once escaped", text(&claims_text(&format!(r#","\u0065xp":{exp}"#))), MALFORMED),
        ("exp once, escaped", text(&good.replace("\"exp\"", r#""\u0065xp""#)), ACCEPTED),
        ("exp in another case beside it", text(&claims_text(r#","EXP":1"#)), ACCEPTED),
        ("sub twice", text(&claims_text(r#","sub":"alice""#)), MALFORMED),
        ("aud twice", text(&claims_text(&format!(r#","aud":"{AUDIENCE}""#))), MALFORMED),
        ("iss twice", text(&claims_text(&format!(r#","iss":"{ISSUER}""#))), MALFORMED),
    ] {
        let token = shared_key().token_of(header_text(""), claims);
        assert_eq!(outcome(&verifier, &token), want, "{name}");
    }
}
