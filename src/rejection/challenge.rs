use std::fmt::{self, Write};
use std::sync::{Arc, LazyLock, OnceLock};

use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::denial::{Denial, Needs, Scheme};
use crate::error::{AuthErrorKind, ConfigError};

/// What every challenge of a layer says, whatever is wrong.
#[derive(Clone)]
pub(super) struct Challenges(pub(super) Arc<Settings>);

pub(super) struct Settings {
    /// The name of what is protected, quoted in every challenge.
    realm: Box<str>,
    /// The scopes to ask a token for in the first place.
    pub(super) scope: Option<Box<str>>,
    /// Where the resource describes itself ([RFC 9728 §5.1]).
    ///
    /// [RFC 9728 §5.1]: https://www.rfc-editor.org/rfc/rfc9728#section-5.1
    pub(super) resource_metadata: Option<Box<str>>,
    /// Under which schemes a token may be sent, in the order that they are offered.
    pub(super) offers: Vec<Offer>,
    /// The challenges for each scheme and kind, written once.
    written: [[OnceLock<Box<[HeaderValue]>>; AuthErrorKind::ALL.len()]; 2],
}

/// A scheme that a token may be sent under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Offer {
    /// As a bearer.
    Bearer,
    /// With a proof ([RFC 9449 §7.1]) of one of these algorithms, separated by spaces.
    ///
    /// [RFC 9449 §7.1]: https://www.rfc-editor.org/rfc/rfc9449#section-7.1
    Dpop { algorithms: Box<str> },
}

impl Offer {
    fn scheme(&self) -> Scheme {
        match self {
            Self::Bearer => Scheme::Bearer,
            Self::Dpop { .. } => Scheme::Dpop,
        }
    }
}

impl Default for Challenges {
    fn default() -> Self {
        static DEFAULT: LazyLock<Challenges> = LazyLock::new(|| Challenges::of(Settings::default()));
        DEFAULT.clone()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            realm: "api".into(),
            scope: None,
            resource_metadata: None,
            offers: vec![Offer::Bearer],
            written: nothing_written(),
        }
    }
}

const fn nothing_written() -> [[OnceLock<Box<[HeaderValue]>>; AuthErrorKind::ALL.len()]; 2] {
    [const { [const { OnceLock::new() }; AuthErrorKind::ALL.len()] }; 2]
}

impl Challenges {
    fn of(settings: Settings) -> Self {
        Self(Arc::new(settings))
    }

    /// Only what may stand between quotes without an escape.
    pub(super) fn with_realm(&self, realm: &str) -> Result<Self, ConfigError> {
        if !may_be_quoted(realm) {
            return Err(ConfigError::new(format!(
                "{realm:?} is no realm: use printable ASCII without quotes and backslashes"
            )));
        }
        Ok(self.changed(|settings| settings.realm = realm.into()))
    }

    /// `scope` is made of scope tokens.
    pub(super) fn with_scope(&self, scope: &str) -> Self {
        self.changed(|settings| settings.scope = Some(scope.into()))
    }

    /// `url` is made of the characters of a URL.
    pub(super) fn with_resource_metadata(&self, url: &str) -> Self {
        self.changed(|settings| settings.resource_metadata = Some(url.into()))
    }

    pub(super) fn with_offers(&self, offers: Vec<Offer>) -> Self {
        self.changed(|settings| settings.offers = offers)
    }

    fn changed(&self, change: impl FnOnce(&mut Settings)) -> Self {
        let Settings { realm, scope, resource_metadata, offers, written: _ } = &*self.0;
        let mut settings = Settings {
            realm: realm.clone(),
            scope: scope.clone(),
            resource_metadata: resource_metadata.clone(),
            offers: offers.clone(),
            written: nothing_written(),
        };
        change(&mut settings);
        Self::of(settings)
    }

    /// Puts the values of `WWW-Authenticate` into `headers`, one for each scheme ([RFC 6750 §3], [RFC 9110 §11.6.1]). The
    /// error is in the one that it belongs to; who sent no token is told none.
    ///
    /// [RFC 6750 §3]: https://www.rfc-editor.org/rfc/rfc6750#section-3
    /// [RFC 9110 §11.6.1]: https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
    pub(super) fn append_to(&self, headers: &mut HeaderMap, denial: &Denial) {
        let written = self.0.written.get(denial.scheme as usize);
        let written = written.and_then(|written| written.get(denial.error.kind() as usize));
        let fresh;
        let challenges = match written {
            Some(written) if denial.needs.is_none() => written.get_or_init(|| self.write_all(denial)),
            _ => {
                fresh = self.write_all(denial);
                &fresh
            }
        };
        for challenge in challenges {
            headers.append(header::WWW_AUTHENTICATE, challenge.clone());
        }
    }

