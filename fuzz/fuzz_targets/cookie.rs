//! The `Cookie` fields.
//!
//! Input: a byte of circumstances, then the fields, one a line.
//!
//! The answer is the one for all fields joined to one, as RFC 9113 joins them, and is for nobody else's cache. A bearer
//! token makes cookies irrelevant, and another site can send none with a `POST`.

#![no_main]

use std::sync::OnceLock;

use http::{HeaderValue, Method, Request, header};
use libfuzzer_sys::fuzz_target;
use tower_jwt_auth::source::{Source, TokenSources};
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::{JwtAuthLayer, Verifier};
use tower_jwt_auth_fuzz::app::send;
use tower_jwt_auth_fuzz::issuer;

const NAME: &[u8] = b"jwt";

fuzz_target!(|input: &[u8]| {
    let Some((circumstances, fields)) = input.split_first() else { return };
    let has_bearer = circumstances & 1 != 0;
    let is_post = circumstances & 2 != 0;
    let is_cross_site = circumstances & 4 != 0;
    let fields: Vec<HeaderValue> = fields
        .split(|byte| *byte == b'\n')
        .take(6)
        .map_while(|field| HeaderValue::from_bytes(field).ok())
        .collect();
    let (layer, verifier, bearer) = layer();

    let mut request = Request::new(());
    for field in &fields {
        request.headers_mut().append(header::COOKIE, field.clone());
    }
    if has_bearer {
        request.headers_mut().insert(header::AUTHORIZATION, bearer.clone());
    }
    if is_post {
        *request.method_mut() = Method::POST;
    }
    if is_cross_site {
        request.headers_mut().insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
    }
    let answer = send(layer, request);

    let (want, source) = if has_bearer {
        ("ok", Source::Bearer)
    } else {
        let code = match find(&fields) {
            Ok(None) => "token_missing",
            Ok(Some(_)) if is_post && is_cross_site => "cross_site_request",
            Ok(Some(token)) => verifier.verify(&token).map_or_else(|error| error.code(), |_| "ok"),
            Err(code) => code,
        };
        (code, Source::Cookie)
    };
    assert_eq!(answer.code(), want);
    if let Some(seen) = &answer.seen {
        assert_eq!(seen.token.as_ref().map(|token| token.source()), Some(source));
    }
    if source == Source::Cookie {
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
});

fn layer() -> &'static (JwtAuthLayer, Verifier, HeaderValue) {
    static LAYER: OnceLock<(JwtAuthLayer, Verifier, HeaderValue)> = OnceLock::new();
    LAYER.get_or_init(|| {
        let verifier = || issuer::verifier(Algorithm::Hs256);
        let sources = TokenSources::bearer_only().with_cookie("jwt").expect("a cookie name");
        let bearer = HeaderValue::try_from(format!("Bearer {}", issuer::good_token(""))).expect("text");
        (JwtAuthLayer::new(verifier()).with_sources(sources), verifier(), bearer)
    })
}

/// The one token, or the code of a refusal.
fn find(fields: &[HeaderValue]) -> Result<Option<String>, &'static str> {
    let joined = fields.iter().map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b"; "[..]);
    let mut values = Vec::new();
    for pair in joined.split(|byte| *byte == b';') {
        let pair = pair.trim_ascii();
        if let Some(equals) = pair.iter().position(|byte| *byte == b'=')
            && pair[..equals] == *NAME
        {
            values.push(pair[equals + 1..].to_vec());
        }
    }
    match values.len() {
        0 => Ok(None),
        1 => match String::from_utf8(values.remove(0)) {
            Ok(value) if value.is_empty() => Err("credentials_malformed"),
            Ok(value) => Ok(Some(value)),
            Err(_) => Err("token_malformed"),
        },
        _ => Err("credentials_conflict"),
    }
}
