//! magiclinksdev's `POST jwt/validate`: 200 is a yes, and nothing else is.

use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::WireForm;
use super::answer::{Answer, repeats};
use crate::error::{AuthErrorKind, ConfigError};
use crate::fetch::Endpoint;
use crate::token::Unambiguous;

pub(super) struct Validate {
    api_key: HeaderValue,
}

impl Validate {
    pub(super) fn new(api_key: &str) -> Result<Self, ConfigError> {
        let mut api_key = HeaderValue::from_str(api_key)
            .ok()
            .filter(|key| !key.is_empty())
            .ok_or_else(|| ConfigError::new("the API key is none: it is the UUID of a service account"))?;
        api_key.set_sensitive(true);
        Ok(Self { api_key })
    }
}

impl WireForm for Validate {
    fn request(&self, to: &Endpoint, token: &str) -> Option<Request<Vec<u8>>> {
        let body = json!({ "jwtValidateParams": { "jwt": token } }).to_string().into_bytes();
        Request::builder()
            .method(Method::POST)
            .uri(to.uri())
            // The server answers 415 to anything more than this, a charset for one.
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-api-key", self.api_key.clone())
            .body(body)
            .ok()
    }

    fn read(&self, token: &str, response: &Response<Vec<u8>>) -> Answer {
        let body = Unambiguous::object(response.body());
        match (response.status(), body) {
            (StatusCode::OK, Some(body)) => {
                match body.get("jwtValidateResults").and_then(|r| r.get("claims")) {
                    // The server gives all of the token's claims back.
                    Some(Value::Object(claims)) if repeats(token, claims) => Answer::Accepted,
                    _ => Answer::unavailable("unexpected"),
                }
            }
            (StatusCode::OK, None) => Answer::unavailable("unexpected"),
            (status, Some(body)) => {
                let message = body.get("message").and_then(Value::as_str).unwrap_or_default();
                refusal(status, message).map_or(Answer::of_status(status), Answer::Refused)
            }
            (status, None) => Answer::of_status(status),
        }
    }

    fn name(&self) -> &'static str {
        "magiclinksdev"
    }
}

/// What a refusal says of the token; none if it speaks of something else.
///
/// The server promises 422 for a bad token, but answers 500, as to a fault of its own, where its parser has said no. The
/// message may quote the token's `kid`: it can name a refusal, never take one back.
fn refusal(status: StatusCode, message: &str) -> Option<AuthErrorKind> {
    match status {
        StatusCode::UNPROCESSABLE_ENTITY => {
            Some(if message.ends_with("incorrect audience for this service account") {
                AuthErrorKind::AudienceMismatch
            } else if message.contains("key not found: kid") {
                AuthErrorKind::KeyUnknown
            } else if message.contains("token signature is invalid") {
                AuthErrorKind::SignatureInvalid
            } else if message.ends_with("issuer invalid") {
                AuthErrorKind::IssuerMismatch
            } else {
                AuthErrorKind::TokenRefused
            })
        }
        StatusCode::INTERNAL_SERVER_ERROR => {
            let message = message.strip_prefix("Failed to handle request: failed to parse JWT:")?;
            Some(if message.ends_with("token has invalid claims: token is expired") {
                AuthErrorKind::TokenExpired
            } else if message.ends_with("token is not valid yet") {
                AuthErrorKind::TokenNotYetValid
            } else if message.starts_with(" token is malformed") {
                AuthErrorKind::TokenMalformed
            } else {
                AuthErrorKind::TokenRefused
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_500_speaks_of_the_token_only_where_its_parser_said_no() {
        const PARSER: &str = "Failed to handle request: failed to parse JWT:";
        for (status, message, want) in [
            (
                500,
                format!("{PARSER} token has invalid claims: token is expired"),
                Some(AuthErrorKind::TokenExpired),
            ),
            (500, format!("{PARSER} token is malformed: x"), Some(AuthErrorKind::TokenMalformed)),
            (500, format!("{PARSER} token is unverifiable: x"), Some(AuthErrorKind::TokenRefused)),
            (500, "Failed to handle request: no database".to_owned(), None),
            (500, String::new(), None),
            (422, "Invalid JWT: anything".to_owned(), Some(AuthErrorKind::TokenRefused)),
            (401, "Unauthorized.".to_owned(), None),
            (403, "Forbidden".to_owned(), None),
            (415, String::new(), None),
            (502, String::new(), None),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            assert_eq!(refusal(status, &message), want, "{status} {message}");
        }
    }

    #[test]
    fn only_200_with_the_claims_of_this_token_is_a_yes() {
        let form = Validate::new("7c9d3b6e-6f0c-4d39-9f2c-6c1b6d6b3f11").expect("a key");
        let token = format!("e30.{}.AA", base64_simd::URL_SAFE_NO_PAD.encode_to_string(r#"{"jti":"a"}"#));
        for (status, body, want) in [
            (200, r#"{"jwtValidateResults":{"claims":{"jti":"a"}}}"#, true),
            (200, r#"{"jwtValidateResults":{"claims":{"jti":"b"}}}"#, false),
            (200, r#"{"jwtValidateResults":{"claims":{}}}"#, false),
            (200, r#"{"jwtValidateResults":{"claims":null}}"#, false),
            (200, r#"{"jwtValidateResults":{}}"#, false),
            (200, "<html>welcome to the hotel</html>", false),
            (200, "", false),
            (201, r#"{"jwtValidateResults":{"claims":{"jti":"a"}}}"#, false),
            (202, "", false),
            (204, "", false),
        ] {
            let mut response = Response::new(body.as_bytes().to_vec());
            *response.status_mut() = StatusCode::from_u16(status).expect("a status");
            assert_eq!(form.read(&token, &response) == Answer::Accepted, want, "{status} {body}");
        }
        assert!(Validate::new("").is_err() && Validate::new("a\nb").is_err());
    }
}
