//! PasskeyMe's endpoints: a 2xx that says `"valid": true` is a yes, and nothing else is.

use http::header::{self, HeaderValue};
use http::{Request, Response, StatusCode, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::WireForm;
use super::answer::Answer;
use crate::error::{AuthErrorKind, ConfigError};
use crate::fetch::Endpoint;
use crate::token::Unambiguous;

/// `GET …/verify-token?token=…&app_id=…`.
pub(super) struct VerifyToken {
    app_id: String,
}

/// `GET …/validate` with the token as bearer.
pub(super) struct Validate {
    app_id: HeaderValue,
}

impl VerifyToken {
    pub(super) fn new(app_id: &str) -> Result<Self, ConfigError> {
        if app_id.is_empty() {
            return Err(no_app_id());
        }
        Ok(Self { app_id: utf8_percent_encode(app_id, NON_ALPHANUMERIC).to_string() })
    }
}

impl Validate {
    pub(super) fn new(app_id: &str) -> Result<Self, ConfigError> {
        let app_id = HeaderValue::from_str(app_id).ok().filter(|app_id| !app_id.is_empty());
        Ok(Self { app_id: app_id.ok_or_else(no_app_id)? })
    }
}

fn no_app_id() -> ConfigError {
    ConfigError::new("the app id is none: it is the UUID of your app, as it stands in the tokens' `aud`")
}

/// What no token is made of.
const BESIDES_TOKENS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

impl WireForm for VerifyToken {
    fn request(&self, to: &Endpoint, token: &str) -> Option<Request<Vec<u8>>> {
        // Base64url and dots need no encoding; should anything else ever get here, it is no way out of the parameter.
        let token = utf8_percent_encode(token, BESIDES_TOKENS);
        let uri: Uri = format!("{}?token={token}&app_id={}", to.name(), self.app_id).parse().ok()?;
        Request::get(uri).body(Vec::new()).ok()
    }

    fn read(&self, _token: &str, response: &Response<Vec<u8>>) -> Answer {
        read(response)
    }

    fn name(&self) -> &'static str {
        "passkeyme verify-token"
    }
}

impl WireForm for Validate {
    fn request(&self, to: &Endpoint, token: &str) -> Option<Request<Vec<u8>>> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
        bearer.set_sensitive(true);
        Request::get(to.uri())
            .header(header::AUTHORIZATION, bearer)
            .header("x-passkeyme-app-id", self.app_id.clone())
            .body(Vec::new())
            .ok()
    }

    fn read(&self, _token: &str, response: &Response<Vec<u8>>) -> Answer {
        read(response)
    }

    fn name(&self) -> &'static str {
        "passkeyme validate"
    }
}

/// The status of a refused token is documented nowhere, so that `"valid": false` counts with any but a server's fault.
fn read(response: &Response<Vec<u8>>) -> Answer {
    let status = response.status();
    let body = Unambiguous::object(response.body()).unwrap_or_default();
    match body.get("valid") {
        Some(Value::Bool(true)) if status.is_success() => Answer::Accepted,
        Some(Value::Bool(false)) if status.is_success() || status.is_client_error() => {
            Answer::Refused(AuthErrorKind::TokenRefused)
        }
        None if status == StatusCode::UNAUTHORIZED && error_code(&body) == Some("INVALID_TOKEN") => {
            Answer::Refused(AuthErrorKind::TokenRefused)
        }
        _ if status.is_success() => Answer::unavailable("unexpected"),
        _ => Answer::of_status(status),
    }
}

fn error_code(body: &serde_json::Map<String, Value>) -> Option<&str> {
    body.get("error")?.get("code")?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_2xx_that_says_valid_true_is_a_yes_and_only_a_clear_no_is_a_no() {
        let refused = Answer::Refused(AuthErrorKind::TokenRefused);
        for (status, body, want) in [
            (200, r#"{"valid":true,"user":{}}"#, Some(Answer::Accepted)),
            (204, r#"{"valid":true}"#, Some(Answer::Accepted)),
            (200, r#"{"valid":false,"error":"expired"}"#, Some(refused.clone())),
            (401, r#"{"valid":false}"#, Some(refused.clone())),
            (401, r#"{"error":{"code":"INVALID_TOKEN"}}"#, Some(refused)),
            (401, r#"{"error":{"code":"INVALID_APP_ID"}}"#, None),
            (401, r#"{"valid":true}"#, None),
            (500, r#"{"valid":true}"#, None),
            (500, r#"{"valid":false}"#, None),
            (200, r#"{"valid":"true"}"#, None),
            (200, r#"{"valid":1}"#, None),
            (200, r#"{"valid":null}"#, None),
            (200, r#"{"valid":false,"valid":1}"#, None),
            (200, "{}", None),
            (200, "<html>", None),
            (200, "[true]", None),
            (404, "", None),
        ] {
            let mut response = Response::new(body.as_bytes().to_vec());
            *response.status_mut() = StatusCode::from_u16(status).expect("a status");
            let answer = Some(read(&response)).filter(|answer| !matches!(answer, Answer::Unavailable(_)));
            assert_eq!(answer, want, "{status} {body}");
        }
    }

    #[test]
    fn the_app_id_cannot_leave_its_parameter() {
        let endpoint = Endpoint::new("https://auth.passkeyme.com/api/auth/verify-token").expect("a URL");
        let form = VerifyToken::new("a&token=b#c").expect("an app id");
        let request = form.request(&endpoint, "x.y.z").expect("a request");
        assert_eq!(
            request.uri().to_string(),
            "https://auth.passkeyme.com/api/auth/verify-token?token=x.y.z&app_id=a%26token%3Db%23c"
        );
        assert!(VerifyToken::new("").is_err() && Validate::new("").is_err());
    }
}
