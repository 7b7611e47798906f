//! A DPoP proof beside a good token that is bound to its key.
//!
//! Input: a byte of circumstances, then a line of header and a line of claims to be signed, or a proof as it is. `$JWK` stands
//! for the key, `$ATH` for the hash of the token.
//!
//! It lets the token in if it is a proof by RFC 9449 §4.3, as a plain reader has it, and says otherwise that it is none.

#![no_main]

use std::sync::OnceLock;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderValue, Method, Request};
use libfuzzer_sys::fuzz_target;
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::binding::Dpop;
use tower_jwt_auth::source::Source;
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth_fuzz::app::send;
use tower_jwt_auth_fuzz::issuer::{self, NOW, encode};
use tower_jwt_auth_fuzz::json::{self, Json, Unread};

const URL: &str = "https://api.example.com/a~b";
/// The same, as the request has it.
const PATH: &str = "/a%7Eb?c";

fuzz_target!(|input: &[u8]| {
    let Some((circumstances, rest)) = input.split_first() else { return };
    let Client { key, jwk, token, ath, layer } = client();
    let filled = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        text.replace("$JWK", jwk).replace("$ATH", ath)
    };
    let proof = if circumstances & 1 == 0 {
        let (header, claims) = match rest.iter().position(|byte| *byte == b'\n') {
            Some(end) => (&rest[..end], &rest[end + 1..]),
            None => (rest, &b""[..]),
        };
        let signing_input = format!("{}.{}", encode(filled(header)), encode(filled(claims)));
        let signature = encode(key.sign(signing_input.as_bytes()));
        format!("{signing_input}.{signature}").into_bytes()
    } else {
        rest.to_vec()
    };
    let method = if circumstances & 2 == 0 { Method::GET } else { Method::POST };
    let Ok(value) = HeaderValue::from_bytes(&proof) else { return };

    let mut request = Request::new(());
    *request.method_mut() = method.clone();
    *request.uri_mut() = PATH.parse().expect("a URI");
    let headers = request.headers_mut();
    headers.insert("authorization", format!("DPoP {token}").parse().expect("a value"));
    headers.insert("dpop", value);
    let answer = send(layer, request);

    match is_good(&proof, method.as_str()) {
        Some(true) => assert_eq!(answer.code(), "ok"),
        Some(false) => assert_eq!(answer.code(), "dpop_proof_invalid"),
        None => assert!(["ok", "dpop_proof_invalid"].contains(&answer.code()), "{}", answer.code()),
    }
    if let Some(seen) = answer.seen {
        assert_eq!(seen.token.map(|token| token.source()), Some(Source::Dpop));
    } else {
        let challenge = answer.header("www-authenticate").expect("a challenge");
        assert!(challenge.starts_with("DPoP ") && challenge.contains("invalid_dpop_proof"), "{challenge}");
    }
});

struct Client {
    key: Ed25519KeyPair,
    jwk: String,
    token: String,
    ath: String,
    layer: JwtAuthLayer,
}

fn client() -> &'static Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed");
        let x = encode(key.public_key());
        let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        let hash = |text: &str| encode(digest(&SHA256, text.as_bytes()));
        let token = issuer::good_token(&format!(r#""cnf":{{"jkt":"{}"}},"#, hash(&jwk)));
        // Nothing to wait for: that a proof counts once takes a store.
        let dpop = Dpop::new("https://api.example.com").expect("an origin");
        let dpop = dpop.required().insecure_accept_repeated_proofs();
        let layer = JwtAuthLayer::new(issuer::verifier(Algorithm::Hs256)).with_dpop(dpop);
        Client { ath: hash(&token), key, jwk, token, layer }
    })
}

