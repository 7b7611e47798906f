use std::sync::OnceLock;

use serde::Serialize;

use crate::error::{AuthError, AuthErrorKind};

pub(super) const CONTENT_TYPE: &str = "application/problem+json";

/// The members of a problem document ([RFC 9457 §3.1]); without a `type`, the title is the status' own.
///
/// [RFC 9457 §3.1]: https://www.rfc-editor.org/rfc/rfc9457#section-3.1
#[derive(Serialize)]
struct Problem {
    title: &'static str,
    status: u16,
    detail: &'static str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<&'static str>,
}

/// What is said of each kind, written once: whoever is turned away should cost next to nothing.
static DOCUMENTS: [OnceLock<String>; AuthErrorKind::ALL.len()] =
    [const { OnceLock::new() }; AuthErrorKind::ALL.len()];

pub(super) fn document(error: &AuthError) -> String {
    match DOCUMENTS.get(error.kind() as usize) {
        Some(document) if error.claim().is_none() => document.get_or_init(|| write(error)).clone(),
        _ => write(error),
    }
}

fn write(error: &AuthError) -> String {
    let problem = Problem {
        title: error.status().canonical_reason().unwrap_or_default(),
        status: error.status().as_u16(),
        detail: error.description(),
        code: error.code(),
        claim: error.claim(),
    };
    // Strings and a number cannot fail to serialise; an empty body would still be a refusal.
    serde_json::to_string(&problem).unwrap_or_default()
}
