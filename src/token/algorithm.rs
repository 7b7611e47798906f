use std::fmt;

/// A signature or MAC algorithm ([RFC 7518 §3.1], [RFC 8812 §3.2], [RFC 9864 §2.2]).
///
/// `none` has no value here, so no configuration and no token can name it.
///
/// [RFC 7518 §3.1]: https://www.rfc-editor.org/rfc/rfc7518#section-3.1
/// [RFC 8812 §3.2]: https://www.rfc-editor.org/rfc/rfc8812#section-3.2
/// [RFC 9864 §2.2]: https://www.rfc-editor.org/rfc/rfc9864#section-2.2
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256, a salt as long as the hash.
    Ps256,
    /// RSASSA-PSS with SHA-384, a salt as long as the hash.
    Ps384,
    /// RSASSA-PSS with SHA-512, a salt as long as the hash.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// ECDSA on secp256k1 with SHA-256.
    Es256K,
    /// Ed25519, under both its names: `EdDSA` and `Ed25519`.
    EdDsa,
    /// HMAC with SHA-256; only ever with a [`SharedSecret`](crate::jwks::SharedSecret).
    Hs256,
    /// HMAC with SHA-384; only ever with a [`SharedSecret`](crate::jwks::SharedSecret).
    Hs384,
    /// HMAC with SHA-512; only ever with a [`SharedSecret`](crate::jwks::SharedSecret).
    Hs512,
}

impl Algorithm {
    /// Every algorithm with a public key: those a key set may hold.
    pub const ASYMMETRIC: &'static [Self] = &[
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::Es256K,
        Self::EdDsa,
    ];

    /// Reads an `alg` value; names are case-sensitive ([RFC 7515 §4.1.1]).
    ///
    /// [RFC 7515 §4.1.1]: https://www.rfc-editor.org/rfc/rfc7515#section-4.1.1
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "ES512" => Self::Es512,
            "ES256K" => Self::Es256K,
            "EdDSA" | "Ed25519" => Self::EdDsa,
            "HS256" => Self::Hs256,
            "HS384" => Self::Hs384,
            "HS512" => Self::Hs512,
            _ => return None,
        })
    }

    /// The registered name; for Ed25519 the older one, `EdDSA`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Es256K => "ES256K",
            Self::EdDsa => "EdDSA",
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }

    /// True of the algorithms whose verifying key can also sign.
    #[must_use]
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }

    pub(crate) const fn is_rsa(self) -> bool {
        matches!(self, Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512)
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An allow-list of algorithms.
///
/// # Examples
///
/// ```
/// use tower_jwt_auth::token::{Algorithm, AlgorithmSet};
///
/// let allowed = AlgorithmSet::from([Algorithm::Es256, Algorithm::EdDsa]);
/// assert!(allowed.contains(Algorithm::Es256));
/// assert!(!allowed.contains(Algorithm::Rs256));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AlgorithmSet(u16);

impl AlgorithmSet {
    /// Everything in [`Algorithm::ASYMMETRIC`].
    #[must_use]
    pub fn asymmetric() -> Self {
        Algorithm::ASYMMETRIC.iter().copied().collect()
    }

    /// Every algorithm there is: for tokens that are verified elsewhere.
    pub(crate) fn every() -> Self {
        Self(u16::MAX)
    }

    /// Whether `algorithm` is allowed.
    #[must_use]
    pub const fn contains(self, algorithm: Algorithm) -> bool {
        self.0 & algorithm.bit() != 0
    }

    /// Whether nothing is allowed.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is allowed, in the order of [`Algorithm::ASYMMETRIC`], then the MACs.
    pub fn iter(self) -> impl Iterator<Item = Algorithm> {
        const MACS: [Algorithm; 3] = [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512];
        Algorithm::ASYMMETRIC.iter().copied().chain(MACS).filter(move |algorithm| self.contains(*algorithm))
    }

    /// The algorithm of an RSA key that does not name its own: RS256, or the only RSA algorithm allowed.
    pub(crate) fn rsa_default(self) -> Algorithm {
        let mut rsa = self.iter().filter(|algorithm| algorithm.is_rsa());
        match (rsa.next(), rsa.next()) {
            (Some(only), None) => only,
            _ => Algorithm::Rs256,
        }
    }
}

impl FromIterator<Algorithm> for AlgorithmSet {
    fn from_iter<I: IntoIterator<Item = Algorithm>>(algorithms: I) -> Self {
        Self(algorithms.into_iter().fold(0, |set, algorithm| set | algorithm.bit()))
    }
}

impl<const N: usize> From<[Algorithm; N]> for AlgorithmSet {
    fn from(algorithms: [Algorithm; N]) -> Self {
        algorithms.into_iter().collect()
    }
}

impl fmt::Display for AlgorithmSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, algorithm) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(algorithm.name())?;
        }
        Ok(())
    }
}

impl fmt::Debug for AlgorithmSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_case_sensitive_and_none_is_not_one() {
        for name in ["none", "None", "NONE", "nOnE", "", "rs256", "RS256 ", "es256", "eddsa", "Ed448", "HS1"]
        {
            assert_eq!(Algorithm::from_name(name), None, "{name:?}");
        }
        for algorithm in AlgorithmSet(u16::MAX).iter() {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
            assert_eq!(algorithm.to_string(), algorithm.name());
        }
        assert_eq!(Algorithm::from_name("Ed25519"), Some(Algorithm::EdDsa));
    }

    #[test]
    fn a_set_names_what_it_allows_once_however_often_it_was_put_in() {
        for (given, want) in [
            (&[][..], ""),
            (&[Algorithm::EdDsa], "EdDSA"),
            (&[Algorithm::EdDsa, Algorithm::Es256], "ES256 EdDSA"),
            (&[Algorithm::EdDsa, Algorithm::Hs256, Algorithm::EdDsa], "EdDSA HS256"),
        ] {
            let set: AlgorithmSet = given.iter().copied().collect();
            assert_eq!(set.to_string(), want, "{given:?}");
        }
        let set = AlgorithmSet::from([Algorithm::Es256, Algorithm::EdDsa]);
        assert_eq!(format!("{set:?}"), "{Es256, EdDsa}");
    }

    #[test]
    fn an_rsa_key_without_alg_is_rs256_unless_one_other_rsa_algorithm_is_all_that_is_allowed() {
        assert_eq!(AlgorithmSet::asymmetric().rsa_default(), Algorithm::Rs256);
        assert_eq!(AlgorithmSet::from([Algorithm::Ps256, Algorithm::Es256]).rsa_default(), Algorithm::Ps256);
        assert_eq!(AlgorithmSet::from([Algorithm::Ps256, Algorithm::Ps384]).rsa_default(), Algorithm::Rs256);
        assert_eq!(AlgorithmSet::from([Algorithm::Es256]).rsa_default(), Algorithm::Rs256);
    }
}
