//! What the stand-ins sign with: fresh keys, their public halves as JWKs, and the small change of a token.
//!
//! An example takes in the stand-ins that it needs, with this and `browser`, which they share:
//!
//! ```ignore
//! mod stand_in {
//!     pub(crate) mod browser;
//!     pub(crate) mod phonelink;
//!     pub(crate) mod signing;
//! }
//! ```
//!
//! A test writes `#[path = "../../examples/stand_in"]` above its `mod stand_in`.
#![allow(
    dead_code,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "it stands in for a provider, which is none of the crate's business, and each example uses a part"
)]

use std::io;
use std::time::SystemTime;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey, VerificationAlgorithm,
};
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;

/// A key, with the name under which it is published. A shared secret has none, because nobody publishes it.
pub(crate) struct SigningKey {
    kid: Option<String>,
    pair: Pair,
}

enum Pair {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
    Hs256(Box<hmac::Key>),
}

impl SigningKey {
    pub(crate) fn es256(kid: impl Into<String>) -> io::Result<Self> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(io::Error::other)?;
        Ok(Self { kid: Some(kid.into()), pair: Pair::Es256(pair) })
    }

    pub(crate) fn eddsa(kid: impl Into<String>) -> io::Result<Self> {
        let pair = Ed25519KeyPair::generate().map_err(io::Error::other)?;
        Ok(Self { kid: Some(kid.into()), pair: Pair::EdDsa(pair) })
    }

    /// 2048 bits, which can take a second: once at start is often enough.
    pub(crate) fn rs256(kid: impl Into<String>) -> io::Result<Self> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(io::Error::other)?;
        Ok(Self { kid: Some(kid.into()), pair: Pair::Rs256(pair) })
    }

    pub(crate) fn hs256() -> io::Result<Self> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).map_err(io::Error::other)?;
        Ok(Self { kid: None, pair: Pair::Hs256(Box::new(key)) })
    }

    pub(crate) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    pub(crate) fn alg(&self) -> &'static str {
        match self.pair {
            Pair::Es256(_) => "ES256",
            Pair::EdDsa(_) => "EdDSA",
            Pair::Rs256(_) => "RS256",
            Pair::Hs256(_) => "HS256",
        }
    }

    /// The token that says `claims`, which is taken as it is: the order of its members is the provider's.
    pub(crate) fn sign(&self, claims: &str) -> String {
        let kid = self.kid.as_ref().map(|kid| format!(r#""kid":"{kid}","#)).unwrap_or_default();
        let header = format!(r#"{{"alg":"{}",{kid}"typ":"JWT"}}"#, self.alg());
        let signed = format!("{}.{}", base64url(header), base64url(claims));
        let signature = self.signature(signed.as_bytes());
        format!("{signed}.{}", base64url(signature))
    }

    fn signature(&self, signed: &[u8]) -> Vec<u8> {
        const SIGNS: &str = "a key that was made here signs";
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Es256(pair) => pair.sign(&random, signed).expect(SIGNS).as_ref().to_vec(),
            Pair::EdDsa(pair) => pair.sign(signed).as_ref().to_vec(),
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, signed, &mut signature).expect(SIGNS);
                signature
            }
            Pair::Hs256(key) => hmac::sign(key, signed).as_ref().to_vec(),
        }
    }

    /// Whether `signature` is of this key over the first two parts of a token.
    pub(crate) fn verifies(&self, signed: &str, signature: &[u8]) -> bool {
        let check = |algorithm: &'static dyn VerificationAlgorithm, public: &[u8]| {
            UnparsedPublicKey::new(algorithm, public).verify(signed.as_bytes(), signature).is_ok()
        };
        match &self.pair {
            Pair::Es256(pair) => check(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref()),
            Pair::EdDsa(pair) => check(&ED25519, pair.public_key().as_ref()),
            Pair::Rs256(pair) => check(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref()),
            Pair::Hs256(key) => hmac::verify(key, signed.as_bytes(), signature).is_ok(),
        }
    }

    /// The public half, with no `use`; none of a shared secret.
    fn public_jwk(&self) -> Option<String> {
        let kid = self.kid.as_ref()?;
        Some(match &self.pair {
            Pair::Es256(pair) => {
                // An uncompressed point: a byte 4 and two coordinates of 32 bytes.
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                let (x, y) = (base64url(x), base64url(y));
                format!(r#"{{"kty":"EC","alg":"ES256","kid":"{kid}","crv":"P-256","x":"{x}","y":"{y}"}}"#)
            }
            Pair::EdDsa(pair) => {
                let x = base64url(pair.public_key());
                format!(r#"{{"kty":"OKP","alg":"EdDSA","kid":"{kid}","crv":"Ed25519","x":"{x}"}}"#)
            }
            Pair::Rs256(pair) => {
                let n = base64url(pair.public_key().modulus().big_endian_without_leading_zero());
                let e = base64url(pair.public_key().exponent().big_endian_without_leading_zero());
                format!(r#"{{"kty":"RSA","alg":"RS256","kid":"{kid}","n":"{n}","e":"{e}"}}"#)
            }
            Pair::Hs256(_) => return None,
        })
    }
}

/// The JWKS of `keys`, in their order.
pub(crate) fn key_set<'a>(keys: impl IntoIterator<Item = &'a SigningKey>) -> String {
    let keys: Vec<String> = keys.into_iter().filter_map(SigningKey::public_jwk).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

pub(crate) fn base64url(data: impl AsRef<[u8]>) -> String {
    BASE64URL.encode_to_string(data)
}

/// In unix seconds.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// A random one, of version 4.
pub(crate) fn uuid() -> String {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).expect("the system has randomness");
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let n = u128::from_be_bytes(bytes);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        n >> 96,
        (n >> 80) & 0xffff,
        (n >> 64) & 0xffff,
        (n >> 48) & 0xffff,
        n & 0xffff_ffff_ffff
    )
}
