//! A serving process, seen by the one that started it.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::app::{App, REFRESH, REST, Tally};
use crate::provider::Provider;
use crate::support::issuer::forged;

/// The argument with which the program runs itself, before the name of an app and its issuer.
pub const SERVE: &str = "--serve";

/// How long a server may take to do what it is told.
const PATIENCE: Duration = Duration::from_secs(10);

/// Ends with this value: it is killed, and its input ends as well.
pub struct Server {
    pub app: App,
    pub port: u16,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    process: Child,
}

impl Server {
    /// Starts `app` with the keys of `provider`, and makes sure that it lets in whom it should and nobody else.
    pub async fn start(app: App, provider: &Provider) -> Self {
        let program = std::env::current_exe().expect("a program has a path");
        let mut process = Command::new(program)
            .args([SERVE, app.name(), &provider.issuer])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a process");
        let orders = process.stdin.take().expect("it is piped");
        let answers = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let mut server = Self { app, port: 0, orders, answers, process };
        server.port = server.answer().await.parse().expect("a port");
        let token = provider.token_of_now();
        assert_eq!(server.status(&token).await, "204", "a good token, {}", app.name());
        let expected = if app == App::NoAuth { "204" } else { "401" };
        assert_eq!(server.status(&forged(&token)).await, expected, "a forged token, {}", app.name());
        server
    }

    /// Has it fetch its keys again and again from now on.
    pub async fn refresh(&mut self) {
        self.order(REFRESH).await;
    }

    /// Has it stop that, and tell what it came to.
    pub async fn rest(&mut self) -> Tally {
        self.order(REST).await;
        Tally::read(&self.answer().await).expect("a tally")
    }

    /// How long all its threads together have had a processor; only Linux tells.
    pub fn processor_time(&self) -> Option<Duration> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.process.id()?)).ok()?;
        let nanoseconds = threads.map(|thread| {
            let counts = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
            counts.split(' ').next()?.parse::<u64>().ok()
        });
        nanoseconds.sum::<Option<u64>>().map(Duration::from_nanos)
    }

    async fn order(&mut self, order: &str) {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.expect("a server that listens");
    }

    async fn answer(&mut self) -> String {
        let line = timeout(PATIENCE, self.answers.next_line()).await.expect("an answer in time");
        line.expect("text").expect("a server that lives")
    }

    /// How it answers a request with this token.
    async fn status(&self, token: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.expect("a server");
        let request = format!(
            "GET /me HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("a server that reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    }
}
