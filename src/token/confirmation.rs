use std::fmt;

use serde::Deserialize;
use serde::de::Deserializer;

use super::{Algorithm, is_object};

/// The SHA-256 that a key or a certificate goes by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// Reads it as claims write it: in strict base64url.
    pub(crate) fn from_base64url(text: &str) -> Option<Self> {
        let bytes = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text).ok()?;
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn to_base64url(self) -> String {
        base64_simd::URL_SAFE_NO_PAD.encode_to_string(self.0)
    }
}

impl From<[u8; 32]> for Thumbprint {
    fn from(hash: [u8; 32]) -> Self {
        Self(hash)
    }
}

/// It is a claim's value, or what somebody compares with one.
impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Thumbprint")
    }
}

/// A key that a sender has proven to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProvenKey {
    pub(crate) thumbprint: Thumbprint,
    /// By which it has signed the proof.
    pub(crate) algorithm: Algorithm,
}

/// To whom a token is bound: its `cnf` claim ([RFC 7800 §3.1]).
///
/// [RFC 7800 §3.1]: https://www.rfc-editor.org/rfc/rfc7800#section-3.1
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Confirmation {
    /// To whoever holds all that is here, which is one or both.
    Sender {
        /// Of the key of a DPoP proof: `jkt` ([RFC 9449 §6.1]).
        ///
        /// [RFC 9449 §6.1]: https://www.rfc-editor.org/rfc/rfc9449#section-6.1
        key: Option<Thumbprint>,
        /// Of the certificate of a TLS client: `x5t#S256` ([RFC 8705 §3.1]).
        ///
        /// [RFC 8705 §3.1]: https://www.rfc-editor.org/rfc/rfc8705#section-3.1
        certificate: Option<Thumbprint>,
    },
    /// In a way that nobody here can check, in whole or in part.
    Unclear,
}

impl Confirmation {
    /// Deliberately not as lenient as [RFC 7800 §3.1], which ignores members that are not understood: whoever wrote them
    /// meant to bind the token to something.
    ///
    /// [RFC 7800 §3.1]: https://www.rfc-editor.org/rfc/rfc7800#section-3.1
    pub(crate) fn read(json: &str) -> Self {
        let members = serde_json::from_str::<Members>(json).ok().filter(|_| is_object(json));
        match members {
            Some(Members { jkt: None, x5t: None }) | None => Self::Unclear,
            Some(Members { jkt: key, x5t: certificate }) => Self::Sender { key, certificate },
        }
    }
}

/// Each once, and nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    #[serde(default, deserialize_with = "thumbprint")]
    jkt: Option<Thumbprint>,
    #[serde(rename = "x5t#S256", default, deserialize_with = "thumbprint")]
    x5t: Option<Thumbprint>,
}

/// One that is there: null is none.
fn thumbprint<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Thumbprint>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let read = Thumbprint::from_base64url(&text);
    read.map(Some).ok_or_else(|| serde::de::Error::custom("no thumbprint"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binding_is_clear_only_if_every_member_of_it_can_be_checked() {
        let text = Thumbprint([7; 32]).to_base64url();
        let seven = || Some(Thumbprint([7; 32]));
        let sender = |key, certificate| Confirmation::Sender { key, certificate };
        for (json, want) in [
            (format!(r#"{{"jkt":"{text}"}}"#), sender(seven(), None)),
            (format!(r#"{{"x5t#S256":"{text}"}}"#), sender(None, seven())),
            (format!(r#" {{ "x5t#S256":"{text}", "jkt":"{text}" }} "#), sender(seven(), seven())),
            (format!(r#"{{"\u006akt":"{text}"}}"#), sender(seven(), None)),
        ] {
            assert_eq!(Confirmation::read(&json), want, "{json}");
        }
        let cut = text.get(..42).expect("43 characters");
        for json in [
            "{}".to_owned(),
            "null".to_owned(),
            "7".to_owned(),
            "1e400".to_owned(),
            format!(r#""{text}""#),
            format!(r#"["{text}"]"#),
            format!(r#"["{text}","{text}"]"#),
            format!(r#"{{"jkt":"{text}","jkt":"{text}"}}"#),
            format!(r#"{{"jkt":"{text}","jwk":{{}}}}"#),
            format!(r#"{{"jkt":"{text}","kid":"a"}}"#),
            format!(r#"{{"JKT":"{text}"}}"#),
            format!(r#"{{"jkt":"{text}","x5t#S256":null}}"#),
            format!(r#"{{"jkt":null,"x5t#S256":"{text}"}}"#),
            format!(r#"{{"jkt":"{text}","x5t#S256":7}}"#),
            format!(r#"{{"jkt":"{text}="}}"#),
            format!(r#"{{"jkt":"{text}A"}}"#),
            format!(r#"{{"jkt":"{cut}"}}"#),
            // The same bytes, but for bits that say nothing.
            format!(r#"{{"jkt":"{cut}d"}}"#),
            r#"{"jkt":""}"#.to_owned(),
        ] {
            assert_eq!(Confirmation::read(&json), Confirmation::Unclear, "{json}");
        }
    }
}
