use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use percent_encoding::percent_decode;

use crate::crypto;
use crate::error::{AuthError, AuthErrorKind, ConfigError};
use crate::token::Thumbprint;

/// The longest certificate that a header may hold, in its encoded form: 16 KiB.
pub const MAX_CERTIFICATE_BYTES: usize = 16 * 1024;

/// The certificate that a TLS client has shown: whoever ends TLS puts it into the extensions of each request.
///
/// Its `Debug` shows nothing.
#[derive(Clone)]
pub struct ClientCertificate(Thumbprint);

impl ClientCertificate {
    /// The client's own certificate, the first of its chain, in DER. It is hashed once, and not kept.
    ///
    /// # Security
    ///
    /// It has to be one whose key the client has proven to hold in the handshake, which is what TLS libraries give.
    #[must_use]
    pub fn from_der(der: impl AsRef<[u8]>) -> Self {
        Self(crypto::sha256(der.as_ref()).into())
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate")
    }
}

/// How tokens are used that are bound to a TLS client's certificate ([RFC 8705 §3]).
///
/// See the [module docs](super).
///
/// [RFC 8705 §3]: https://www.rfc-editor.org/rfc/rfc8705#section-3
#[derive(Clone)]
#[must_use]
pub struct ClientCertificates {
    place: Place,
    demand: Demand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Demand {
    Required,
    Optional,
}

/// Where the certificate is.
#[derive(Clone)]
enum Place {
    Extension,
    /// In base64 between colons.
    ClientCert,
    /// In PEM with percent-encoding.
    Pem(HeaderName),
}

impl ClientCertificates {
    /// Finds them in the extensions of requests: [`ClientCertificate`]. For a service that ends TLS itself.
    pub fn of_connection() -> Self {
        Self::at(Place::Extension)
    }

    /// Finds them in the header `Client-Cert` of a proxy ([RFC 9440 §2.2]).
    ///
    /// # Security
    ///
    /// The proxy has to take this header out of every request that it gets, and nobody may reach the service but through
    /// it: a certificate is no secret, and who may send this header has any client's.
    ///
    /// [RFC 9440 §2.2]: https://www.rfc-editor.org/rfc/rfc9440#section-2.2
    pub fn of_client_cert_header() -> Self {
        Self::at(Place::ClientCert)
    }

    /// Finds them in the header `name` of a proxy, in PEM with percent-encoding: what nginx calls
    /// `$ssl_client_escaped_cert`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `name` is no header name.
    ///
    /// # Security
    ///
    /// As for [`of_client_cert_header`](Self::of_client_cert_header).
    pub fn of_pem_header(name: &str) -> Result<Self, ConfigError> {
        let name = name.parse().map_err(|_| ConfigError::new(format!("{name:?} is no header name")))?;
        Ok(Self::at(Place::Pem(name)))
    }

    /// Refuses every token that is not bound to a certificate.
    pub fn required(mut self) -> Self {
        self.demand = Demand::Required;
        self
    }

    fn at(place: Place) -> Self {
        Self { place, demand: Demand::Optional }
    }

    pub(crate) fn is_required(&self) -> bool {
        self.demand == Demand::Required
    }

    /// What the certificate of `request` goes by, if there is one.
    ///
    /// # Errors
    ///
    /// [`AuthErrorKind::CredentialsMalformed`] if a header has more than one, or none that can be read.
    pub(crate) fn find<B>(&self, request: &Request<B>) -> Result<Option<Thumbprint>, AuthError> {
        let der = match &self.place {
            Place::Extension => return Ok(request.extensions().get().map(|ClientCertificate(hash)| *hash)),
            Place::ClientCert => {
                only(request.headers(), &CLIENT_CERT)?.map(|value| der_of_byte_sequence(value.as_bytes()))
            }
            Place::Pem(name) => only(request.headers(), name)?.map(|value| der_of_pem(value.as_bytes())),
        };
        let der = der.map(|der| der.filter(|der| !der.is_empty()).ok_or(AuthErrorKind::CredentialsMalformed));
        Ok(der.transpose()?.map(|der| crypto::sha256(&der).into()))
    }
}

const CLIENT_CERT: HeaderName = HeaderName::from_static("client-cert");

/// The one value of a header; one that is empty is how some proxies write that there is none.
fn only<'r>(headers: &'r HeaderMap, name: &HeaderName) -> Result<Option<&'r HeaderValue>, AuthError> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (Some(_), Some(_)) => Err(AuthErrorKind::CredentialsMalformed.into()),
        (Some(value), None) if value.len() > MAX_CERTIFICATE_BYTES => {
            Err(AuthErrorKind::CredentialsMalformed.into())
        }
        (value, _) => Ok(value.filter(|value| !value.is_empty())),
    }
}

/// A byte sequence of a structured field, without parameters ([RFC 9651 §4.2.7]).
///
/// [RFC 9651 §4.2.7]: https://www.rfc-editor.org/rfc/rfc9651#section-4.2.7
fn der_of_byte_sequence(value: &[u8]) -> Option<Vec<u8>> {
    let base64 = value.trim_ascii().strip_prefix(b":")?.strip_suffix(b":")?;
    base64_simd::STANDARD.decode_to_vec(base64).ok()
}

