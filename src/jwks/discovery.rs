//! From an issuer to the URL of its keys ([OpenID Connect Discovery §4], [RFC 8414 §3]).
//!
//! [OpenID Connect Discovery §4]: https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
//! [RFC 8414 §3]: https://www.rfc-editor.org/rfc/rfc8414#section-3

use std::time::Duration;

use serde::Deserialize;

use super::document::{Document, Validators, fetch};
use crate::error::{ConfigError, JwksError, JwksErrorKind};
use crate::fetch::{Endpoint, Fetch};
use crate::token::is_object;

/// How old an issuer's word for the place of its keys may become: then its metadata are read again, at the next refresh that
/// is due, and a place that has moved counts at once. While they cannot be read, the place that is known goes on to count.
///
/// Metadata change seldom, and a place that goes away is noticed by the refresh that fails; but one that the issuer has left
/// may go on to answer, in the hands of somebody else.
pub const REDISCOVERED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// An issuer and the places where its metadata may be.
#[derive(Debug, Clone)]
pub(super) struct Discovery {
    issuer: String,
    /// OpenID Connect appends its well-known path to the issuer; RFC 8414 puts its own before the issuer's path.
    places: [Endpoint; 2],
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

impl Discovery {
    pub(super) fn new(issuer: &str) -> Result<Self, ConfigError> {
        if issuer.is_empty() {
            return Err(ConfigError::new("the issuer is empty: write one like https://login.example.com"));
        }
        if issuer.contains(['?', '#']) {
            return Err(ConfigError::new("an issuer has neither query nor fragment"));
        }
        // Judged before anything is appended to it, so that an error names what was given.
        Endpoint::new(issuer)?;
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        // The path begins at the third slash, where there is one.
        let path_start = base.match_indices('/').nth(2).map_or(base.len(), |(start, _)| start);
        let (origin, path) = base.split_at_checked(path_start).unwrap_or((base, ""));
        Ok(Self {
            issuer: issuer.to_owned(),
            places: [
                Endpoint::new(&format!("{base}/.well-known/openid-configuration"))?,
                Endpoint::new(&format!("{origin}/.well-known/oauth-authorization-server{path}"))?,
            ],
        })
    }

    /// Asks the places in turn; the second only where the first answers, but not with metadata.
    pub(super) async fn key_set_of(&self, client: &dyn Fetch) -> Result<Endpoint, JwksError> {
        let [openid, oauth] = &self.places;
        match self.ask(client, openid).await {
            Err(first) if has_no_metadata(&first) => {
                // The first error says more where neither place has any.
                self.ask(client, oauth)
                    .await
                    .map_err(|second| if has_no_metadata(&second) { first } else { second })
            }
            answer => answer,
        }
    }

    async fn ask(&self, client: &dyn Fetch, place: &Endpoint) -> Result<Endpoint, JwksError> {
        match fetch(client, place, &Validators::default()).await? {
            Document::Body { bytes, .. } => self.read(&bytes, place),
            Document::NotModified { .. } => Err(place.failed(JwksErrorKind::Status(304))),
        }
    }

    /// The issuer in the document is the one configured, code point for code point ([RFC 8414 §3.3]).
    ///
    /// [RFC 8414 §3.3]: https://www.rfc-editor.org/rfc/rfc8414#section-3.3
    fn read(&self, document: &[u8], place: &Endpoint) -> Result<Endpoint, JwksError> {
        // What serde says about it may quote the document, which is not ours to log.
        let text = std::str::from_utf8(document).ok().filter(|text| is_object(text));
        let metadata: Option<Metadata> = text.and_then(|text| serde_json::from_str(text).ok());
        let metadata = metadata.ok_or_else(|| place.failed(JwksErrorKind::Unparsable))?;
        if metadata.issuer != self.issuer {
            return Err(place.failed(JwksErrorKind::IssuerMismatch));
        }
        let keys = Endpoint::new(&metadata.jwks_uri).map_err(|_| place.failed(JwksErrorKind::InsecureUrl))?;
        // An issuer elsewhere has no business sending us to a plain http port of this machine.
        if place.is_https() && !keys.is_https() {
            return Err(place.failed(JwksErrorKind::InsecureUrl));
        }
        Ok(keys)
    }
}

fn has_no_metadata(error: &JwksError) -> bool {
    matches!(
        error.kind(),
        JwksErrorKind::Status(400..=499) | JwksErrorKind::Unparsable | JwksErrorKind::Redirected
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(issuer: &str) -> [String; 2] {
        let discovery = Discovery::new(issuer).expect(issuer);
        discovery.places.map(|place| place.name().to_string())
    }

    #[test]
    fn openid_appends_its_well_known_path_and_oauth_puts_it_first() {
        assert_eq!(
            places("https://login.example.com"),
            [
                "https://login.example.com/.well-known/openid-configuration",
                "https://login.example.com/.well-known/oauth-authorization-server"
            ]
        );
        assert_eq!(
            places("https://login.example.com:8443/realms/one/"),
            [
                "https://login.example.com:8443/realms/one/.well-known/openid-configuration",
                "https://login.example.com:8443/.well-known/oauth-authorization-server/realms/one"
            ]
        );
    }

    #[test]
    fn a_document_of_another_issuer_or_with_unsafe_keys_is_refused() {
        let discovery = Discovery::new("https://login.example.com").expect("a good issuer");
        let place = discovery.places[0].clone();
        let read = |issuer: &str, keys: &str| {
            let document = format!(r#"{{"issuer":"{issuer}","jwks_uri":"{keys}"}}"#);
            discovery.read(document.as_bytes(), &place).map_err(|error| error.kind())
        };
        let keys = "https://keys.example.com/jwks";
        assert!(read("https://login.example.com", keys).is_ok());
        for other in
            ["https://login.example.com/", "https://LOGIN.example.com", "https://login.example.com.evil", ""]
        {
            assert_eq!(read(other, keys).err(), Some(JwksErrorKind::IssuerMismatch), "{other}");
        }
        for keys in ["http://keys.example.com/jwks", "http://127.0.0.1/jwks", "/jwks", "file:///etc/passwd"] {
            assert_eq!(
                read("https://login.example.com", keys).err(),
                Some(JwksErrorKind::InsecureUrl),
                "{keys}"
            );
        }
        let local = Discovery::new("http://127.0.0.1:9000").expect("a good issuer");
        let document = br#"{"issuer":"http://127.0.0.1:9000","jwks_uri":"http://127.0.0.1:9000/jwks"}"#;
        assert!(
            local.read(document, &local.places[0]).is_ok(),
            "an issuer on this machine keeps its keys here"
        );
        assert!(matches!(
            discovery.read(b"<html>", &place).map_err(|error| error.kind()),
            Err(JwksErrorKind::Unparsable)
        ));
    }

    #[test]
    fn an_issuer_is_a_url_without_query_or_fragment() {
        for issuer in
            ["login.example.com", "https://login.example.com/?a=b", "https://login.example.com#x", ""]
        {
            assert!(Discovery::new(issuer).is_err(), "{issuer}");
        }
    }
}
