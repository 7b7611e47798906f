//! The tables of it all, in Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::child::Vitals;
use crate::record::Record;
use crate::site::Site;

pub fn tables(site: &Site, record: &Record) -> String {
    [of_verdicts(site), of_departures(site), of_figures(site, record), of_complaints(site)].join("\n")
}

fn of_verdicts(site: &Site) -> String {
    let mut verdicts = BTreeMap::new();
    for ((kind, verdict), count) in &site.tally().verdicts {
        verdicts.entry(kind.to_string()).or_insert_with(BTreeMap::new).insert(*verdict, *count);
    }
    let mut table = String::from("| token | requests | verdicts |\n|---|--:|---|\n");
    for (kind, verdicts) in &verdicts {
        let texts: Vec<_> = verdicts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
        _ = writeln!(table, "| {kind} | {} | {} |", verdicts.values().sum::<u64>(), texts.join(", "));
    }
    table
}

fn of_departures(site: &Site) -> String {
    let mut table = String::from("| a client left | times |\n|---|--:|\n");
    for (manner, count) in &site.tally().departures {
        _ = writeln!(table, "| {manner} | {count} |");
    }
    table
}

fn of_figures(site: &Site, record: &Record) -> String {
    let mut table = String::from("| what | figure |\n|---|---|\n");
    let mut row = |name: &str, figure: String| _ = writeln!(table, "| {name} | {figure} |");
    let tally = site.tally();
    let seconds = record.seconds.last().map_or(0.0, |last| last.at.as_secs_f64());
    row("seconds", format!("{seconds:.0}"));
    row("answers judged", tally.statuses.values().sum::<u64>().to_string());
    let statuses: Vec<_> =
        tally.statuses.iter().map(|(status, count)| format!("{count} × {status}")).collect();
    row("statuses", statuses.join(", "));
    row("tokens that need no fetch, a second", format!("{:.0}", tally.all.count() as f64 / seconds));
    let [median, percentile_99] = [0.5, 0.99].map(|part| in_ms(tally.all.quantile(part)));
    row(
        "their latency: p50, p99, longest",
        format!("{median}, {percentile_99}, {}", in_ms(tally.all.longest)),
    );
    row("the longest wait for a key", in_ms(tally.longest_wait));

    let counts = site.provider.counts();
    row("rotations", counts.rotations.to_string());
    let mut faults = BTreeMap::new();
    let outages = site.provider.outages();
    for outage in &outages {
        *faults.entry(outage.fault).or_insert(0_u32) += 1;
    }
    let faults: Vec<_> = faults.iter().map(|(fault, count)| format!("{count} × {fault}")).collect();
    row("outages", format!("{}: {}", outages.len(), faults.join(", ")));
    row(
        "requests for the keys that arrived, and had a good answer",
        format!("{}, {}", counts.fetches, counts.good_fetches),
    );

    let all = |of: &dyn Fn(&Vitals) -> String| {
        let end = record.end.map_or("none".to_owned(), |end| of(&end));
        (of(&record.idle), end)
    };
    let (idle, end) = all(&|vitals| format!("{:.1}", vitals.memory));
    let most = record.most(|vitals| vitals.memory);
    let fifths: Vec<_> = (0..5).map(|fifth| format!("{:.1}", record.memory(fifth))).collect();
    row("memory in MiB: idle, most, at the end", format!("{idle}, {most:.1}, {end}"));
    row("memory in MiB: the mean of each fifth", fifths.join(", "));
    let (idle, end) = all(&|vitals| vitals.descriptors.to_string());
    let most = record.most(|vitals| vitals.descriptors as f64);
    row("descriptors: idle, most, at the end", format!("{idle}, {most}, {end}"));
    let (idle, end) = all(&|vitals| vitals.threads.to_string());
    let most = record.most(|vitals| vitals.threads as f64);
    row("threads: idle, most, at the end", format!("{idle}, {most}, {end}"));
    table
}

fn of_complaints(site: &Site) -> String {
    let tally = site.tally();
    if tally.complaints.is_empty() {
        return "Nothing was other than promised.\n".to_owned();
    }
    let mut table = String::from("| not as promised | times | first after |\n|---|--:|--:|\n");
    for (complaint, (count, first)) in &tally.complaints {
        _ = writeln!(table, "| {complaint} | {count} | {:.1} s |", first.as_secs_f64());
    }
    table
}

fn in_ms(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}