    fn write_all(&self, denial: &Denial) -> Box<[HeaderValue]> {
        let offers = &self.0.offers;
        // An error that came under a scheme that is not offered is told in the first that is.
        let blamed = offers.iter().find(|offer| offer.scheme() == denial.scheme).or(offers.first());
        offers.iter().filter_map(|offer| self.write(offer, denial, Some(offer) == blamed)).collect()
    }

    fn write(&self, offer: &Offer, denial: &Denial, with_error: bool) -> Option<HeaderValue> {
        let Settings { realm, scope, resource_metadata, .. } = &*self.0;
        let error = error_code(denial).filter(|_| with_error);
        let needs = denial.needs.as_deref();
        let mut challenge = Challenge::new(offer, realm);
        if let Some(code) = error {
            challenge.quote("error", code);
            challenge.quote("error_description", denial.error.description());
        }
        // Who was turned down for want of one scope is not helped with another.
        let first = scope.as_ref().filter(|_| denial.error.status() == StatusCode::UNAUTHORIZED);
        if let Some(scope) = needs.and_then(|needs| needs.scope.as_ref()).or(first) {
            challenge.quote("scope", scope);
        }
        let is_about_sign_in = denial.error.kind() == AuthErrorKind::AuthenticationInsufficient && with_error;
        if let Some(Needs { acr_values, max_age, .. }) = needs.filter(|_| is_about_sign_in) {
            if let Some(acr_values) = acr_values {
                challenge.quote("acr_values", acr_values);
            }
            if let Some(max_age) = max_age {
                challenge.quote("max_age", max_age);
            }
        }
        if let Some(url) = resource_metadata {
            challenge.quote("resource_metadata", url);
        }
        if let Offer::Dpop { algorithms } = offer
            && !algorithms.is_empty()
        {
            challenge.quote("algs", algorithms);
        }
        // Whatever is quoted was looked at when it was set.
        HeaderValue::from_str(&challenge.0).ok()
    }
}

/// The text of one challenge, as it grows.
struct Challenge(String);

impl Challenge {
    fn new(offer: &Offer, realm: &str) -> Self {
        let scheme = match offer.scheme() {
            Scheme::Bearer => "Bearer",
            Scheme::Dpop => "DPoP",
        };
        Self(format!("{scheme} realm=\"{realm}\""))
    }

    fn quote(&mut self, name: &str, value: impl fmt::Display) {
        // A string takes whatever is written.
        let _ = write!(self.0, ", {name}=\"{value}\"");
    }
}

/// What the standards call it ([RFC 6750 §3.1], [RFC 9449 §7.1], [RFC 9470 §3]).
///
/// [RFC 6750 §3.1]: https://www.rfc-editor.org/rfc/rfc6750#section-3.1
/// [RFC 9449 §7.1]: https://www.rfc-editor.org/rfc/rfc9449#section-7.1
/// [RFC 9470 §3]: https://www.rfc-editor.org/rfc/rfc9470#section-3
fn error_code(denial: &Denial) -> Option<&'static str> {
    use AuthErrorKind as Kind;
    Some(match denial.error.kind() {
        // Of the last two a hook has made a 401 or a 400: no other token would change them, and no code says that.
        Kind::TokenMissing
        | Kind::SignInDenied
        | Kind::SignInFailed
        | Kind::CrossSiteRequest
        | Kind::SessionConflict => return None,
        Kind::AuthenticationInsufficient => "insufficient_user_authentication",
        Kind::ProofInvalid | Kind::ProofReplayed => "invalid_dpop_proof",
        Kind::ProofNonceRequired => "use_dpop_nonce",
        _ => match denial.error.status() {
            StatusCode::BAD_REQUEST => "invalid_request",
            StatusCode::FORBIDDEN => "insufficient_scope",
            StatusCode::SERVICE_UNAVAILABLE => return None,
            _ => "invalid_token",
        },
    })
}

