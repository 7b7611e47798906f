//! What must hold, whatever happens.

use std::fmt;

/// One promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Nobody gets in whom a verification from scratch, with the keys that were served last, would refuse.
    NobodyGetsInWrongly,
    /// Nobody is refused whose key is held, or could have been fetched.
    NobodyIsRefusedWrongly,
    /// Each fetch is on schedule, or an attempt that the gate allows, or was asked for by hand.
    FetchesAreWithinBudget,
    /// Fetches come when they are due.
    FetchesAreInTime,
    /// What is kept does not grow with what comes.
    MemoryIsWithinBudget,
    /// The state, the generation and the failures are what the provider's answers make them.
    StateIsLegal,
    /// 1 s for the first set, 2 s for a refetch, and no time at all for what is known.
    NobodyWaitsTooLong,
    /// Never 500, and 401 or 503 where each belongs.
    AnswersAreLegal,
}

/// Where one was broken.
#[derive(Debug, Clone)]
pub struct Violation {
    pub rule: Rule,
    pub says: String,
    /// After which step.
    pub step: usize,
}

impl Violation {
    pub fn of<T>(rule: Rule, says: impl Into<String>) -> Result<T, Self> {
        Err(Self { rule, says: says.into(), step: 0 })
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, after step {}: {}", self.rule, self.step, self.says)
    }
}