/// None where the model cannot say.
fn is_good(proof: &[u8], method: &str) -> Option<bool> {
    let Client { key, jwk, ath, .. } = client();
    let parts: Vec<_> = proof.split(|byte| *byte == b'.').collect();
    let [header, claims, signature] = *parts else { return Some(false) };
    let [Ok(header_json), Ok(claims_json), Ok(signature)] =
        [header, claims, signature].map(|part| URL_SAFE_NO_PAD.decode(part))
    else {
        return Some(false);
    };
    let signing_input = [header, b".", claims].concat();
    if proof.len() > 8192 || header_json.len() > 4096 || signature != key.sign(&signing_input).as_ref() {
        return Some(false);
    }
    let (header, claims) = match (members(&header_json), members(&claims_json)) {
        (Ok(Some(header)), Ok(Some(claims))) => (header, claims),
        (Err(()), _) | (_, Err(())) => return None,
        _ => return Some(false),
    };
    let text = |members: &[(String, Json)], name: &str| -> Option<String> {
        json::first(members, name).and_then(Json::as_text).map(str::to_owned)
    };
    let typ = text(&header, "typ").unwrap_or_default().to_ascii_lowercase();
    let htu = text(&claims, "htu").unwrap_or_default();
    let is_of_late = match json::first(&claims, "iat") {
        // After NOW - 90 and up to NOW + 30.
        Some(Json::Number(iat)) => iat.as_f64().is_some_and(|iat| {
            let late = iat - f64::from(NOW);
            late > -90.0 && late <= 30.0
        }),
        _ => false,
    };
    let is_good = ["crit", "b64", "zip"].iter().all(|name| json::first(&header, name).is_none())
        && ["dpop+jwt", "application/dpop+jwt"].contains(&&*typ)
        && text(&header, "alg").is_some_and(|alg| alg == "EdDSA" || alg == "Ed25519")
        && text(&claims, "jti").is_some_and(|jti| !jti.is_empty())
        && text(&claims, "htm").is_some_and(|htm| htm == method)
        && text(&claims, "ath").is_some_and(|hash| hash == *ath)
        && is_of_late
        && may_be_ours(&htu);
    let own = json::parse(jwk.as_bytes()).expect("JSON");
    match json::first(&header, "jwk") {
        _ if !is_good => Some(false),
        Some(brought) if *brought == own => {
            if is_plainly_ours(&htu) {
                Some(true)
            } else {
                None
            }
        }
        // The signature is of our key, and the token is bound to it: with members more it may still be that one.
        Some(Json::Object(members)) => {
            let is_own = text(members, "x") == own_x(&own);
            if is_own { None } else { Some(false) }
        }
        _ => Some(false),
    }
}

fn own_x(jwk: &Json) -> Option<String> {
    let Json::Object(members) = jwk else { return None };
    json::first(members, "x").and_then(Json::as_text).map(str::to_owned)
}

/// Of an object that has each of them once, and no more than there may be; an error where nobody here can tell.
fn members(text: &[u8]) -> Result<Option<Vec<(String, Json)>>, ()> {
    let members = match json::parse(text) {
        Ok(Json::Object(members)) => members,
        Ok(_) | Err(Unread::NotJson) => return Ok(None),
        Err(Unread::HugeNumber) => return Err(()),
    };
    let is_repeated = |name: &String| members.iter().filter(|(other, _)| other == name).count() > 1;
    let is_sound = members.len() <= 32
        && Json::Object(members.clone()).depth() <= 16
        && !members.iter().any(|(name, _)| is_repeated(name));
    Ok(is_sound.then_some(members))
}

/// Written as clients write it.
fn is_plainly_ours(htu: &str) -> bool {
    let url = htu.split(['?', '#']).next().unwrap_or_default();
    [URL, "https://api.example.com/a%7Eb", "https://api.example.com/a%7eb", "HTTPS://API.example.com:443/a~b"]
        .contains(&url)
}

/// The letters of it are those of our URL, but for escapes, case and the port.
fn may_be_ours(htu: &str) -> bool {
    let url = htu.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let Some((authority, path)) = rest.split_once('/') else { return false };
    let host = authority.split(':').next().unwrap_or_default();
    let digits = authority.split_once(':').map_or("443", |(_, port)| port);
    let port = digits.trim_start_matches('0');
    let plain = percent_decoded(path);
    scheme.eq_ignore_ascii_case("https")
        && host.eq_ignore_ascii_case("api.example.com")
        && (digits.is_empty() || port == "443")
        && plain == b"a~b"
}

fn percent_decoded(text: &str) -> Vec<u8> {
    // As a form has it, but for the plus sign, of which our path has none.
    form_urlencoded::parse(text.replace('+', "%2B").as_bytes())
        .next()
        .filter(|_| !text.contains(['&', '=']))
        .map_or(Vec::new(), |(name, _)| name.into_owned().into_bytes())
}
