//! An OpenID provider for the examples: a fresh key at every start, its metadata and keys over real HTTP on loopback.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    dead_code,
    reason = "it stands in for a provider, which is none of the crate's business, and no example uses all of it"
)]

use std::io;
use std::time::{Duration, SystemTime};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::{Json, Router, routing::get};
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) const AUDIENCE: &str = "demo-api";
const KID: &str = "demo-1";
const HOUR: Duration = Duration::from_secs(3600);

pub(crate) struct DemoIssuer {
    pub(crate) url: String,
    key: EcdsaKeyPair,
}

impl DemoIssuer {
    /// Starts to serve `/.well-known/openid-configuration` and `/jwks.json` on a port of its own.
    pub(crate) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let issuer = Self::at(format!("http://{}", listener.local_addr()?))?;
        let documents = issuer.documents();
        tokio::spawn(async move { axum::serve(listener, documents).await });
        Ok(issuer)
    }

    /// Starts one for each tenant, on one port: the issuer of a tenant has its name as path.
    pub(crate) async fn start_for<const N: usize>(tenants: [&str; N]) -> io::Result<[Self; N]> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let issuers = tenants.map(|tenant| Self::at(format!("{url}/{tenant}")).expect("a key"));
        let documents = issuers
            .iter()
            .zip(tenants)
            .fold(Router::new(), |all, (issuer, tenant)| all.nest(&format!("/{tenant}"), issuer.documents()));
        tokio::spawn(async move { axum::serve(listener, documents).await });
        Ok(issuers)
    }

    fn at(url: String) -> io::Result<Self> {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(io::Error::other)?;
        Ok(Self { url, key })
    }

    fn documents(&self) -> Router {
        let metadata = json!({ "issuer": self.url, "jwks_uri": format!("{}/jwks.json", self.url) });
        let keys = json!({ "keys": [public_jwk(&self.key)] });
        Router::new()
            .route("/.well-known/openid-configuration", get(async || Json(metadata)))
            .route("/jwks.json", get(async || Json(keys)))
    }

    /// A token for Ada that expires in an hour.
    pub(crate) fn good_token(&self) -> String {
        self.token(SystemTime::now() + HOUR)
    }

    /// One that expires so soon.
    pub(crate) fn token_for(&self, lifetime: Duration) -> String {
        self.token(SystemTime::now() + lifetime)
    }

    /// One that expired an hour ago.
    pub(crate) fn expired_token(&self) -> String {
        self.token(SystemTime::now() - HOUR)
    }

    /// The good one under the signature of another.
    pub(crate) fn forged_token(&self) -> String {
        let (good, other) = (self.good_token(), self.expired_token());
        let (signing_input, _) = good.rsplit_once('.').expect("a signature");
        let (_, signature) = other.rsplit_once('.').expect("a signature");
        format!("{signing_input}.{signature}")
    }

    /// What to paste to try the app at the URL `app` that lets in this issuer's tokens to `/me`.
    pub(crate) fn print_curl_lines(&self, app: &str) {
        let (good, expired) = (self.good_token(), self.expired_token());
        println!("No provider is set, so a demo issuer runs at {}. Paste, in another terminal:\n", self.url);
        println!("# 200, the claims as JSON: by header, by cookie, by query");
        println!("curl -i -H 'Authorization: Bearer {good}' {app}/me\n");
        println!("curl -i -b '__Host-jwt={good}' {app}/me\n");
        println!("curl -i '{app}/me?jwt={good}'\n");
        println!("# 401 token_expired");
        println!("curl -i -H 'Authorization: Bearer {expired}' {app}/me\n");
        println!("# 401 token_missing, and 200 where a token is optional");
        println!("curl -i {app}/me\ncurl -i {app}/maybe\n");
        println!("# 200, where the key set stands");
        println!("curl -i {app}/readyz\n");
    }

    /// The good one with `claims` too, an object.
    pub(crate) fn token_with(&self, claims: &Value) -> String {
        self.sign(SystemTime::now() + HOUR, claims)
    }

    fn token(&self, expires: SystemTime) -> String {
        self.sign(expires, &json!({}))
    }

    fn sign(&self, expires: SystemTime, more: &Value) -> String {
        let exp = expires.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let header = json!({ "alg": "ES256", "kid": KID, "typ": "JWT" });
        let mut claims = json!({
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "ada",
            "name": "Ada Lovelace",
            "iat": exp - 2 * HOUR.as_secs(),
            "exp": exp,
        });
        for (name, value) in more.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        let signing_input = format!("{}.{}", encode(&header), encode(&claims));
        let signature = self.key.sign(&SystemRandom::new(), signing_input.as_bytes());
        let signature = signature.expect("a fresh key signs");
        format!("{signing_input}.{}", BASE64URL.encode_to_string(signature))
    }
}

fn encode(part: &Value) -> String {
    BASE64URL.encode_to_string(part.to_string())
}

/// The point of `key`, whose uncompressed form is a byte 4 and two coordinates of 32 bytes.
fn public_jwk(key: &EcdsaKeyPair) -> Value {
    let (x, y) = key.public_key().as_ref()[1..].split_at(32);
    json!({
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": KID,
        "x": BASE64URL.encode_to_string(x), "y": BASE64URL.encode_to_string(y),
    })
}
