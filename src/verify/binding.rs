//! What is asked of `cnf`, again on every use of a token: the one place that compares it with what a sender has proven.

use super::policy::{Binding, Policy};
use crate::error::{AuthError, AuthErrorKind};
use crate::source::Source;
use crate::token::{Confirmation, ProvenKey, Thumbprint};

/// How a token is presented: where it was found, and what is known of who has sent it.
#[derive(Debug, Clone)]
pub(crate) struct Presented {
    pub(crate) source: Source,
    /// None where nothing about a sender is looked at, and so nothing is proven.
    pub(crate) sender: Option<Box<Sender>>,
}

/// What the sender of a token has proven, and what it has to.
#[derive(Debug, Default, Clone)]
pub(crate) struct Sender {
    /// Of the key that it has proven to hold, by a proof that was made for this request and this token.
    pub(crate) key: Option<ProvenKey>,
    /// Of the certificate that it has proven to hold the key of, by its TLS connection.
    pub(crate) certificate: Option<Thumbprint>,
    /// Whether its token has to be bound to a key.
    pub(crate) must_hold_key: bool,
    /// Whether its token has to be bound to a certificate.
    pub(crate) must_hold_certificate: bool,
    /// Whether it makes no difference who it is.
    is_anybody: bool,
}

impl From<Source> for Presented {
    fn from(source: Source) -> Self {
        Self { source, sender: None }
    }
}

impl Presented {
    /// By whoever has it, and at whichever place: for questions to which a yes lets nobody in.
    pub(crate) fn by_anybody(source: Source) -> Self {
        let sender = Sender { is_anybody: true, ..Sender::default() };
        Self { source, sender: Some(Box::new(sender)) }
    }
}

impl Policy {
    /// Whether a token that is bound by `cnf` may be used by who presents it: all that it is bound to has to be proven
    /// ([RFC 9449 §7.1], [RFC 8705 §3]), and a token that is bound to nothing is none that a proof can be about.
    ///
    /// [RFC 9449 §7.1]: https://www.rfc-editor.org/rfc/rfc9449#section-7.1
    /// [RFC 8705 §3]: https://www.rfc-editor.org/rfc/rfc8705#section-3
    pub(super) fn judge_binding(
        &self,
        cnf: Option<&Confirmation>,
        presented: &Presented,
    ) -> Result<(), AuthError> {
        let asks = presented.sender.is_some() || presented.source == Source::Dpop;
        match cnf {
            None if !asks && self.binding != Binding::Demand => Ok(()),
            cnf => self.compare(cnf, presented),
        }
    }