/// Whether `text` may stand between the quotes of a challenge as it is ([RFC 6750 §3]).
///
/// [RFC 6750 §3]: https://www.rfc-editor.org/rfc/rfc6750#section-3
pub(super) fn may_be_quoted(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

impl fmt::Debug for Challenges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenges").field("realm", &self.0.realm).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AuthErrorKind as Kind;

    #[test]
    fn a_realm_cannot_break_out_of_its_quotes() {
        for realm in ["", "a\"b", "a\\b", "a\r\nb", "ä", "a\tb"] {
            assert!(Challenges::default().with_realm(realm).is_err(), "{realm:?}");
        }
        let challenges = Challenges::default().with_realm("orders, v2 (eu)").expect("a realm");
        assert_eq!(written(&challenges, &Kind::TokenMissing.into()), ["Bearer realm=\"orders, v2 (eu)\""]);
    }

    fn written(challenges: &Challenges, denial: &Denial) -> Vec<String> {
        let mut headers = HeaderMap::new();
        challenges.append_to(&mut headers, denial);
        let values = headers.get_all(header::WWW_AUTHENTICATE).iter();
        values.map(|value| value.to_str().expect("printable ASCII").to_owned()).collect()
    }

    #[test]
    fn an_error_is_in_the_challenge_of_the_scheme_that_it_came_under() {
        let dpop = Offer::Dpop { algorithms: "ES256 PS256".into() };
        let both = Challenges::default().with_offers(vec![Offer::Bearer, dpop.clone()]);
        let (bearer, proof) = ("Bearer realm=\"api\"", "DPoP realm=\"api\"");
        let algs = "algs=\"ES256 PS256\"";
        let missing = Denial::from(Kind::TokenMissing);
        assert_eq!(written(&both, &missing), [bearer, &format!("{proof}, {algs}")]);

        let expired = Denial::from(Kind::TokenExpired);
        let error = "error=\"invalid_token\", error_description=\"the token has expired\"";
        let of_bearer = [format!("{bearer}, {error}"), format!("{proof}, {algs}")];
        let of_dpop = [bearer.to_owned(), format!("{proof}, {error}, {algs}")];
        // Written, and then copied.
        for _ in 0..2 {
            assert_eq!(written(&both, &expired), of_bearer);
            assert_eq!(written(&both, &expired.clone().with_scheme(Scheme::Dpop)), of_dpop);
        }
        let only_proofs = Challenges::default().with_offers(vec![dpop]);
        assert_eq!(written(&only_proofs, &expired), of_dpop[1..]);
    }

    #[test]
    fn a_challenge_names_what_would_have_been_enough() {
        let needs = |scope: Option<&str>, acr_values: Option<&str>, max_age| {
            let [scope, acr_values] = [scope, acr_values].map(|text| text.map(Box::from));
            Arc::new(Needs { scope, acr_values, max_age })
        };
        let challenges =
            Challenges::default().with_scope("openid").with_resource_metadata("https://a.example/m");
        let insufficient =
            |kind: AuthErrorKind, needs| written(&challenges, &Denial::from(kind).with_needs(needs));
        let metadata = "resource_metadata=\"https://a.example/m\"";
        for (kind, needs, want) in [
            (
                Kind::ScopeInsufficient,
                needs(Some("read write"), None, None),
                "error=\"insufficient_scope\", error_description=\"a wider scope is required\", scope=\"read write\"",
            ),
            (
                Kind::PermissionDenied,
                needs(None, None, None),
                "error=\"insufficient_scope\", error_description=\"the token does not permit this\"",
            ),
            (
                Kind::AuthenticationInsufficient,
                needs(None, Some("gold silver"), Some(0)),
                "error=\"insufficient_user_authentication\", \
                 error_description=\"another or a more recent authentication is required\", scope=\"openid\", \
                 acr_values=\"gold silver\", max_age=\"0\"",
            ),
        ] {
            assert_eq!(insufficient(kind, needs), [format!("Bearer realm=\"api\", {want}, {metadata}")]);
        }
        let missing = Denial::from(Kind::TokenMissing);
        let bare = format!("Bearer realm=\"api\", scope=\"openid\", {metadata}");
        assert_eq!(written(&challenges, &missing), [&*bare]);
        // Not how it should have been authenticated, where nobody was.
        let of_a_route = missing.with_needs(needs(Some("read"), Some("gold"), Some(5)));
        assert_eq!(written(&challenges, &of_a_route), [bare.replace("openid", "read")]);
    }
}
