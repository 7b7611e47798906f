//! An issuer of tokens that every verifier in the benches accepts, and of others that none should.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, ParsedPublicKey, RsaKeyPair};
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use serde::Deserialize;
use serde_json::{Value, json};

pub const AUDIENCE: &str = "https://api.example.com";
pub const KID: &str = "2026-signing-key-1";

/// What the handlers read: eight claims, as a service may use.
#[derive(Clone, Debug, Deserialize)]
pub struct User {
    pub iss: Box<str>,
    pub sub: Box<str>,
    pub exp: u64,
    pub iat: u64,
    pub email_verified: bool,
    pub tenant: u32,
    pub level: u8,
    pub scope: Box<str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Rs256,
    Es256,
    EdDsa,
}

impl Algorithm {
    pub const ALL: [Self; 3] = [Self::Rs256, Self::Es256, Self::EdDsa];

    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// One issuer with one key.
pub struct Issuer {
    pub url: String,
    pub algorithm: Algorithm,
    pair: Pair,
    now: u64,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Issuer {
    pub fn new(url: impl Into<String>, algorithm: Algorithm) -> Self {
        let pair = match algorithm {
            Algorithm::Rs256 => {
                Pair::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key pair")))
            }
            Algorithm::Es256 => Pair::Ec(
                EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key pair"),
            ),
            Algorithm::EdDsa => Pair::Ed(Ed25519KeyPair::generate().expect("a key pair")),
        };
        Self { url: url.into(), algorithm, pair, now: now() }
    }

    pub fn jwk(&self) -> Value {
        let encode = |bytes: &[u8]| BASE64URL.encode_to_string(bytes);
        let mut jwk = match &self.pair {
            Pair::Rsa(pair) => {
                let key = pair.public_key();
                let n = encode(key.modulus().big_endian_without_leading_zero());
                let e = encode(key.exponent().big_endian_without_leading_zero());
                json!({ "kty": "RSA", "n": n, "e": e })
            }
            Pair::Ec(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y) })
            }
            Pair::Ed(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()) })
            }
        };
        jwk["kid"] = KID.into();
        jwk["alg"] = self.algorithm.name().into();
        jwk["use"] = "sig".into();
        jwk
    }

    pub fn jwks(&self) -> String {
        json!({ "keys": [self.jwk()] }).to_string()
    }

    /// The same key for the raw verification that all else is compared with.
    pub fn parsed_key(&self) -> ParsedPublicKey {
        match &self.pair {
            Pair::Rsa(pair) => {
                let key = pair.public_key();
                let n = key.modulus().big_endian_without_leading_zero();
                let e = key.exponent().big_endian_without_leading_zero();
                PublicKeyComponents { n, e }.to_parsed_public_key(&signature::RSA_PKCS1_2048_8192_SHA256)
            }
            Pair::Ec(pair) => ParsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, pair.public_key()),
            Pair::Ed(pair) => ParsedPublicKey::new(&signature::ED25519, pair.public_key()),
        }
        .expect("a public key")
    }

    /// The claims of the token that has this number. They serve everybody: Keycloak's `typ`, `azp` and `jti` are here too.
    pub fn claims(&self, number: usize) -> Value {
        json!({
            "iss": self.url, "aud": AUDIENCE, "sub": format!("5b0c7f3e-{number:012}"),
            "exp": self.now + 4 * 3600, "iat": self.now - 60, "nbf": self.now - 60,
            "jti": format!("0f6d2c51-{number:012}"), "azp": "web", "typ": "Bearer",
            "email_verified": true, "tenant": 7, "level": 3, "scope": "read write",
        })
    }

    /// A good token, another one for each number.
    pub fn token(&self, number: usize) -> String {
        self.sign(&self.header(KID), &self.claims(number))
    }

    /// So many good tokens, no two the same.
    pub fn tokens(&self, count: usize) -> Vec<String> {
        (0..count).map(|number| self.token(number)).collect()
    }

    pub fn token_with(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims(0);
        claims[name] = value;
        self.sign(&self.header(KID), &claims)
    }

    pub fn expired_token(&self) -> String {
        self.token_with("exp", json!(self.now - 3600))
    }

    pub fn token_of_unknown_key(&self) -> String {
        self.sign(&self.header("2019-signing-key-9"), &self.claims(0))
    }

    /// Signed by the right key, and yet not to be accepted: by its `nbf`, its `crit` and so on.
    pub fn doubtful_tokens(&self) -> Vec<(&'static str, String)> {
        let without = |name: &str| {
            let mut claims = self.claims(0);
            claims.as_object_mut().expect("an object").remove(name);
            self.sign(&self.header(KID), &claims)
        };
        let header_with = |name: &str, value: Value| {
            let mut header = self.header(KID);
            header[name] = value;
            self.sign(&header, &self.claims(0))
        };
        vec![
            ("another `iss`", self.token_with("iss", json!("https://other.example"))),
            ("no `iss`", without("iss")),
            ("another `aud`", self.token_with("aud", json!("https://other.example"))),
            ("no `aud`", without("aud")),
            ("`nbf` in the future", self.token_with("nbf", json!(self.now + 3600))),
            ("an unknown `crit`", header_with("crit", json!(["x"]))),
            ("a logout token", header_with("typ", json!("logout+jwt"))),
            ("a token bound by `cnf`", self.token_with("cnf", json!({ "jkt": "x" }))),
        ]
    }

    fn header(&self, kid: &str) -> Value {
        json!({ "alg": self.algorithm.name(), "typ": "JWT", "kid": kid })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let [header, claims] = [header, claims].map(|part| BASE64URL.encode_to_string(part.to_string()));
        let input = format!("{header}.{claims}");
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&signature::RSA_PKCS1_SHA256, &random, input.as_bytes(), &mut signature)
                    .expect("a signature");
                signature
            }
            Pair::Ec(pair) => pair.sign(&random, input.as_bytes()).expect("a signature").as_ref().to_vec(),
            Pair::Ed(pair) => pair.sign(input.as_bytes()).as_ref().to_vec(),
        };
        format!("{input}.{}", BASE64URL.encode_to_string(signature))
    }
}

/// The same token under a signature that differs in one byte.
pub fn forged(token: &str) -> String {
    let (input, signature) = split(token);
    let mut signature = signature;
    signature[9] ^= 1;
    format!("{input}.{}", BASE64URL.encode_to_string(signature))
}

/// What is signed, and the signature.
pub fn split(token: &str) -> (String, Vec<u8>) {
    let (input, signature) = token.rsplit_once('.').expect("three parts");
    (input.to_owned(), BASE64URL.decode_to_vec(signature).expect("base64url"))
}

#[allow(clippy::disallowed_methods, reason = "most peers judge by the machine's clock, and know no other")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_secs()
}
