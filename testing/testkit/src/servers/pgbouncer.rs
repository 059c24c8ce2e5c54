//! PgBouncer in front of Postgres.

use tempfile::TempDir;

use super::PostgresServer;
use super::process::{Process, User, directory, on_free_port, own};

/// A PgBouncer in transaction mode. It is killed when dropped.
pub struct PgBouncer {
    port: u16,
    _process: Process,
    _directory: TempDir,
}

impl PgBouncer {
    /// Starts PgBouncer in front of `server`, with `connections` connections to it.
    ///
    /// # Panics
    /// If `pgbouncer` is not installed or does not start.
    pub fn before(server: &PostgresServer, connections: u32) -> Self {
        Self::before_port(server.port(), connections)
    }

    /// Like [`before`](Self::before), in front of whatever listens at `server` of the loopback interface, such
    /// as a [`Proxy`](super::Proxy).
    ///
    /// # Panics
    /// As [`before`](Self::before).
    pub fn before_port(server: u16, connections: u32) -> Self {
        let directory = directory();
        let user = User::unprivileged("postgres").unwrap_or_else(|output| fail(&output));
        own(directory.path(), user).expect("root can change owners");
        let started = on_free_port(|port| {
            let config = format!(
                "[databases]\npostgres = host=127.0.0.1 port={server} user=postgres\n\
                 [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
                 auth_type = any\npool_mode = transaction\ndefault_pool_size = {connections}\n\
                 max_client_conn = 500\n",
            );
            let path = directory.path();
            std::fs::write(path.join("pgbouncer.ini"), config).expect("a file of our own");
            let args = ["pgbouncer.ini".to_owned()];
            Ok((port, Process::start_as(user, "/usr/sbin/pgbouncer", &args, path, "process up")?))
        });
        let (port, process) = started.unwrap_or_else(|output| fail(&output));
        Self { port, _process: process, _directory: directory }
    }

    /// Returns the URL of PgBouncer.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

fn fail(output: &str) -> ! {
    panic!("cannot start PgBouncer (install it with `apt-get install pgbouncer`): {output}")
}
