//! The JSON API: who may ask, what a request may say, and the answers.

use std::fmt::Display;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::go::{self, Invalid};
use super::{HOUR, Service, ServiceAccount, now, uuid};

const MIB: usize = 1 << 20;
const MAX_LIFESPAN: u64 = 250 * 366 * 24 * HOUR;
const MAX_CLAIMS: usize = 4096;
const MAX_URL: usize = 2048;

impl Service {
    /// Who asks, and for what. The key is looked at first, and the content type to the letter.
    async fn admit<T: DeserializeOwned>(&self, request: Request) -> Result<(&ServiceAccount, T), Failure> {
        let (parts, body) = request.into_parts();
        let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let api_key = header("x-api-key");
        let account = self.accounts.iter().find(|account| account.api_key.eq_ignore_ascii_case(api_key));
        let account = account.ok_or_else(|| Failure::new(StatusCode::UNAUTHORIZED, "Unauthorized."))?;
        let content_type = header(header::CONTENT_TYPE.as_str());
        if content_type != "application/json" {
            let message = format!("Invalid content type: {content_type:?}.");
            return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
        }
        let body = to_bytes(body, MIB).await;
        let body = body.map_err(|_| Failure::bad_request("Failed to read response body"))?;
        let body = serde_json::from_slice(&body);
        Ok((account, body.map_err(|_| Failure::bad_request("Failed to JSON unmarshal request body."))?))
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct CreateJwt {
    jwt_create_params: JwtParams,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct JwtParams {
    alg: String,
    claims: Value,
    lifespan_seconds: i64,
}

impl JwtParams {
    fn lifespan(&self) -> Result<u64, String> {
        let invalid = |why| format!("failed to validate JWT create args: invalid model: {why}");
        let Some(lifespan) = lifespan(self.lifespan_seconds, 300) else {
            let why = format!("JWT lifespan seconds must be between 5 seconds and {MAX_LIFESPAN}");
            return Err(invalid(why));
        };
        if go::json(&self.claims).len() > MAX_CLAIMS {
            return Err(invalid(format!("JWT claims must be less than {MAX_CLAIMS} bytes")));
        }
        Ok(lifespan)
    }
}

pub(super) async fn create_jwt(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, Failure> {
    let (account, CreateJwt { jwt_create_params: params }) = service.admit(request).await?;
    let lifespan = params.lifespan().map_err(Failure::invalid_body)?;
    let claims = service.claims(account, params.claims, lifespan)?;
    let key = service.key(&params.alg);
    let key = key.ok_or_else(|| Failure::bad_request("Specified JWT algorithm not found."))?;
    Ok(answer(StatusCode::CREATED, json!({ "jwtCreateResults": { "jwt": key.sign(&claims) } })))
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct CreateMagicLink {
    magic_link_create_params: MagicLinkParams,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct MagicLinkParams {
    jwt_create_params: JwtParams,
    lifespan_seconds: i64,
    redirect_query_key: String,
    #[serde(rename = "redirectURL")]
    redirect_url: String,
}

pub(super) async fn create_magic_link(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, Failure> {
    let (account, CreateMagicLink { magic_link_create_params: params }) = service.admit(request).await?;
    let invalid = |why: String| Failure::invalid_body(format!("failed to validate magic link args: {why}"));
    let jwt_lifespan = params.jwt_create_params.lifespan().map_err(invalid)?;
    let link_lifespan = lifespan(params.lifespan_seconds, HOUR).ok_or_else(|| {
        invalid(format!("invalid model: link lifespan must be between 5 and {MAX_LIFESPAN}"))
    })?;
    let target = web_url(&params.redirect_url).map_err(invalid)?;
    let claims = service.claims(account, params.jwt_create_params.claims, jwt_lifespan)?;
    // Of this endpoint, an unknown algorithm is a fault of the server.
    let key = service.key(&params.jwt_create_params.alg);
    let key = key.ok_or_else(Failure::internal)?;
    let query_key = Some(params.redirect_query_key.as_str()).filter(|key| !key.is_empty()).unwrap_or("jwt");
    // Signed now or at the click makes no difference: the claims are fixed.
    let target = go::with_query_pair(target, query_key, &key.sign(&claims));
    let (link, secret) = service.new_link(target, link_lifespan);
    Ok(answer(
        StatusCode::CREATED,
        json!({ "magicLinkCreateResults": { "magicLink": link, "secret": secret } }),
    ))
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ValidateJwt {
    jwt_validate_params: ValidateParams,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ValidateParams {
    jwt: String,
}

pub(super) async fn validate_jwt(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, Failure> {
    let (account, ValidateJwt { jwt_validate_params: params }) = service.admit(request).await?;
    let invalid = |why: &str| {
        Failure::new(StatusCode::UNPROCESSABLE_ENTITY, format!("Invalid JWT: JWT invalid: {why}"))
    };
    let claims = go::parse_jwt(&params.jwt, &service.keys, now()).map_err(|error| match error {
        Invalid::Signature(why) => invalid(&why),
        // Not the client's fault, says the server, of an expired token as well.
        Invalid::Other(why) => Failure::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("Failed to handle request: failed to parse JWT: {why}"),
        ),
    })?;
    match claims.get("iss") {
        Some(Value::String(issuer)) if *issuer == service.issuer => {}
        None | Some(Value::String(_)) => return Err(invalid("issuer invalid")),
        Some(_) => return Err(invalid("failed to get issuer: invalid type for claim: iss is invalid")),
    }
    let is_for_the_account = match claims.get("aud") {
        Some(Value::Array(audiences)) if !audiences.iter().all(Value::is_string) => {
            return Err(invalid("failed to get audience: invalid type for claim: aud is invalid"));
        }
        Some(Value::Array(audiences)) => audiences.iter().any(|audience| *audience == account.audience),
        Some(audience) => *audience == account.audience,
        None => false,
    };
    if !is_for_the_account {
        return Err(invalid("incorrect audience for this service account"));
    }
    let claims = go::through_any(Value::Object(claims));
    Ok(answer(StatusCode::OK, json!({ "jwtValidateResults": { "claims": claims } })))
}

/// None if it is out of bounds; `default` for 0.
fn lifespan(seconds: i64, default: u64) -> Option<u64> {
    match u64::try_from(seconds).ok()? {
        0 => Some(default),
        seconds => Some(seconds).filter(|seconds| (5..=MAX_LIFESPAN).contains(seconds)),
    }
}

/// `url`, if it is one that a link may lead to.
pub(super) fn web_url(url: &str) -> Result<&str, String> {
    const NO: &str = "jsontype: failed to apply defaults and validate configuration";
    let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    let why = match scheme.as_deref() {
        Some("http" | "https") if url.chars().count() <= MAX_URL => return Ok(url),
        Some("http" | "https") => {
            format!("service logo URL must be less than or equal to {MAX_URL} runes: {NO}")
        }
        None if url.is_empty() => "failed to parse service URL: parse \"\": empty url".to_owned(),
        None if !url.starts_with('/') => {
            format!("failed to parse service URL: parse {url:?}: invalid URI for request")
        }
        _ => format!("service logo URL scheme must be http or https: {NO}"),
    };
    Err(format!("failed to validate URL: {why}"))
}

/// `body` with the number of the request, in the server's JSON.
fn answer(status: StatusCode, mut body: Value) -> Response {
    body["requestMetadata"] = json!({ "uuid": uuid() });
    (status, [(header::CONTENT_TYPE, "application/json")], Body::from(go::json(&body))).into_response()
}

pub(super) struct Failure {
    status: StatusCode,
    pub(super) message: String,
}

impl Failure {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(super) fn bad_request(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error.")
    }

    fn invalid_body(why: impl Display) -> Self {
        Self::bad_request(&format!("Invalid request body: {why}."))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        answer(self.status, json!({ "code": self.status.as_u16(), "message": self.message }))
    }
}
