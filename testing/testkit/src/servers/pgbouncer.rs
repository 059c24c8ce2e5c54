//! `pgbouncer` before a Postgres.

use std::os::unix::fs::chown;

use super::PostgresServer;
use super::process::{Directory, Process, User, free_port};

/// A `pgbouncer` in transaction mode. Killed when dropped.
pub struct PgBouncer {
    port: u16,
    _process: Process,
    _directory: Directory,
}

impl PgBouncer {
    /// Starts it before `server`, with so many connections to it.
    ///
    /// # Panics
    /// If `pgbouncer` is not installed or does not start.
    pub fn before(server: &PostgresServer, connections: u32) -> Self {
        let directory = Directory::new();
        let user = User::unprivileged("postgres").unwrap_or_else(|said| fail(&said));
        if let Some(User { uid, gid }) = user {
            chown(directory.path(), Some(uid), Some(gid)).expect("root may");
        }
        let port = free_port();
        let config = format!(
            "[databases]\npostgres = host=127.0.0.1 port={} user=postgres\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = any\npool_mode = transaction\ndefault_pool_size = {connections}\n\
             max_client_conn = 500\n",
            server.port(),
        );
        let path = directory.path();
        std::fs::write(path.join("pgbouncer.ini"), config).expect("a file in a new directory");
        let args = ["pgbouncer.ini".to_owned()];
        let process = Process::start_as(user, "/usr/sbin/pgbouncer", &args, path, "process up")
            .unwrap_or_else(|said| fail(&said));
        Self { port, _process: process, _directory: directory }
    }

    /// Where it listens, as a URL.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

fn fail(said: &str) -> ! {
    panic!("PgBouncer does not start; `apt-get install pgbouncer` installs it. It said: {said}")
}
