use http::{Method, Uri};
use percent_encoding::percent_decode_str;

use crate::error::AuthErrorKind;

/// What a provider says that sends the browser back without a token, in `?error=…` ([RFC 6749 §4.1.2.1], OpenID Connect
/// Core §3.1.2.6). Other values are the app's own business.
///
/// [RFC 6749 §4.1.2.1]: https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1
pub(crate) fn provider_error(method: &Method, uri: &Uri) -> Option<AuthErrorKind> {
    if method != Method::GET {
        return None;
    }
    let mut errors = uri.query()?.split('&').filter_map(|pair| pair.strip_prefix("error="));
    let (Some(error), None) = (errors.next(), errors.next()) else { return None };
    let error = percent_decode_str(error).decode_utf8().ok()?;
    Some(match &*error {
        "access_denied"
        | "login_required"
        | "consent_required"
        | "interaction_required"
        | "account_selection_required" => AuthErrorKind::SignInDenied,
        "invalid_request"
        | "invalid_client"
        | "unauthorized_client"
        | "unsupported_response_type"
        | "invalid_scope"
        | "invalid_request_uri"
        | "invalid_request_object" => AuthErrorKind::SignInFailed,
        "server_error" | "temporarily_unavailable" => AuthErrorKind::SignInUnavailable,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_provider_may_say_counts() {
        for (uri, want) in [
            ("/?error=access_denied&error_description=no", Some(AuthErrorKind::SignInDenied)),
            ("/?a=1&error=access%5Fdenied", Some(AuthErrorKind::SignInDenied)),
            ("/?error=invalid_client", Some(AuthErrorKind::SignInFailed)),
            ("/?error=temporarily_unavailable", Some(AuthErrorKind::SignInUnavailable)),
            ("/?error=no_such_page", None),
            ("/?error=", None),
            ("/?error=access_denied&error=server_error", None),
            ("/?xerror=access_denied", None),
            ("/", None),
        ] {
            assert_eq!(provider_error(&Method::GET, &uri.parse().expect("a URI")), want, "{uri}");
        }
        assert_eq!(provider_error(&Method::POST, &Uri::from_static("/?error=access_denied")), None);
    }
}
