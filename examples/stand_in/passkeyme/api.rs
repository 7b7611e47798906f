//! The API: a token is verified in one of two ways, and an error has one format.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Service, uuid};

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct VerifyToken {
    token: String,
    app_id: String,
}

#[derive(Serialize)]
struct Verified {
    valid: bool,
    user: User,
    expires: Value,
}

#[derive(Serialize)]
struct User {
    id: Value,
    email: Value,
    name: Value,
    email_verified: Value,
    has_passkey: Value,
}

#[derive(Serialize)]
struct Refused {
    valid: bool,
    error: &'static str,
}

/// The status of a refusal is documented nowhere: the samples read the body whatever it is, so it is 200 here. Neither is
/// the type of `expires`: here it is the token's `exp`.
pub(super) async fn verify_token(
    State(service): State<Arc<Service>>,
    Query(query): Query<VerifyToken>,
) -> Response {
    if query.token.is_empty() || query.app_id.is_empty() {
        return failure(StatusCode::BAD_REQUEST, "INVALID_REQUEST", "token and app_id are required");
    }
    let claims = match service.check(&query.token, Some(&query.app_id)) {
        Ok(claims) => claims,
        Err(error) => return Json(Refused { valid: false, error }).into_response(),
    };
    let claim = |name| claims.get(name).cloned().unwrap_or_default();
    let user = User {
        id: claim("sub"),
        email: claim("email"),
        name: claim("name"),
        email_verified: claim("email_verified"),
        has_passkey: claim("has_passkey"),
    };
    Json(Verified { valid: true, user, expires: claim("exp") }).into_response()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Validated {
    valid: bool,
    user: ValidatedUser,
    scopes: [&'static str; 2],
    expires_at: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ValidatedUser {
    id: Value,
    email: Value,
    email_verified: Value,
    name: Value,
}

pub(super) async fn validate(State(service): State<Arc<Service>>, headers: HeaderMap) -> Response {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let token = header(header::AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
    let claims = match service.check(token.unwrap_or_default(), header("x-passkeyme-app-id")) {
        Ok(claims) => claims,
        Err(error) => return failure(StatusCode::UNAUTHORIZED, "INVALID_TOKEN", error),
    };
    let claim = |name| claims.get(name).cloned().unwrap_or_default();
    let user = ValidatedUser {
        id: claim("sub"),
        email: claim("email"),
        email_verified: claim("email_verified"),
        name: claim("name"),
    };
    let expires_at = rfc3339(claim("exp").as_u64().unwrap_or_default());
    Json(Validated { valid: true, user, scopes: ["profile", "email"], expires_at }).into_response()
}

/// A time in UTC, by the civil calendar: its years begin in March here, so that the leap day is their last.
fn rfc3339(unix: u64) -> String {
    let (days, second) = (unix / 86_400 + 719_468, unix % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[derive(Serialize)]
struct ApiError {
    error: ErrorBody,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody {
    code: &'static str,
    message: &'static str,
    details: Map<String, Value>,
    request_id: String,
}

/// The API's error format. What its `details` hold is documented nowhere.
pub(super) fn failure(status: StatusCode, code: &'static str, message: &'static str) -> Response {
    let error = ErrorBody { code, message, details: Map::new(), request_id: uuid() };
    (status, Json(ApiError { error })).into_response()
}
