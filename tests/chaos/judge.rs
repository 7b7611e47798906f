//! Whether callers were told what they had to be told, and in time.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;
use tower_jwt_auth::error::AuthErrorKind;

use crate::callers::{Caller, Token, Verdict};
use crate::contract::{FIRST_SET_WAIT, MOST_AWAITED_KEYS, MOST_WAITERS, REFETCH_WAIT};
use crate::history::{Fetched, History};
use crate::oracle::{Fate, Oracle};
use crate::promise::{Circumstances, Promise};
use crate::provider::Provider;
use crate::rule::{Rule, Violation};

/// What a caller's answer is held against.
pub struct Judge<'a> {
    pub oracle: &'a Oracle,
    pub history: &'a History,
    pub provider: &'a Provider,
    pub fetches: &'a [Fetched],
    pub promise: &'a Promise,
    /// When the inspection began: whoever waits then is not to blame for how long it takes.
    pub now: Instant,
    /// How much later than it should something may happen.
    pub tolerance: Duration,
    /// How long it may take from the look at the clock to the note of the time.
    pub blur: Duration,
}

impl Judge<'_> {
    pub fn fates_at(&self, token: &Token, moment: Instant) -> Result<Vec<Fate>, Violation> {
        self.oracle.fates(self.history, token, moment, self.blur)
    }

    /// Who was answered, with what should have become of it when it came.
    pub fn judge(&self, number: usize, caller: &Caller, first: &[Fate]) -> Result<(), Violation> {
        let (Some(came), Some(left), Some(verdict)) = (caller.came, caller.left, &caller.verdict) else {
            return Ok(());
        };
        // All that there is to an answer is decided at its end.
        let nothing_has_changed = came == left && self.history.now().from < came;
        let fates = if nothing_has_changed { first.to_vec() } else { self.fates_at(&caller.token, left)? };
        let waited = caller.waited(self.now);
        let told = |rule, what: &str| {
            let token = &*caller.token;
            let says = format!("{what}: {verdict:?} after {waited:?}, where {fates:?} is due, for {token:?}");
            Violation::of(rule, says)
        };
        self.check_wait(caller, first)?;
        match verdict {
            Verdict::Odd(_) => told(Rule::AnswersAreLegal, "an odd answer"),
            Verdict::Accepted(subject) if *subject != caller.token.subject => {
                told(Rule::NobodyGetsInWrongly, "somebody else")
            }
            Verdict::Accepted(_) if fates.contains(&Fate::Accepted) => Ok(()),
            Verdict::Accepted(_) => told(Rule::NobodyGetsInWrongly, "let in"),
            Verdict::Refused(_) if fates.iter().all(|fate| *fate == Fate::Accepted) => {
                told(Rule::NobodyIsRefusedWrongly, "a known key")
            }
            Verdict::Refused(kind) if !is_legal(*kind, &fates, waited) => {
                told(Rule::AnswersAreLegal, "the wrong answer")
            }
            Verdict::Refused(_) => {
                let circumstances = Circumstances {
                    history: self.history,
                    provider: self.provider,
                    fetches: self.fetches,
                    tolerance: self.tolerance,
                };
                let in_time = deserves_a_key(&caller.token, first) && deserves_a_key(&caller.token, &fates);
                if in_time && self.promise.is_due(number, caller, came, first, &circumstances) {
                    return told(Rule::NobodyIsRefusedWrongly, "a key that could have been fetched");
                }
                Ok(())
            }
        }
    }

    /// How long somebody may wait, who has waited and perhaps waits still.
    pub fn check_wait(&self, caller: &Caller, first: &[Fate]) -> Result<(), Violation> {
        let Some(came) = caller.came else { return Ok(()) };
        let longest = if first.contains(&Fate::Pending) {
            // Who comes before the first set may find, once it is there, that its key is not in it.
            match self.history.first_set() {
                Some(set) if set <= came + FIRST_SET_WAIT + self.tolerance => {
                    set.saturating_duration_since(came) + REFETCH_WAIT
                }
                _ => FIRST_SET_WAIT,
            }
        } else if first.iter().any(Fate::may_ask) {
            REFETCH_WAIT
        } else {
            Duration::ZERO
        };
        let waited = caller.waited(self.now);
        if waited > longest + self.tolerance {
            let token = &*caller.token;
            let says = format!("{waited:?}, {longest:?} at most, where {first:?} is due, for {token:?}");
            return Violation::of(Rule::NobodyWaitsTooLong, says);
        }
        Ok(())
    }

    /// The waiting room, once nothing moves any more.
    pub fn check_crowd(&self, callers: &[Caller]) -> Result<(), Violation> {
        let waiting = || callers.iter().filter(|caller| caller.is_waiting());
        // All want the same at first.
        let is_cold = self.history.now().good_at.is_none();
        let kids = waiting().map(|caller| &caller.token.kid).collect::<HashSet<_>>().len();
        let most_kids = if is_cold { usize::MAX } else { MOST_AWAITED_KEYS };
        let callers = waiting().count();
        if callers > MOST_WAITERS || kids > most_kids {
            let says = format!("{callers} callers wait for {kids} keys");
            return Violation::of(Rule::MemoryIsWithinBudget, says);
        }
        Ok(())
    }
}

/// Whether it lacks a key, and nothing else.
fn deserves_a_key(token: &Token, fates: &[Fate]) -> bool {
    token.is_good() && fates.iter().all(|fate| *fate == Fate::Accepted || fate.may_ask())
}

/// Whether it is an answer to what is due, after so long.
fn is_legal(kind: AuthErrorKind, fates: &[Fate], waited: Duration) -> bool {
    let in_vain = |wait: Duration| waited + Duration::from_millis(2) >= wait;
    fates.iter().any(|fate| match (kind, fate) {
        (AuthErrorKind::KeysPending, Fate::Pending) => in_vain(FIRST_SET_WAIT),
        (AuthErrorKind::KeysUnavailable, Fate::TooOld) => true,
        (AuthErrorKind::KeysUnavailable, Fate::Unknown { failed }) => *failed || in_vain(REFETCH_WAIT),
        (AuthErrorKind::KeyUnknown, Fate::Unknown { failed }) => !failed,
        (kind, Fate::Refused(due)) => kind == *due,
        _ => false,
    })
}
