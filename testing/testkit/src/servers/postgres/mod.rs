//! Postgres: a primary or a standby.

mod data;
mod program;

use std::fs::Permissions;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Certificates;
use super::process::{Process, User, directory, on_free_port, own, run_as};
use super::wait::MAX_WAIT;
use program::{installed, server_program};

const READY: &str = "database system is ready to accept";

/// A Postgres server with durable commits. It is killed when dropped.
pub struct PostgresServer {
    settings: Vec<String>,
    port: u16,
    process: Option<Process>,
    user: Option<User>,
    directory: TempDir,
}

impl PostgresServer {
    /// Starts a server with an empty database. `settings` are lines of its configuration file, such as
    /// `["synchronous_commit=off"]`.
    ///
    /// # Panics
    /// If `postgres` is not installed or does not start.
    pub fn start(settings: &[&str]) -> Self {
        Self::launch(settings, |_, _| {})
    }

    /// Starts a server that offers TLS.
    ///
    /// # Panics
    /// If `postgres` is not installed or does not start.
    pub fn start_tls(certificates: &Certificates) -> Self {
        Self::launch(&["ssl=on"], |data, user| {
            for (from, to) in
                [(certificates.certificate(), "server.crt"), (certificates.key(), "server.key")]
            {
                let to = data.join(to);
                std::fs::copy(from, &to).expect("a file in a new directory");
                std::fs::set_permissions(&to, Permissions::from_mode(0o600)).expect("its owner");
                own(&to, user).expect("root can change owners");
            }
        })
    }

    /// Starts a standby whose primary is unreachable.
    ///
    /// # Panics
    /// If `postgres` is not installed or does not start.
    pub fn start_standby() -> Self {
        Self::launch(&[], |data, _| {
            std::fs::write(data.join("standby.signal"), "").expect("a file in a new directory");
        })
    }

