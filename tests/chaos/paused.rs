//! Thousands of schedules under paused time.

use allocation_counter::measure;

use crate::contract::MOST_CACHED_TOKENS;
use crate::report::report;
use crate::rule::{Rule, Violation};
use crate::schedule::of_seed;
use crate::step::Step;
use crate::tally::Tally;
use crate::time::Time;
use crate::{setting, world};

/// What a layer takes that has seen nothing, and more than that.
const MOST_AT_REST: i64 = 256 * 1024;

/// What it may keep of each token that it has let in: the text twice, its claims, and where they are.
const MOST_PER_TOKEN: i64 = 4 * 1024;

#[test]
fn whatever_happens_under_paused_time_all_that_must_hold_holds() {
    let (first, count) = (setting("CHAOS_SEED", 0), setting("CHAOS_SCHEDULES", 150));
    let mut sum = Tally::default();
    for seed in first..first + count {
        let schedule = of_seed(seed);
        match happen(&schedule) {
            Ok(tally) => sum.add(&tally),
            Err(violation) => {
                panic!("{}", report(seed, &schedule, &violation, |schedule| happen(schedule).err()))
            }
        }
        if sum.schedules % 1_000 == 0 {
            println!("{sum}");
        }
    }
    println!("{sum}");
}

fn happen(schedule: &[Step]) -> Result<Tally, Violation> {
    let mut outcome = None;
    // All of the world is gone then but the layer, and what it keeps.
    let kept = measure(|| {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().start_paused(true).build().expect("a runtime");
        outcome = Some(runtime.block_on(world::run(schedule, Time::Paused)));
    });
    let (mut tally, app, jwks) = outcome.expect("an outcome")?;
    drop((app, jwks));
    let accepted = tally.verdicts.get("accepted").copied().unwrap_or_default();
    let tokens = i64::try_from(accepted.min(MOST_CACHED_TOKENS)).expect("a small number");
    if kept.bytes_current > MOST_AT_REST + tokens * MOST_PER_TOKEN {
        let says = format!("{} bytes are kept after {accepted} tokens", kept.bytes_current);
        return Violation::of(Rule::MemoryIsWithinBudget, says);
    }
    tally.most_kept = kept.bytes_current;
    Ok(tally)
}
