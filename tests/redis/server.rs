use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tower_jwt_auth::replay::{RedisReplayStore, ReplayRule};

use crate::layer;
use crate::support::site::Site;

/// A Redis server of this test's own, on a port of its own.
pub struct Server {
    pub port: u16,
    arguments: &'static [&'static str],
    process: Option<Child>,
}

impl Server {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    pub fn start_with(arguments: &'static [&'static str]) -> Self {
        for _ in 0..5 {
            let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
            let mut server = Self { port: free.port(), arguments, process: None };
            if server.start_again() {
                return server;
            }
        }
        panic!("redis-server does not start");
    }

    /// Whether it runs; on the port that it had.
    pub fn start_again(&mut self) -> bool {
        let process = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            .args(self.arguments)
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        let process = process.unwrap_or_else(|error| {
            panic!(
                "no redis-server on this machine ({error}): install it with `apt-get install redis-server`"
            )
        });
        self.process = Some(process);
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(10) {
            let answer = self.ask(&["PING"]);
            if answer.contains("PONG") || answer.contains("NOAUTH") {
                return true;
            }
            if self.process.as_mut().expect("a process").try_wait().expect("a status").is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// What the server answers to a command.
    pub fn ask(&self, command: &[&str]) -> String {
        let port = self.port.to_string();
        let output =
            Command::new("redis-cli").args(["-p", &port]).args(command).stdin(Stdio::null()).output();
        let output = output.expect("redis-cli, which comes with redis-server");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub fn signal(&self, signal: &str) {
        let id = self.process.as_ref().expect("a process").id().to_string();
        let status = Command::new("kill").args([signal, &id]).status().expect("kill");
        assert!(status.success(), "{signal}");
    }

    /// As if the machine lost power.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("a running server");
            process.wait().expect("its end");
        }
    }

    pub fn store(&self) -> RedisReplayStore {
        RedisReplayStore::connect(&self.url()).expect("a URL")
    }

    /// One more instance of the app, with a connection of its own.
    pub fn instance(&self) -> Site {
        Site::behind(layer(ReplayRule::single_use(self.store())))
    }

    /// The milliseconds that are left of the only key.
    pub fn only_key(&self) -> (String, i64) {
        let keys = self.ask(&["KEYS", "*"]);
        assert_eq!(keys.lines().count(), 1, "{keys}");
        let left = self.ask(&["PTTL", &keys]).parse().expect("milliseconds");
        (keys, left)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            // It may be gone already.
            _ = process.kill();
            _ = process.wait();
        }
    }
}
