//! One DPoP proof: what it says, and whether that is about this request.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::nonces::{NonceAge, Nonces};
use super::origin::{Origin, normal_path, normal_url};
use crate::crypto;
use crate::error::{AuthError, AuthErrorKind};
use crate::jwks::VerifyingKey;
use crate::replay::TokenId;
use crate::token::{
    Algorithm, AlgorithmSet, NumericDate, ProvenKey, SignatureRoom, Thumbprint, UnverifiedToken,
    checked_text, is_object, is_same_type,
};

/// The longest proof that is looked at, 8 KiB: one with an RSA key of 4,096 bits has 2.
pub const MAX_PROOF_BYTES: usize = 8 * 1024;

/// What is asked of every proof.
pub(super) struct Demands<'d> {
    pub(super) algorithms: AlgorithmSet,
    pub(super) origins: &'d [Origin],
    pub(super) nonces: Option<&'d Nonces>,
    pub(super) max_age: Duration,
    /// On top of the age, and into the future.
    pub(super) leeway: Duration,
}

/// What a proof has to be about.
pub(super) struct Subject<'r> {
    pub(super) method: &'r str,
    /// As the client has sent it.
    pub(super) path: &'r str,
    pub(super) token: &'r [u8],
    pub(super) now: SystemTime,
}

/// A proof that is good, unless it came before.
pub(super) struct GoodProof {
    /// Its sender holds the key of this.
    pub(super) key: ProvenKey,
    pub(super) nonce: Option<NonceAge>,
    /// By which it is known when it comes again.
    pub(super) id: TokenId,
    /// From then on it is too old to count.
    pub(super) until: SystemTime,
}

impl Demands<'_> {
    /// The checks of [RFC 9449 §4.3] by the numbers that they have there, in another order: cheap ones first, the signature
    /// last. Number 1 is for who has the request, and the second half of 12 for who has the token's claims.
    ///
    /// [RFC 9449 §4.3]: https://www.rfc-editor.org/rfc/rfc9449#section-4.3
    pub(super) fn check(&self, proof: &[u8], subject: &Subject<'_>) -> Result<GoodProof, AuthError> {
        let invalid = AuthError::new(AuthErrorKind::ProofInvalid);
        let by = |claim| AuthError::about(AuthErrorKind::ProofInvalid, claim);

        // 2. One well-formed JWT.
        let proof = if proof.len() <= MAX_PROOF_BYTES { proof } else { Default::default() };
        let token = UnverifiedToken::split(proof).map_err(|_| invalid)?;
        let (header, payload) =
            (token.decode_header().map_err(|_| invalid)?, token.decode_payload().map_err(|_| invalid)?);
        let header = Object::read(&header).filter(|header| !header.has_any(&["crit", "b64", "zip"]));
        let header = header.ok_or(invalid)?;
        let claims = Object::read(payload.as_bytes()).ok_or(invalid)?;

        // 4. A proof, and nothing else. 5. An algorithm with a public key, of those that are accepted.
        header.text("typ").filter(|typ| is_same_type(typ, "dpop+jwt")).ok_or(invalid)?;
        let algorithm = header.text("alg").and_then(|name| Algorithm::from_name(&name));
        let algorithm = algorithm.filter(|algorithm| self.algorithms.contains(*algorithm)).ok_or(invalid)?;

        // 3. All claims, each of its type. 8. This method. 9. This URL. 11. Of late. 12. For this token.
        let jti = claims.text("jti").filter(|jti| !jti.is_empty()).ok_or(by("jti"))?;
        claims.text("htm").filter(|htm| htm == subject.method).ok_or(by("htm"))?;
        claims.text("htu").filter(|htu| self.is_url_of(subject.path, htu)).ok_or(by("htu"))?;
        let iat = claims.get::<NumericDate>("iat").ok_or(by("iat"))?;
        let until = self.end_of(iat, subject.now).ok_or(by("iat"))?;
        let hash = Thumbprint::from(crypto::sha256(subject.token));
        claims.text("ath").filter(|ath| *ath == hash.to_base64url()).ok_or(by("ath"))?;

        // 10. With a nonce, where nonces are given out.
        let nonce = self.nonces.map(|nonces| {
            let nonce = claims.text("nonce");
            let age = nonce.and_then(|nonce| nonces.age_of(&nonce, subject.now));
            age.ok_or(AuthErrorKind::ProofNonceRequired)
        });
        let nonce = nonce.transpose()?;

        // 7. A public key, and no more than that. 6. Its signature.
        let jwk = header.member("jwk").ok_or(invalid)?;
        let (key, thumbprint) = VerifyingKey::of_sender(jwk.get(), algorithm).map_err(|_| invalid)?;
        let mut room = SignatureRoom::new();
        let signature = token.decode_signature(&mut room).map_err(|_| invalid)?;
        if !key.verifies(token.signing_input(), signature.as_bytes()) {
            return Err(invalid);
        }
        // No issuer has such a name, so that a store may be shared with one of tokens.
        let id = TokenId::new(&format!("DPoP {}", thumbprint.to_base64url()), &jti);
        Ok(GoodProof { key: ProvenKey { thumbprint, algorithm }, nonce, id, until })
    }

    fn is_url_of(&self, path: &str, htu: &str) -> bool {
        match (normal_url(htu), normal_path(path)) {
            (Some(htu), Some(path)) => self.origins.iter().any(|origin| origin.is_named_by(&htu, &path)),
            _ => false,
        }
    }

    /// Until when a proof of `iat` counts; none if it counts no longer, or not yet.
    fn end_of(&self, iat: NumericDate, now: SystemTime) -> Option<SystemTime> {
        let now = NumericDate::from_system_time(now);
        let end = iat.plus(self.max_age).plus(self.leeway);
        (iat <= now.plus(self.leeway) && now < end).then(|| end.to_system_time()).flatten()
    }
}

/// A JSON object, each of whose members is there once.
struct Object<'a>(Vec<(String, &'a RawValue)>);

/// More than any client writes; each is compared with those before it.
const MAX_MEMBERS: usize = 32;

const MAX_DEPTH: usize = 16;

impl<'a> Object<'a> {
    fn read(json: &'a [u8]) -> Option<Self> {
        let text = checked_text(json, MAX_DEPTH).filter(|text| is_object(text))?;
        serde_json::from_str(text).ok()
    }

    fn member(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(member, _)| member == name).map(|(_, value)| *value)
    }

    fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.member(name).is_some())
    }

    fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.member(name)?.get()).ok()
    }

    fn text(&self, name: &str) -> Option<String> {
        self.get(name)
    }
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;

        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(String, &RawValue)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, _>()? {
                    if members.iter().any(|(member, _)| *member == name) || members.len() >= MAX_MEMBERS {
                        return Err(Error::custom("repeated or too many members"));
                    }
                    members.push((name, value));
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(ObjectVisitor)
    }
}

#[cfg(test)]
mod tests;
