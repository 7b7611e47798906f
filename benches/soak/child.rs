//! The example, as a process of its own.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{ChildStderr, Command};
use tokio::time::timeout;

const EXAMPLE: &str = "protected";

/// How long it may take to start, and to end.
const PATIENCE: Duration = Duration::from_secs(15);

/// How many lines of its log are kept.
const KEPT: usize = 20;

/// Ends with this value.
pub struct Child {
    pub port: u16,
    process: tokio::process::Child,
    log: Arc<Mutex<Log>>,
}

#[derive(Default)]
struct Log {
    last: VecDeque<String>,
    panicked: bool,
}

/// What it takes of the machine.
#[derive(Debug, Clone, Copy)]
pub struct Vitals {
    /// Resident, in MiB.
    pub memory: f64,
    pub descriptors: usize,
    pub threads: usize,
}

/// Builds it as this program is built.
pub async fn build() -> Result<(), String> {
    eprintln!("building the example {EXAMPLE} ...");
    let release = (!cfg!(debug_assertions)).then_some("--release");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--quiet", "--example", EXAMPLE])
        .args(release)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .kill_on_drop(true)
        .status()
        .await;
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("the example {EXAMPLE} does not build: {status}")),
        Err(error) => Err(format!("cargo does not start: {error}")),
    }
}

/// Beside the directory that this program is in.
fn program() -> PathBuf {
    let own = std::env::current_exe().expect("a program has a path");
    own.ancestors().nth(2).expect("it is in the deps of its profile").join("examples").join(EXAMPLE)
}

impl Child {
    pub async fn start(issuer: &str, audience: &str) -> Result<Self, String> {
        let mut process = Command::new(program())
            .envs([("OIDC_ISSUER", issuer), ("AUDIENCE", audience), ("BIND", "127.0.0.1:0")])
            .env_remove("ISSUER")
            .env_remove("JWKS_URL")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{} does not start: {error}", program().display()))?;
        let log = Arc::default();
        tokio::spawn(read(process.stderr.take().expect("it is piped"), Arc::clone(&log)));
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let line = timeout(PATIENCE, lines.next_line()).await.ok().and_then(Result::ok).flatten();
        let port = line.as_deref().and_then(|line| line.rsplit(':').next()?.parse().ok());
        let port = port.ok_or_else(|| format!("the example says {line:?}, and not where it listens"))?;
        Ok(Self { port, process, log })
    }

    /// Only Linux tells.
    pub fn vitals(&self) -> Option<Vitals> {
        let directory = PathBuf::from(format!("/proc/{}", self.process.id()?));
        let status = std::fs::read_to_string(directory.join("status")).ok()?;
        let figure = |name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<usize>().ok()
        };
        Some(Vitals {
            memory: figure("VmRSS:")? as f64 / 1024.0,
            descriptors: std::fs::read_dir(directory.join("fd")).ok()?.count(),
            threads: figure("Threads:")?,
        })
    }

    pub fn kill(&mut self) {
        _ = self.process.start_kill();
    }

    /// Interrupts it: it ends by itself once all of its connections have.
    pub async fn end(mut self) -> Result<(), String> {
        if let Some(id) = self.process.id() {
            let interrupt = Command::new("kill").args(["-INT", &id.to_string()]).status().await;
            interrupt.map_err(|error| format!("kill does not start: {error}"))?;
        }
        let status = timeout(PATIENCE, self.process.wait()).await;
        let log = self.log.lock().expect("nobody panics while reading");
        match status {
            Ok(Ok(status)) if status.success() && !log.panicked => Ok(()),
            Ok(Ok(status)) => Err(format!("the server ended with {status}; its last words: {:#?}", log.last)),
            Ok(Err(error)) => Err(format!("the server cannot be waited for: {error}")),
            Err(_) => {
                Err("the server does not end when it is interrupted: something goes on in it".to_owned())
            }
        }
    }
}

async fn read(stderr: ChildStderr, log: Arc<Mutex<Log>>) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut log = log.lock().expect("nobody panics while reading");
        log.panicked |= line.contains("panicked at");
        if log.last.len() == KEPT {
            log.last.pop_front();
        }
        log.last.push_back(line);
    }
}
