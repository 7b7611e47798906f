//! The cryptography, all of it: but for signing, which is for tests and in `test_util`, the only file that names the library
//! behind it.

use std::fmt;

use aws_lc_rs::rsa::{PublicKey as RsaPublicKey, PublicKeyComponents};
use aws_lc_rs::signature::{self, ParsedPublicKey, RsaParameters, VerificationAlgorithm};
use aws_lc_rs::{constant_time, digest, hmac, rand};

use crate::token::Algorithm;

/// A public key, parsed and checked once, that can verify signatures of one algorithm.
#[derive(Clone)]
pub(crate) struct PublicKey {
    parsed: ParsedPublicKey,
}

/// Why bytes are no public key that is worth trusting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyFault {
    /// The algorithm is not one for this type of key.
    WrongAlgorithm,
    /// An RSA modulus shorter than 2,048 or longer than 8,192 bits, or even.
    Modulus,
    /// An RSA exponent that is even, below 3 or above 33 bits.
    Exponent,
    /// Not a point of the curve in full length, or one of small order.
    Point,
}

impl PublicKey {
    /// An RSA key of 2,048 to 8,192 bits with an odd exponent of at least 3 ([RFC 7518 §3.3]).
    ///
    /// [RFC 7518 §3.3]: https://www.rfc-editor.org/rfc/rfc7518#section-3.3
    pub(crate) fn rsa(algorithm: Algorithm, n: &[u8], e: &[u8]) -> Result<Self, KeyFault> {
        let parameters = rsa_parameters(algorithm).ok_or(KeyFault::WrongAlgorithm)?;
        let (n, e) = (without_leading_zeros(n), without_leading_zeros(e));
        if !(2048..=8192).contains(&bits(n)) || !is_odd(n) {
            return Err(KeyFault::Modulus);
        }
        if !(2..=33).contains(&bits(e)) || !is_odd(e) {
            return Err(KeyFault::Exponent);
        }
        let parsed =
            PublicKeyComponents { n, e }.to_parsed_public_key(parameters).map_err(|_| KeyFault::Modulus)?;
        Ok(Self { parsed })
    }

    /// An RSA key from its DER form, PKCS#1 or SubjectPublicKeyInfo.
    pub(crate) fn rsa_der(algorithm: Algorithm, der: &[u8]) -> Result<Self, KeyFault> {
        let key = RsaPublicKey::from_der(der).map_err(|_| KeyFault::Modulus)?;
        let n = key.modulus().big_endian_without_leading_zero();
        let e = key.exponent().big_endian_without_leading_zero();
        Self::rsa(algorithm, n, e)
    }

    /// A point of the algorithm's curve, each coordinate in full length ([RFC 7518 §6.2.1]).
    ///
    /// [RFC 7518 §6.2.1]: https://www.rfc-editor.org/rfc/rfc7518#section-6.2.1
    pub(crate) fn ec(algorithm: Algorithm, x: &[u8], y: &[u8]) -> Result<Self, KeyFault> {
        let (verification, length) = ec_parameters(algorithm).ok_or(KeyFault::WrongAlgorithm)?;
        if x.len() != length || y.len() != length {
            return Err(KeyFault::Point);
        }
        let point = [&[UNCOMPRESSED_POINT], x, y].concat();
        let parsed = ParsedPublicKey::new(verification, point).map_err(|_| KeyFault::Point)?;
        Ok(Self { parsed })
    }

    /// A point of the algorithm's curve in its uncompressed form.
    pub(crate) fn ec_point(algorithm: Algorithm, point: &[u8]) -> Result<Self, KeyFault> {
        let (_, length) = ec_parameters(algorithm).ok_or(KeyFault::WrongAlgorithm)?;
        match point.split_first() {
            Some((&UNCOMPRESSED_POINT, rest)) => {
                let (x, y) = rest.split_at_checked(length).ok_or(KeyFault::Point)?;
                Self::ec(algorithm, x, y)
            }
            _ => Err(KeyFault::Point),
        }
    }

    /// An Ed25519 key ([RFC 8032 §5.1.5]); one of small order would verify anything.
    ///
    /// [RFC 8032 §5.1.5]: https://www.rfc-editor.org/rfc/rfc8032#section-5.1.5
    pub(crate) fn ed25519(algorithm: Algorithm, x: &[u8]) -> Result<Self, KeyFault> {
        if algorithm != Algorithm::EdDsa {
            return Err(KeyFault::WrongAlgorithm);
        }
        let point: &[u8; 32] = x.try_into().map_err(|_| KeyFault::Point)?;
        if has_small_order_or_is_not_canonical(point) {
            return Err(KeyFault::Point);
        }
        let parsed = ParsedPublicKey::new(&signature::ED25519, point).map_err(|_| KeyFault::Point)?;
        Ok(Self { parsed })
    }

