//! Changes to a text that may lie inside of each other.

use std::ops::Range;

/// A change to one range of the text.
pub struct Edit {
    pub range: Range<usize>,
    pub change: Change,
}

pub enum Change {
    Insert(String),
    Delete,
    /// Calculates with another operator, if one of them is on.
    Operator {
        left: Range<usize>,
        operator: String,
        right: Range<usize>,
        others: Vec<(usize, String)>,
    },
    /// `a && b` becomes `a || b`, or the other way round. Neither side is written twice: long chains of them would
    /// double with each link.
    Lazy {
        left: Range<usize>,
        right: Range<usize>,
        is_and: bool,
        number: usize,
    },
    /// Leaves the operator away.
    Bare {
        operator: String,
        operand: Range<usize>,
        number: usize,
    },
    /// A guard that may be always true, or never.
    Guard {
        always: Option<usize>,
        never: Option<usize>,
    },
}

/// Whether the mutant is on.
pub fn is_on(number: usize) -> String {
    format!("crate::mutant::is_on({number})")
}

/// Code of the mutant alone.
pub fn marked(number: usize, code: &str) -> String {
    format!("/*<{number}>*/{code}/*</{number}>*/")
}

/// What is inserted at a place comes before what starts there, and an outer change before those inside.
pub fn sort(edits: &mut [Edit]) {
    edits.sort_by_key(|edit| {
        let inserts = matches!(edit.change, Change::Insert(_));
        (edit.range.start, !inserts, usize::MAX - edit.range.end)
    });
}

/// This range of the text, with the changes inside of it. `edits` are sorted.
pub fn apply(text: &str, edits: &[Edit], range: Range<usize>) -> String {
    let mut changed = String::new();
    let mut done = range.start;
    for (index, edit) in edits.iter().enumerate() {
        if edit.range.start < done || edit.range.end > range.end {
            continue;
        }
        changed += &text[done..edit.range.start];
        let inside = |part: &Range<usize>| apply(text, &edits[index + 1..], part.clone());
        changed += &edit.change.code(&edit.range, inside);
        done = edit.range.end;
    }
    changed + &text[done..range.end]
}

impl Change {
    fn code(&self, range: &Range<usize>, inside: impl Fn(&Range<usize>) -> String) -> String {
        match self {
            Self::Insert(code) => code.clone(),
            Self::Delete => String::new(),
            Self::Operator { left, operator, right, others } => {
                let (left, right) = (inside(left), inside(right));
                let mut code = format!("{{ ({left}) {operator} ({right}) }}");
                for (number, other) in others {
                    let mutant = marked(*number, &format!("({left}) {other} ({right})"));
                    code = format!("if {} {{ {mutant} }} else {code}", is_on(*number));
                }
                format!("({code})")
            }
            Self::Lazy { left, right, is_and, number } => {
                let (left, right) = (inside(left), inside(right));
                // `a && b` is b where a is true, and a where it is not.
                let same = if *is_and { "!=" } else { "==" };
                let condition = format!("left {same} {}", is_on(*number));
                format!("({{ let left: bool = {left}; if {condition} {{ {right} }} else {{ left }} }})")
            }
            Self::Bare { operator, operand, number } => {
                let operand = inside(operand);
                let mutant = marked(*number, &operand);
                format!("(if {} {{ {mutant} }} else {{ {operator}{operand} }})", is_on(*number))
            }
            Self::Guard { always, never } => {
                let mut code = format!("({})", inside(range));
                if let Some(number) = never {
                    code = format!("(!{} && {code})", is_on(*number));
                }
                if let Some(number) = always {
                    code = format!("({} || {code})", is_on(*number));
                }
                code
            }
        }
    }
}
