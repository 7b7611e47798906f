use std::sync::Arc;

use serde_json::Value;

use super::condition::Asks;
use super::guard::Guard;
use crate::error::ConfigError;
use crate::token::Unambiguous;

/// Asks for all of `roles`, in the array, or the one string, at `path` into the claims.
///
/// A path is the names of members, from the outermost in: `["realm_access", "roles"]` for Keycloak, `["roles"]` for Entra
/// ID, `["https://example.com/roles"]` for a claim with a name like that: a dot in a name is a part of it. Roles are compared whole and case-sensitively.
/// Where nothing is at the path, or something else, there are no roles. Claims in which anything is said twice are refused
/// with 401 `claims_mismatch`: readers disagree about which of the two counts.
///
/// # Errors
///
/// [`ConfigError`] if `path` or `roles` is empty.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), tower_jwt_auth::error::ConfigError> {
/// use tower_jwt_auth::authorize::require_roles;
///
/// let admin = require_roles(["realm_access", "roles"], ["admin"])?;
/// assert_eq!(admin.to_string(), "roles at realm_access/roles: admin");
/// # Ok(()) }
/// ```
pub fn require_roles<P: Into<String>, R: Into<String>>(
    path: impl IntoIterator<Item = P>,
    roles: impl IntoIterator<Item = R>,
) -> Result<Guard, ConfigError> {
    guard(path, roles, false)
}

/// Asks for one of `roles`, like [`require_roles`].
///
/// # Errors
///
/// As for [`require_roles`].
pub fn require_any_role<P: Into<String>, R: Into<String>>(
    path: impl IntoIterator<Item = P>,
    roles: impl IntoIterator<Item = R>,
) -> Result<Guard, ConfigError> {
    guard(path, roles, true)
}

fn guard<P: Into<String>, R: Into<String>>(
    path: impl IntoIterator<Item = P>,
    roles: impl IntoIterator<Item = R>,
    any: bool,
) -> Result<Guard, ConfigError> {
    let path: Vec<String> = path.into_iter().map(Into::into).collect();
    let roles: Vec<String> = roles.into_iter().map(Into::into).collect();
    if path.is_empty() || roles.is_empty() {
        return Err(ConfigError::new("name the claim that has the roles, and a role to ask for"));
    }
    let one_of = if any { "one of the roles" } else { "roles" };
    let text = format!("{one_of} at {}: {}", path.join("/"), roles.join(" "));
    let judge = Arc::new(move |token: &crate::verify::VerifiedToken| {
        let claims = token.claims::<Unambiguous>()?;
        let held = path.iter().try_fold(&claims.0, |claims, name| claims.as_object()?.get(name));
        let has = |role: &String| held.is_some_and(|held| holds(held, role));
        Ok(if any { roles.iter().any(has) } else { roles.iter().all(has) })
    });
    Ok(Guard::of(Asks::Claims(judge), text))
}

fn holds(held: &Value, role: &str) -> bool {
    match held {
        Value::String(only) => only == role,
        Value::Array(roles) => roles.iter().any(|held| held.as_str() == Some(role)),
        _ => false,
    }
}