    fn launch(settings: &[&str], prepare: impl FnOnce(&Path, Option<User>)) -> Self {
        let directory = directory();
        let user = data::user().unwrap_or_else(|output| fail(&output));
        own(directory.path(), user).expect("root can change owners");
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let mut server = Self { settings, port: 0, process: None, user, directory };
        data::create(&server.data()).unwrap_or_else(|output| fail(&output));
        prepare(&server.data(), server.user);
        let started = on_free_port(|port| {
            server.port = port;
            server.try_start()
        });
        started.unwrap_or_else(|output| fail(&output));
        server
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn try_start(&mut self) -> Result<(), String> {
        let (data, port) = (self.data().display().to_string(), self.port.to_string());
        let mut args = vec!["-D".to_owned(), data, "-p".to_owned(), port];
        let own = ["listen_addresses=127.0.0.1", "unix_socket_directories="].map(str::to_owned);
        for setting in own.iter().chain(&self.settings) {
            args.extend(["-c".to_owned(), setting.clone()]);
        }
        let program = server_program("postgres").display().to_string();
        let path = self.directory.path();
        self.process = Some(Process::start_as(self.user, &program, &args, path, READY)?);
        Ok(())
    }

    /// Returns the URL of the server.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Returns the port on the loopback interface.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the process id of the main process, the parent of all others.
    ///
    /// # Panics
    /// If the server is not running.
    pub fn pid(&self) -> i32 {
        self.process.as_ref().expect("the server runs").pid()
    }

    /// Kills the server, as in a crash. Its port refuses connections when this returns.
    pub fn kill(&mut self) {
        self.process = None;
        let killed = Instant::now();
        // The children of the server take a moment to end, and hold its socket until then.
        while TcpStream::connect(("127.0.0.1", self.port)).is_ok() && killed.elapsed() < MAX_WAIT {
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Starts the server again after [`kill`](Self::kill) or [`stop_immediately`](Self::stop_immediately), on
    /// the same port and with its data on disk.
    ///
    /// # Panics
    /// If the server does not start.
    pub fn restart(&mut self) {
        self.kill();
        let started = Instant::now();
        // The children of the killed server take a moment to end.
        while let Err(output) = self.try_start() {
            if started.elapsed() > MAX_WAIT {
                fail(&output);
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops the server without a checkpoint, like `pg_ctl stop -m immediate`.
    ///
    /// # Panics
    /// If the server is not running.
    pub fn stop_immediately(&mut self) {
        self.process.take().expect("the server runs").quit();
    }

    /// Pauses all processes of the server: connections stay open, and it does not reply.
    ///
    /// # Panics
    /// If the server is not running.
    pub fn pause(&self) {
        self.process.as_ref().expect("the server runs").pause_all();
    }

    /// Resumes the paused processes.
    ///
    /// # Panics
    /// If the server is not running.
    pub fn resume(&self) {
        self.process.as_ref().expect("the server runs").resume_all();
    }

    /// Limits the size of the server's files in bytes, or removes the limit with `None`. This simulates a full
    /// disk without the permission to mount a small one.
    ///
    /// Postgres reports a full disk when a write is incomplete. The limit must therefore not be a multiple of
    /// its page size of 8 KiB. It must also exceed the 16 MiB of a WAL segment.
    ///
    /// # Panics
    /// If `prlimit` is not installed or the server is not running.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let soft = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        let server = self.process.as_ref().expect("the server runs");
        for pid in server.children().into_iter().chain([self.pid()]) {
            let pid = pid.to_string();
            let mut limit = Command::new("prlimit");
            limit.args(["--pid", &pid, &format!("--fsize={soft}:")]);
            // Even root may have to run as the user of the server to change its limits.
            let status =
                run_as(self.user, &mut limit).output().expect("`prlimit` of util-linux").status;
            // A child may have ended since.
            let gone = !Path::new("/proc").join(&pid).exists();
            assert!(status.success() || gone, "the files of {pid} cannot be limited");
        }
    }

    /// Runs SQL with `psql` as the superuser and returns its unaligned output.
    ///
    /// # Panics
    /// If `psql` is not installed, cannot reach the server, or the SQL is wrong.
    pub fn sql(&self, sql: &str) -> String {
        self.sql_in("postgres", sql)
    }

    /// Like [`sql`](Self::sql), in another database of the server.
    ///
    /// # Panics
    /// As [`sql`](Self::sql).
    pub fn sql_in(&self, database: &str, sql: &str) -> String {
        let url = format!("postgres://postgres@127.0.0.1:{}/{database}", self.port);
        let run = Command::new(installed("psql"))
            .args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-d", &url, "-c", sql])
            .output();
        let output = run.unwrap_or_else(|error| fail(&error.to_string()));
        assert!(output.status.success(), "{sql}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Moves all times of a store's records into the past. For the store, this is the same as time that passes.
    ///
    /// # Panics
    /// As [`sql`](Self::sql).
    pub fn age(&self, schema: &str, by: Duration) {
        // Postgres 14 accepts fewer than 2^31 microseconds in the text of an interval.
        let back = format!("- interval '1 microsecond' * {}", by.as_micros());
        self.sql(&format!(
            "UPDATE {schema}.idem_records SET lease_until = lease_until {back},
             expires_at = expires_at {back}, sweep_at = sweep_at {back},
             silent_since = silent_since - {}",
            by.as_micros()
        ));
    }

    /// Waits until the output of `sql` satisfies `condition`. Blocks the thread, so a test whose own tasks must go on meanwhile
    /// needs a runtime with several threads.
    ///
    /// # Panics
    /// If this takes longer than 30 s.
    pub fn until(&self, sql: &str, condition: impl Fn(&str) -> bool) {
        let started = Instant::now();
        loop {
            let printed = self.sql(sql);
            if condition(&printed) {
                return;
            }
            assert!(started.elapsed() < MAX_WAIT, "{sql} still prints {printed}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for PostgresServer {
    /// Resumes paused processes, because they would not notice that their server has ended.
    fn drop(&mut self) {
        self.process.iter().for_each(Process::resume_all);
    }
}

fn fail(output: &str) -> ! {
    panic!("cannot start Postgres (install it with `apt-get install postgresql`): {output}")
}
