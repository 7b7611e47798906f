//! OAuth 2.0 Token Introspection ([RFC 7662]).
//!
//! [RFC 7662]: https://www.rfc-editor.org/rfc/rfc7662

use std::fmt;

use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::WireForm;
use super::answer::{Answer, is_about};
use super::object::object;
use crate::error::{AuthErrorKind, ConfigError};
use crate::fetch::Endpoint;

/// How this service shows the authorization server who it is ([RFC 7662 §2.1]).
///
/// [RFC 7662 §2.1]: https://www.rfc-editor.org/rfc/rfc7662#section-2.1
#[derive(Clone)]
pub struct Credentials {
    authorization: String,
}

impl Credentials {
    /// The id and the secret of an OAuth client ([RFC 6749 §2.3.1]).
    ///
    /// [RFC 6749 §2.3.1]: https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
    #[must_use]
    pub fn basic(id: &str, secret: impl AsRef<str>) -> Self {
        let pair = format!("{}:{}", form_encoded(id), form_encoded(secret.as_ref()));
        Self { authorization: format!("Basic {}", base64_simd::STANDARD.encode_to_string(pair)) }
    }

    /// An access token of this service's own.
    #[must_use]
    pub fn bearer(token: impl AsRef<str>) -> Self {
        Self { authorization: format!("Bearer {}", token.as_ref()) }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials([redacted])")
    }
}

/// What the form encoding leaves as it is.
const IN_A_FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*');

fn form_encoded(text: &str) -> String {
    utf8_percent_encode(text, IN_A_FORM).to_string()
}

pub(super) struct Introspection {
    authorization: HeaderValue,
}

impl Introspection {
    pub(super) fn new(credentials: &Credentials) -> Result<Self, ConfigError> {
        let mut authorization = HeaderValue::from_str(&credentials.authorization)
            .map_err(|_| ConfigError::new("the credentials have a character that no header may hold"))?;
        authorization.set_sensitive(true);
        Ok(Self { authorization })
    }
}

impl WireForm for Introspection {
    fn request(&self, to: &Endpoint, token: &str) -> Option<Request<Vec<u8>>> {
        let body = format!("token={}&token_type_hint=access_token", form_encoded(token));
        Request::builder()
            .method(Method::POST)
            .uri(to.uri())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::AUTHORIZATION, self.authorization.clone())
            .body(body.into_bytes())
            .ok()
    }

    /// An answer that is signed ([RFC 9701]) is no JSON object, and so none that is read here.
    ///
    /// [RFC 9701]: https://www.rfc-editor.org/rfc/rfc9701
    fn read(&self, token: &str, response: &Response<Vec<u8>>) -> Answer {
        if response.status() != StatusCode::OK {
            return Answer::of_status(response.status());
        }
        let Some(body) = object(response.body()) else { return Answer::unavailable("unexpected") };
        match body.get("active") {
            // Bound to its sender, and presented by a bearer (RFC 9449 §6.2, RFC 8705 §3.2).
            Some(Value::Bool(true)) if body.contains_key("cnf") || !is_bearer(&body) => {
                Answer::Refused(AuthErrorKind::TokenBound)
            }
            Some(Value::Bool(true)) if is_about(token, &body) => Answer::Accepted,
            Some(Value::Bool(false)) => Answer::Refused(AuthErrorKind::TokenRefused),
            _ => Answer::unavailable("unexpected"),
        }
    }

    fn name(&self) -> &'static str {
        "introspection"
    }
}

fn is_bearer(body: &Map<String, Value>) -> bool {
    let Some(kind) = body.get("token_type") else { return true };
    kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("Bearer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_200_with_active_true_about_this_token_is_a_yes() {
        let form = Introspection::new(&Credentials::bearer("x")).expect("credentials");
        let token = format!("e30.{}.AA", base64_simd::URL_SAFE_NO_PAD.encode_to_string(r#"{"sub":"a"}"#));
        for (status, body, want) in [
            (200, r#"{"active":true}"#, Some(true)),
            (200, r#"{"active":true,"sub":"a","scope":"x"}"#, Some(true)),
            (200, r#"{"active":true,"token_type":"bearer"}"#, Some(true)),
            (200, r#"{"active":true,"token_type":"DPoP"}"#, Some(false)),
            (200, r#"{"active":true,"cnf":{"jkt":"x"}}"#, Some(false)),
            (200, r#"{"active":false}"#, Some(false)),
            (200, r#"{"active":true,"sub":"b"}"#, None),
            (200, r#"{"active":"true"}"#, None),
            (200, r#"{"active":1}"#, None),
            (200, "{}", None),
            (200, "eyJ0eXAi.e30.AA", None),
            (201, r#"{"active":true}"#, None),
            (401, r#"{"active":false}"#, None),
            (500, r#"{"active":true}"#, None),
        ] {
            let mut response = Response::new(body.as_bytes().to_vec());
            *response.status_mut() = StatusCode::from_u16(status).expect("a status");
            let answer = match form.read(&token, &response) {
                Answer::Accepted => Some(true),
                Answer::Refused(_) => Some(false),
                Answer::Unavailable(_) => None,
            };
            assert_eq!(answer, want, "{status} {body}");
        }
    }

    #[test]
    fn an_id_and_a_secret_are_form_encoded_before_they_are_joined() {
        // RFC 6749 §2.3.1: a colon in the id would else end it.
        let basic = Credentials::basic("a:b", "c/d").authorization;
        let decoded =
            base64_simd::STANDARD.decode_to_vec(basic.trim_start_matches("Basic ")).expect("base64");
        assert_eq!(decoded, b"a%3Ab:c%2Fd");
        assert!(!format!("{:?}", Credentials::basic("a", "secret")).contains("secret"));
        assert!(Introspection::new(&Credentials::bearer("a\nb")).is_err());
    }
}
