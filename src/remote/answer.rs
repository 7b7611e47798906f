//! What an endpoint says, and when it wants to be left alone.

use std::error::Error;
use std::time::{Duration, SystemTime};

use http::{Response, StatusCode, header};
use serde_json::{Map, Value};

use crate::error::AuthErrorKind;
use crate::telemetry;
use crate::token::UnverifiedToken;

/// The pause after a 429 that names none.
const DEFAULT_PAUSE: Duration = Duration::from_secs(5);

/// The longest pause that a provider can ask for.
const MAX_PAUSE: Duration = Duration::from_secs(60 * 60);

/// The code of a call that was not made, because the provider has asked for patience.
const PAUSED: &str = "paused";

/// What is known of a token after its provider was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Accepted,
    Refused(AuthErrorKind),
    /// Nothing.
    Unavailable(Trouble),
}

/// Why there is no answer; for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    code: &'static str,
    cause: String,
    /// For how long the provider is not to be asked.
    pub(super) pause: Option<Duration>,
}

impl Answer {
    pub(super) fn unavailable(code: &'static str) -> Self {
        Self::Unavailable(Trouble { code, cause: String::new(), pause: None })
    }

    /// Of an answer with a status that says nothing about the token.
    pub(super) fn of_status(status: StatusCode) -> Self {
        Self::Unavailable(Trouble { code: "status", cause: status.as_str().to_owned(), pause: None })
    }

    /// The stable name, for logs and metrics.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused(_) => "refused",
            Self::Unavailable(trouble) => trouble.code,
        }
    }

    /// What is behind it, if there is no answer.
    pub(super) fn cause(&self) -> Option<&str> {
        match self {
            Self::Accepted | Self::Refused(_) => None,
            // Said once, when the pause began.
            Self::Unavailable(trouble) if trouble.code == PAUSED => None,
            Self::Unavailable(trouble) => Some(&trouble.cause),
        }
    }
}

impl Trouble {
    pub(super) fn paused(left: Duration) -> Self {
        Self { code: PAUSED, cause: String::new(), pause: Some(left) }
    }

    pub(super) fn throttled(pause: Duration) -> Self {
        Self { code: "throttled", cause: format!("{} s", pause.as_secs()), pause: Some(pause) }
    }

    pub(super) fn unreachable(source: &(dyn Error + 'static)) -> Self {
        Self { code: "unreachable", cause: telemetry::causes(Some(source)), pause: None }
    }
}

/// For how long `response` asks to be left alone: a 429, or a 503 that says so ([RFC 9110 §10.2.3]).
///
/// [RFC 9110 §10.2.3]: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
pub(super) fn pause(response: &Response<Vec<u8>>, now: SystemTime) -> Option<Duration> {
    let asked_for = response.headers().get(header::RETRY_AFTER).and_then(|value| {
        let text = value.to_str().ok()?.trim();
        match text.parse() {
            Ok(seconds) => Some(Duration::from_secs(seconds)),
            // A date that is past means: now.
            Err(_) => Some(httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default()),
        }
    });
    let pause = match response.status() {
        StatusCode::TOO_MANY_REQUESTS => asked_for.unwrap_or(DEFAULT_PAUSE),
        StatusCode::SERVICE_UNAVAILABLE => asked_for?,
        _ => return None,
    };
    Some(pause.min(MAX_PAUSE))
}

/// The claims by which a token is told from another.
const TELLING: [&str; 5] = ["iss", "sub", "jti", "exp", "iat"];

/// Whether `said`, the claims in an answer, are those of `token`, as far as both have them: an answer about another
/// token is none about this one.
pub(super) fn is_about(token: &str, said: &Map<String, Value>) -> bool {
    agrees(token, said, |name, ours| !said.contains_key(name) || !ours.contains_key(name))
}

/// The same, where the answer has all that the token has: what tells of no token is about none.
pub(super) fn repeats(token: &str, said: &Map<String, Value>) -> bool {
    agrees(token, said, |name, ours| !ours.contains_key(name))
}

/// Whether each telling claim is the same in both, or may be left out of one.
fn agrees(
    token: &str,
    said: &Map<String, Value>,
    may_lack: impl Fn(&str, &Map<String, Value>) -> bool,
) -> bool {
    let Some(ours) = claims_of(token) else { return false };
    TELLING.into_iter().all(|name| match (said.get(name), ours.get(name)) {
        (Some(Value::Number(said)), Some(Value::Number(ours))) => said.as_f64() == ours.as_f64(),
        (Some(said), Some(ours)) => said == ours,
        _ => may_lack(name, &ours),
    })
}

/// What `token` says. Each claim that is registered is there once, as has been seen to before anybody is asked.
pub(super) fn claims_of(token: &str) -> Option<Map<String, Value>> {
    let payload = UnverifiedToken::split(token).and_then(|token| token.decode_payload()).ok()?;
    serde_json::from_str(&payload).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Unambiguous;

    #[test]
    fn a_provider_is_left_alone_for_as_long_as_it_asks() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_700);
        for (status, retry_after, want) in [
            (429, Some("7"), Some(7)),
            (429, Some("Sun, 06 Nov 1994 08:49:37 GMT"), Some(77)),
            (429, Some("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0)),
            (429, Some("soon"), Some(5)),
            (429, Some("-1"), Some(5)),
            (429, None, Some(5)),
            (429, Some("999999999"), Some(3600)),
            (503, Some("7"), Some(7)),
            (503, None, None),
            (500, Some("7"), None),
            (200, Some("7"), None),
        ] {
            let mut response = Response::new(Vec::new());
            *response.status_mut() = StatusCode::from_u16(status).expect("a status");
            if let Some(retry_after) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, retry_after.parse().expect("a value"));
            }
            assert_eq!(pause(&response, now), want.map(Duration::from_secs), "{status} {retry_after:?}");
        }
    }

    #[test]
    fn an_answer_about_another_token_is_none_about_this_one() {
        let payload = r#"{"iss":"a","sub":"b","jti":"c","exp":5}"#;
        let token = format!("e30.{}.AA", base64_simd::URL_SAFE_NO_PAD.encode_to_string(payload));
        for (said, want, of_all) in [
            ("{}", true, false),
            (payload, true, true),
            (r#"{"iss":"a","sub":"b","jti":"c","exp":5.0,"other":1}"#, true, true),
            (r#"{"iss":"a","jti":"c","exp":5}"#, true, false),
            (r#"{"exp":5.0,"other":1}"#, true, false),
            (r#"{"iss":"x"}"#, false, false),
            (r#"{"sub":null}"#, false, false),
            (r#"{"jti":"d"}"#, false, false),
            (r#"{"exp":6}"#, false, false),
            (r#"{"iat":6}"#, true, false),
        ] {
            let said = Unambiguous::object(said.as_bytes()).expect("an object");
            assert_eq!(is_about(&token, &said), want, "{said:?}");
            assert_eq!(repeats(&token, &said), of_all, "{said:?}");
        }
    }
}
