//! Asking the provider about a token: when it is asked, what it may say, and what that lets in.

mod answers;
mod cost;
mod crossing;
mod kept;
mod limits;
mod secrecy;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tower_jwt_auth::Verifier;
use tower_jwt_auth::remote::{Credentials, ValidationEndpoint};

use crate::support::app::{ACCEPTED, judged, verifier_with};
use crate::support::idp::{Answer, Idp, in_memory};
use crate::support::issuer::{AUDIENCE, claims_with, decode, shared_key};
use crate::support::record;

const SECOND: Duration = Duration::from_secs(1);
const URL: &str = "https://provider.example/check";
const API_KEY: &str = "7c9d3b6e-6f0c-4d39-9f2c-6c1b6d6b3f11";

/// The ways in which providers are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    MagicLinksDev,
    PasskeyMe,
    PasskeyMeBearer,
    Introspection,
}

impl Form {
    const ALL: [Self; 4] = [Self::MagicLinksDev, Self::PasskeyMe, Self::PasskeyMeBearer, Self::Introspection];

    fn endpoint(self, url: &str) -> ValidationEndpoint {
        for secret in [API_KEY, "s/cr:t", "s%2Fcr%3At"] {
            record::secret("a key", secret);
        }
        let endpoint = match self {
            Self::MagicLinksDev => ValidationEndpoint::magiclinksdev(url, API_KEY),
            Self::PasskeyMe => ValidationEndpoint::passkeyme(url, AUDIENCE),
            Self::PasskeyMeBearer => ValidationEndpoint::passkeyme_bearer(url, AUDIENCE),
            Self::Introspection => {
                ValidationEndpoint::introspection(url, &Credentials::basic("my api", "s/cr:t"))
            }
        };
        endpoint.expect("a good URL")
    }

    fn over(self, provider: &Idp) -> ValidationEndpoint {
        self.endpoint(URL).with_fetch(provider.clone())
    }

    /// The body of a yes to `token`.
    fn yes(self, token: &str) -> String {
        match self {
            Self::MagicLinksDev => {
                json!({ "jwtValidateResults": { "claims": payload(token) }, "requestMetadata": { "uuid": "x" } })
                    .to_string()
            }
            Self::PasskeyMe | Self::PasskeyMeBearer => {
                let user = json!({ "id": payload(token)["sub"] });
                json!({ "valid": true, "user": user, "expires": 1 }).to_string()
            }
            Self::Introspection => {
                let mut claims = payload(token);
                claims["active"] = true.into();
                claims.to_string()
            }
        }
    }

    /// A clear no.
    fn no(self) -> Answer {
        match self {
            Self::MagicLinksDev => Answer::of(
                r#"{"code":422,"message":"Invalid JWT: JWT invalid: token signature is invalid: ed25519: verification error","requestMetadata":{"uuid":"x"}}"#,
            )
            .with_status(422),
            Self::PasskeyMe => Answer::of(r#"{"valid":false,"error":"Invalid token"}"#),
            Self::PasskeyMeBearer => {
                Answer::of(r#"{"error":{"code":"INVALID_TOKEN","message":"no"}}"#).with_status(401)
            }
            Self::Introspection => Answer::of(r#"{"active":false}"#),
        }
    }

    /// The code of that no.
    fn refusal(self) -> &'static str {
        if self == Self::MagicLinksDev { "signature_invalid" } else { "token_refused" }
    }
}

fn payload(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a payload");
    serde_json::from_slice(&decode(payload)).expect("JSON")
}

/// A plausible token named `jti`: whether it is good is for the provider to say.
fn token(jti: &str) -> String {
    shared_key().token(&claims_with(json!({ "jti": jti })))
}

/// What `verifier` thinks of `token`, having asked.
async fn outcome(verifier: &Verifier, token: &str) -> &'static str {
    judged(token, verifier.verify_or_ask(token).await)
}

/// The same in a task of its own, as concurrent requests are.
fn knock(verifier: &Arc<Verifier>, token: &str) -> tokio::task::JoinHandle<&'static str> {
    let (verifier, token) = (Arc::clone(verifier), token.to_owned());
    tokio::spawn(async move { outcome(&verifier, &token).await })
}

fn shared(endpoint: &ValidationEndpoint) -> Arc<Verifier> {
    Arc::new(verifier_with(endpoint.clone()))
}

/// What the tasks end with, in their order.
async fn join_all<T>(tasks: impl IntoIterator<Item = tokio::task::JoinHandle<T>>) -> Vec<T> {
    // All of them are there before the first is waited for.
    let tasks: Vec<_> = tasks.into_iter().collect();
    let mut ends = Vec::new();
    for task in tasks {
        ends.push(task.await.expect("a task that ends"));
    }
    ends
}
