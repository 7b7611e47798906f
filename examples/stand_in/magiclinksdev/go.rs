//! What Go does, to the byte, where a client of magiclinksdev can see it: the server is written in Go.
//!
//! Its standard library writes the JSON, the query and the redirect; golang-jwt 5.2.2 and keyfunc 3.3.11 check tokens, and
//! the server repeats their messages to its clients.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "every number is a float64 there"
)]

use axum::body::Body;
use axum::http::{Method, Response, StatusCode, header};
use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode, percent_encode, utf8_percent_encode,
};
use serde_json::{Map, Value};

use super::super::browser::escape;
use super::super::signing::SigningKey;

/// What golang-jwt knows by name, used or not.
const KNOWN_ALGS: [&str; 14] = [
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384",
    "PS512", "EdDSA", "none",
];

/// `json.Marshal`: no character that HTML could take for its own.
pub(crate) fn json(value: &Value) -> String {
    value
        .to_string()
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// `value` after a passage through `any`: large integers lose their last digits, and `1.0` its point.
pub(crate) fn through_any(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if float.trunc() == float && float.abs() < i64::MAX as f64 => {
                Value::from(float as i64)
            }
            _ => Value::Number(number),
        },
        Value::Array(items) => items.into_iter().map(through_any).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name, through_any(value))).collect()
        }
        other => other,
    }
}

/// `url` with one more pair in its query, by `Values.Add` and `Values.Encode`: all of it sorted by key and encoded anew.
pub(crate) fn with_query_pair(url: &str, key: &str, value: &str) -> String {
    const ESCAPED: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b' ');
    let escape = |text: &[u8]| percent_encode(text, ESCAPED).to_string().replace(' ', "+");
    let (address, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
    let (base, query) = address.split_once('?').unwrap_or((address, ""));
    let mut pairs = query_pairs(query);
    pairs.push((key.into(), value.into()));
    pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
    let pairs: Vec<String> =
        pairs.iter().map(|(key, value)| format!("{}={}", escape(key), escape(value))).collect();
    format!("{base}?{}{fragment}", pairs.join("&"))
}

/// As `URL.Query` reads them: what it cannot, it leaves out.
fn query_pairs(query: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let unescape = |text: &str| {
        let is_escape = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
        let is_sound = text.split('%').skip(1).all(is_escape);
        is_sound.then(|| percent_decode(text.replace('+', " ").as_bytes()).collect::<Vec<u8>>())
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.contains(';'))
        .filter_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((unescape(key)?, unescape(value)?))
        })
        .collect()
}

/// `http.Redirect` with 303: a link in HTML, for GET only.
pub(crate) fn see_other(method: &Method, url: &str) -> Response<Body> {
    let location = utf8_percent_encode(url, CONTROLS).to_string();
    let response = Response::builder().status(StatusCode::SEE_OTHER).header(header::LOCATION, location);
    let is_get = method == Method::GET;
    let response = if is_get || method == Method::HEAD {
        response.header(header::CONTENT_TYPE, "text/html; charset=utf-8")
    } else {
        response
    };
    let link = format!("<a href=\"{}\">See Other</a>.\n\n", escape(url));
    let body = if is_get { Body::from(link) } else { Body::empty() };
    response.body(body).unwrap_or_default()
}

/// Why a token is none, in the words of the two libraries.
pub(crate) enum Invalid {
    /// Its key is unknown or its signature bad, which the server tells apart.
    Signature(String),
    /// All else, for which it blames itself.
    Other(String),
}

