//! The query of the URI: finding the token in it, and taking it out.
//!
//! Input: a byte of circumstances, then the URI.
//!
//! What is found is what a reader of forms finds. What is left is the URI without the parameter, the rest byte for byte: it
//! parses, and whoever reads it behind the layer finds every other parameter, and no token. A link that becomes a cookie
//! sends the browser to what is left, on this very host.

#![no_main]

use std::sync::OnceLock;

use axum::extract::OriginalUri;
use http::{HeaderValue, Method, Request, Uri, header};
use libfuzzer_sys::fuzz_target;
use tower_jwt_auth::source::{Source, TokenSources};
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::{JwtAuthLayer, Verifier};
use tower_jwt_auth_fuzz::app::{Answer, send};
use tower_jwt_auth_fuzz::issuer;

/// The second is written with an escape or a plus sign.
const NAMES: [&str; 2] = ["jwt", "my token"];

fuzz_target!(|input: &[u8]| {
    let Some((circumstances, uri)) = input.split_first() else { return };
    let which = usize::from(circumstances & 1);
    let method = if circumstances & 2 == 0 { Method::GET } else { Method::HEAD };
    let Ok(uri) = Uri::try_from(uri) else { return };
    let (name, Layers { layers, verifier, bearer, .. }) = (NAMES[which], layers());
    if circumstances & 4 != 0 {
        return check_hand_off(uri);
    }
    let layer = &layers[which];

    let mut request = Request::new(());
    *request.uri_mut() = uri.clone();
    request.extensions_mut().insert(OriginalUri(uri.clone()));

    // Read on GET and HEAD.
    let mut read = request.clone();
    *read.method_mut() = method;
    let answer = send(layer, read.clone());
    let want = match find(&uri, name) {
        Ok(None) => "token_missing",
        Ok(Some(token)) => verifier.verify(&token).map_or_else(|error| error.code(), |_| "ok"),
        Err(code) => code,
    };
    assert_eq!(answer.code(), want);
    check_privacy(&answer, &uri, name);
    if let Some(seen) = &answer.seen {
        assert_eq!(seen.token.as_ref().map(|token| token.source()), Some(Source::Query));
        check_scrubbed(&answer, &uri, name);
    }

    // Beside another token it is one too many, where it is read.
    let is_there = !matches!(find(&uri, name), Ok(None));
    read.headers_mut().insert(header::AUTHORIZATION, bearer.clone());
    let beside = send(layer, read).code();
    assert_eq!(beside == "ok", !is_there, "{beside}");

    // Where it is not read, it is taken out all the same.
    *request.method_mut() = Method::POST;
    request.headers_mut().insert(header::AUTHORIZATION, bearer.clone());
    let answer = send(layer, request);
    assert_eq!(answer.code(), "ok");
    check_privacy(&answer, &uri, name);
    check_scrubbed(&answer, &uri, name);
});

struct Layers {
    layers: [JwtAuthLayer; 2],
    handing_off: JwtAuthLayer,
    verifier: Verifier,
    bearer: HeaderValue,
}

fn layers() -> &'static Layers {
    static LAYERS: OnceLock<Layers> = OnceLock::new();
    LAYERS.get_or_init(|| {
        let verifier = || issuer::verifier(Algorithm::Hs256);
        let layers = NAMES.map(|name| {
            let sources = TokenSources::bearer_only().with_query(name).expect("a name");
            JwtAuthLayer::new(verifier()).with_sources(sources)
        });
        let bearer = HeaderValue::try_from(format!("Bearer {}", issuer::good_token(""))).expect("text");
        let handing_off = JwtAuthLayer::new(verifier()).hand_off().expect("a query and a cookie");
        Layers { layers, handing_off, verifier: verifier(), bearer }
    })
}

