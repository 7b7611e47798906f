use http::header::{self, HeaderValue};
use http::{HeaderMap, Response, StatusCode};

use crate::error::AuthError;

/// The content type of an answer to a caller that speaks gRPC, or a variant of it such as gRPC-Web: the caller's own, as far
/// as it is one of a few. A client of gRPC-Web looks at it before the status, and takes another's for a fault.
pub(crate) fn answer_type(headers: &HeaderMap) -> Option<&'static str> {
    let content_type = headers.get(header::CONTENT_TYPE)?.as_bytes();
    let begins_with = |beginning: &str| {
        let beginning = beginning.as_bytes();
        content_type.get(..beginning.len()).is_some_and(|own| own.eq_ignore_ascii_case(beginning))
    };
    let rest = content_type.get(GRPC.len()..).filter(|_| begins_with(GRPC))?;
    matches!(rest.first(), None | Some(b'+' | b'-' | b';' | b' '))
        .then(|| VARIANTS.into_iter().find(|variant| begins_with(variant)).unwrap_or(GRPC))
}

const GRPC: &str = "application/grpc";

/// None begins with one that stands before it.
const VARIANTS: [&str; 8] = [
    "application/grpc+proto",
    "application/grpc+json",
    "application/grpc-web-text+proto",
    "application/grpc-web-text+json",
    "application/grpc-web-text",
    "application/grpc-web+proto",
    "application/grpc-web+json",
    "application/grpc-web",
];

/// A response of headers only, as gRPC writes an error.
pub(super) fn status(error: &AuthError, content_type: &'static str) -> Response<String> {
    let code = match error.status() {
        StatusCode::FORBIDDEN => PERMISSION_DENIED,
        StatusCode::SERVICE_UNAVAILABLE => UNAVAILABLE,
        _ => UNAUTHENTICATED,
    };
    let mut response = Response::new(String::new());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert("grpc-status", HeaderValue::from_static(code));
    headers.insert("grpc-message", HeaderValue::from_static(error.description()));
    // The status is 200, which a cache on the way may keep.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

const PERMISSION_DENIED: &str = "7";
const UNAVAILABLE: &str = "14";
const UNAUTHENTICATED: &str = "16";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::AuthErrorKind;

    #[test]
    fn a_refusal_is_a_status_in_the_headers() {
        for (kind, want) in [
            (AuthErrorKind::TokenMissing, "16"),
            (AuthErrorKind::TokenExpired, "16"),
            (AuthErrorKind::CredentialsConflict, "16"),
            (AuthErrorKind::CrossSiteRequest, "7"),
            (AuthErrorKind::KeysUnavailable, "14"),
        ] {
            let response = status(&kind.into(), GRPC);
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.headers()["grpc-status"], want, "{kind:?}");
            assert!(response.body().is_empty());
        }
    }

    #[test]
    fn grpc_is_known_by_its_content_type_and_answered_in_it() {
        for (kind, want) in [
            ("application/grpc", Some("application/grpc")),
            ("application/grpc+proto", Some("application/grpc+proto")),
            ("application/grpc+thrift", Some("application/grpc")),
            ("application/grpc-web", Some("application/grpc-web")),
            ("application/grpc-web+json", Some("application/grpc-web+json")),
            ("application/grpc-web-text", Some("application/grpc-web-text")),
            ("application/grpc-web-text+proto", Some("application/grpc-web-text+proto")),
            ("Application/gRPC; charset=utf-8", Some("application/grpc")),
            ("Application/gRPC-Web; charset=utf-8", Some("application/grpc-web")),
            ("application/grpcfoo", None),
            ("application/grp", None),
            ("application/json", None),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
            assert_eq!(answer_type(&headers), want, "{kind}");
        }
        assert_eq!(answer_type(&HeaderMap::new()), None);
    }
}
