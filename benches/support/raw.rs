//! The signature and nothing else: no base64, no JSON, no choice of a key.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use tower_jwt_auth::token::Algorithm;

use super::tokens::{Mint, SECRET, claims};

/// A key that was parsed before.
pub enum RawKey {
    Public(ParsedPublicKey),
    Secret(Box<hmac::Key>),
}

/// What was signed, and its signature.
pub struct Signed {
    message: String,
    signature: Vec<u8>,
}

impl RawKey {
    pub fn of(mint: &Mint) -> Self {
        let Mint::Key(key) = mint else {
            return Self::Secret(Box::new(hmac::Key::new(hmac::HMAC_SHA256, &SECRET)));
        };
        let algorithm: &'static dyn VerificationAlgorithm = match key.algorithm() {
            Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            Algorithm::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
            Algorithm::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
            Algorithm::EdDsa => &signature::ED25519,
            other => panic!("{other} is not measured"),
        };
        Self::Public(ParsedPublicKey::new(algorithm, key.public_der()).expect("a key"))
    }

    pub fn verifies(&self, signed: &Signed) -> bool {
        let Signed { message, signature } = signed;
        match self {
            Self::Public(key) => key.verify_sig(message.as_bytes(), signature).is_ok(),
            Self::Secret(key) => hmac::verify(key, message.as_bytes(), signature).is_ok(),
        }
    }
}

impl Signed {
    /// Several, so that none is at hand.
    pub fn some_by(mint: &Mint) -> Vec<Self> {
        let token = |n| mint.token(&claims(n));
        (0..64).map(token).map(|token| Self::of(&token)).collect()
    }

    fn of(token: &str) -> Self {
        let (message, signature) = token.rsplit_once('.').expect("three parts");
        Self {
            message: message.to_owned(),
            signature: BASE64URL.decode_to_vec(signature).expect("base64url"),
        }
    }
}
