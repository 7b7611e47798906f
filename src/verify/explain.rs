//! Why a token is refused: every check of a [`Verifier`], judged by the same functions, for people to read.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use super::authority::AuthorityNow;
use super::binding::Presented;
use super::cache::TokenCache;
use super::explanation::{Check, Explanation, Outcome, Step};
use super::policy::{Binding, ClaimCheck, Policy, Rule};
use super::times::{TimeCheck, Times};
use super::words::{self, InWords};
use super::{Authority, Stop, Verifier, Want, answer_for};
use crate::clock::FixedClock;
use crate::error::{AuthError, AuthErrorKind};
use crate::jwks::{Lack, Waited};
use crate::source::Source;
use crate::token::{
    NumericDate, SignatureRoom, UnverifiedClaims, UnverifiedHeader, UnverifiedToken, checked_text,
};

/// The longest value that is shown, in characters.
const MAX_SHOWN: usize = 200;

impl Verifier {
    /// Tells of every check whether `token` passes it, for people who look for a fault.
    ///
    /// The [verdict](Explanation::verdict) is that of [`verify_or_ask`](Self::verify_or_ask), at the time of the call, and
    /// it waits, fetches and asks no more than that does. But what comes after the first failed check is judged too, as far
    /// as it can be with what is here: a token that is expired and for somebody else and forged is told so at once.
    ///
    /// It says nothing of what lies outside of a verifier: where the token was found, how a late link is called, or what a
    /// layer asks for besides. Nor does it know a sender: the check `cnf` of a [bound](crate::binding) token fails, as a layer
    /// has it fail without a proof.
    ///
    /// # Security
    ///
    /// A token that somebody sends you to look into is a credential until it expires: keep it out of tickets, logs and the
    /// history of shells. See [`Explanation`] for what a report shows. Nothing is remembered between calls, so that each
    /// costs a signature: this is no replacement for `verify_or_ask`.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_jwt_auth::Verifier;
    /// use tower_jwt_auth::jwks::SharedSecret;
    /// use tower_jwt_auth::token::Algorithm;
    /// use tower_jwt_auth::verify::Outcome;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let secret = SharedSecret::new(Algorithm::Hs256, [7; 32])?;
    /// let verifier = Verifier::new("https://login.example.com", "my-api", secret)?;
    ///
    /// let token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.\
    ///     eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIiwiYXVkIjoibXktYXBpIiwic3ViIjoiYWRhIiwiZXhwIjo0MTAyNDQ0ODAwfQ.\
    ///     s3-InWBpIjbe79O4AeduBf3C7_0UG7faSxBgkdIpi0c";
    /// let explanation = verifier.explain(token).await;
    /// assert!(explanation.verdict().is_ok());
    /// assert!(explanation.with_values().to_string().contains(r#""https://login.example.com""#));
    ///
    /// let forged = token.replace("YWRh", "ZXZl"); // eve, under a signature for ada
    /// let explanation = verifier.explain(&forged).await;
    /// let failed = explanation.checks().iter().find(|check| matches!(check.outcome(), Outcome::Failed(_)));
    /// assert_eq!(failed.map(|check| check.name()), Some("signature"));
    /// assert_eq!(explanation.verdict().unwrap_err().code(), "signature_invalid");
    /// assert!(!explanation.without_values().to_string().contains("login.example.com"));
    /// # Ok(()) }
    /// ```
    pub async fn explain(&self, token: &str) -> Explanation {
        let rulings = Rulings::default();
        let still = self.standing_still(&rulings);
        let verdict = still.verify_or_ask(token).await.map(drop);
        let rulings = std::mem::take(&mut *rulings.lock().unwrap_or_else(PoisonError::into_inner));
        // Rules are asked about a good signature, and about nothing else.
        let signed = if rulings.is_empty() { verdict } else { Ok(()) };

        let mut sheet = Sheet::new(&still);
        sheet.judge(token, signed);
        for (index, ruling) in rulings.into_iter().enumerate() {
            sheet.note(Step::Rule(index), ruling);
        }
        sheet.quote(token);
        Explanation::new(verdict, sheet.checks)
    }

