//! The two tables.

use crate::app::Tally;
use crate::provider::Manner;
use crate::rounds::Outcome;

/// What a request costs a server. The first outcome is what the others are compared with.
pub fn of_apps(outcomes: &[Outcome]) -> String {
    let mut lines = vec![
        "| server | requests/s | p50 | p99 | not 2xx | processor | of no auth (rounds) |".to_owned(),
        "|---|--:|--:|--:|--:|--:|--:|".to_owned(),
    ];
    lines.extend(outcomes.iter().map(|outcome| {
        let ratio = ratio(outcome, &outcomes[0]);
        format!("| {} | {} | {ratio} |", outcome.app.name(), figures(outcome))
    }));
    lines.join("\n") + "\n"
}

/// What the provider does to it. The first outcome is what the others are compared with.
pub fn of_providers(outcomes: &[Outcome], fetches: &[Fetches]) -> String {
    let mut lines = vec![
        "| the provider | requests/s | p50 | p99 | not 2xx | processor | of steady (rounds) | fetches (failed) | \
         requests it saw | new key sets |"
            .to_owned(),
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|".to_owned(),
    ];
    lines.extend(outcomes.iter().zip(fetches).map(|(outcome, fetches)| {
        let Fetches { refreshes, asked } = fetches;
        format!(
            "| {} | {} | {} | {} ({}) | {asked} | {} |",
            name(outcome.manner),
            figures(outcome),
            ratio(outcome, &outcomes[0]),
            refreshes.ended,
            refreshes.failed,
            refreshes.swaps,
        )
    }));
    lines.join("\n") + "\n"
}

/// How a server fared with its provider.
pub struct Fetches {
    pub refreshes: Tally,
    /// Requests that arrived there.
    pub asked: u64,
}

/// What is to be said if somebody was not let in.
pub fn refused(outcomes: &[Outcome]) -> Option<String> {
    let outcome = outcomes.iter().find(|outcome| outcome.not_let_in() > 0)?;
    Some(format!(
        "{} requests with a good token were not let in: {}, with a provider that {}",
        outcome.not_let_in(),
        outcome.app.name(),
        name(outcome.manner)
    ))
}

fn name(manner: Manner) -> &'static str {
    match manner {
        Manner::Steady => "is steady",
        Manner::Rotates => "rotates its keys each second",
        Manner::Down => "refuses connections",
        Manner::Hangs => "never answers",
    }
}

fn figures(outcome: &Outcome) -> String {
    format!(
        "{} | {:.2} ms | {:.2} ms | {} | {:.1} µs",
        grouped(outcome.median(|turn| turn.load.requests_per_second())),
        outcome.median(|turn| turn.load.median),
        outcome.median(|turn| turn.load.percentile_99),
        outcome.not_let_in(),
        outcome.median(|turn| turn.microseconds)
    )
}

fn ratio(outcome: &Outcome, other: &Outcome) -> String {
    let [low, median, high] = outcome.ratio_to(other);
    format!("{median:.2} ({low:.2}–{high:.2})")
}

/// To the hundred, as more would not be true in the next run.
fn grouped(value: f64) -> String {
    let hundreds = (value / 100.0).round();
    let (thousands, rest) = ((hundreds / 10.0).floor(), (hundreds % 10.0) * 100.0);
    format!("{thousands:.0},{rest:03.0}")
}
