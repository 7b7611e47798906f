use std::sync::Arc;

use http::Request;

use super::entrance::Entrance;
use crate::binding::{Dpop, Proof, ProofRule, ProvenRequest};
use crate::error::AuthError;
use crate::rejection::Offer;
use crate::source::{Found, Source, TokenSources, original_uri};
use crate::verify::{Presented, Sender};

impl Entrance {
    /// Takes proofs by `dpop`, and says so in challenges.
    pub(super) fn set_dpop(&mut self, dpop: Dpop) {
        let taken = |algorithm| self.verifiers.take_proofs_of(algorithm);
        let proofs = Offer::Dpop { algorithms: dpop.algorithm_names(taken) };
        let offers = if dpop.is_required() { vec![proofs] } else { vec![Offer::Bearer, proofs] };
        self.refusals.set_offers(offers);
        self.dpop = Some(Arc::new(ProofRule::new(dpop, self.verifiers.clock())));
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
