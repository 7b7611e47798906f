//! HTTP/1.1 as far as a client of a provider sees it, down to the bytes: no library sends half an answer.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Method;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

use super::answer::Manner;
use super::idp::{Script, Seen};

/// Listens on a port of its own until it is dropped.
pub(super) struct Server {
    address: SocketAddr,
    script: Arc<Script>,
    task: Mutex<Option<AbortHandle>>,
}

impl Server {
    pub(super) async fn start(script: Arc<Script>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let server = Self { address: listener.local_addr()?, script, task: Mutex::new(None) };
        server.accept(listener);
        Ok(server)
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) async fn stop(&self) {
        let Some(task) = self.take_task() else { return };
        task.abort();
        while !task.is_finished() {
            tokio::task::yield_now().await;
        }
    }

    pub(super) fn resume(&self) -> io::Result<()> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(self.address)?;
        self.accept(socket.listen(1024)?);
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "a server for tests needs a task of its own")]
    fn accept(&self, listener: TcpListener) {
        let script = Arc::clone(&self.script);
        let task = tokio::spawn(async move {
            // Connections end with the server, as those of a process do.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let script = Arc::clone(&script);
                connections.spawn(async move { _ = converse(stream, &script).await });
                while connections.try_join_next().is_some() {}
            }
        });
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task.abort_handle());
    }

    fn take_task(&self) -> Option<AbortHandle> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(task) = self.take_task() {
            task.abort();
        }
    }
}

/// One request, one answer.
async fn converse(mut stream: TcpStream, script: &Script) -> io::Result<()> {
    let answer = script.ask(read(&mut stream).await?);
    let body = &*answer.body;
    match answer.manner {
        Manner::After(duration) => sleep(duration).await,
        Manner::Hanging => std::future::pending().await,
        Manner::Broken => return Ok(()),
        _ => {}
    }
    let sent = |bytes| script.sent.fetch_add(bytes, Ordering::Relaxed);
    match answer.manner {
        Manner::Dripping => {
            stream.write_all(answer.head(Some(body.len())).as_bytes()).await?;
            for byte in body {
                stream.write_all(&[*byte]).await?;
                sent(1);
                sleep(Duration::from_secs(1)).await;
            }
        }
        Manner::Endless(bytes) => {
            stream.write_all(answer.head(None).as_bytes()).await?;
            let blanks = vec![b' '; 64 * 1024];
            for _ in 0..bytes.div_ceil(blanks.len()) {
                stream.write_all(&blanks).await?;
                sent(blanks.len());
            }
        }
        manner => {
            let half = if manner == Manner::Cut { body.len() / 2 } else { body.len() };
            stream.write_all(answer.head(Some(body.len())).as_bytes()).await?;
            stream.write_all(&body[..half]).await?;
            sent(half);
        }
    }
    stream.shutdown().await
}

async fn read(stream: &mut TcpStream) -> io::Result<Seen> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let (method, target, headers) = parse(&String::from_utf8_lossy(&head))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no HTTP request"))?;
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await?;
    Ok(Seen::new(method, target, headers, &body))
}

fn parse(head: &str) -> Option<(Method, String, HeaderMap)> {
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.parse().ok()?, first.next()?.to_owned());
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .filter_map(|(name, value)| {
            let name: HeaderName = name.parse().ok()?;
            Some((name, HeaderValue::from_str(value.trim()).ok()?))
        })
        .collect();
    Some((method, target, headers))
}