/// The one token, or the code of a refusal.
fn find(uri: &Uri, name: &str) -> Result<Option<String>, &'static str> {
    let pairs = uri.query().unwrap_or_default().split('&');
    let values: Vec<_> = pairs.filter(|pair| is_named(pair, name)).collect();
    match values[..] {
        [] => Ok(None),
        [pair] => match pair.split_once('=') {
            None | Some((_, "")) => Err("credentials_malformed"),
            Some((_, value)) => {
                String::from_utf8(form_decode(value)).map(Some).map_err(|_| "token_malformed")
            }
        },
        _ => Err("credentials_conflict"),
    }
}

fn is_named(pair: &str, name: &str) -> bool {
    form_urlencoded::parse(pair.as_bytes()).next().is_some_and(|(other, _)| other == name)
}

fn form_decode(value: &str) -> Vec<u8> {
    let digit =
        |byte: Option<&u8>| char::from(*byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = value.as_bytes();
    let mut decoded = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match (byte, digit(bytes.get(at)), digit(bytes.get(at + 1))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(high * 16 + low);
                at += 2;
            }
            (b'+', ..) => decoded.push(b' '),
            _ => decoded.push(*byte),
        }
    }
    decoded
}

fn check_scrubbed(answer: &Answer, uri: &Uri, name: &str) {
    let seen = answer.seen.as_ref().expect("it reached the app");
    let want = without_parameter(uri, name);
    assert_eq!(seen.uri.to_string(), want);
    assert_eq!(want.parse::<Uri>().ok().as_ref(), Some(&seen.uri));
    assert_eq!(seen.original_uri.as_ref(), Some(&seen.uri));
    assert_eq!((seen.uri.scheme(), seen.uri.authority()), (uri.scheme(), uri.authority()));
    assert_eq!(seen.uri.path(), uri.path());

    let parameters = |uri: &Uri| {
        let query = uri.query().unwrap_or_default().to_owned();
        form_urlencoded::parse(query.as_bytes()).into_owned().collect::<Vec<_>>()
    };
    let mut others = parameters(uri);
    others.retain(|(other, _)| other != name);
    assert_eq!(parameters(&seen.uri), others);
}

fn without_parameter(uri: &Uri, name: &str) -> String {
    let text = uri.to_string();
    let Some((path, query)) = text.split_once('?') else { return text };
    let kept: Vec<_> = query.split('&').filter(|pair| !is_named(pair, name)).collect();
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}

fn check_hand_off(uri: Uri) {
    let Layers { handing_off, verifier, .. } = layers();
    let mut request = Request::new(());
    *request.uri_mut() = uri.clone();
    let answer = send(handing_off, request);
    let token = match find(&uri, NAMES[0]) {
        Ok(Some(token)) => token,
        Ok(None) => return assert_ne!(answer.code(), "ok"),
        Err(code) => return assert_eq!(answer.code(), code),
    };
    check_privacy(&answer, &uri, NAMES[0]);
    let left: Uri = without_parameter(&uri, NAMES[0]).parse().expect("it parses");
    let path_and_query = left.path_and_query().map_or("/", |both| both.as_str());
    if !path_and_query.starts_with('/') || path_and_query.contains('\x7f') {
        return assert_eq!(answer.code(), "navigation_required");
    }
    if let Err(error) = verifier.verify(&token) {
        return assert_eq!(answer.code(), error.code());
    }
    assert_eq!(answer.response.status(), 303);
    let location = answer.response.headers()[header::LOCATION].as_bytes();
    let location = str::from_utf8(location).expect("UTF-8");
    assert!(location == path_and_query || location == format!("/.{path_and_query}"), "{location}");
    // What a browser reads as another host begins with two slashes of either kind; it passes over what is not printable.
    let begins_with_two = location.starts_with("//") || location.starts_with("/\\");
    assert!(!begins_with_two && location.bytes().all(|byte| byte > b' ' && byte != 0x7f), "{location}");
    let cookie = answer.header("set-cookie").expect("a cookie");
    let want = format!("__Host-jwt={token}; HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age=300");
    assert_eq!(cookie, want);
}

fn check_privacy(answer: &Answer, uri: &Uri, name: &str) {
    if !matches!(find(uri, name), Ok(None)) {
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    }
}
