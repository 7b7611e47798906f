//! An issuer whose keys and tokens are the same in every run, so that every run takes the same way through the code.
//!
//! Only ES256 signatures differ, as they are random; verifying one costs as much as verifying another, all but exactly.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use base64_simd::{STANDARD, URL_SAFE_NO_PAD as BASE64URL};
use serde_json::json;
use tower_jwt_auth::token::Algorithm;

pub const ISSUER: &str = "https://issuer.example";
pub const AUDIENCE: &str = "api";
pub const SECRET: [u8; 64] = [7; 64];

/// 2023, when all tokens were issued, and 2100, when most of them expire.
pub const LONG_AGO: u32 = 1_700_000_000;
const IN_2100: u32 = 4_102_444_800;

/// What a token says, as far as tokens differ.
#[derive(Clone, Copy)]
pub struct Token {
    pub algorithm: Algorithm,
    pub kid: &'static str,
    pub iss: &'static str,
    pub aud: &'static str,
    pub exp: u32,
    /// Whose it is: what makes it another token than the one before.
    pub user: usize,
}

impl Token {
    /// One that is accepted.
    pub fn good(algorithm: Algorithm, user: usize) -> Self {
        let kid = match algorithm {
            Algorithm::Rs256 => "test-rs256",
            Algorithm::Es256 => "test-es256",
            Algorithm::EdDsa => "test-eddsa",
            _ => "test-other",
        };
        Self { algorithm, kid, iss: ISSUER, aud: AUDIENCE, exp: IN_2100, user }
    }

    /// As it is sent, with a signature as long as an RS256 one is, for those that nobody should take the time to verify.
    pub fn unsigned(&self) -> String {
        Signed { input: self.signing_input(), signature: vec![0x5a; 256] }.text()
    }

    /// Header and payload, joined and encoded: about 750 bytes with an RS256 signature.
    fn signing_input(&self) -> String {
        let Self { algorithm, kid, iss, aud, exp, user } = self;
        let header = format!(r#"{{"alg":"{}","kid":"{kid}","typ":"JWT"}}"#, algorithm.name());
        let payload = format!(
            concat!(
                r#"{{"iss":"{iss}","aud":"{aud}","sub":"user-{user:06}","iat":{iat},"exp":{exp},"#,
                r#""jti":"ad9e9d84-92ea-4f07-bac9-5d898d{user:06}","azp":"web","email_verified":true,"#,
                r#""tenant":7,"level":3,"scope":"openid email read write"}}"#,
            ),
            iss = iss,
            aud = aud,
            user = user,
            iat = LONG_AGO,
            exp = exp,
        );
        format!("{}.{}", BASE64URL.encode_to_string(header), BASE64URL.encode_to_string(payload))
    }
}

/// A token in two parts, as whoever verifies the signature alone has them.
pub struct Signed {
    pub input: String,
    pub signature: Vec<u8>,
}

impl Signed {
    pub fn text(&self) -> String {
        format!("{}.{}", self.input, BASE64URL.encode_to_string(&self.signature))
    }
}

pub struct Issuer {
    rs256: RsaKeyPair,
    es256: EcdsaKeyPair,
    eddsa: Ed25519KeyPair,
    random: SystemRandom,
}

impl Issuer {
    pub fn new() -> Self {
        let es256 = pkcs8(include_str!("test_key_es256.pem"));
        Self {
            rs256: RsaKeyPair::from_pkcs8(&pkcs8(include_str!("test_key_rs256.pem"))).expect("an RSA key"),
            es256: EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, &es256)
                .expect("a P-256 key"),
            eddsa: Ed25519KeyPair::from_pkcs8(&pkcs8(include_str!("test_key_eddsa.pem")))
                .expect("an Ed25519 key"),
            random: SystemRandom::new(),
        }
    }

    /// The key set, as a provider publishes it.
    pub fn jwks(&self) -> String {
        let encode = |bytes: &[u8]| BASE64URL.encode_to_string(bytes);
        let rsa = self.rs256.public_key();
        let n = encode(rsa.modulus().big_endian_without_leading_zero());
        let e = encode(rsa.exponent().big_endian_without_leading_zero());
        let (x, y) = self.es256.public_key().as_ref()[1..].split_at(32);
        let keys = json!({ "keys": [
            { "kty": "RSA", "kid": "test-rs256", "alg": "RS256", "n": n, "e": e },
            { "kty": "EC", "kid": "test-es256", "alg": "ES256", "crv": "P-256", "x": encode(x), "y": encode(y) },
            {
                "kty": "OKP", "kid": "test-eddsa", "alg": "EdDSA", "crv": "Ed25519",
                "x": encode(self.eddsa.public_key().as_ref()),
            },
        ] });
        keys.to_string()
    }

    /// The token as it is sent.
    pub fn text(&self, token: &Token) -> String {
        self.sign(token).text()
    }

    /// The public key in the form that the cryptography library parses.
    pub fn public_key(&self, algorithm: Algorithm) -> &[u8] {
        match algorithm {
            Algorithm::Rs256 => self.rs256.public_key().as_ref(),
            Algorithm::Es256 => self.es256.public_key().as_ref(),
            _ => self.eddsa.public_key().as_ref(),
        }
    }

    pub fn sign(&self, token: &Token) -> Signed {
        let input = token.signing_input();
        let message = input.as_bytes();
        let signature = match token.algorithm {
            Algorithm::Rs256 => {
                let mut signature = vec![0; self.rs256.public_modulus_len()];
                self.rs256
                    .sign(&signature::RSA_PKCS1_SHA256, &self.random, message, &mut signature)
                    .expect("a signature");
                signature
            }
            // Verifying takes two allocations more where the first number has its highest bit set: all of them have.
            Algorithm::Es256 => loop {
                let signature = self.es256.sign(&self.random, message).expect("a signature");
                if signature.as_ref()[0] >= 0x80 {
                    break signature.as_ref().to_vec();
                }
            },
            Algorithm::EdDsa => self.eddsa.sign(message).as_ref().to_vec(),
            algorithm => mac(algorithm, message),
        };
        Signed { input, signature }
    }
}

/// The MAC of `message`, with the secret.
pub fn mac(algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
    let hash = if algorithm == Algorithm::Hs512 { hmac::HMAC_SHA512 } else { hmac::HMAC_SHA256 };
    hmac::sign(&hmac::Key::new(hash, &SECRET), message).as_ref().to_vec()
}

fn pkcs8(pem: &str) -> Vec<u8> {
    let body = pem.lines().skip_while(|line| !line.starts_with("-----BEGIN")).skip(1);
    let body: String = body.take_while(|line| !line.starts_with("-----END")).collect();
    STANDARD.decode_to_vec(body).expect("base64")
}
