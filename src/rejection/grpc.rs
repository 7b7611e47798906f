use http::header::{self, HeaderValue};
use http::{HeaderMap, Response, StatusCode};

use crate::error::AuthError;

/// Whether the caller speaks gRPC, or a variant of it such as gRPC-Web.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    const PREFIX: &[u8] = b"application/grpc";
    let Some((prefix, rest)) = headers
        .get(header::CONTENT_TYPE)
        .and_then(|content_type| content_type.as_bytes().split_at_checked(PREFIX.len()))
    else {
        return false;
    };
    prefix.eq_ignore_ascii_case(PREFIX) && matches!(rest.first(), None | Some(b'+' | b'-' | b';' | b' '))
}

/// A response of headers only, as gRPC writes an error.
pub(super) fn status(error: &AuthError) -> Response<String> {
    let code = match error.status() {
        StatusCode::FORBIDDEN => PERMISSION_DENIED,
        StatusCode::SERVICE_UNAVAILABLE => UNAVAILABLE,
        _ => UNAUTHENTICATED,
    };
    let mut response = Response::new(String::new());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
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
            let response = status(&kind.into());
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.headers()["grpc-status"], want, "{kind:?}");
            assert!(response.body().is_empty());
        }
    }

    #[test]
    fn grpc_is_known_by_its_content_type() {
        for (kind, want) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc-web", true),
            ("Application/gRPC; charset=utf-8", true),
            ("application/grpcfoo", false),
            ("application/json", false),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
            assert_eq!(is_grpc(&headers), want, "{kind}");
        }
        assert!(!is_grpc(&HeaderMap::new()));
    }
}
