//! The picture: fetches per second over the 48 hours, as a small SVG that stands in a page of rustdoc. It takes the page's
//! own colour for text and axes, and has no blank lines, which would end it there.

use std::fmt::Write as _;

use crate::provider::Counts;
use crate::report::{busiest, mean};
use crate::scenario::{self, REPLICAS};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = WIDTH - 12.0;
const TOP: f64 = 66.0;
const BOTTOM: f64 = HEIGHT - 46.0;

/// Fetches per second, from bottom to top: logarithmic, and what is less lies on the bottom.
const SCALE: (f64, f64) = (0.5, 1000.0);

/// In seconds, what one point of a line stands for: more of them would not be seen.
const BIN: usize = 600;

/// Of a middle brightness, for pages in light and in dark.
const PEAK: &str = "#d9822b";
const MEAN: &str = "#3d85c6";

pub fn svg(counts: &Counts) -> String {
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"100%\" role=\"img\" fill=\"currentColor\" font-size=\"12\" \
         font-family=\"sans-serif\" style=\"max-width:{WIDTH}px\">\n<title>Fetches per second of {REPLICAS} replicas over \
         {} hours</title>\n",
        hours()
    );
    draw_events(&mut svg);
    draw_axes(&mut svg);
    draw_line(&mut svg, counts, PEAK, 1.2, busiest);
    draw_line(&mut svg, counts, MEAN, 2.0, mean);
    draw_legend(&mut svg);
    svg + "</svg>\n"
}

/// What happens, as bands with names, by turns on two heights.
fn draw_events(svg: &mut String) {
    let phases = scenario::phases();
    for ((phase, label), row) in phases.iter().filter_map(|phase| Some((phase, phase.label?))).zip(0..) {
        let (from, to) = (x(phase.seconds.start), x(phase.seconds.end));
        let name = TOP - 20.0 + 14.0 * f64::from(row % 2);
        _ = writeln!(
            svg,
            "<rect x=\"{from:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{:.0}\" fill-opacity=\"0.12\"/>\n\
             <text x=\"{from:.1}\" y=\"{name:.0}\" font-size=\"11\">{label}</text>",
            (to - from).max(1.0),
            BOTTOM - TOP,
        );
    }
}

fn draw_axes(svg: &mut String) {
    _ = writeln!(
        svg,
        "<path fill=\"none\" stroke=\"currentColor\" d=\"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}\"/>\n\
         <text x=\"6\" y=\"16\">fetches per second (logarithmic)</text>\n\
         <text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">hours</text>",
        f64::midpoint(LEFT, RIGHT),
        HEIGHT - 8.0
    );
    for tick in [1.0, 10.0, 100.0, 1000.0] {
        let at = y(tick);
        _ = writeln!(
            svg,
            "<path stroke=\"currentColor\" stroke-opacity=\"0.2\" d=\"M{LEFT} {at:.1}H{RIGHT}\"/>\n\
             <text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{tick}</text>",
            LEFT - 6.0,
            at + 4.0
        );
    }
    for hour in (0..=hours()).step_by(6) {
        let at = x(hour * 3600);
        _ = writeln!(
            svg,
            "<path stroke=\"currentColor\" d=\"M{at:.1} {BOTTOM}v5\"/>\n\
             <text x=\"{at:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{hour}</text>",
            BOTTOM + 18.0
        );
    }
}

fn draw_line(svg: &mut String, counts: &Counts, color: &str, width: f64, of: impl Fn(&[u32]) -> f64) {
    _ = write!(svg, "<polyline fill=\"none\" stroke=\"{color}\" stroke-width=\"{width}\" points=\"");
    for (bin, seconds) in (0..).zip(counts.asked.chunks(BIN)) {
        _ = write!(svg, "{:.1},{:.1} ", x(bin * BIN as u64 + BIN as u64 / 2), y(of(seconds)));
    }
    *svg += "\"/>\n";
}

fn draw_legend(svg: &mut String) {
    let minutes = BIN / 60;
    let names =
        [(PEAK, format!("busiest minute of {minutes}")), (MEAN, format!("mean of {minutes} minutes"))];
    for ((color, name), left) in names.into_iter().zip([RIGHT - 304.0, RIGHT - 146.0]) {
        _ = writeln!(
            svg,
            "<path stroke=\"{color}\" stroke-width=\"2\" d=\"M{left:.0} 12h18\"/><text x=\"{:.0}\" y=\"16\">{name}</text>",
            left + 24.0
        );
    }
}

fn hours() -> u64 {
    scenario::END / 3600
}

fn x(second: u64) -> f64 {
    LEFT + second as f64 / scenario::END as f64 * (RIGHT - LEFT)
}

fn y(per_second: f64) -> f64 {
    let (low, high) = SCALE;
    BOTTOM + (per_second.max(low) / low).ln() / (high / low).ln() * (TOP - BOTTOM)
}