    /// Whether `signature` is this key's over `message`: yes or no, never why not.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed.verify_sig(message, signature).is_ok()
    }

    /// The key in one canonical form, to compare with another of the same algorithm.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.parsed.as_ref()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey")
    }
}

/// A secret for HMAC; comparison is in constant time.
#[derive(Clone)]
pub(crate) struct MacKey {
    key: hmac::Key,
}

impl MacKey {
    /// None if `secret` is shorter than the hash ([RFC 7518 §3.2]) or the algorithm is no MAC.
    ///
    /// [RFC 7518 §3.2]: https://www.rfc-editor.org/rfc/rfc7518#section-3.2
    pub(crate) fn new(algorithm: Algorithm, secret: &[u8]) -> Option<Self> {
        let (hash, length) = match algorithm {
            Algorithm::Hs256 => (hmac::HMAC_SHA256, 32),
            Algorithm::Hs384 => (hmac::HMAC_SHA384, 48),
            Algorithm::Hs512 => (hmac::HMAC_SHA512, 64),
            _ => return None,
        };
        (secret.len() >= length).then(|| Self { key: hmac::Key::new(hash, secret) })
    }

    /// One for SHA-256 that nobody knows.
    pub(crate) fn random() -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &random_bytes::<32>()) }
    }

    /// The MAC of `message`.
    pub(crate) fn tag(&self, message: &[u8]) -> Vec<u8> {
        hmac::sign(&self.key, message).as_ref().to_vec()
    }

    /// Whether `tag` is the MAC of `message`.
    pub(crate) fn verifies(&self, message: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.key, message, tag).is_ok()
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey([redacted])")
    }
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    // The digest is as long as the array: nothing is cut.
    for (to, from) in hash.iter_mut().zip(digest::digest(&digest::SHA256, bytes).as_ref()) {
        *to = *from;
    }
    hash
}

/// SHA-384.
pub(crate) fn sha384(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA384, bytes).as_ref().to_vec()
}

/// SHA-512.
pub(crate) fn sha512(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA512, bytes).as_ref().to_vec()
}

/// Whether two secrets are the same, in a time that does not depend on where they differ. Their lengths are no secret.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(one, other).is_ok()
}

/// Bytes that nobody can guess.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Where the system has no randomness the library ends the process, so that this is done once. Should it ever say no
    // instead, nothing that could be guessed is given out.
    while rand::fill(&mut bytes).is_err() {}
    bytes
}

/// A number that is uniform in 0..1.
#[allow(clippy::cast_precision_loss, reason = "53 bits fit a double's mantissa")]
pub(crate) fn random_fraction() -> f64 {
    (u64::from_le_bytes(random_bytes()) >> 11) as f64 / (1_u64 << 53) as f64
}

const UNCOMPRESSED_POINT: u8 = 4;