/// `jwt.Parse` with the keys of a set: the claims, if the signature and the times hold. The rest is the caller's.
pub(crate) fn parse_jwt(token: &str, keys: &[SigningKey], now: u64) -> Result<Map<String, Value>, Invalid> {
    let malformed = |why: String| Invalid::Other(format!("token is malformed: {why}"));
    let unverifiable = |why: &str| Invalid::Other(format!("token is unverifiable: {why}"));
    let parts: Vec<&str> = token.split('.').collect();
    let [header_part, claims_part, signature_part] = parts[..] else {
        return Err(malformed("token contains an invalid number of segments".to_owned()));
    };
    let decode = |part, name| {
        segment(part).map_err(|at| {
            malformed(format!("could not base64 decode {name}: illegal base64 data at input byte {at}"))
        })
    };
    let object = |json: &[u8], name| {
        read_object(json).map_err(|why| malformed(format!("could not JSON decode {name}: {why}")))
    };
    let header = object(&decode(header_part, "header")?, "header")?;
    let claims = object(&decode(claims_part, "claim")?, "claim")?;
    let alg = match header.get("alg").and_then(Value::as_str) {
        None => return Err(unverifiable("signing method (alg) is unspecified")),
        Some(alg) if !KNOWN_ALGS.contains(&alg) => {
            return Err(unverifiable("signing method (alg) is unavailable"));
        }
        Some(alg) => alg,
    };
    let signature = decode(signature_part, "signature")?;
    let key = find_key(&header, alg, keys)?;
    if !key.verifies(&format!("{header_part}.{claims_part}"), &signature) {
        let library = if alg == "EdDSA" { "ed25519" } else { "crypto/rsa" };
        return Err(Invalid::Signature(format!("token signature is invalid: {library}: verification error")));
    }
    check_times(&claims, now)?;
    Ok(claims)
}

/// The key that the header names, by keyfunc.
fn find_key<'k>(
    header: &Map<String, Value>,
    alg: &str,
    keys: &'k [SigningKey],
) -> Result<&'k SigningKey, Invalid> {
    const BEFORE: &str = "token is unverifiable: error while executing keyfunc:";
    let failed = |why: &str| Err(Invalid::Other(format!("{BEFORE} failed keyfunc: {why}")));
    let kid = match header.get("kid") {
        None => return failed("could not find kid in JWT header"),
        Some(Value::String(kid)) => kid.as_str(),
        Some(_) => return failed("could not convert kid in JWT header to string"),
    };
    let Some(key) = keys.iter().find(|key| key.kid() == Some(kid)) else {
        return Err(Invalid::Signature(format!(
            "{BEFORE} key not found: kid {kid:?}\nfailed keyfunc: could not read JWK from storage"
        )));
    };
    if key.alg() != alg {
        return failed(&format!(
            r#"JWK "alg" parameter value {:?} does not match token "alg" parameter value {alg:?}"#,
            key.alg()
        ));
    }
    Ok(key)
}

/// With no leeway, and with no claim required: a token that has no `exp` lasts.
fn check_times(claims: &Map<String, Value>, now: u64) -> Result<(), Invalid> {
    let date = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(date)) => Ok(date.as_f64().filter(|date| *date != 0.0).map(f64::trunc)),
        Some(_) => Err(format!("invalid type for claim: {name} is invalid")),
    };
    let now = now as f64;
    let wrong: Vec<String> = [
        date("exp").map(|exp| exp.is_some_and(|exp| now >= exp).then(|| "token is expired".to_owned())),
        date("nbf").map(|nbf| nbf.is_some_and(|nbf| now < nbf).then(|| "token is not valid yet".to_owned())),
    ]
    .into_iter()
    .filter_map(|outcome| outcome.unwrap_or_else(Some))
    .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Invalid::Other(format!("token has invalid claims: {}", wrong.join(", "))))
}

/// `json.Unmarshal` into a map, for which null is an empty one.
fn read_object(json: &[u8]) -> Result<Map<String, Value>, String> {
    match serde_json::from_slice(json) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(other) => {
            let kind = match other {
                Value::Bool(_) => "bool",
                Value::Number(_) => "number",
                Value::String(_) => "string",
                _ => "array",
            };
            Err(format!("json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"))
        }
        Err(error) if error.is_eof() => Err("unexpected end of JSON input".to_owned()),
        // Where exactly the text is wrong, serde_json says in words of its own.
        Err(error) => Err(format!("invalid character: {error}")),
    }
}

/// `base64.RawURLEncoding`, which forgives line ends and bits left over; where it fails, the index of the byte.
fn segment(part: &str) -> Result<Vec<u8>, usize> {
    let (mut bits, mut held, mut decoded) = (0_u32, 0, Vec::with_capacity(part.len()));
    for (at, byte) in part.bytes().enumerate().filter(|(_, byte)| !matches!(byte, b'\r' | b'\n')) {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return Err(at),
        };
        (bits, held) = (bits << 6 | u32::from(six), held + 6);
        if held >= 8 {
            held -= 8;
            decoded.push((bits >> held) as u8);
        }
    }
    // A last character alone holds no byte.
    if held == 6 { Err(part.len() - 1) } else { Ok(decoded) }
}