    /// The same verifier at this very moment, so that the checks are judged by the time of the verdict. It remembers no
    /// token, and what its rules say, it leaves in `rulings`.
    fn standing_still(&self, rulings: &Rulings) -> Self {
        let mut policy = self.policy.clone();
        policy.clock = Arc::new(FixedClock::at(self.policy.clock.now()));
        for Rule { judge, .. } in &mut policy.rules {
            let (asked, rulings) = (Arc::clone(judge), Arc::clone(rulings));
            *judge = Arc::new(move |token| {
                let ruling = asked(token);
                rulings.lock().unwrap_or_else(PoisonError::into_inner).push(ruling);
                ruling
            });
        }
        Self { policy, authority: self.authority.clone(), cache: TokenCache::new(0) }
    }
}

/// What the rules said, one after the other.
type Rulings = Arc<Mutex<Vec<Result<(), AuthError>>>>;

/// The checks of one verifier, as they are filled in.
struct Sheet<'v> {
    verifier: &'v Verifier,
    now: NumericDate,
    checks: Vec<Check>,
}

impl<'v> Sheet<'v> {
    /// Every check that there is, none of them made.
    fn new(verifier: &'v Verifier) -> Self {
        let Verifier { policy, authority, .. } = verifier;
        let signature: &[Step] = match authority {
            Authority::Endpoint(_) => &[Step::Provider],
            Authority::Keys(_) | Authority::Secret(_) => &[Step::Key, Step::Signature],
        };
        let steps = [Step::Parts, Step::Header, Step::Algorithm, Step::Type, Step::Claims]
            .into_iter()
            .chain(ClaimCheck::ALL.map(Step::Claim))
            .chain([Step::Profile])
            .chain(TimeCheck::ALL.map(Step::Time))
            .chain(signature.iter().copied());
        let named = steps.filter_map(|step| Some((step, step.name()?, None)));
        let rules = policy.rules.iter().enumerate().map(|(index, rule)| {
            (Step::Rule(index), rule.name, Some("a rule, which is asked about good tokens only".into()))
        });
        let checks = named
            .chain(rules)
            .map(|(step, name, note)| {
                let outcome = if is_on(policy, step) { Outcome::NotReached } else { Outcome::Off };
                Check { step, name, outcome, note, value: None }
            })
            .collect();
        Self { verifier, now: policy.now(), checks }
    }

    /// Judges all but the rules; `signed` is the verdict on key and signature, if all before them is well.
    fn judge(&mut self, text: &str, signed: Result<(), AuthError>) {
        let Some(token) = self.note(Step::Parts, UnverifiedToken::split(text)) else { return };
        let header_json = token.decode_header();
        let header = header_json.as_deref().map_err(|error| *error).and_then(UnverifiedHeader::parse);
        let header = self.note(Step::Header, header).filter(|header| self.accepts_algorithm(header));
        self.judge_claims(&token);

        let has_failed = self.checks.iter().any(|check| matches!(check.outcome, Outcome::Failed(_)));
        match header {
            _ if !has_failed => self.note_signature(signed),
            // An algorithm that is not accepted verifies nothing here either.
            None => {}
            Some(header) => self.try_signature(&token, &header),
        }
    }

    fn accepts_algorithm(&mut self, header: &UnverifiedHeader<'_>) -> bool {
        match self.verifier.policy.check_header(header) {
            Err(error) if error.kind() == AuthErrorKind::AlgorithmUnsupported => {
                self.note::<()>(Step::Algorithm, Err(error));
                false
            }
            judged => {
                self.note(Step::Algorithm, Ok(()));
                self.note(Step::Type, judged);
                true
            }
        }
    }

    fn judge_claims(&mut self, token: &UnverifiedToken<'_>) {
        let policy = &self.verifier.policy;
        let payload = token.decode_payload();
        let payload = payload.as_deref().map_err(|error| *error);
        let claims = payload
            .and_then(|payload| UnverifiedClaims::parse(payload, policy.audiences(), policy.required()));
        let Some(claims) = self.note(Step::Claims, claims) else { return };
        let presented = Presented::from(Source::Direct);
        for check in ClaimCheck::ALL {
            self.note(Step::Claim(check), policy.judge_claims(check, &claims, &presented));
        }
        self.note(Step::Profile, payload.and_then(|payload| policy.check_profile(payload)));
        let times = Times::of(&claims);
        for check in TimeCheck::ALL {
            self.note(Step::Time(check), policy.judge_times(check, &times, self.now));
            if let Some(words) = words::say(check, policy, &times, self.now) {
                self.show(Step::Time(check), words);
            }
        }
    }

