//! How the examples that have pages start: their settings, their address, and what they say when they cannot.

use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::process::ExitCode;

use axum::Router;
use tokio::net::TcpListener;

pub(crate) type Outcome = Result<(), Box<dyn Error>>;

/// Runs `example`; what keeps it from starting is said in one sentence.
pub(crate) async fn run(example: impl Future<Output = Outcome>) -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    match example.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// One that is empty counts as not set.
pub(crate) fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where the example is found.
pub(crate) struct Site {
    listener: TcpListener,
    address: SocketAddr,
}

impl Site {
    pub(crate) async fn bind() -> Result<Self, Box<dyn Error>> {
        let bind = setting("BIND").unwrap_or("127.0.0.1:3000".to_owned());
        let listener = TcpListener::bind(&bind)
            .await
            .map_err(|error| format!("BIND={bind} is no free host:port: {error}"))?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Deliberately not by the `Host` of a request, which anybody can set: a link that is sent to somebody else must not
    /// lead where the one who asked for it wants.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn serve(self, app: Router) -> Outcome {
        println!("listening on {}", self.url(""));
        axum::serve(self.listener, app).with_graceful_shutdown(interrupted()).await?;
        Ok(())
    }
}

async fn interrupted() {
    // Without a signal handler the process ends at once, which is as well.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
