//! Key pairs that sign, which nothing but a test has any need for here.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use serde_json::{Value, json};

use super::encode;
use crate::token::Algorithm;

/// A fresh key pair of one algorithm under one `kid`; its clones are the same pair.
///
/// It signs whatever it is given, and so makes the tokens that an [`Issuer`](super::Issuer) would never issue.
///
/// # Examples
///
/// ```
/// use tower_jwt_auth::test_util::{SigningKey, jwks_of};
/// use tower_jwt_auth::token::Algorithm;
/// use tower_jwt_auth::{Jwks, Verifier};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = SigningKey::generate(Algorithm::EdDsa, "key-1");
/// let verifier = Verifier::new("https://login.example.com", "my-api", Jwks::from_json(jwks_of([&key]))?)?;
///
/// let claims = serde_json::json!({ "iss": "https://login.example.com", "aud": "my-api", "exp": 4_102_444_800_u64 });
/// assert!(verifier.verify(&key.token(&claims)).is_ok());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SigningKey {
    kid: Arc<str>,
    algorithm: Algorithm,
    pair: Arc<Pair>,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl SigningKey {
    /// A new pair for `algorithm`; RSA keys have 2,048 bits, and take a while to make.
    ///
    /// # Panics
    ///
    /// If `algorithm` is a MAC: see [`TokenBuilder::sign_with_secret`](super::TokenBuilder::sign_with_secret).
    #[must_use]
    pub fn generate(algorithm: Algorithm, kid: &str) -> Self {
        let ec = |parameters| Pair::Ec(EcdsaKeyPair::generate(parameters).expect("a key pair"));
        let pair = match algorithm {
            Algorithm::Es256 => ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::Es384 => ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::Es512 => ec(&signature::ECDSA_P521_SHA512_FIXED_SIGNING),
            Algorithm::Es256K => ec(&signature::ECDSA_P256K1_SHA256_FIXED_SIGNING),
            Algorithm::EdDsa => Pair::Ed(Ed25519KeyPair::generate().expect("a key pair")),
            _ => {
                assert!(algorithm.is_rsa(), "{algorithm} has no key pairs");
                Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key pair"))
            }
        };
        Self { kid: kid.into(), algorithm, pair: Arc::new(pair) }
    }

    /// The name that its tokens and its JWK bear.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What it signs with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The same pair under another `kid`.
    #[must_use]
    pub fn with_kid(&self, kid: &str) -> Self {
        Self { kid: kid.into(), ..self.clone() }
    }

    /// The same pair, signing with another algorithm of its type.
    #[must_use]
    pub fn with_algorithm(&self, algorithm: Algorithm) -> Self {
        Self { algorithm, ..self.clone() }
    }

    /// The public key as a JWK with `kid` and `alg` ([RFC 7517 §4]).
    ///
    /// [RFC 7517 §4]: https://www.rfc-editor.org/rfc/rfc7517#section-4
    #[must_use]
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
        jwk["kid"] = self.kid().into();
        jwk["alg"] = self.algorithm.name().into();
        jwk
    }

    /// The public key as SubjectPublicKeyInfo in DER ([RFC 5280 §4.1]).
    ///
    /// [RFC 5280 §4.1]: https://www.rfc-editor.org/rfc/rfc5280#section-4.1
    #[must_use]
    pub fn public_der(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'_> = match &*self.pair {
            Pair::Rsa(pair) => pair.public_key().as_der(),
            Pair::Ec(pair) => pair.public_key().as_der(),
            Pair::Ed(pair) => pair.public_key().as_der(),
        }
        .expect("a public key");
        der.as_ref().to_vec()
    }

    /// The same in PEM ([RFC 7468 §13]).
    ///
    /// [RFC 7468 §13]: https://www.rfc-editor.org/rfc/rfc7468#section-13
    #[must_use]
    pub fn public_pem(&self) -> String {
        let base64 = base64_simd::STANDARD.encode_to_string(self.public_der());
        let lines: Vec<_> = base64.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }

    /// The JOSE header of its tokens: `alg`, `kid` and `typ`.
    #[must_use]
    pub fn header(&self) -> Value {
        json!({ "alg": self.algorithm.name(), "kid": self.kid(), "typ": "JWT" })
    }

    /// Signs `claims` under its own [`header`](Self::header).
    #[must_use]
    pub fn token(&self, claims: &Value) -> String {
        self.token_with_header(&self.header(), claims)
    }

    /// Signs `claims` under any header.
    #[must_use]
    pub fn token_with_header(&self, header: &Value, claims: &Value) -> String {
        self.token_of(header.to_string(), claims.to_string())
    }

    /// Signs any two texts as header and payload.
    pub fn token_of(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let signing_input = format!("{}.{}", encode(header), encode(payload));
        format!("{signing_input}.{}", encode(self.sign(signing_input.as_bytes())))
    }

    /// The signature over `message`, in the form that JWS has it in ([RFC 7518 §3]).
    ///
    /// [RFC 7518 §3]: https://www.rfc-editor.org/rfc/rfc7518#section-3
    #[must_use]
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

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// A token of any two texts under their MAC.
///
/// # Panics
///
/// If `algorithm` is no MAC.
pub(super) fn mac_token(algorithm: Algorithm, secret: &[u8], header: &str, payload: &str) -> String {
    let hash = match algorithm {
        Algorithm::Hs256 => hmac::HMAC_SHA256,
        Algorithm::Hs384 => hmac::HMAC_SHA384,
        Algorithm::Hs512 => hmac::HMAC_SHA512,
        _ => panic!("{algorithm} takes no secret"),
    };
    let signing_input = format!("{}.{}", encode(header), encode(payload));
    let tag = hmac::sign(&hmac::Key::new(hash, secret), signing_input.as_bytes());
    format!("{signing_input}.{}", encode(tag))
}
