//! Key sets and tokens that others made, with keys that nobody here has.

use serde::Deserialize;
use serde_json::value::RawValue;

/// One file of `tests/vectors`.
#[derive(Deserialize)]
pub struct Vectors {
    pub jwks: KeySet,
    pub cases: Vec<Case>,
}

#[derive(Deserialize)]
pub struct KeySet {
    pub keys: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
pub struct Case {
    pub alg: String,
    pub token: String,
    pub verdict: String,
}

impl Vectors {
    /// Of every algorithm, under names like `rs256`.
    pub fn of_jwcrypto() -> Self {
        serde_json::from_str(include_str!("../../tests/vectors/jwcrypto.json")).expect("vectors")
    }

    /// The first accepted token of each algorithm with a public key.
    pub fn good_tokens(&self) -> Vec<&Case> {
        let mut good: Vec<&Case> = Vec::new();
        for case in &self.cases {
            let is_new = good.iter().all(|other| other.alg != case.alg);
            if case.verdict == "accepted" && is_new && !case.alg.starts_with("HS") {
                good.push(case);
            }
        }
        good
    }
}
