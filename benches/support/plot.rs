//! A line plot as a small SVG that stands in a page of rustdoc: it takes the page's own colour for text and axes, so that it
//! can be read in light and in dark, and has no blank lines, which would end it there.

use std::fmt::Write as _;

/// What is drawn: lines over one quantity.
pub struct Plot {
    /// For who cannot see it.
    pub title: String,
    pub x_label: String,
    pub y_label: String,
    pub lines: Vec<Line>,
}

/// One line, named where it ends.
pub struct Line {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = WIDTH - 190.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = HEIGHT - 46.0;

/// Of a middle brightness, and told apart by their dashes too.
const STROKES: [(&str, &str); 4] =
    [("#3d85c6", "none"), ("#d9822b", "8 3"), ("#3a9d5d", "2 3"), ("#b35fb3", "10 3 2 3")];

/// How far apart the names of two lines have to be.
const LINE_HEIGHT: f64 = 15.0;

impl Plot {
    pub fn to_svg(&self) -> String {
        let all = || self.lines.iter().flat_map(|line| &line.points);
        let x = Axis::over(all().map(|point| point.0), LEFT, RIGHT);
        let y = Axis::over(all().map(|point| point.1), BOTTOM, TOP);
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"100%\" role=\"img\" fill=\"currentColor\" font-size=\"12\" \
             font-family=\"sans-serif\" style=\"max-width:{WIDTH}px\">\n<title>{}</title>\n",
            self.title
        );
        self.draw_axes(&mut svg, &x, &y);
        for (line, (color, dashes)) in self.lines.iter().zip(STROKES) {
            let at: Vec<_> = line.points.iter().map(|point| (x.at(point.0), y.at(point.1))).collect();
            let corners: Vec<_> = at.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            _ = writeln!(
                svg,
                "<polyline fill=\"none\" stroke=\"{color}\" stroke-width=\"2\" stroke-dasharray=\"{dashes}\" points=\"{}\"/>",
                corners.join(" ")
            );
            for (x, y) in at {
                _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{color}\"/>");
            }
        }
        for (index, at) in self.places_of_names(&y) {
            let (line, (color, _)) = (&self.lines[index], STROKES[index % STROKES.len()]);
            _ = writeln!(
                svg,
                "<circle cx=\"{:.0}\" cy=\"{:.1}\" r=\"4\" fill=\"{color}\"/>",
                RIGHT + 14.0,
                at - 4.0
            );
            _ = writeln!(svg, "<text x=\"{:.0}\" y=\"{at:.1}\">{}</text>", RIGHT + 22.0, line.name);
        }
        svg + "</svg>\n"
    }

    fn draw_axes(&self, svg: &mut String, x: &Axis, y: &Axis) {
        _ = writeln!(
            svg,
            "<path fill=\"none\" stroke=\"currentColor\" d=\"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}\"/>"
        );
        for tick in y.ticks() {
            let at = y.at(tick);
            _ = writeln!(
                svg,
                "<path stroke=\"currentColor\" stroke-opacity=\"0.2\" d=\"M{LEFT} {at:.1}H{RIGHT}\"/>"
            );
            _ = writeln!(
                svg,
                "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                at + 4.0,
                in_short(tick)
            );
        }
        for tick in x.ticks() {
            let at = x.at(tick);
            _ = writeln!(svg, "<path stroke=\"currentColor\" d=\"M{at:.1} {BOTTOM}v5\"/>");
            _ = writeln!(
                svg,
                "<text x=\"{at:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>",
                BOTTOM + 18.0,
                in_short(tick)
            );
        }
        _ = writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{}{}</text>",
            f64::midpoint(LEFT, RIGHT),
            HEIGHT - 8.0,
            self.x_label,
            x.kind()
        );
        _ = writeln!(svg, "<text x=\"6\" y=\"16\">{}{}</text>", self.y_label, y.kind());
    }

    /// Each line and the height of its name: beside the line's end, or as near as the others leave room.
    fn places_of_names(&self, y: &Axis) -> Vec<(usize, f64)> {
        let end = |line: &Line| line.points.last().map_or(BOTTOM, |point| y.at(point.1) + 4.0);
        let mut places: Vec<_> = self.lines.iter().map(end).enumerate().collect();
        places.sort_by(|one, other| one.1.total_cmp(&other.1));
        for index in 1..places.len() {
            places[index].1 = places[index].1.max(places[index - 1].1 + LINE_HEIGHT);
        }
        let too_low = places.last().map_or(0.0, |lowest| (lowest.1 - BOTTOM).max(0.0));
        places.iter().map(|(index, at)| (*index, at - too_low)).collect()
    }
}

/// One direction: linear from zero, or logarithmic where the values span a decade.
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    is_logarithmic: bool,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (least, most) =
            values.fold((f64::INFINITY, 0.0_f64), |(least, most), value| (least.min(value), most.max(value)));
        let is_logarithmic = most >= 10.0 * least;
        let (low, high) = if is_logarithmic { (least / 1.1, most * 1.1) } else { (0.0, most * 1.1) };
        Self { low, high, from, to, is_logarithmic }
    }

    fn at(&self, value: f64) -> f64 {
        let part = if self.is_logarithmic {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.from + part * (self.to - self.from)
    }

    fn kind(&self) -> &'static str {
        if self.is_logarithmic { " (logarithmic)" } else { "" }
    }

    fn ticks(&self) -> Vec<f64> {
        let decade = 10_f64.powf(self.high.log10().floor());
        if !self.is_logarithmic {
            let step = [0.1, 0.2, 0.5, 1.0, 2.0]
                .into_iter()
                .map(|part| part * decade)
                .find(|step| self.high / step <= 7.0);
            let step = step.unwrap_or(decade);
            return (0..8).map(|n| f64::from(n) * step).filter(|tick| *tick <= self.high).collect();
        }
        let decades = self.low.log10().floor()..=self.high.log10().floor();
        let wide = self.high / self.low > 1_000.0;
        let within: &[f64] = if wide { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let mut ticks = Vec::new();
        let mut exponent = *decades.start();
        while exponent <= *decades.end() {
            ticks.extend(within.iter().map(|digit| digit * 10_f64.powf(exponent)));
            exponent += 1.0;
        }
        ticks.retain(|tick| (self.low..=self.high).contains(tick));
        ticks
    }
}

/// As few digits as tell it.
fn in_short(number: f64) -> String {
    if number >= 10.0 {
        return in_groups(number);
    }
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A whole number with its digits in groups of three: `12,000`.
pub fn in_groups(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
