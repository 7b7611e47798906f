//! What a verifier explains is what it does.

use tower_jwt_auth::verify::{Explanation, Outcome, VerifiedToken};
use tower_jwt_auth::{AuthError, Verifier};

use crate::app::at_once;

/// The explanation of `token` has the verdict that `verifier` came to, and the failed checks to go with it.
pub fn explains(verifier: &Verifier, token: &str, verdict: &Result<VerifiedToken, AuthError>) {
    let explanation: Explanation = at_once(verifier.explain(token));
    let verdict = verdict.as_ref().map(drop).map_err(|error| *error);
    assert_eq!(explanation.verdict(), verdict);
    let failed = explanation.checks().iter().find_map(|check| match check.outcome() {
        Outcome::Failed(error) => Some(error),
        _ => None,
    });
    assert_eq!(failed, verdict.err());
    let hidden = explanation.clone().without_values().to_string();
    let shown = explanation.with_values().to_string();
    assert!(!shown.is_empty() && shown.len() < 40_000, "{}", shown.len());
    assert!(hidden.is_ascii() && hidden.len() <= shown.len(), "{hidden}");
}
