use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::condition::Asks;
use super::guard::Guard;
use super::scopes::is_scope_token;
use crate::error::ConfigError;
use crate::token::NumericDate;
use crate::verify::VerifiedToken;

/// Asks that the user was authenticated in one of the ways `acr_values`, by the token's `acr` ([RFC 9470 §3]).
///
/// The challenge names them in this order, the preferred one first. What one of them implies is for the list to say: name
/// the stronger ones too.
///
/// # Errors
///
/// [`ConfigError`] if there are none, or one is not printable ASCII without spaces, quotes and backslashes.
///
/// [RFC 9470 §3]: https://www.rfc-editor.org/rfc/rfc9470#section-3
pub fn require_acr<S: Into<String>>(acr_values: impl IntoIterator<Item = S>) -> Result<Guard, ConfigError> {
    let accepted: Vec<String> = acr_values.into_iter().map(Into::into).collect();
    if accepted.is_empty() {
        return Err(ConfigError::new("name a way of authentication to ask for"));
    }
    if let Some(other) = accepted.iter().find(|acr| !is_scope_token(acr.as_bytes())) {
        return Err(ConfigError::new(format!(
            "{other:?} is no acr: use printable ASCII without spaces, quotes and backslashes"
        )));
    }
    let acr_values = accepted.join(" ");
    let text = format!("acr: {acr_values}");
    let judge = Arc::new(move |token: &VerifiedToken| {
        let Authentication { acr, .. } = token.read()?;
        Ok(acr.is_some_and(|acr| accepted.contains(&acr)))
    });
    Ok(Guard::of(Asks::Authentication { judge, acr_values: Some(acr_values.into()), max_age: None }, text))
}

/// Asks that the user was authenticated no longer than `max_age` ago, in whole seconds, by the token's `auth_time`
/// ([RFC 9470 §3]). The leeway of the verifier comes on top.
///
/// A token without `auth_time`, or with one that lies further in the future than the leeway, does not say so. With zero, only
/// a sign-in made for this very request will do, as far as the leeway can tell.
///
/// [RFC 9470 §3]: https://www.rfc-editor.org/rfc/rfc9470#section-3
pub fn require_max_age(max_age: Duration) -> Guard {
    let seconds = max_age.as_secs();
    let max_age = Duration::from_secs(seconds);
    let judge = Arc::new(move |token: &VerifiedToken| {
        let Authentication { auth_time, .. } = token.read()?;
        Ok(auth_time.is_some_and(|auth_time| token.is_recent(auth_time, max_age)))
    });
    let text = format!("signed in within {seconds} s");
    Guard::of(Asks::Authentication { judge, acr_values: None, max_age: Some(seconds) }, text)
}

/// How the user was authenticated, and when.
#[derive(Deserialize)]
struct Authentication {
    acr: Option<String>,
    auth_time: Option<NumericDate>,
}
