//! OAuth 2.0 Token Introspection ([RFC 7662]).
//!
//! [RFC 7662]: https://www.rfc-editor.org/rfc/rfc7662

use std::fmt;

use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::WireForm;
use super::answer::{Answer, claims_of, is_about};
use crate::error::{AuthErrorKind, ConfigError};
use crate::fetch::Endpoint;
use crate::token::Unambiguous;

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
        let Some(body) = Unambiguous::object(response.body()) else {
            return Answer::unavailable("unexpected");
        };
        match body.get("active") {
            Some(Value::Bool(true)) if is_bound_otherwise(token, &body) => {
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

/// Whether the answer binds `token` to a sender ([RFC 9449 §6.2], [RFC 8705 §3.2]) as its own `cnf` does not: that alone is
/// compared with what a sender has proven.
///
/// [RFC 8705 §3.2]: https://www.rfc-editor.org/rfc/rfc8705#section-3.2
/// [RFC 9449 §6.2]: https://www.rfc-editor.org/rfc/rfc9449#section-6.2
fn is_bound_otherwise(token: &str, body: &Map<String, Value>) -> bool {
    let ours = claims_of(token).and_then(|mut claims| claims.remove("cnf"));
    if body.get("cnf").is_some_and(|said| Some(said) != ours.as_ref()) {
        return true;
    }
    match body.get("token_type").filter(|kind| !kind.is_null()).map(Value::as_str) {
        None => false,
        Some(Some(kind)) if kind.eq_ignore_ascii_case("Bearer") => false,
        Some(Some(kind)) if kind.eq_ignore_ascii_case("DPoP") => {
            ours.is_none_or(|cnf| cnf.get("jkt").is_none())
        }
        Some(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_200_with_active_true_about_this_token_is_a_yes() {
        let form = Introspection::new(&Credentials::bearer("x")).expect("credentials");
        let token = token_of(r#"{"sub":"a"}"#);
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
            assert_eq!(answer(&form, &token, status, body), want, "{status} {body}");
        }
    }

    #[test]
    fn a_bound_token_is_bound_as_it_says_itself() {
        let form = Introspection::new(&Credentials::bearer("x")).expect("credentials");
        let key = token_of(r#"{"cnf":{"jkt":"k"}}"#);
        let certificate = token_of(r#"{"cnf":{"x5t#S256":"c"}}"#);
        let (unbound, null) = (token_of("{}"), token_of(r#"{"cnf":null}"#));
        for (said, of_key, of_certificate, of_unbound) in [
            ("", true, true, true),
            (r#","cnf":{"jkt":"k"}"#, true, false, false),
            (r#","cnf":{"jkt":"k"},"token_type":"DPoP""#, true, false, false),
            (r#","token_type":"dpop""#, true, false, false),
            (r#","cnf":{"jkt":"other"}"#, false, false, false),
            (r#","cnf":{"jkt":"k","x5t#S256":"c"}"#, false, false, false),
            (r#","cnf":{"x5t#S256":"c"},"token_type":"Bearer""#, false, true, false),
            (r#","cnf":{"x5t#S256":"c"},"token_type":"DPoP""#, false, false, false),
            (r#","cnf":null"#, false, false, false),
            (r#","cnf":{}"#, false, false, false),
            (r#","token_type":"N_A""#, false, false, false),
            (r#","token_type":7"#, false, false, false),
            (r#","token_type":null"#, true, true, true),
        ] {
            let body = format!(r#"{{"active":true{said}}}"#);
            for (token, want) in [(&key, of_key), (&certificate, of_certificate), (&unbound, of_unbound)] {
                assert_eq!(answer(&form, token, 200, &body), Some(want), "{token} {said}");
            }
        }
        // Whoever presents this one has been refused before.
        assert_eq!(answer(&form, &null, 200, r#"{"active":true,"token_type":"DPoP"}"#), Some(false));
    }

    fn token_of(payload: &str) -> String {
        format!("e30.{}.AA", base64_simd::URL_SAFE_NO_PAD.encode_to_string(payload))
    }

    fn answer(form: &Introspection, token: &str, status: u16, body: &str) -> Option<bool> {
        let mut response = Response::new(body.as_bytes().to_vec());
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        match form.read(token, &response) {
            Answer::Accepted => Some(true),
            Answer::Refused(_) => Some(false),
            Answer::Unavailable(_) => None,
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
