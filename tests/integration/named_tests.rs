//! The documents that promise something name the tests that show it: whoever renames or removes one of those is told here.

use std::fs;
use std::path::{Path, PathBuf};

/// The text of every document, by the name of its file.
fn documents() -> Vec<(String, String)> {
    let pages = fs::read_dir(in_this_package("src/manual")).expect("the manual");
    let pages = pages.map(|page| page.expect("a page").path());
    let mut files: Vec<_> = pages.filter(|page| page.extension().is_some_and(|end| end == "rs")).collect();
    files.extend(["SECURITY.md", "README.md"].map(in_this_package));
    files.sort();
    files.into_iter().map(|file| (file.display().to_string(), text_of(&file).expect("a text"))).collect()
}

fn in_this_package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text_of(file: &Path) -> Option<String> {
    fs::read_to_string(file).ok()
}

/// What stands between backticks and is written like the path of a test: modules, and a sentence at the end.
fn named_in(document: &str) -> impl Iterator<Item = &str> {
    let is_name =
        |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase() || b"_0123456789".contains(&byte));
    let spans = document.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    spans.filter(move |span| match span.rsplit_once("::") {
        Some((modules, name)) => {
            name.matches('_').count() >= 2 && modules.split("::").chain([name]).all(is_name)
        }
        None => span.matches('_').count() >= 5 && is_name(span) && !span.starts_with("jwt_auth_"),
    })
}

/// The files in which the tests of these modules may stand.
fn homes(modules: &str) -> Vec<PathBuf> {
    let path = modules.replace("::", "/");
    let inline = path.trim_end_matches("/tests");
    let roots = [("tests/integration", &*path), ("tests", &*path), ("src", &*path), ("src", inline)];
    let files = |(root, path)| [".rs", "/mod.rs", "/main.rs"].map(|end| format!("{root}/{path}{end}"));
    roots.into_iter().flat_map(files).map(|file| in_this_package(&file)).collect()
}

/// Whether `text` has a test of this name: a function right below an attribute that makes it one.
fn has_test(text: &str, name: &str) -> bool {
    let lines: Vec<_> = text.lines().map(str::trim_start).collect();
    let is_function = |line: &str| {
        let name_and_rest = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
        name_and_rest.and_then(|rest| rest.strip_prefix(name)).is_some_and(|rest| rest.starts_with('('))
    };
    let is_test = |line: usize| {
        let attributes = lines[..line].iter().rev().take_while(|above| above.starts_with("#["));
        attributes.into_iter().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    };
    (0..lines.len()).any(|line| is_function(lines[line]) && is_test(line))
}

/// Whether there is a test of this path.
fn is_there(path: &str) -> bool {
    let Some((modules, name)) = path.rsplit_once("::") else { return false };
    homes(modules).iter().any(|home| text_of(home).is_some_and(|text| has_test(&text, name)))
}

#[test]
fn every_test_that_a_document_names_is_there() {
    let mut counts = Vec::new();
    for (file, text) in documents() {
        let missing: Vec<_> = named_in(&text).filter(|path| !is_there(path)).collect();
        assert!(missing.is_empty(), "{file} names tests that are not there: {missing:#?}");
        counts.push((file, named_in(&text).count()));
    }
    // Else another way to write them would empty this test.
    for (name, least) in [("SECURITY.md", 10), ("threat_model.rs", 30), ("attacks.rs", 30)] {
        let count = counts.iter().find(|(file, _)| file.ends_with(name)).map(|(_, count)| *count);
        assert!(count >= Some(least), "{name} names {count:?} tests: {counts:?}");
    }
}

#[test]
fn a_name_that_is_no_test_is_found_out() {
    let good = "signature::an_ed25519_signature_has_one_form_only";
    for (name, path, want) in [
        ("a test", good, true),
        ("in a folder", "keyset::rotation::a_rotation_right_after_boot_heals_at_once", true),
        (
            "under a clock that stands still",
            "keyset::outage::a_provider_that_hangs_is_given_up_after_5_s_and_tried_again",
            true,
        ),
        ("in a binary of its own", "allocations::a_token_of_a_mebibyte_takes_no_memory_to_refuse", true),
        ("inside of the crate", "token::header::tests::kid_is_a_string_of_bounded_length", true),
        ("in a file of tests inside of the crate", "verify::explain::tests::there_is_no_such_test", false),
        ("cut", "signature::an_ed25519_signature_has_one_form", false),
        ("longer", "signature::an_ed25519_signature_has_one_form_only_2", false),
        ("in another file", "shape::an_ed25519_signature_has_one_form_only", false),
        ("in no file", "signatures::an_ed25519_signature_has_one_form_only", false),
        ("a function that is no test", "shape::token_of_all_characters", false),
        ("without its file", "an_ed25519_signature_has_one_form_only", false),
    ] {
        let document = format!("//! | it is so | `{path}` |");
        assert_eq!(named_in(&document).collect::<Vec<_>>(), [path], "{name}");
        assert_eq!(is_there(path), want, "{name}");
    }
    for other in ["jwt_auth_replay_store_failures_total", "Verifier::with_subject_claim_of", "std::env::var"]
    {
        assert_eq!(named_in(&format!("`{other}`")).next(), None, "{other}");
    }
}

#[test]
fn every_vulnerability_in_the_manual_stands_above_a_test_that_shows_what_it_meets() {
    let manual = text_of(&in_this_package("src/manual/attacks.rs")).expect("the page");
    let sections: Vec<_> = manual.split("\n//! # ").skip(1).filter(|text| text.contains("| CVE-")).collect();
    assert!(sections.len() > 8, "{} sections", sections.len());
    for section in sections {
        let title = section.lines().next().unwrap_or_default();
        assert!(named_in(section).any(is_there), "no test shows it: {title}");
    }
}