/// One certificate in PEM ([RFC 7468 §5.1]), and nothing around it.
///
/// [RFC 7468 §5.1]: https://www.rfc-editor.org/rfc/rfc7468#section-5.1
fn der_of_pem(escaped: &[u8]) -> Option<Vec<u8>> {
    let pem: Vec<u8> = percent_decode(escaped).collect();
    let lines = pem.trim_ascii().strip_prefix(b"-----BEGIN CERTIFICATE-----")?;
    let lines = lines.strip_suffix(b"-----END CERTIFICATE-----")?;
    let base64: Vec<u8> = lines.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    base64_simd::STANDARD.decode_to_vec(base64).ok()
}

/// For the list of what a layer checks.
impl fmt::Display for ClientCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Extension => f.write_str("client certificates are those of the connection")?,
            Place::ClientCert => write!(f, "client certificates are those of header {CLIENT_CERT}")?,
            Place::Pem(name) => write!(f, "client certificates are those of header {name}, in PEM")?,
        }
        match self.demand {
            Demand::Required => f.write_str("; every token is bound to one"),
            Demand::Optional => Ok(()),
        }
    }
}

impl fmt::Debug for ClientCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientCertificates({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_holds_one_certificate_in_its_one_form_or_none() {
        let der = [0x30, 0x82, 0xff, 0xfe, 0x3e];
        let base64 = base64_simd::STANDARD.encode_to_string(der);
        assert_eq!(base64, "MIL//j4=");
        let want = Some(Thumbprint::from(crypto::sha256(&der)));
        let found = |certificates: &ClientCertificates, name: &str, lines: &[&str]| {
            let request = lines.iter().fold(Request::get("/"), |request, line| request.header(name, *line));
            certificates.find(&request.body(()).expect("a request")).map_err(|error| error.kind())
        };
        let sequence = ClientCertificates::of_client_cert_header();
        let pem = ClientCertificates::of_pem_header("x-client-cert").expect("a name");
        let malformed = Err(AuthErrorKind::CredentialsMalformed);
        let escaped = "-----BEGIN%20CERTIFICATE-----%0AMIL%2F%2Fj4%3D%0A-----END%20CERTIFICATE-----%0A";
        for (lines, want) in [
            (&[":MIL//j4=:"][..], Ok(want)),
            (&[], Ok(None)),
            (&[""], Ok(None)),
            (&["MIL//j4="], malformed),
            (&[":MIL//j4=:;a=1"], malformed),
            (&[":MIL//j4=:, :MIL//j4=:"], malformed),
            (&[":MIL__j4=:"], malformed),
            (&[":MIL//j4:"], malformed),
            (&["::"], malformed),
            (&[":"], malformed),
            (&[escaped], malformed),
            (&[":MIL//j4=:", ":MIL//j4=:"], malformed),
            (&["", ""], malformed),
        ] {
            assert_eq!(found(&sequence, "client-cert", lines), want, "{lines:?}");
            assert_eq!(found(&pem, "client-cert", lines), Ok(None), "another header: {lines:?}");
        }
        let twice = [escaped, escaped].concat();
        for (lines, want) in [
            (&[escaped][..], Ok(want)),
            (&["-----BEGIN CERTIFICATE-----%0D%0AMIL/%0D%0A/j4=%0D%0A-----END CERTIFICATE-----"], Ok(want)),
            (&[], Ok(None)),
            (&[""], Ok(None)),
            (&[":MIL//j4=:"], malformed),
            (&["MIL%2F%2Fj4%3D"], malformed),
            (&["-----BEGIN%20CERTIFICATE-----%0AMIL%2F%2Fj4%3D%0A"], malformed),
            (&["-----BEGIN%20CERTIFICATE-----%0A-----END%20CERTIFICATE-----"], malformed),
            (&["-----BEGIN%20PUBLIC%20KEY-----%0AMIL%2F%2Fj4%3D%0A-----END%20PUBLIC%20KEY-----"], malformed),
            (&[&twice], malformed),
            (&[escaped, escaped], malformed),
        ] {
            assert_eq!(found(&pem, "x-client-cert", lines), want, "{lines:?}");
            assert_eq!(found(&sequence, "x-client-cert", lines), Ok(None), "another header: {lines:?}");
        }
        let long = format!(":{}:", base64_simd::STANDARD.encode_to_string(vec![7; MAX_CERTIFICATE_BYTES]));
        assert_eq!(found(&sequence, "client-cert", &[&long]), malformed);
        // As long as it may be, and a character more.
        for (spaces, want) in [("  ", false), ("   ", true)] {
            let text = format!("{spaces}:{}:", "A".repeat(MAX_CERTIFICATE_BYTES - 4));
            assert_eq!(text.len() > MAX_CERTIFICATE_BYTES, want);
            assert_eq!(found(&sequence, "client-cert", &[&text]) == malformed, want, "{}", text.len());
        }
        assert!(ClientCertificates::of_pem_header("no name").is_err());
    }

    #[test]
    fn a_certificate_of_the_connection_is_taken_from_nowhere_else() {
        let mut request = Request::get("/").header("client-cert", ":MIL//j4=:").body(()).expect("a request");
        let certificates = ClientCertificates::of_connection();
        assert_eq!(certificates.find(&request), Ok(None));
        request.extensions_mut().insert(ClientCertificate::from_der([1, 2, 3]));
        assert_eq!(certificates.find(&request), Ok(Some(crypto::sha256(&[1, 2, 3]).into())));
        assert_eq!(
            format!("{:?}", request.extensions().get::<ClientCertificate>()),
            "Some(ClientCertificate)"
        );
    }
}