    /// Tries the signature of a token that is refused already: with what is here, and without fetching or asking.
    fn try_signature(&mut self, token: &UnverifiedToken<'_>, header: &UnverifiedHeader<'_>) {
        let authority = AuthorityNow::load(&self.verifier.authority);
        let mut room = SignatureRoom::new();
        let signed = token
            .decode_signature(&mut room)
            .map_err(Stop::from)
            .and_then(|signature| authority.verify(token, header, &signature, None));
        let (left, note) = match signed {
            Ok(_) => return self.note_signature(Ok(())),
            Err(Stop::Refused(error)) => return self.note_signature(Err(error)),
            Err(Stop::Lacking(want @ Want::Keys(Lack::OtherKey { .. }))) => {
                return self.note_signature(Err(answer_for(&want, Waited::Settled)));
            }
            Err(Stop::Lacking(Want::Keys(_))) => {
                (Step::Key, "it is not here, and not fetched for a token that is refused already")
            }
            Err(Stop::Lacking(Want::Answer)) => {
                (Step::Provider, "it is not asked about a token that is refused already")
            }
        };
        if let Some(check) = self.check_mut(left) {
            check.note = Some(note.into());
        }
    }

    /// Notes the outcome of finding a key and of verifying with it, or of asking the provider.
    fn note_signature(&mut self, signed: Result<(), AuthError>) {
        use AuthErrorKind::{KeyUnknown, KeysPending, KeysUnavailable, TokenMalformed};
        let failed = signed.err().map(|error| error.kind());
        match (&self.verifier.authority, failed) {
            (Authority::Endpoint(_), _) => _ = self.note(Step::Provider, signed),
            (_, Some(KeyUnknown | KeysPending | KeysUnavailable)) => _ = self.note(Step::Key, signed),
            // It cannot be decoded, and no key was looked for.
            (_, Some(TokenMalformed)) => _ = self.note(Step::Signature, signed),
            _ => {
                self.note(Step::Key, Ok(()));
                self.note(Step::Signature, signed);
            }
        }
    }

    /// Notes how the check of `step` ended; one that is off says yes to everything, which is worth no note.
    fn note<T>(&mut self, step: Step, result: Result<T, AuthError>) -> Option<T> {
        let policy = &self.verifier.policy;
        if let Some(check) = self.check_mut(step)
            && (check.outcome != Outcome::Off || result.is_err())
        {
            (check.outcome, check.note) = match &result {
                Ok(_) => (Outcome::Passed, None),
                Err(error) => (Outcome::Failed(*error), wanted(policy, step).map(Into::into)),
            };
        }
        result.ok()
    }

    /// Keeps what the token says, whether it is understood or not, to be shown beside what was made of it.
    fn quote(&mut self, text: &str) {
        let Ok(token) = UnverifiedToken::split(text) else { return };
        if let Some(header) = token.decode_header().ok().and_then(|json| members(&json)) {
            self.show(Step::Algorithm, shown(header.get("alg")));
            self.show(Step::Type, shown(header.get("typ")));
            self.show(Step::Key, format!("kid {}", shown(header.get("kid"))));
        }
        let Some(mut claims) = token.decode_payload().ok().and_then(|json| members(json.as_bytes())) else {
            return;
        };
        for (step, claim) in [
            (Step::Claim(ClaimCheck::Issuer), "iss"),
            (Step::Claim(ClaimCheck::Audience), "aud"),
            (Step::Claim(ClaimCheck::Subject), "sub"),
            (Step::Time(TimeCheck::Expiry), "exp"),
            (Step::Time(TimeCheck::NotBefore), "nbf"),
            (Step::Time(TimeCheck::IssuedAt), "iat"),
        ] {
            self.show(step, shown(claims.remove(claim).as_ref()));
        }
        let others: Vec<_> = claims.keys().map(String::as_str).collect();
        if !others.is_empty() {
            self.show(Step::Claims, format!("also {}", printable(&others.join(", "))));
        }
    }

    /// Keeps `value` to be shown, unless there are better words for it already.
    fn show(&mut self, step: Step, value: String) {
        if let Some(check) = self.check_mut(step) {
            check.value.get_or_insert(value);
        }
    }

    fn check_mut(&mut self, step: Step) -> Option<&mut Check> {
        self.checks.iter_mut().find(|check| check.step == step)
    }
}

