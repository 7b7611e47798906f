//! Puts all mutants that cargo-mutants lists into one tree, each behind a switch, so that they are compiled once
//! and not once each.
//!
//! `LIST TREE [NUMBER…]` changes the files below `TREE` in place. `LIST` is what `cargo mutants --list --json`
//! prints; the mutants are numbered by it, from 1, and those with a `NUMBER` are left out. Prints the numbers of
//! those that are in. Their code is between `/*<7>*/` and `/*</7>*/`, to tell whose fault a compiler's error is.

mod edit;
mod weaver;

use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use weaver::Weaver;

/// As cargo-mutants lists it.
#[derive(Deserialize)]
struct Listed {
    file: String,
    genre: String,
    replacement: String,
    span: Span,
}

#[derive(Deserialize)]
struct Span {
    start: Place,
}

/// Both count from 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
struct Place {
    line: usize,
    column: usize,
}

#[derive(Clone)]
struct Mutant {
    number: usize,
    genre: String,
    replacement: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [list, tree, left_out @ ..] = arguments.as_slice() else {
        return Err("LIST TREE [NUMBER…]".into());
    };
    let left_out: Vec<usize> = left_out.iter().map(|number| number.parse()).collect::<Result<_, _>>()?;

    let listed: Vec<Listed> = serde_json::from_str(&fs::read_to_string(list)?)?;
    let mut files: HashMap<String, HashMap<Place, Vec<Mutant>>> = HashMap::new();
    for (number, mutant) in (1..).zip(listed) {
        let Listed { file, genre, replacement, span } = mutant;
        let places = files.entry(file).or_default();
        if !left_out.contains(&number) {
            places.entry(span.start).or_default().push(Mutant { number, genre, replacement });
        }
    }

    for (file, mutants) in &files {
        let path = Path::new(tree).join(file);
        let source = fs::read_to_string(&path)?;
        let (text, woven) = Weaver::weave(&source, mutants)?;
        fs::write(&path, text)?;
        for number in woven {
            println!("{number}");
        }
    }
    Ok(())
}
