//! Every challenge there can be, read by a parser that nobody here wrote.

use std::collections::BTreeMap;

use super::*;
use crate::rejection::denial::Needs;

const SCOPE: &str = "openid items:read";
const URL: &str = "https://api.example.com/.well-known/oauth-protected-resource/mcp";
const ALGORITHMS: &str = "ES256 PS256";

/// What a layer is set to.
#[derive(Debug, Clone, Copy)]
struct Words {
    has_scope: bool,
    has_url: bool,
    offers: &'static [Scheme],
}

impl Words {
    fn all() -> impl Iterator<Item = Self> {
        let offers: [&[Scheme]; 4] = [
            &[Scheme::Bearer],
            &[Scheme::Dpop],
            &[Scheme::Bearer, Scheme::Dpop],
            &[Scheme::Dpop, Scheme::Bearer],
        ];
        let flags = [(false, false), (false, true), (true, false), (true, true)];
        flags
            .into_iter()
            .flat_map(move |(has_scope, has_url)| offers.map(|offers| Self { has_scope, has_url, offers }))
    }

    fn refusals(self) -> Refusals {
        let mut refusals = Refusals::default();
        refusals.set_realm("orders, v2 (eu)").expect("a realm");
        if self.has_scope {
            refusals.set_scope(SCOPE);
        }
        if self.has_url {
            refusals.set_resource_metadata(URL);
        }
        let offer = |scheme: &Scheme| match scheme {
            Scheme::Bearer => Offer::Bearer,
            Scheme::Dpop => Offer::Dpop { algorithms: ALGORITHMS.into() },
        };
        refusals.set_offers(self.offers.iter().map(offer).collect());
        refusals
    }
}

fn all_needs() -> Vec<Option<Needs>> {
    let scope = || Some("items:read items:write".into());
    let acr_values = || Some("urn:example:gold silver".into());
    vec![
        None,
        Some(Needs::default()),
        Some(Needs { scope: scope(), ..Needs::default() }),
        Some(Needs { acr_values: acr_values(), ..Needs::default() }),
        Some(Needs { max_age: Some(0), ..Needs::default() }),
        Some(Needs { scope: scope(), acr_values: acr_values(), max_age: Some(u64::MAX) }),
    ]
}

type Challenge = (String, BTreeMap<String, String>);

/// By the rules of the standards, written down once more: by scheme, with the parameters.
fn wanted(words: Words, denial: &Denial) -> Vec<Challenge> {
    use AuthErrorKind as Kind;
    let kind = denial.error.kind();
    let status = denial.error.status().as_u16();
    // RFC 9110 §11.6.1, RFC 6750 §3.1: none where no other token would help.
    let is_challenged =
        matches!(status, 400 | 401) || matches!(kind, Kind::ScopeInsufficient | Kind::PermissionDenied);
    if !is_challenged {
        return Vec::new();
    }
    let error = match kind {
        // RFC 6750 §3.1: who sent nothing is told nothing.
        Kind::TokenMissing | Kind::SignInDenied | Kind::SignInFailed => None,
        Kind::AuthenticationInsufficient => Some("insufficient_user_authentication"),
        Kind::ProofInvalid | Kind::ProofReplayed => Some("invalid_dpop_proof"),
        Kind::ProofNonceRequired => Some("use_dpop_nonce"),
        _ if status == 400 => Some("invalid_request"),
        _ if status == 403 => Some("insufficient_scope"),
        _ => Some("invalid_token"),
    };
    // RFC 9449 §7.2: the error is in the challenge that it belongs to.
    let position = words.offers.iter().position(|offer| *offer == denial.scheme).unwrap_or(0);
    let needs = denial.needs.as_deref().cloned().unwrap_or_default();
    let challenge = |(index, offer): (usize, &Scheme)| {
        let mut parameters = BTreeMap::new();
        let mut add = |name: &str, value: &str| {
            parameters.insert(name.to_owned(), value.to_owned());
        };
        add("realm", "orders, v2 (eu)");
        if let Some(error) = error.filter(|_| index == position) {
            add("error", error);
            add("error_description", denial.error.description());
            if kind == Kind::AuthenticationInsufficient {
                if let Some(acr_values) = &needs.acr_values {
                    add("acr_values", acr_values);
                }
                if let Some(max_age) = needs.max_age {
                    add("max_age", &max_age.to_string());
                }
            }
        }
        // RFC 6750 §3, RFC 9470 §3: that of the route, and of the layer where a first token is to be got.
        match (&needs.scope, words.has_scope && status == 401) {
            (Some(scope), _) => add("scope", scope),
            (None, true) => add("scope", SCOPE),
            (None, false) => {}
        }
        if words.has_url {
            add("resource_metadata", URL);
        }
        let scheme = match offer {
            Scheme::Bearer => "Bearer",
            Scheme::Dpop => {
                add("algs", ALGORITHMS);
                "DPoP"
            }
        };
        (scheme.to_owned(), parameters)
    };
    words.offers.iter().enumerate().map(challenge).collect()
}

