//! The answers to those who are not let in: challenge, problem document, gRPC status.
//!
//! Input: three bytes of circumstances, then the realm, the name of a rule, and the content type of the request, one a line.
//!
//! Every answer has the status of its kind, a document that is JSON with the code of the table, and a challenge that another
//! parser takes apart into what was put in. A hook of the application's own cannot lose any of it.

#![no_main]

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use libfuzzer_sys::fuzz_target;
use tower_jwt_auth::error::AuthErrorKind;
use tower_jwt_auth::source::{RequestHead, TokenSource, TokenSources};
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::{AuthError, JwtAuthLayer, Verifier};
use tower_jwt_auth_fuzz::app::send;
use tower_jwt_auth_fuzz::issuer;
use tower_jwt_auth_fuzz::json::{self, Json};

fuzz_target!(|input: &[u8]| {
    let [kind, circumstances, status, texts @ ..] = input else { return };
    let Ok(texts) = str::from_utf8(texts) else { return };
    let mut texts = texts.splitn(3, '\n');
    let mut text = || texts.next().unwrap_or_default();
    let (realm, rule, content_type) = (text(), text(), text());
    let kind = AuthErrorKind::ALL[usize::from(*kind) % AuthErrorKind::ALL.len()];
    let raises_by_rule = circumstances & 1 != 0;
    let hook = (circumstances & 2 != 0)
        .then_some(Hook { status: 100 + 4 * u16::from(*status), challenges: circumstances & 4 != 0 });

    let Some((layer, error, claim)) = refusing_layer(kind, raises_by_rule.then_some(rule)) else { return };
    let layer = layer.with_realm(realm);
    assert_eq!(layer.is_ok(), !realm.is_empty() && realm.bytes().all(may_be_quoted));
    let Ok(mut layer) = layer else { return };
    if let Some(hook) = hook {
        layer = layer.with_refusal_hook(move |_| hook.answer());
    }
    let is_post = circumstances & 8 == 0;
    let mut request = Request::new(());
    *request.method_mut() = if is_post { Method::POST } else { Method::GET };
    let bearer = HeaderValue::try_from(format!("Bearer {}", good_token())).expect("text");
    request.headers_mut().insert(header::AUTHORIZATION, bearer);
    let content_type = HeaderValue::from_str(content_type).ok();
    if let Some(content_type) = &content_type {
        request.headers_mut().insert(header::CONTENT_TYPE, content_type.clone());
    }
    let answer = send(&layer, request);
    assert_eq!(answer.code(), error.code());
    let response = answer.response;
    let grpc_type = content_type.filter(|_| is_post).and_then(|own| grpc_type(own.as_bytes()));
    if let Some(grpc_type) = grpc_type {
        check_grpc(&response, error, grpc_type);
    } else if let Some(hook) = hook {
        check_hooked(&response, error, realm, hook);
    } else {
        assert_eq!(response.status(), error.status());
        check_document(&response, error, claim);
        check_fields(&response, error, realm);
    }
});

/// A layer that refuses, with what, and the claim that the answer names.
fn refusing_layer(
    kind: AuthErrorKind,
    rule: Option<&str>,
) -> Option<(JwtAuthLayer, AuthError, Option<&'static str>)> {
    static VERIFIER: LazyLock<Arc<Verifier>> = LazyLock::new(|| Arc::new(issuer::verifier(Algorithm::Hs256)));
    Some(match rule {
        None => {
            let sources = TokenSources::bearer_only().without_bearer().with_source(Raises(kind));
            let layer = JwtAuthLayer::new(Arc::clone(&VERIFIER)).with_sources(sources);
            (layer, kind.into(), None)
        }
        Some(rule) => {
            let rule = interned(rule)?;
            let verifier = issuer::verifier(Algorithm::Hs256).with_rule(rule, |_| false);
            let layer = JwtAuthLayer::new(verifier).with_sources(TokenSources::bearer_only());
            (layer, AuthErrorKind::ClaimRefused.into(), Some(rule))
        }
    })
}

/// A place that refuses every request.
struct Raises(AuthErrorKind);

impl TokenSource for Raises {
    fn name(&self) -> &'static str {
        "raises"
    }

    fn find<'r>(&self, _: &RequestHead<'r>) -> Result<Option<std::borrow::Cow<'r, str>>, AuthError> {
        Err(self.0.into())
    }
}

/// Rules have names that live for ever: as many of them as fit into the memory.
fn interned(name: &str) -> Option<&'static str> {
    static NAMES: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);
    let mut names = NAMES.lock().expect("one thread");
    if let Some(name) = names.get(name) {
        return Some(name);
    }
    if names.len() > 1_000_000 || name.len() > 64 {
        return None;
    }
    let name: &'static str = String::leak(name.to_owned());
    names.insert(name);
    Some(name)
}

fn good_token() -> &'static str {
    static TOKEN: OnceLock<String> = OnceLock::new();
    TOKEN.get_or_init(|| issuer::good_token(""))
}

#[derive(Clone, Copy)]
struct Hook {
    status: u16,
    challenges: bool,
}

impl Hook {
    fn answer(self) -> Response<String> {
        let mut response = Response::new("of its own".to_owned());
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or_default();
        if self.challenges {
            let headers = response.headers_mut();
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"x\""));
        }
        response
    }
}

fn check_grpc(response: &Response<String>, error: AuthError, content_type: &str) {
    let code = match error.status().as_u16() {
        403 => "7",
        503 => "14",
        _ => "16",
    };
    assert_eq!((response.status(), &**response.body()), (StatusCode::OK, ""));
    let headers = response.headers();
    assert_eq!(headers["grpc-status"], code);
    assert_eq!(headers["grpc-message"], error.to_string());
    assert_eq!(headers[header::CONTENT_TYPE], content_type);
    assert!(!headers.contains_key(header::WWW_AUTHENTICATE));
}