/// Whether `policy` asks for it.
fn is_on(policy: &Policy, step: Step) -> bool {
    match step {
        Step::Type => policy.typ.is_some() || policy.profile.is_some(),
        // FAPI 2.0 is asked for in the other checks, each of which says its own.
        Step::Profile => policy.profile.is_some(),
        Step::Claim(ClaimCheck::Issuer) => policy.issuer.is_some(),
        Step::Claim(ClaimCheck::Audience) => policy.audiences.is_some(),
        Step::Claim(ClaimCheck::Subject) => policy.subject.is_some(),
        Step::Claim(ClaimCheck::Binding) => policy.binding != Binding::Ignore,
        Step::Claim(ClaimCheck::Required) => !policy.required.is_empty(),
        Step::Time(TimeCheck::IssuedAt) => policy.issued_at_skew().is_some(),
        Step::Time(TimeCheck::Age) => policy.max_age.is_some(),
        Step::Time(TimeCheck::Lifetime) => policy.max_lifetime.is_some(),
        _ => true,
    }
}

/// What `policy` would have had instead, where the error does not say it.
fn wanted(policy: &Policy, step: Step) -> Option<String> {
    Some(match step {
        Step::Algorithm => format!("wanted one of [{}]", policy.algorithms),
        Step::Type => match (&policy.typ, policy.profile) {
            (Some(typ), Some(profile)) => format!("wanted {typ:?}, and {profile}"),
            (Some(typ), None) => format!("wanted {typ:?}"),
            (None, profile) => format!("wanted {}", profile?),
        },
        Step::Profile => format!("wanted {}", policy.profile?),
        Step::Claim(ClaimCheck::Issuer) => format!("wanted {:?}", policy.issuer.as_deref()?),
        Step::Claim(ClaimCheck::Audience) => format!("wanted one of {:?}", policy.audiences()),
        Step::Claim(ClaimCheck::Subject) => format!("wanted {:?}", policy.subject.as_deref()?),
        Step::Time(TimeCheck::Age) => format!("wanted at most {}", InWords(policy.max_age?)),
        Step::Time(TimeCheck::Lifetime) => format!("wanted at most {}", InWords(policy.max_lifetime?)),
        _ => return None,
    })
}

fn members(json: &[u8]) -> Option<Map<String, Value>> {
    /// As deep as claims may nest.
    const MAX_DEPTH: usize = 64;
    serde_json::from_str(checked_text(json, MAX_DEPTH)?).ok()
}

/// `value` as JSON, fit to be shown.
fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "absent".to_owned(), |value| printable(&value.to_string()))
}

/// `text` with an escape for whatever could move a cursor, recolour a terminal or reorder a line, cut where it gets long.
fn printable(text: &str) -> String {
    let mut printable = String::new();
    for (index, char) in text.chars().enumerate() {
        match char {
            _ if index >= MAX_SHOWN => return printable + "…",
            '"' | '\'' | '\\' => printable.push(char),
            char => printable.extend(char.escape_debug()),
        }
    }
    printable
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::jwks::SharedSecret;
    use crate::token::Algorithm;

    #[test]
    fn what_was_wanted_is_said_where_the_error_does_not_say_it() {
        let secret = SharedSecret::new(Algorithm::Hs256, [7; 32]).expect("a secret");
        let mut policy =
            Policy::new("us".to_owned(), "api".to_owned(), &Authority::from(secret)).expect("a policy");
        policy.typ = Some("at+jwt".to_owned());
        policy.subject = Some("alice".to_owned());
        policy.max_age = Some(Duration::from_secs(600));
        policy.max_lifetime = Some(Duration::from_secs(7_200));
        for (step, want) in [
            (Step::Algorithm, Some("wanted one of [HS256]")),
            (Step::Type, Some("wanted \"at+jwt\"")),
            (Step::Claim(ClaimCheck::Issuer), Some("wanted \"us\"")),
            (Step::Claim(ClaimCheck::Audience), Some("wanted one of [\"api\"]")),
            (Step::Claim(ClaimCheck::Subject), Some("wanted \"alice\"")),
            (Step::Time(TimeCheck::Age), Some("wanted at most 10 minutes")),
            (Step::Time(TimeCheck::Lifetime), Some("wanted at most 2 hours")),
            (Step::Time(TimeCheck::Expiry), None),
            (Step::Signature, None),
        ] {
            assert_eq!(wanted(&policy, step).as_deref(), want, "{step:?}");
        }
    }
}
