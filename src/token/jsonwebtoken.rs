//! To and from the vocabulary of jsonwebtoken, for those who move over from it.

use super::{Algorithm, JoseHeader};
use crate::error::ConfigError;

impl TryFrom<jsonwebtoken::Algorithm> for Algorithm {
    type Error = ConfigError;

    /// Those of today have counterparts; more may come.
    fn try_from(algorithm: jsonwebtoken::Algorithm) -> Result<Self, ConfigError> {
        Ok(match algorithm {
            jsonwebtoken::Algorithm::RS256 => Self::Rs256,
            jsonwebtoken::Algorithm::RS384 => Self::Rs384,
            jsonwebtoken::Algorithm::RS512 => Self::Rs512,
            jsonwebtoken::Algorithm::PS256 => Self::Ps256,
            jsonwebtoken::Algorithm::PS384 => Self::Ps384,
            jsonwebtoken::Algorithm::PS512 => Self::Ps512,
            jsonwebtoken::Algorithm::ES256 => Self::Es256,
            jsonwebtoken::Algorithm::ES384 => Self::Es384,
            jsonwebtoken::Algorithm::EdDSA => Self::EdDsa,
            jsonwebtoken::Algorithm::HS256 => Self::Hs256,
            jsonwebtoken::Algorithm::HS384 => Self::Hs384,
            jsonwebtoken::Algorithm::HS512 => Self::Hs512,
            unknown => return Err(ConfigError::new(format!("{unknown:?} is not supported"))),
        })
    }
}

impl TryFrom<Algorithm> for jsonwebtoken::Algorithm {
    type Error = ConfigError;

    /// ES512 and ES256K have no counterpart.
    fn try_from(algorithm: Algorithm) -> Result<Self, ConfigError> {
        algorithm
            .name()
            .parse()
            .map_err(|_| ConfigError::new(format!("jsonwebtoken does not know {algorithm}")))
    }
}

impl TryFrom<&JoseHeader> for jsonwebtoken::Header {
    type Error = ConfigError;

    fn try_from(header: &JoseHeader) -> Result<Self, ConfigError> {
        let mut theirs = Self::new(header.algorithm().try_into()?);
        theirs.typ = header.typ().map(str::to_owned);
        theirs.kid = header.kid().map(str::to_owned);
        Ok(theirs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{AlgorithmSet, UnverifiedHeader};

    #[test]
    fn a_header_takes_its_algorithm_key_and_type_along() {
        for (json, algorithm, kid, typ) in [
            (r#"{"alg":"ES256"}"#, jsonwebtoken::Algorithm::ES256, None, None),
            (
                r#"{"alg":"EdDSA","kid":"a","typ":"at+jwt"}"#,
                jsonwebtoken::Algorithm::EdDSA,
                Some("a"),
                Some("at+jwt"),
            ),
        ] {
            let header = UnverifiedHeader::parse(json.as_bytes()).expect("a header").to_owned();
            let theirs = jsonwebtoken::Header::try_from(&header).expect("an algorithm that both know");
            assert_eq!((theirs.alg, theirs.kid.as_deref(), theirs.typ.as_deref()), (algorithm, kid, typ));
        }
        let header = UnverifiedHeader::parse(br#"{"alg":"ES512"}"#).expect("a header").to_owned();
        assert!(jsonwebtoken::Header::try_from(&header).is_err());
    }

    #[test]
    fn algorithms_go_there_and_back_where_both_know_them() {
        let all =
            AlgorithmSet::asymmetric().iter().chain([Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512]);
        for algorithm in all {
            match jsonwebtoken::Algorithm::try_from(algorithm) {
                Ok(theirs) => assert_eq!(Algorithm::try_from(theirs), Ok(algorithm)),
                Err(_) => assert!(matches!(algorithm, Algorithm::Es512 | Algorithm::Es256K), "{algorithm}"),
            }
        }
    }
}