fn check_hooked(response: &Response<String>, error: AuthError, realm: &str, hook: Hook) {
    assert_eq!(response.body(), "of its own");
    let is_refusal = (300..600).contains(&hook.status) && hook.status != 304;
    let want = if is_refusal { hook.status } else { error.status().as_u16() };
    assert_eq!(response.status().as_u16(), want);
    if hook.challenges {
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Basic realm=\"x\"");
    } else {
        check_fields(response, error, realm);
    }
}

/// The problem document: each member once, and nothing but what the table says.
fn check_document(response: &Response<String>, error: AuthError, claim: Option<&str>) {
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    let members = json::parse_object(response.body().as_bytes()).expect("a JSON object");
    let text = |name: &str| json::first(&members, name).and_then(Json::as_text);
    let mut names: Vec<_> = members.iter().map(|(name, _)| &**name).collect();
    names.sort_unstable();
    let expected: &[&str] = match claim {
        Some(_) => &["claim", "code", "detail", "status", "title"],
        None => &["code", "detail", "status", "title"],
    };
    assert_eq!(names, expected);
    assert!(AuthErrorKind::ALL.iter().any(|kind| text("code") == Some(kind.code())));
    assert_eq!(text("code"), Some(error.code()));
    assert_eq!(text("title"), response.status().canonical_reason());
    assert_eq!(text("detail"), Some(&*error.to_string()));
    assert_eq!(text("claim"), claim);
    let status = json::first(&members, "status").map(Json::to_value);
    assert_eq!(status, Some(response.status().as_u16().into()));
}

/// The fields that belong to the status.
fn check_fields(response: &Response<String>, error: AuthError, realm: &str) {
    let headers = response.headers();
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(response.extensions().get::<AuthError>().map(AuthError::kind), Some(error.kind()));
    let is_unavailable = error.status() == StatusCode::SERVICE_UNAVAILABLE;
    let retry_after = headers.get(header::RETRY_AFTER).map(|pause| pause.to_str().expect("text"));
    assert_eq!(retry_after.is_some(), is_unavailable);
    assert!(retry_after.is_none_or(|pause| pause.parse::<u64>().is_ok()));

    let challenges: Vec<_> = headers.get_all(header::WWW_AUTHENTICATE).iter().collect();
    let kind = error.kind();
    let is_challenged = match response.status().as_u16() {
        400 | 401 => true,
        403 => matches!(kind, AuthErrorKind::ScopeInsufficient | AuthErrorKind::PermissionDenied),
        _ => false,
    };
    if !is_challenged {
        return assert!(challenges.is_empty());
    }
    let [challenge] = challenges[..] else { panic!("one challenge") };
    let parameters = parameters(challenge.to_str().expect("text")).expect("a challenge");
    let told = match (kind, error.status().as_u16()) {
        (AuthErrorKind::TokenMissing | AuthErrorKind::SignInDenied | AuthErrorKind::SignInFailed, _) => None,
        (AuthErrorKind::CrossSiteRequest | AuthErrorKind::SessionConflict, _) => None,
        (_, 503) => None,
        (AuthErrorKind::AuthenticationInsufficient, _) => Some("insufficient_user_authentication"),
        (AuthErrorKind::ProofInvalid | AuthErrorKind::ProofReplayed, _) => Some("invalid_dpop_proof"),
        (AuthErrorKind::ProofNonceRequired, _) => Some("use_dpop_nonce"),
        (_, 400) => Some("invalid_request"),
        (_, 403) => Some("insufficient_scope"),
        _ => Some("invalid_token"),
    };
    let description = error.to_string();
    let mut want = vec![("realm", realm)];
    want.extend(told.map(|told| ("error", told)));
    want.extend(told.map(|_| ("error_description", &*description)));
    assert_eq!(parameters, want);
}

/// RFC 6750 §3: what may stand in a quoted parameter without an escape.
fn may_be_quoted(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\'
}

/// The parameters of a `Bearer` challenge, each quoted, with commas between.
fn parameters(challenge: &str) -> Option<Vec<(&str, &str)>> {
    let mut rest = challenge.strip_prefix("Bearer ")?;
    let mut parameters = Vec::new();
    loop {
        let (name, value) = rest.split_once("=\"")?;
        let (value, after) = value.split_once('"')?;
        if !value.bytes().all(may_be_quoted)
            || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        {
            return None;
        }
        parameters.push((name, value));
        if after.is_empty() {
            return Some(parameters);
        }
        rest = after.strip_prefix(", ")?;
    }
}

/// The content type that a gRPC call is answered in, if its own says that it is one: the longest of those that are known.
fn grpc_type(content_type: &[u8]) -> Option<&'static str> {
    let content_type = content_type.to_ascii_lowercase();
    match content_type.strip_prefix(b"application/grpc") {
        Some([next, ..]) if !b"+-; ".contains(next) => return None,
        Some(_) => {}
        None => return None,
    }
    let known = [
        "application/grpc",
        "application/grpc+json",
        "application/grpc+proto",
        "application/grpc-web",
        "application/grpc-web+json",
        "application/grpc-web+proto",
        "application/grpc-web-text",
        "application/grpc-web-text+json",
        "application/grpc-web-text+proto",
    ];
    known
        .into_iter()
        .filter(|known| content_type.starts_with(known.as_bytes()))
        .max_by_key(|known| known.len())
}
