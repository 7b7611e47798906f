//! No crate but jsonwebtoken: an extractor as many write it, over keys that were parsed once.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::routing::get;
use http::request::Parts;
use http::{StatusCode, header};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm as Alg, DecodingKey, Validation, decode, decode_header};

use crate::support::issuer::{AUDIENCE, Algorithm, Issuer, User};
use crate::support::requests::{self, Door};

struct Keys {
    by_kid: HashMap<String, DecodingKey>,
    validation: Validation,
}

struct Verified(User);

pub async fn door(issuer: &Issuer) -> Option<Door> {
    let mut validation = Validation::new(match issuer.algorithm {
        Algorithm::Rs256 => Alg::RS256,
        Algorithm::Es256 => Alg::ES256,
        Algorithm::EdDsa => Alg::EdDSA,
    });
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[&issuer.url]);
    validation.validate_nbf = true;
    let set: JwkSet = serde_json::from_str(&issuer.jwks()).expect("a key set");
    let by_kid = set
        .keys
        .iter()
        .filter_map(|jwk| Some((jwk.common.key_id.clone()?, DecodingKey::from_jwk(jwk).ok()?)))
        .collect();
    let router = Router::new().route("/me", get(handler)).with_state(Arc::new(Keys { by_kid, validation }));
    Some(requests::door(router))
}

async fn handler(Verified(user): Verified) -> StatusCode {
    black_box(&user);
    StatusCode::NO_CONTENT
}

impl FromRequestParts<Arc<Keys>> for Verified {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<Keys>) -> Result<Self, StatusCode> {
        verify(parts, state).ok_or(StatusCode::UNAUTHORIZED)
    }
}

fn verify(parts: &Parts, keys: &Keys) -> Option<Verified> {
    let token = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
    let kid = decode_header(token).ok()?.kid?;
    let data = decode::<User>(token, keys.by_kid.get(&kid)?, &keys.validation).ok()?;
    Some(Verified(data.claims))
}
