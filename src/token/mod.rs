//! Reading a token without believing a word of it: three parts, a header, claims that can only speak against it.

mod algorithm;
mod confirmation;
mod header;
#[cfg(test)]
mod interleavings;
mod json;
mod jsonwebtoken;
mod known_headers;
mod numeric_date;
mod plain_claims;
mod unambiguous;
mod unverified_claims;

use std::mem::MaybeUninit;

pub use algorithm::{Algorithm, AlgorithmSet};
pub(crate) use confirmation::{Confirmation, ProvenKey, Thumbprint};
pub use header::JoseHeader;
pub(crate) use header::{UnverifiedHeader, is_same_type};
pub(crate) use json::{checked_text, is_object, is_sound};
pub(crate) use known_headers::KnownHeaders;
pub(crate) use numeric_date::NumericDate;
pub(crate) use unambiguous::Unambiguous;
pub(crate) use unverified_claims::{Audience, UnverifiedClaims};

use crate::error::{AuthError, AuthErrorKind};

/// The longest token that is looked at, 16 KiB: counted before anything is split, so that size alone costs nothing.
///
/// Tokens of large identity providers reach about 8 KiB.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The longest `kid`, in tokens and in key sets: they are compared, hashed and remembered.
pub(crate) const MAX_KID_BYTES: usize = 256;

/// The longest header that is parsed, 4 KiB after decoding.
const MAX_HEADER_BYTES: usize = 4 * 1024;

/// The longest signature of any algorithm: RSA with 8,192 bits.
const MAX_SIGNATURE_BYTES: usize = 1024;

/// The three parts of a compact JWS, still encoded ([RFC 7515 §7.1]).
///
/// [RFC 7515 §7.1]: https://www.rfc-editor.org/rfc/rfc7515#section-7.1
pub(crate) struct UnverifiedToken<'a> {
    text: &'a [u8],
    header: &'a [u8],
    payload: &'a [u8],
    signing_input: &'a [u8],
    signature: &'a [u8],
}

impl<'a> UnverifiedToken<'a> {
    /// Splits `text` at its two dots; the alphabet is checked when a part is decoded.
    pub(crate) fn split(text: &'a (impl AsRef<[u8]> + ?Sized)) -> Result<Self, AuthError> {
        let text = text.as_ref();
        if text.len() > MAX_TOKEN_BYTES {
            return Err(AuthErrorKind::TokenTooLarge.into());
        }
        let mut dots = memchr::memchr_iter(b'.', text);
        let (Some(first), Some(second)) = (dots.next(), dots.next()) else {
            return Err(AuthErrorKind::TokenMalformed.into());
        };
        match dots.count() {
            0 => {}
            2 => return Err(AuthErrorKind::TokenEncrypted.into()),
            _ => return Err(AuthErrorKind::TokenMalformed.into()),
        }
        let parts = || {
            let (signing_input, signature) = text.split_at_checked(second)?;
            let (header, payload) = signing_input.split_at_checked(first)?;
            Some(Self {
                text,
                header,
                payload: payload.get(1..)?,
                signing_input,
                signature: signature.get(1..)?,
            })
        };
        match parts() {
            Some(token)
                if !token.header.is_empty() && !token.payload.is_empty() && !token.signature.is_empty() =>
            {
                Ok(token)
            }
            _ => Err(AuthErrorKind::TokenMalformed.into()),
        }
    }

    /// The whole of it.
    pub(crate) fn text(&self) -> &'a [u8] {
        self.text
    }

    /// Header and payload as they were signed, with the dot between them.
    pub(crate) fn signing_input(&self) -> &'a [u8] {
        self.signing_input
    }

    /// The header, still encoded.
    pub(crate) fn encoded_header(&self) -> &'a [u8] {
        self.header
    }

    pub(crate) fn decode_header(&self) -> Result<Vec<u8>, AuthError> {
        if self.header.len() > base64_simd::URL_SAFE_NO_PAD.encoded_length(MAX_HEADER_BYTES) {
            return Err(AuthErrorKind::TokenMalformed.into());
        }
        decode(self.header)
    }

    pub(crate) fn decode_payload(&self) -> Result<String, AuthError> {
        String::from_utf8(decode(self.payload)?).map_err(|_| AuthErrorKind::TokenMalformed.into())
    }

    pub(crate) fn decode_signature<'b>(
        &self,
        room: &'b mut SignatureRoom,
    ) -> Result<Signature<'b>, AuthError> {
        if self.signature.len() > base64_simd::URL_SAFE_NO_PAD.encoded_length(MAX_SIGNATURE_BYTES) {
            return Err(AuthErrorKind::TokenMalformed.into());
        }
        let out = base64_simd::Out::from_uninit_slice(&mut room.0);
        let bytes = base64_simd::URL_SAFE_NO_PAD
            .decode(self.signature, out)
            .map_err(|_| AuthErrorKind::TokenMalformed)?;
        Ok(Signature(bytes))
    }
}

