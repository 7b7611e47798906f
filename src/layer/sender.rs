use std::sync::Arc;

use http::Request;

use super::entrance::Entrance;
use crate::binding::{ClientCertificates, Dpop, Proof, ProofRule, ProvenRequest};
use crate::error::AuthError;
use crate::rejection::Offer;
use crate::source::{Found, Source, TokenSources, original_uri};
use crate::verify::{Presented, Sender};

impl Entrance {
    /// Looks for tokens in `sources`, and offers no more in challenges.
    pub(super) fn set_sources(&mut self, sources: TokenSources) {
        self.sources = sources;
        self.renew_offers();
    }

    /// Takes proofs by `dpop`, and says so in challenges.
    pub(super) fn set_dpop(&mut self, dpop: Dpop) {
        self.dpop = Some(Arc::new(ProofRule::new(dpop, &self.verifiers.clock())));
        self.renew_offers();
    }

    /// Takes tokens that are bound to `certificates`.
    pub(super) fn set_certificates(&mut self, certificates: ClientCertificates) {
        self.certificates = Some(certificates);
        self.renew_offers();
    }

    /// Offers the schemes under which some token gets in.
    fn renew_offers(&mut self) {
        let Some(rule) = &self.dpop else { return };
        let proofs = Offer::Dpop {
            algorithms: rule.algorithm_names(|algorithm| self.verifiers.take_proofs_of(algorithm)),
        };
        let takes_others = if self.verifiers.demand_binding() {
            self.certificates.is_some() && self.sources.reads_bearer()
        } else {
            self.sources.read_more_than_proven()
        };
        let only_proofs = rule.is_required() || !takes_others;
        self.refusals.set_offers(if only_proofs { vec![proofs] } else { vec![Offer::Bearer, proofs] });
    }

    /// Whether a token may get in that is not in `Authorization`.
    pub(super) fn takes_tokens_elsewhere(&self) -> bool {
        !self.verifiers.demand_binding() && !self.dpop.as_ref().is_some_and(|rule| rule.is_required())
    }

    /// Where tokens are looked for, those with proofs among them.
    pub(super) fn places(&self) -> TokenSources {
        self.sources.clone().with_dpop(self.dpop.is_some())
    }

    /// What the sender of a token has proven, before anything is known of the token, and the proof if there is one.
    pub(super) fn meet<B>(
        &self,
        found: &Found<'_>,
        request: &Request<B>,
    ) -> Result<(Presented, Option<Proof>), AuthError> {
        if self.dpop.is_none() && self.certificates.is_none() {
            return Ok((found.source.into(), None));
        }
        let mut sender = Sender::default();
        let mut proof = None;
        if let Some(rule) = &self.dpop {
            sender.must_hold_key = rule.is_required();
            if found.source == Source::Dpop {
                let asked = ProvenRequest {
                    method: request.method(),
                    path: original_uri(request).unwrap_or(request.uri()).path(),
                    headers: request.headers(),
                    token: &found.token,
                };
                let good = rule.check(&asked, self.verifiers.clock().now())?;
                sender.key = Some(good.key());
                proof = Some(good);
            }
        }
        if let Some(certificates) = &self.certificates {
            sender.must_hold_certificate = certificates.is_required();
            sender.certificate = certificates.find(request)?;
        }
        Ok((Presented { source: found.source, sender: Some(Box::new(sender)) }, proof))
    }
}
