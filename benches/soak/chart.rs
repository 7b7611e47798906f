//! The picture: memory and throughput from second to second, as a small SVG that stands in a page of rustdoc. It takes the
//! page's own colour for text and axes, and has no blank lines, which would end it there.

use std::fmt::Write as _;

use crate::provider::Provider;
use crate::record::{Record, Second};

const WIDTH: f64 = 720.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = WIDTH - 12.0;
const HEIGHT: f64 = 420.0;

/// Of a middle brightness, for pages in light and in dark.
const COLORS: [&str; 3] = ["#3d85c6", "#d9822b", "#3a9d5d"];

/// One above the other, over the same time.
struct Panel {
    name: &'static str,
    top: f64,
    bottom: f64,
    of: fn(&Second) -> f64,
}

const PANELS: [Panel; 3] = [
    Panel { name: "memory, MiB", top: 34.0, bottom: 134.0, of: |second| second.vitals.memory },
    Panel { name: "descriptors", top: 160.0, bottom: 240.0, of: |second| second.vitals.descriptors as f64 },
    Panel {
        name: "answers per second, of a server that shares its machine",
        top: 266.0,
        bottom: 366.0,
        of: |second| second.answers.count() as f64,
    },
];

pub fn svg(record: &Record, provider: &Provider) -> String {
    let last = record.seconds.last().map_or(1.0, |second| second.at.as_secs_f64());
    let x = |seconds: f64| LEFT + seconds / last * (RIGHT - LEFT);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"100%\" role=\"img\" fill=\"currentColor\" font-size=\"12\" \
         font-family=\"sans-serif\" style=\"max-width:{WIDTH}px\">\n<title>Memory, descriptors and throughput under load, over \
         {:.0} minutes with rotations and outages</title>\n",
        last / 60.0
    );
    let since = |at: tokio::time::Instant| (at - provider.started()).as_secs_f64();
    for outage in provider.outages() {
        let (from, to) = (since(outage.from), outage.to.map_or(last, since).min(last));
        _ = writeln!(
            svg,
            "<rect x=\"{:.1}\" y=\"{}\" width=\"{:.1}\" height=\"{}\" fill-opacity=\"0.12\"/>",
            x(from),
            PANELS[0].top,
            (x(to) - x(from)).max(1.0),
            PANELS[2].bottom - PANELS[0].top,
        );
    }
    for (panel, color) in PANELS.iter().zip(COLORS) {
        draw(&mut svg, panel, color, record, x);
    }
    let (step, unit, divisor) = if last > 240.0 { (60.0, "minutes", 60.0) } else { (5.0, "seconds", 1.0) };
    for tick in 0..=(last / step) as u32 {
        let at = f64::from(tick) * step;
        _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            x(at),
            PANELS[2].bottom + 18.0,
            at / divisor
        );
    }
    _ = writeln!(
        svg,
        "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{unit}; the provider is down or fails in the shaded ones</text>",
        f64::midpoint(LEFT, RIGHT),
        HEIGHT - 12.0
    );
    svg + "</svg>\n"
}

fn draw(svg: &mut String, panel: &Panel, color: &str, record: &Record, x: impl Fn(f64) -> f64) {
    let Panel { name, top, bottom, of } = panel;
    let most = record.seconds.iter().map(of).fold(1.0, f64::max);
    let y = |value: f64| bottom + value / (most * 1.1) * (top - bottom);
    _ = writeln!(
        svg,
        "<path fill=\"none\" stroke=\"currentColor\" d=\"M{LEFT} {top}V{bottom}H{RIGHT}\"/>\n\
         <text x=\"6\" y=\"{:.0}\">{name}</text>",
        top - 6.0
    );
    for tick in [0.0, round(most / 2.0), round(most)] {
        let at = y(tick);
        _ = writeln!(
            svg,
            "<path stroke=\"currentColor\" stroke-opacity=\"0.2\" d=\"M{LEFT} {at:.1}H{RIGHT}\"/>\n\
             <text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{tick}</text>",
            LEFT - 6.0,
            at + 4.0
        );
    }
    _ = write!(svg, "<polyline fill=\"none\" stroke=\"{color}\" stroke-width=\"1.5\" points=\"");
    for second in &record.seconds {
        _ = write!(svg, "{:.1},{:.1} ", x(second.at.as_secs_f64()), y(of(second)));
    }
    *svg += "\"/>\n";
}

/// Down to a number of one digit, or one that ends in a five.
fn round(number: f64) -> f64 {
    let unit = 10_f64.powf(number.log10().floor()) / 2.0;
    (number / unit).floor() * unit
}