/// The issuer that a token says it has, if it says so in a way that can be accepted: good for choosing who is to judge it,
/// and for nothing else.
pub(crate) fn unverified_issuer(text: &[u8]) -> Option<String> {
    let payload = unverified_payload(text)?;
    let claims = UnverifiedClaims::parse(&payload, &[], &[]).ok()?;
    claims.iss.map(std::borrow::Cow::into_owned)
}

/// What a token says, whoever has signed it.
pub(crate) fn unverified_payload(text: &(impl AsRef<[u8]> + ?Sized)) -> Option<String> {
    UnverifiedToken::split(text).ok()?.decode_payload().ok()
}

/// Room for the longest signature, on the stack of whoever verifies it.
pub(crate) struct SignatureRoom([MaybeUninit<u8>; MAX_SIGNATURE_BYTES]);

impl SignatureRoom {
    pub(crate) fn new() -> Self {
        Self([const { MaybeUninit::uninit() }; MAX_SIGNATURE_BYTES])
    }
}

/// A decoded signature.
pub(crate) struct Signature<'b>(&'b [u8]);

impl Signature<'_> {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0
    }
}

/// Strict base64url: no padding, no white space, no other alphabet, and no stray bits at the end ([RFC 7515 §2],
/// [RFC 4648 §3.5]), so that one token has one text.
///
/// [RFC 7515 §2]: https://www.rfc-editor.org/rfc/rfc7515#section-2
/// [RFC 4648 §3.5]: https://www.rfc-editor.org/rfc/rfc4648#section-3.5
fn decode(part: &[u8]) -> Result<Vec<u8>, AuthError> {
    base64_simd::URL_SAFE_NO_PAD.decode_to_vec(part).map_err(|_| AuthErrorKind::TokenMalformed.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(text: &str) -> Option<AuthErrorKind> {
        UnverifiedToken::split(text).err().map(|error| error.kind())
    }

    #[test]
    fn only_three_parts_that_hold_something_are_a_token() {
        let cases = [
            ("", Some(AuthErrorKind::TokenMalformed)),
            ("a", Some(AuthErrorKind::TokenMalformed)),
            ("a.b", Some(AuthErrorKind::TokenMalformed)),
            ("a.b.c", None),
            ("a.b.c.d", Some(AuthErrorKind::TokenMalformed)),
            ("a.b.c.d.e", Some(AuthErrorKind::TokenEncrypted)),
            ("a.b.c.d.e.f", Some(AuthErrorKind::TokenMalformed)),
            ("a..b", Some(AuthErrorKind::TokenMalformed)),
            (".a.b", Some(AuthErrorKind::TokenMalformed)),
            ("a.b.", Some(AuthErrorKind::TokenMalformed)),
        ];
        for (text, want) in cases {
            assert_eq!(kind_of(text), want, "{text:?}");
        }
    }

    #[test]
    fn the_size_is_judged_before_the_shape() {
        let longest = format!("a.b.{}", "c".repeat(MAX_TOKEN_BYTES - 4));
        assert_eq!(kind_of(&longest), None);
        assert_eq!(kind_of(&format!("{longest}c")), Some(AuthErrorKind::TokenTooLarge));
        assert_eq!(kind_of(&".".repeat(1 << 20)), Some(AuthErrorKind::TokenTooLarge));
        assert_eq!(kind_of(&"A".repeat(1 << 20)), Some(AuthErrorKind::TokenTooLarge));
    }

    #[test]
    fn a_header_longer_than_4_kib_is_malformed() {
        let decoded = |bytes: usize| {
            let header = base64_simd::URL_SAFE_NO_PAD.encode_to_string(vec![b' '; bytes]);
            UnverifiedToken::split(&format!("{header}.b.c")).and_then(|token| token.decode_header())
        };
        assert_eq!(decoded(4096).map(|header| header.len()), Ok(4096));
        assert_eq!(decoded(4097).map_err(|error| error.kind()), Err(AuthErrorKind::TokenMalformed));
    }

    #[test]
    fn base64url_is_strict_and_canonical() {
        for (text, good) in [
            ("QQ", true),
            ("QR", false),
            ("QUI", true),
            ("QUJ", false),
            ("QUJD", true),
            ("QQ==", false),
            ("+/8", false),
            ("-_8", true),
            ("QU JD", false),
            ("QUJD\n", false),
            ("Q", false),
            ("QUJDé", false),
        ] {
            assert_eq!(decode(text.as_bytes()).is_ok(), good, "{text:?}");
        }
    }

    #[test]
    fn a_signature_longer_than_any_algorithm_makes_is_malformed() {
        let encoded = |bytes: usize| base64_simd::URL_SAFE_NO_PAD.encode_to_string(vec![7u8; bytes]);
        let token = format!("a.b.{}", encoded(1024));
        let mut room = SignatureRoom::new();
        let signature = UnverifiedToken::split(&token).and_then(|token| token.decode_signature(&mut room));
        assert!(signature.is_ok_and(|signature| signature.as_bytes() == [7u8; 1024]));
        let token = format!("a.b.{}", encoded(1025));
        assert!(UnverifiedToken::split(&token).is_ok_and(|token| token.decode_signature(&mut room).is_err()));
    }
}
