//! Running the suite with its record on.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::record::{DIRECTORY, Entry};

/// What all programs of the suite have taken down.
pub(crate) struct Record {
    pub(crate) shown: Vec<Entry>,
    pub(crate) secrets: Vec<Entry>,
    /// What a test did not come to, nobody has seen.
    pub(crate) failures: Vec<String>,
}

/// Runs the programs one after the other.
pub(crate) fn record() -> Record {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("record.{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory");
    let mut record = Record { shown: Vec::new(), secrets: Vec::new(), failures: Vec::new() };
    for program in programs() {
        record.run(&program, &directory);
    }
    for file in fs::read_dir(&directory).expect("the directory").map(|file| file.expect("a file").path()) {
        let text = fs::read_to_string(&file).expect("what was written");
        let entries = text.lines().map(|line| serde_json::from_str::<Entry>(line).expect("an entry"));
        match file.file_stem().and_then(|name| name.to_str()) {
            Some("shown") => record.shown.extend(entries),
            Some("secrets") => record.secrets.extend(entries),
            _ => {}
        }
    }
    fs::remove_dir_all(&directory).expect("it is ours");
    record
}

impl Record {
    /// Runs `program`, and takes down what it prints.
    fn run(&mut self, program: &Path, directory: &Path) {
        let output = directory.join("output");
        let file = File::create(&output).expect("a file");
        let ended = Command::new(program)
            // A thread that tests run on has the name of the test, unless it is the only one.
            .args(["--nocapture", "--test-threads", &threads().to_string()])
            .env(DIRECTORY, directory)
            .stderr(file.try_clone().expect("a file"))
            .stdout(file)
            .status();
        let text = String::from_utf8_lossy(&fs::read(&output).expect("the output")).into_owned();
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !ended.expect("a program").success() {
            eprintln!("{text}");
            self.failures.push(format!("{name} fails"));
            let failures = text.lines().filter(|line| line.ends_with("... FAILED"));
            self.failures.extend(failures.map(str::to_owned));
        }
        self.shown.extend(text.lines().map(|line| Entry {
            test: name.clone(),
            what: "what the program prints".to_owned(),
            text: line.to_owned(),
        }));
    }
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).max(2)
}

/// What has something to show.
const PROGRAMS: [&str; 3] = ["integration", "metrics", "redis"];

/// The programs, built with the same features as this one. Cargo knows where they are, and builds them should they not be
/// there.
fn programs() -> Vec<PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["test", "--no-run", "--locked", "--message-format=json", "--all-features"]);
    cargo.args(PROGRAMS.iter().flat_map(|name| ["--test", name]));
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let target = std::env::current_exe().expect("a path").ancestors().nth(3).map(Path::to_owned);
    cargo.env("CARGO_TARGET_DIR", target.expect("the program is in target/debug/deps"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = cargo.output().expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let messages = String::from_utf8(output.stdout).expect("text");
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let executables: Vec<_> = messages
        .filter(|message| message["profile"]["test"] == true && message["target"]["kind"][0] == "test")
        .filter_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
        .collect();
    assert_eq!(executables.len(), PROGRAMS.len(), "{executables:?}");
    executables
}
