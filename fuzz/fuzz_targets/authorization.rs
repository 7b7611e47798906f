//! The lines of the `Authorization` header.
//!
//! Input: the lines, one a line.
//!
//! The answer is the one that a reader of RFC 6750 and RFC 9110 would give, and what is taken for a token is judged as the
//! verifier judges it by itself. Several entrances let in nothing more.

#![no_main]

use std::sync::OnceLock;

use http::{HeaderValue, Request, header};
use libfuzzer_sys::fuzz_target;
use tower_jwt_auth::source::{Source, TokenSources};
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::{JwtAuthLayer, Verifier};
use tower_jwt_auth_fuzz::app::{Answer, send};
use tower_jwt_auth_fuzz::issuer::{self, SECRET};

fuzz_target!(|lines: &[u8]| {
    let lines: Vec<HeaderValue> = lines
        .split(|byte| *byte == b'\n')
        .take(4)
        .map_while(|line| HeaderValue::from_bytes(line).ok())
        .collect();
    let Layers { verifier, only, several } = layers();

    let found = find(&lines);
    let want = match found {
        Ok(None) => "token_missing",
        Ok(Some(token)) => verifier.verify(token).map_or_else(|error| error.code(), |_| "ok"),
        Err(code) => code,
    };
    let answer = answer(only, &lines);
    assert_eq!(answer.code(), want);
    if let Some(seen) = &answer.seen {
        assert_eq!(seen.token.as_ref().map(|token| token.source()), Some(Source::Bearer));
    }

    let among_several = self::answer(several, &lines).code();
    if found.is_err() || want == "ok" || want == "token_missing" {
        assert_eq!(among_several, want);
    } else {
        assert_ne!(among_several, "ok");
    }
});

struct Layers {
    verifier: Verifier,
    only: JwtAuthLayer,
    several: JwtAuthLayer,
}

fn layers() -> &'static Layers {
    static LAYERS: OnceLock<Layers> = OnceLock::new();
    LAYERS.get_or_init(|| {
        let verifier = || issuer::verifier(Algorithm::Hs256);
        let secret = tower_jwt_auth::jwks::SharedSecret::new(Algorithm::Hs256, SECRET).expect("a secret");
        let other = Verifier::new("https://other.example", "api", secret).expect("another issuer");
        let only = JwtAuthLayer::new(verifier()).with_sources(TokenSources::bearer_only());
        let several = JwtAuthLayer::any_of([JwtAuthLayer::new(other), JwtAuthLayer::new(verifier())]);
        Layers { verifier: verifier(), only, several: several.expect("two issuers") }
    })
}

/// The one token, or the code of a refusal.
fn find(lines: &[HeaderValue]) -> Result<Option<&str>, &'static str> {
    let line = match lines {
        [] => return Ok(None),
        [line] => line.as_bytes(),
        _ => return Err("credentials_conflict"),
    };
    let malformed = Err("credentials_malformed");
    let Some((scheme, rest)) =
        after_some(line, |byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
    else {
        return malformed;
    };
    if !scheme.eq_ignore_ascii_case(b"Bearer") {
        return Ok(None);
    }
    let Some((_, rest)) = after_some(rest, |byte| byte == b' ') else { return malformed };
    let token = after_some(rest, |byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte));
    match token {
        Some((_, padding)) if padding.iter().all(|byte| *byte == b'=') => {
            Ok(Some(str::from_utf8(rest).expect("ASCII")))
        }
        _ => malformed,
    }
}

/// One or more bytes of a kind, and what follows.
fn after_some(text: &[u8], is_of_kind: impl Fn(u8) -> bool) -> Option<(&[u8], &[u8])> {
    let length = text.iter().take_while(|byte| is_of_kind(**byte)).count();
    (length > 0).then(|| text.split_at(length))
}

fn answer(layer: &JwtAuthLayer, lines: &[HeaderValue]) -> Answer {
    let mut request = Request::new(());
    for line in lines {
        request.headers_mut().append(header::AUTHORIZATION, line.clone());
    }
    send(layer, request)
}
