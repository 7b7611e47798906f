use std::sync::{Arc, OnceLock};

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};
use tower_jwt_auth::token::Algorithm;

pub const ISSUER: &str = "https://issuer.example";
pub const AUDIENCE: &str = "api";
/// The time at which all tests happen, unless they move it.
pub const NOW: u32 = 1_800_000_000;

/// A key pair of one algorithm, under one `kid`.
pub struct SigningKey {
    pub kid: String,
    pub algorithm: Algorithm,
    pair: Arc<Pair>,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl SigningKey {
    pub fn generate(algorithm: Algorithm, kid: &str) -> Self {
        let ec = |parameters| Pair::Ec(EcdsaKeyPair::generate(parameters).expect("a key pair"));
        let pair = match algorithm {
            Algorithm::Es256 => ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::Es384 => ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::Es512 => ec(&signature::ECDSA_P521_SHA512_FIXED_SIGNING),
            Algorithm::Es256K => ec(&signature::ECDSA_P256K1_SHA256_FIXED_SIGNING),
            Algorithm::EdDsa => Pair::Ed(Ed25519KeyPair::generate().expect("a key pair")),
            _ => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key pair")),
        };
        Self { kid: kid.to_owned(), algorithm, pair: Arc::new(pair) }
    }

    /// The same pair, signing with another algorithm of its type.
    pub fn as_algorithm(&self, algorithm: Algorithm) -> Self {
        Self { kid: self.kid.clone(), algorithm, pair: Arc::clone(&self.pair) }
    }

    /// The same pair under another name: a `kid` given to another key, or a key given another `kid`.
    pub fn public_jwk_as(&self, kid: &str) -> Value {
        let mut jwk = self.public_jwk();
        jwk["kid"] = kid.into();
        jwk
    }

    pub fn public_jwk(&self) -> Value {
        let mut jwk = match &*self.pair {
            Pair::Rsa(pair) => {
                let public = pair.public_key();
                let n = public.modulus().big_endian_without_leading_zero();
                let e = public.exponent().big_endian_without_leading_zero();
                json!({ "kty": "RSA", "n": encode(n), "e": encode(e) })
            }
            Pair::Ec(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = match self.algorithm {
                    Algorithm::Es256 => "P-256",
                    Algorithm::Es384 => "P-384",
                    Algorithm::Es512 => "P-521",
                    _ => "secp256k1",
                };
                json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) })
            }
            Pair::Ed(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key()) })
            }
        };
        jwk["kid"] = self.kid.as_str().into();
        jwk["alg"] = self.algorithm.name().into();
        jwk
    }

    /// The public key as the bytes that an attacker knows: SubjectPublicKeyInfo.
    pub fn public_der(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'_> = match &*self.pair {
            Pair::Rsa(pair) => pair.public_key().as_der(),
            Pair::Ec(pair) => pair.public_key().as_der(),
            Pair::Ed(pair) => pair.public_key().as_der(),
        }
        .expect("a public key");
        der.as_ref().to_vec()
    }

    pub fn public_pem(&self) -> String {
        let base64 = base64_simd::STANDARD.encode_to_string(self.public_der());
        let lines: Vec<_> = base64.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }

    /// A good token with `claims`, under this key's own header.
    pub fn token(&self, claims: &Value) -> String {
        self.token_with_header(&self.header(), claims)
    }

    pub fn header(&self) -> Value {
        json!({ "alg": self.algorithm.name(), "kid": self.kid, "typ": "JWT" })
    }

    pub fn token_with_header(&self, header: &Value, claims: &Value) -> String {
        self.token_of(header.to_string(), claims.to_string())
    }

    /// Signs any two texts as header and payload.
    pub fn token_of(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let signing_input = format!("{}.{}", encode(header), encode(payload));
        format!("{signing_input}.{}", encode(self.sign(signing_input.as_bytes())))
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &*self.pair {
            Pair::Ec(pair) => pair.sign(&random, message).expect("a signature").as_ref().to_vec(),
            Pair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let encoding: &'static dyn signature::RsaEncoding = match self.algorithm {
                    Algorithm::Rs256 => &signature::RSA_PKCS1_SHA256,
                    Algorithm::Rs384 => &signature::RSA_PKCS1_SHA384,
                    Algorithm::Rs512 => &signature::RSA_PKCS1_SHA512,
                    Algorithm::Ps256 => &signature::RSA_PSS_SHA256,
                    Algorithm::Ps384 => &signature::RSA_PSS_SHA384,
                    _ => &signature::RSA_PSS_SHA512,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).expect("a signature");
                signature
            }
        }
    }
}

/// One key for all the tests that need any key: ES256, `kid` "es256-1".
pub fn shared_key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate(Algorithm::Es256, "es256-1"))
}

/// One RSA key for all the tests that need one, as RSA keys are slow to make: RS256, `kid` "rs256-1".
pub fn shared_rsa_key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate(Algorithm::Rs256, "rs256-1"))
}

/// A token with a good MAC by `secret`, whatever its header says.
pub fn mac_token(algorithm: hmac::Algorithm, secret: &[u8], header: &Value, claims: &Value) -> String {
    let signing_input = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let tag = hmac::sign(&hmac::Key::new(algorithm, secret), signing_input.as_bytes());
    format!("{signing_input}.{}", encode(tag))
}

/// Claims that every policy of the tests accepts at [`NOW`].
pub fn good_claims() -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": NOW, "nbf": NOW, "exp": NOW + 300 })
}

/// [`good_claims`] with some of them replaced, or with `null` removed.
#[expect(clippy::needless_pass_by_value, reason = "the changes are written on the spot")]
pub fn claims_with(changes: Value) -> Value {
    let mut claims = good_claims();
    for (name, value) in changes.as_object().expect("an object of changes") {
        match value {
            Value::Null => _ = claims.as_object_mut().and_then(|claims| claims.remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

/// A JWK Set as a provider publishes it.
pub fn jwks_of<'k>(keys: impl IntoIterator<Item = &'k SigningKey>) -> String {
    let keys: Vec<_> = keys.into_iter().map(SigningKey::public_jwk).collect();
    json!({ "keys": keys }).to_string()
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64URL.encode_to_string(bytes)
}

pub fn decode(part: &str) -> Vec<u8> {
    BASE64URL.decode_to_vec(part).expect("base64url")
}
