//! `nats-server` with JetStream.

use tempfile::TempDir;

use super::process::{Process, directory, on_free_port};

const PROGRAM: &str = "nats-server";
const READY: &str = "Server is ready";

/// A `nats-server` with JetStream. It is killed when dropped.
pub struct NatsServer {
    port: u16,
    _process: Process,
    _directory: TempDir,
}

impl NatsServer {
    /// Starts a server that stores its streams in a temporary directory.
    ///
    /// # Panics
    /// If `nats-server` is not installed or does not start.
    pub fn start() -> Self {
        let directory = directory();
        let started = on_free_port(|port| {
            let args = ["--addr", "127.0.0.1", "--jetstream", "--store_dir", ".", "--port"];
            let args: Vec<_> =
                args.into_iter().map(str::to_owned).chain([port.to_string()]).collect();
            Ok((port, Process::start(PROGRAM, &args, directory.path(), READY)?))
        });
        let (port, process) = started.unwrap_or_else(|output| fail(&output));
        Self { port, _process: process, _directory: directory }
    }

    /// Returns the URL of the server.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }
}

fn fail(output: &str) -> ! {
    panic!("cannot start NATS (install it with `apt-get install nats-server`): {output}")
}
