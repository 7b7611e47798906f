//! How a cost grows: the exponent of a power of n, and which simple law fits.

/// What a row of points says.
pub struct Growth {
    /// Of the power of n that fits best: the slope of a straight line through the points on two logarithmic axes. 0 is not
    /// at all, 1 is in proportion. A fixed part makes it look smaller than it will be.
    pub exponent: f64,
    /// How many times as much the last point costs as the first.
    pub factor: f64,
    law: Law,
}

/// The law that fits better than the others, in the unit of the costs.
enum Law {
    None,
    Logarithm { each_doubling: f64 },
    Proportion { fixed: f64, each: f64 },
    Faster { last_exponent: f64 },
}

/// A change that the noise of a measurement can be taken for.
const NOISE: f64 = 0.1;

impl Growth {
    /// What `points` say: a count, and what it costs.
    pub fn of(points: &[(f64, f64)]) -> Self {
        let (Some(first), Some(last)) = (points.first(), points.last()) else { panic!("points are needed") };
        let logarithms: Vec<_> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
        let exponent = Straight::through(&logarithms).slope;
        Self { exponent, factor: last.1 / first.1, law: Law::of(points, *first, *last) }
    }

    /// The verdict in words, where `count` is what grows, and `step` is so much of it.
    pub fn in_words(&self, count: &str, step: f64, step_name: &str) -> String {
        let verdict = match self.law {
            Law::None => "does not grow beyond the noise".to_owned(),
            Law::Logarithm { each_doubling } => format!(
                "grows with the logarithm of {count}, or slower: {each_doubling:.2} more with each doubling"
            ),
            Law::Proportion { fixed, each } => {
                format!(
                    "grows in proportion to {count}: {fixed:.2}, and {:.2} more with each {step_name}",
                    each * step
                )
            }
            Law::Faster { last_exponent } => {
                format!(
                    "grows FASTER than in proportion to {count}: with its power {last_exponent:.2} at the end"
                )
            }
        };
        // Never minus zero.
        let exponent = if self.exponent.abs() < 0.005 { 0.0 } else { self.exponent };
        let factor = self.factor;
        format!("{verdict} (exponent {exponent:.2}; the last costs {factor:.2} × the first)")
    }
}

impl Law {
    fn of(points: &[(f64, f64)], first: (f64, f64), last: (f64, f64)) -> Self {
        let over_logarithms: Vec<_> = points.iter().map(|(x, y)| (x.ln(), *y)).collect();
        let logarithm = Straight::through(&over_logarithms);
        let proportion = Straight::through(points);
        let (more, start) = if logarithm.error <= proportion.error {
            (logarithm.slope * (last.0 / first.0).ln(), logarithm.start + logarithm.slope * first.0.ln())
        } else {
            (proportion.slope * (last.0 - first.0), proportion.start + proportion.slope * first.0)
        };
        if more < NOISE * start {
            return Self::None;
        }
        if logarithm.error <= proportion.error {
            return Self::Logarithm { each_doubling: logarithm.slope * std::f64::consts::LN_2 };
        }
        match points {
            [.., one, last] if (last.1 / one.1).ln() > (1.0 + NOISE) * (last.0 / one.0).ln() => {
                Self::Faster { last_exponent: (last.1 / one.1).ln() / (last.0 / one.0).ln() }
            }
            _ => Self::Proportion { fixed: proportion.start, each: proportion.slope },
        }
    }
}

/// The straight line through points that has the least squares.
struct Straight {
    start: f64,
    slope: f64,
    /// The sum of the squares.
    error: f64,
}

impl Straight {
    fn through(points: &[(f64, f64)]) -> Self {
        let count: f64 = points.iter().map(|_| 1.0).sum();
        let mean_x = points.iter().map(|point| point.0).sum::<f64>() / count;
        let mean_y = points.iter().map(|point| point.1).sum::<f64>() / count;
        let above: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
        let below: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
        let slope = above / below;
        let start = mean_y - slope * mean_x;
        let error = points.iter().map(|(x, y)| (y - start - slope * x).powi(2)).sum();
        Self { start, slope, error }
    }
}