/// All that `text` is, as far as the parser can tell.
fn parsed(text: &str) -> Vec<Challenge> {
    let challenges = http_auth::parse_challenges(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let challenge = |challenge: &http_auth::ChallengeRef<'_>| {
        let mut parameters = BTreeMap::new();
        for (name, value) in &challenge.params {
            let twice = parameters.insert((*name).to_owned(), value.to_unescaped());
            assert_eq!(twice, None, "{name} in {text}");
        }
        (challenge.scheme.to_owned(), parameters)
    };
    challenges.iter().map(challenge).collect()
}

#[test]
fn every_challenge_is_read_by_another_as_the_standards_have_it() {
    let mut count = 0_u32;
    for words in Words::all() {
        let refusals = words.refusals();
        for kind in AuthErrorKind::ALL {
            for (needs, scheme) in all_needs()
                .into_iter()
                .flat_map(|needs| [(needs.clone(), Scheme::Bearer), (needs, Scheme::Dpop)])
            {
                let mut denial = Denial::from(*kind).with_scheme(scheme);
                denial.needs = needs.map(Arc::new);
                let want = wanted(words, &denial);
                let response = refusals.answer(denial.clone(), Caller::Http);
                let values: Vec<_> = response.headers().get_all(header::WWW_AUTHENTICATE).iter().collect();
                let texts: Vec<_> = values.iter().map(|value| value.to_str().expect("ASCII")).collect();
                let context = format!("{kind:?} {words:?} {denial:?}: {texts:?}");
                let got: Vec<_> = texts.iter().flat_map(|text| parsed(text)).collect();
                assert_eq!(got, want, "{context}");
                // A proxy may put several lines into one.
                assert_eq!(texts.len(), want.len(), "{context}");
                if !texts.is_empty() {
                    assert_eq!(parsed(&texts.join(", ")), want, "{context}");
                }
                for value in got.iter().flat_map(|(_, parameters)| parameters.values()) {
                    assert!(challenge::may_be_quoted(value), "{value:?} in {context}");
                }
                count += 1;
                let over_grpc = refusals.answer(denial, Caller::Grpc("application/grpc"));
                assert!(!over_grpc.headers().contains_key(header::WWW_AUTHENTICATE), "{context}");
            }
        }
    }
    assert!(count > 5_000, "{count} are not all");
}

#[test]
fn what_is_no_challenge_is_none_to_the_parser_either() {
    for text in ["", "Bearer realm=\"a", "Bearer realm=\"a\" error=\"b\"", "Bearer realm=a b", "realm=\"a\""]
    {
        assert!(http_auth::parse_challenges(text).is_err(), "{text}");
    }
    assert_eq!(parsed("Bearer realm=\"a\"").len(), 1);
}
