//! What a verifier should say of claims, written after its documentation.

use crate::issuer::{AUDIENCE, ISSUER, LEEWAY_SECONDS, NOW};
use crate::json::{self, Json, Unread};

/// A code, and the claim that it is about where one is named.
pub type Verdict = (&'static str, Option<&'static str>);

pub const OK: Verdict = ("ok", None);
const MALFORMED: Verdict = ("token_malformed", None);

/// What is asked besides issuer, audience, `exp` and `nbf`.
#[derive(Default)]
pub struct Policy {
    pub required: Option<&'static str>,
    pub ignores_binding: bool,
    pub issued_at_skew: Option<f64>,
    pub max_age: Option<f64>,
    pub max_lifetime: Option<f64>,
}

/// What a model can say of a text.
#[derive(Debug, PartialEq)]
pub enum Prediction {
    Is(Verdict),
    /// It is no JSON, which may be seen while a claim is read, or after.
    MalformedSomehow,
    /// It holds a number that a skipping reader accepts and a whole one cannot.
    Open,
}

impl Policy {
    pub fn predict(&self, payload: &[u8]) -> Prediction {
        let members = match json::parse(payload) {
            Ok(Json::Object(members)) => members,
            Ok(_) => return Prediction::Is(MALFORMED),
            Err(Unread::NotJson) => return Prediction::MalformedSomehow,
            Err(Unread::HugeNumber) => return Prediction::Open,
        };
        if Json::Object(members.clone()).depth() > 64 {
            return Prediction::Is(MALFORMED);
        }
        Prediction::Is(self.judge_form(&members).or_else(|| self.judge(&members)).unwrap_or(OK))
    }

    fn judge_form(&self, members: &[(String, Json)]) -> Option<Verdict> {
        const REGISTERED: [&str; 8] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "cnf"];
        for (index, (name, value)) in members.iter().enumerate() {
            let registered = REGISTERED.into_iter().find(|registered| registered == name);
            let matters = registered.is_some() || self.required == Some(name);
            if matters && members[..index].iter().any(|(before, _)| before == name) {
                return Some(MALFORMED);
            }
            let fits = match registered {
                Some("iss" | "sub" | "jti") => matches!(value, Json::Text(_)),
                Some("aud") => match value {
                    Json::Text(_) => true,
                    Json::Array(names) => names.iter().all(|name| matches!(name, Json::Text(_))),
                    _ => false,
                },
                Some("exp" | "nbf" | "iat") => time(value).is_some(),
                _ => true,
            };
            if !fits {
                return Some(("claim_invalid", registered));
            }
        }
        None
    }

    fn judge(&self, members: &[(String, Json)]) -> Option<Verdict> {
        let get = |name| json::first(members, name);
        let seconds = |name| get(name).and_then(time);
        let (now, leeway) = (f64::from(NOW), f64::from(LEEWAY_SECONDS));

        if get("iss").and_then(Json::as_text) != Some(ISSUER) {
            return Some(("issuer_mismatch", None));
        }
        let names_us = |name: &Json| name.as_text() == Some(AUDIENCE);
        let is_ours = match get("aud") {
            Some(Json::Array(names)) => names.iter().any(names_us),
            Some(name) => names_us(name),
            None => false,
        };
        if !is_ours {
            return Some(("audience_mismatch", None));
        }
        if get("cnf").is_some() && !self.ignores_binding {
            return Some(("token_bound", None));
        }
        if let Some(required) = self.required
            && matches!(get(required), None | Some(Json::Null))
        {
            return Some(("claim_missing", Some(required)));
        }

        let Some(exp) = seconds("exp") else { return Some(("claim_missing", Some("exp"))) };
        if now >= exp + leeway {
            return Some(("token_expired", None));
        }
        let not_yet = Some(("token_not_yet_valid", None));
        if seconds("nbf").is_some_and(|nbf| nbf > now + leeway) {
            return not_yet;
        }
        let iat = seconds("iat");
        if let (Some(iat), Some(skew)) = (iat, self.issued_at_skew)
            && iat > now + skew
        {
            return not_yet;
        }
        if self.max_age.is_none() && self.max_lifetime.is_none() {
            return None;
        }
        let Some(iat) = iat else { return Some(("claim_missing", Some("iat"))) };
        if iat > now + leeway {
            return not_yet;
        }
        let is_too_old = self.max_age.is_some_and(|max_age| now >= iat + max_age + leeway)
            || self.max_lifetime.is_some_and(|max_lifetime| exp > iat + max_lifetime);
        is_too_old.then_some(("token_too_old", None))
    }
}

/// Seconds since the Unix epoch, none that nobody could mean.
fn time(value: &Json) -> Option<f64> {
    let Json::Number(number) = value else { return None };
    number.as_f64().filter(|seconds| (0.0..=9_007_199_254_740_992.0).contains(seconds))
}