fn rsa_parameters(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

/// The verification, with signatures as two numbers of fixed length ([RFC 7518 §3.4]), and the length of a coordinate.
///
/// [RFC 7518 §3.4]: https://www.rfc-editor.org/rfc/rfc7518#section-3.4
fn ec_parameters(algorithm: Algorithm) -> Option<(&'static dyn VerificationAlgorithm, usize)> {
    Some(match algorithm {
        Algorithm::Es256 => (&signature::ECDSA_P256_SHA256_FIXED, 32),
        Algorithm::Es384 => (&signature::ECDSA_P384_SHA384_FIXED, 48),
        Algorithm::Es512 => (&signature::ECDSA_P521_SHA512_FIXED, 66),
        Algorithm::Es256K => (&signature::ECDSA_P256K1_SHA256_FIXED, 32),
        _ => return None,
    })
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// The bit length of a number without leading zeros.
fn bits(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |byte| byte.leading_zeros() as usize);
    number.len().saturating_mul(8).saturating_sub(unused)
}

fn is_odd(number: &[u8]) -> bool {
    number.last().is_some_and(|byte| byte & 1 == 1)
}

/// The points of order 1, 2, 4 and 8, by their y coordinate, and every y that is not reduced.
fn has_small_order_or_is_not_canonical(point: &[u8; 32]) -> bool {
    const ORDER_8: [[u8; 32]; 2] = [
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
            0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
            0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
        ],
    ];
    let [low, middle @ .., high] = *point;
    let high = high & 0x7f; // the sign of x
    let y = |first, rest, last| low == first && middle == [rest; 30] && high == last;
    let zero_or_one = y(0, 0, 0) || y(1, 0, 0);
    let minus_one = y(0xec, 0xff, 0x7f);
    let not_reduced = low >= 0xed && middle == [0xff; 30] && high == 0x7f;
    let order_8 =
        ORDER_8.iter().any(|[first, rest @ .., last]| low == *first && middle == *rest && high == *last);
    zero_or_one || minus_one || not_reduced || order_8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// About every other y is that of a point.
    #[test]
    fn a_point_is_not_taken_for_one_of_small_order_for_its_first_and_its_last_byte() {
        for (first, last) in
            [(0, 0), (1, 0), (0xec, 0x7f), (0xed, 0x7f), (0xff, 0x7f), (0x26, 0x05), (0xc7, 0x7a)]
        {
            for (first, last) in [(first, last), (first, 0x33), (0x33, last)] {
                let is_point = |middle: u8| {
                    let mut y = [middle; 32];
                    (y[0], y[31]) = (first, last);
                    PublicKey::ed25519(Algorithm::EdDsa, &y).is_ok()
                };
                assert!((1..=100).any(is_point), "{first:#x}..{last:#x}");
            }
        }
    }

    /// A signature that every small-order key accepts: R is the neutral point, S is zero.
    #[test]
    fn an_ed25519_key_of_small_order_is_no_key() {
        let neutral = {
            let mut y = [0_u8; 32];
            y[0] = 1;
            y
        };
        let forged = [neutral, [0; 32]].concat();
        let unchecked = ParsedPublicKey::new(&signature::ED25519, neutral).expect("the library takes it");
        assert!(unchecked.verify_sig(b"anything at all", &forged).is_ok(), "so the check has to be ours");

        let mut minus_one = [0xff_u8; 32];
        (minus_one[0], minus_one[31]) = (0xec, 0x7f);
        for y in [neutral, [0; 32], minus_one] {
            for sign in [0, 0x80] {
                let mut point = y;
                point[31] |= sign;
                assert_eq!(
                    PublicKey::ed25519(Algorithm::EdDsa, &point).err(),
                    Some(KeyFault::Point),
                    "{point:x?}"
                );
            }
        }
        let mut ordinary = [0x42_u8; 32];
        ordinary[31] = 0x12;
        assert!(PublicKey::ed25519(Algorithm::EdDsa, &ordinary).is_ok());
    }

    #[test]
    fn rsa_keys_have_2048_to_8192_bits_and_a_sound_exponent() {
        let modulus = |bits: usize| {
            let mut n = vec![0xff_u8; bits / 8];
            n[0] = 0x80;
            n
        };
        let fault = |n: &[u8], e: &[u8]| PublicKey::rsa(Algorithm::Rs256, n, e).err();
        let f4 = [1, 0, 1];
        for bits in [2048, 3072, 4096, 8192] {
            assert_eq!(fault(&modulus(bits), &f4), None, "{bits}");
        }
        for bits in [1024, 2040, 8200, 16384] {
            assert_eq!(fault(&modulus(bits), &f4), Some(KeyFault::Modulus), "{bits}");
        }
        let mut even = modulus(2048);
        even[255] = 0xfe;
        assert_eq!(fault(&even, &f4), Some(KeyFault::Modulus));
        assert_eq!(fault(&[0; 256], &f4), Some(KeyFault::Modulus));
        assert_eq!(fault(&[&[0], &*modulus(2048)].concat(), &[0, 1, 0, 1]), None, "a leading zero octet");
        assert_eq!(fault(&modulus(2048), &[3]), None);
        for e in [&[][..], &[0], &[1], &[2], &[1, 0, 0], &[4, 0, 0, 0, 1]] {
            assert_eq!(fault(&modulus(2048), e), Some(KeyFault::Exponent), "{e:?}");
        }
    }

    #[test]
    fn hashes_are_those_of_the_standard_and_fractions_lie_between_zero_and_one() {
        let abc = sha256(b"abc"); // FIPS 180-4
        assert_eq!((abc[0], abc[1], abc[31]), (0xba, 0x78, 0xad));
        assert!(same(b"a", b"a") && !same(b"a", b"b") && !same(b"a", b"ab") && same(b"", b""));
        for _ in 0..1_000 {
            assert!((0.0..1.0).contains(&random_fraction()));
        }
        assert_ne!(random_bytes::<16>(), random_bytes::<16>());
    }

    #[test]
    fn a_key_takes_no_algorithm_of_another_type() {
        assert_eq!(PublicKey::rsa(Algorithm::Es256, &[], &[]).err(), Some(KeyFault::WrongAlgorithm));
        assert_eq!(PublicKey::ec(Algorithm::Rs256, &[], &[]).err(), Some(KeyFault::WrongAlgorithm));
        assert_eq!(PublicKey::ed25519(Algorithm::Es256, &[]).err(), Some(KeyFault::WrongAlgorithm));
        assert!(MacKey::new(Algorithm::Rs256, &[7; 64]).is_none());
    }

    #[test]
    fn a_mac_key_is_at_least_as_long_as_its_hash() {
        for (algorithm, length) in [(Algorithm::Hs256, 32), (Algorithm::Hs384, 48), (Algorithm::Hs512, 64)] {
            assert!(MacKey::new(algorithm, &vec![7; length]).is_some(), "{algorithm}");
            assert!(MacKey::new(algorithm, &vec![7; length - 1]).is_none(), "{algorithm}");
        }
    }
}
