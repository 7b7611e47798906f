//! Every kind of bad token, under one name each.

use std::time::Duration;

use serde_json::{Value, json};

use super::encode;
use super::issuer::Issuer;
use super::signing_key::{SigningKey, mac_token};
use super::token::{LIFETIME, TokenBuilder, unix_seconds};
use crate::error::AuthErrorKind;
use crate::token::{Algorithm, MAX_TOKEN_BYTES};

const HOUR: Duration = Duration::from_secs(3600);

macro_rules! flaws {
    ($($(#[$doc:meta])* $flaw:ident, $method:ident => $kind:ident;)+) => {
        /// The one thing that is wrong with a token of [`Issuer::flawed`].
        ///
        /// | flaw | in one call | refused as |
        /// |---|---|---|
        $(#[doc = concat!(
            "| [`", stringify!($flaw), "`](Self::", stringify!($flaw), ") | ",
            "[`", stringify!($method), "()`](Issuer::", stringify!($method), ") | ",
            "[`", stringify!($kind), "`](AuthErrorKind::", stringify!($kind), ") |"
        )])+
        ///
        /// "Refused as" is what the default policy says, with the issuer's own URL, audience and keys.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Flaw {
            $($(#[$doc])* $flaw,)+
        }

        impl Flaw {
            /// Every flaw there is.
            pub const ALL: &'static [Self] = &[$(Self::$flaw),+];

            /// What a verifier with the default policy refuses it as.
            #[must_use]
            pub const fn refused_as(self) -> AuthErrorKind {
                match self {
                    $(Self::$flaw => AuthErrorKind::$kind,)+
                }
            }
        }

        /// Bad tokens, each in one call.
        impl Issuer {
            $(
                #[doc = concat!("A token with the flaw [`", stringify!($flaw), "`](Flaw::", stringify!($flaw), ").")]
                #[must_use]
                pub fn $method(&self) -> String {
                    self.flawed(Flaw::$flaw)
                }
            )+
        }

        /// Bad tokens with claims of your own, each in one call.
        impl TokenBuilder {
            $(
                #[doc = concat!("The token with the flaw [`", stringify!($flaw), "`](Flaw::", stringify!($flaw), ").")]
                #[must_use]
                pub fn $method(self) -> String {
                    self.flawed(Flaw::$flaw)
                }
            )+
        }
    };
}

flaws! {
    /// It expired an hour ago.
    Expired, expired => TokenExpired;
    /// It is good in an hour, and not before (`nbf`).
    NotYetValid, not_yet_valid => TokenNotYetValid;
    /// It never expires: there is no `exp`.
    NoExpiry, no_expiry => ClaimMissing;
    /// Its `exp` is a string.
    ExpiryIsText, expiry_is_text => ClaimInvalid;
    /// Its `exp` stands there twice.
    ExpiryTwice, expiry_twice => TokenMalformed;
    /// Its issuer's URL begins with that of the right one.
    WrongIss, wrong_iss => IssuerMismatch;
    /// There is no `iss`.
    NoIss, no_iss => IssuerMismatch;
    /// Its audience begins with the right one.
    WrongAud, wrong_aud => AudienceMismatch;
    /// There is no `aud`.
    NoAud, no_aud => AudienceMismatch;
    /// Its subject was changed after it was signed.
    TamperedClaims, tampered_claims => SignatureInvalid;
    /// A stranger has signed it, in the name of the issuer's key.
    Forged, forged => SignatureInvalid;
    /// A stranger has signed it, and put the key to verify it with into the header (`jwk`).
    EmbeddedJwk, embedded_jwk => SignatureInvalid;
    /// One bit of its signature is another.
    BitFlipped, bit_flipped => SignatureInvalid;
    /// Its signature is all zeros.
    ZeroSignature, zero_signature => SignatureInvalid;
    /// Its signature is missing.
    Unsigned, unsigned => TokenMalformed;
    /// Its `alg` is `none`, and it has no signature.
    AlgNone, alg_none => TokenMalformed;
    /// Its `alg` is `none`, and it has the signature of the right key.
    AlgNoneSigned, alg_none_signed => AlgorithmUnsupported;
    /// Its `alg` is HS256, and the secret is the issuer's public key in PEM.
    Hs256WithPublicKey, hs256_with_public_key => AlgorithmUnsupported;
    /// Its `alg` is not the one of the key that it names.
    WrongAlg, wrong_alg => KeyUnknown;
    /// A key that was never published has signed it.
    UnknownKid, unknown_kid => KeyUnknown;
    /// Its header has `alg` twice.
    AlgTwice, alg_twice => TokenMalformed;
    /// Its header has an extension that must be understood (`crit`).
    Critical, critical => HeaderUnsupported;
    /// Its header says that it is compressed (`zip`).
    Compressed, compressed => HeaderUnsupported;
    /// Its header says that there is a token inside (`cty`).
    Nested, nested => HeaderUnsupported;
    /// It is a logout token (`typ`).
    LogoutToken, logout_token => TypeMismatch;
    /// It is bound to a key that its sender has to prove (`cnf`).
    SenderBound, sender_bound => TokenBound;
    /// It has five parts, as an encrypted token has.
    Encrypted, encrypted => TokenEncrypted;
    /// It has base64 padding.
    Padded, padded => TokenMalformed;
    /// It is longer than any token may be.
    TooLarge, too_large => TokenTooLarge;
}

impl TokenBuilder {
    /// The token with `flaw`.
    #[must_use]
    pub fn flawed(self, flaw: Flaw) -> String {
        match flaw {
            Flaw::Expired => self.expired_an_hour_ago().sign(),
            Flaw::NotYetValid => self.good_in_an_hour().sign(),
            Flaw::NoExpiry => self.without_claim("exp").sign(),
            Flaw::ExpiryIsText => self.change_claim("exp", |exp| exp.to_string().into()).sign(),
            Flaw::ExpiryTwice => self.sign_twice_with("exp"),
            Flaw::WrongIss => self.change_claim("iss", with_suffix).sign(),
            Flaw::NoIss => self.without_claim("iss").sign(),
            Flaw::WrongAud => self.change_claim("aud", with_suffix).sign(),
            Flaw::NoAud => self.without_claim("aud").sign(),
            Flaw::TamperedClaims => {
                let signed = self.clone().sign();
                let (_, payload) = self.change_claim("sub", with_suffix).texts();
                let [header, _, signature] = parts(&signed);
                format!("{header}.{}.{signature}", encode(payload))
            }
            Flaw::Forged => self.by_a_stranger().sign(),
            Flaw::EmbeddedJwk => {
                let stranger = self.by_a_stranger();
                let jwk = stranger.key.public_jwk();
                stranger.header("jwk", jwk).sign()
            }
            Flaw::BitFlipped => self.sign_and_change(|signature| signature[0] ^= 1),
            Flaw::ZeroSignature => self.sign_and_change(|signature| signature.fill(0)),
            Flaw::Unsigned => without_signature(&self.sign()),
            Flaw::AlgNone => without_signature(&self.header("alg", "none").sign()),
            Flaw::AlgNoneSigned => self.header("alg", "none").sign(),
            Flaw::Hs256WithPublicKey => {
                let (header, payload) = self.clone().header("alg", "HS256").texts();
                mac_token(Algorithm::Hs256, self.key.public_pem().as_bytes(), &header, &payload)
            }
            Flaw::WrongAlg => {
                let other = if self.key.algorithm() == Algorithm::Es256 {
                    Algorithm::EdDsa
                } else {
                    Algorithm::Es256
                };
                self.header("alg", other.name()).sign()
            }
            Flaw::UnknownKid => {
                let stranger = self.by_a_stranger();
                let kid = format!("{}-never-published", stranger.key.kid());
                stranger.header("kid", kid).sign()
            }
            Flaw::AlgTwice => {
                let (header, payload) = self.texts();
                self.key.token_of(twice("alg", &self.header["alg"], &header), payload)
            }
            Flaw::Critical => self.header("crit", json!(["exp"])).sign(),
            Flaw::Compressed => self.header("zip", "DEF").sign(),
            Flaw::Nested => self.header("cty", "JWT").sign(),
            Flaw::LogoutToken => self.header("typ", "logout+jwt").sign(),
            Flaw::SenderBound => self.claim("cnf", json!({ "jkt": encode([7; 32]) })).sign(),
            Flaw::Encrypted => format!("{}.{}.{}", self.sign(), encode([7; 16]), encode([7; 16])),
            Flaw::Padded => self.sign() + "=",
            Flaw::TooLarge => self.claim("padding", "a".repeat(MAX_TOKEN_BYTES)).sign(),
        }
    }

    /// Whatever was said of its times; those that it does not have it has not.
    fn expired_an_hour_ago(mut self) -> Self {
        let end = self.issued - HOUR;
        let start = unix_seconds(end - LIFETIME);
        for name in ["iat", "nbf"] {
            if self.claims.contains_key(name) {
                self = self.claim(name, start);
            }
        }
        self.claim("exp", unix_seconds(end))
    }

    /// The same.
    fn good_in_an_hour(self) -> Self {
        let start = unix_seconds(self.issued + HOUR);
        self.claim("nbf", start).expires_in(HOUR * 2)
    }

    /// The same, with a key of the same name that the issuer does not have.
    fn by_a_stranger(mut self) -> Self {
        self.key = SigningKey::generate(self.key.algorithm(), self.key.kid());
        self
    }

    fn change_claim(self, name: &str, change: impl FnOnce(&Value) -> Value) -> Self {
        let changed = change(self.claims.get(name).unwrap_or(&Value::Null));
        self.claim(name, changed)
    }

    fn sign_twice_with(self, name: &str) -> String {
        let (header, payload) = self.texts();
        let value = self.claims.get(name).unwrap_or(&Value::Null);
        self.key.token_of(header, twice(name, value, &payload))
    }

    fn sign_and_change(self, change: impl FnOnce(&mut [u8])) -> String {
        let (header, payload) = self.texts();
        let signing_input = format!("{}.{}", encode(header), encode(payload));
        let mut signature = self.key.sign(signing_input.as_bytes());
        change(&mut signature);
        format!("{signing_input}.{}", encode(signature))
    }
}

fn with_suffix(value: &Value) -> Value {
    format!("{}.evil.example", value.as_str().unwrap_or_default()).into()
}

/// The JSON object `text` with one more member in front.
fn twice(name: &str, value: &Value, text: &str) -> String {
    format!("{{{}:{value},{}", Value::from(name), &text[1..])
}

fn without_signature(token: &str) -> String {
    let [header, payload, _] = parts(token);
    format!("{header}.{payload}.")
}

fn parts(token: &str) -> [&str; 3] {
    let mut parts = token.split('.');
    [(); 3].map(|()| parts.next().unwrap_or_default())
}