    fn compare(&self, cnf: Option<&Confirmation>, presented: &Presented) -> Result<(), AuthError> {
        let nothing = Sender::default();
        let sender = presented.sender.as_deref().unwrap_or(&nothing);
        if sender.is_anybody {
            return Ok(());
        }
        let is_in_a_header = matches!(presented.source, Source::Bearer | Source::Dpop | Source::Direct);
        if self.binding == Binding::Demand && !is_in_a_header {
            return Err(AuthErrorKind::CredentialsMalformed.into());
        }
        if sender.key.is_some_and(|key| !self.strictness.takes_proofs_of(key.algorithm)) {
            return Err(AuthErrorKind::ProofInvalid.into());
        }
        let key_proven = sender.key.map(|key| key.thumbprint);
        let must_hold_key = sender.must_hold_key || presented.source == Source::Dpop;
        let (bound, unbound) = (AuthErrorKind::TokenBound.into(), AuthErrorKind::TokenUnbound.into());

        let is_missing = |must_hold: bool, proven: Option<Thumbprint>| must_hold && proven.is_none();
        if is_missing(must_hold_key, key_proven)
            || is_missing(sender.must_hold_certificate, sender.certificate)
        {
            return Err(if cnf.is_some() { bound } else { unbound });
        }
        match cnf {
            None if must_hold_key || sender.must_hold_certificate => Err(unbound),
            None if self.binding == Binding::Demand => Err(unbound),
            None => Ok(()),
            Some(_) if self.binding == Binding::Ignore => Ok(()),
            Some(Confirmation::Unclear) => Err(bound),
            Some(Confirmation::Sender { key, certificate }) => {
                let is_proven = |wanted: &Option<Thumbprint>, proven| wanted.is_none() || *wanted == proven;
                if !is_proven(key, key_proven) || !is_proven(certificate, sender.certificate) {
                    return Err(bound);
                }
                let is_loose = |must_hold: bool, wanted: &Option<Thumbprint>| must_hold && wanted.is_none();
                if is_loose(must_hold_key, key) || is_loose(sender.must_hold_certificate, certificate) {
                    return Err(unbound);
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwks::SharedSecret;
    use crate::token::Algorithm;
    use crate::verify::Authority;

    const SOURCES: [Source; 6] =
        [Source::Dpop, Source::Bearer, Source::Cookie, Source::Query, Source::Other("other"), Source::Direct];

    fn policy(binding: Binding) -> Policy {
        let secret = SharedSecret::new(Algorithm::Hs256, [7; 32]).expect("a secret");
        let policy = Policy::new("us".to_owned(), "api".to_owned(), &Authority::from(secret));
        Policy { binding, ..policy.expect("a policy") }
    }

    /// Every token, from every place, by every sender: accepted only if a plain rule says so.
    #[test]
    fn a_bound_token_is_accepted_from_who_has_proven_all_that_it_is_bound_to_and_from_nobody_else() {
        let prints = [None, Some(Thumbprint::from([1; 32])), Some(Thumbprint::from([2; 32]))];
        let mut tokens = vec![None, Some(Confirmation::Unclear)];
        for key in prints {
            for certificate in prints.into_iter().filter(|certificate| (key, *certificate) != (None, None)) {
                tokens.push(Some(Confirmation::Sender { key, certificate }));
            }
        }
        let mut accepted = 0;
        for binding in [Binding::Refuse, Binding::Demand, Binding::Ignore] {
            let policy = policy(binding);
            for token in &tokens {
                for source in SOURCES {
                    for number in 0..36 {
                        let (key, certificate) = (prints[number % 3], prints[number / 3 % 3]);
                        let (must_hold_key, must_hold_certificate) = (number / 9 % 2 == 1, number / 18 == 1);
                        let proven =
                            key.map(|thumbprint| ProvenKey { thumbprint, algorithm: Algorithm::Es256 });
                        let sender = Sender {
                            key: proven,
                            certificate,
                            must_hold_key,
                            must_hold_certificate,
                            is_anybody: false,
                        };
                        let is_plain = number == 0;
                        let presented = Presented { source, sender: (!is_plain).then(|| Box::new(sender)) };

                        let must_hold_key = must_hold_key || source == Source::Dpop;
                        let has_all = (!must_hold_key || key.is_some())
                            && (!must_hold_certificate || certificate.is_some());
                        let is_in_a_header =
                            !matches!(source, Source::Query | Source::Cookie | Source::Other(_));
                        let may_be_there = binding != Binding::Demand || is_in_a_header;
                        let want = has_all
                            && may_be_there
                            && match token {
                                None => {
                                    !must_hold_key && !must_hold_certificate && binding != Binding::Demand
                                }
                                Some(_) if binding == Binding::Ignore => true,
                                Some(Confirmation::Unclear) => false,
                                Some(Confirmation::Sender { key: k, certificate: c }) => {
                                    (k.is_none() || *k == key)
                                        && (c.is_none() || *c == certificate)
                                        && (!must_hold_key || k.is_some())
                                        && (!must_hold_certificate || c.is_some())
                                }
                            };
                        let judged = policy.judge_binding(token.as_ref(), &presented);
                        assert_eq!(judged.is_ok(), want, "{binding:?} {token:?} {presented:?}");
                        let by_anybody = Presented::by_anybody(source);
                        assert!(policy.judge_binding(token.as_ref(), &by_anybody).is_ok(), "{source:?}");
                        accepted += usize::from(want);
                    }
                }
            }
        }
        assert!(accepted > 100, "{accepted}");
    }
}
