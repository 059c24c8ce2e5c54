//! `postgres`: alone, or as a standby.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use super::process::{Directory, Process, User, free_port};

/// How long a server gets to reach a state that a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

const READY: &str = "database system is ready to accept";

/// A `postgres` of the test's own, with durable commits. Killed when dropped.
pub struct PostgresServer {
    settings: Vec<String>,
    port: u16,
    process: Option<Process>,
    user: Option<User>,
    directory: Directory,
}

impl PostgresServer {
    /// Starts a server with a new, empty database. `settings` are as in its configuration file, such as
    /// `["synchronous_commit=off"]`.
    ///
    /// # Panics
    /// If `postgres` is not installed or does not start.
    pub fn start(settings: &[&str]) -> Self {
        Self::launch(settings, |_| {})
    }

    /// Starts a server that believes to be the standby of a primary that it cannot reach.
    ///
    /// # Panics
    /// If `postgres` is not installed or does not start.
    pub fn start_standby() -> Self {
        Self::launch(&[], |data| {
            std::fs::write(data.join("standby.signal"), "").expect("a file in a new directory");
        })
    }

    fn launch(settings: &[&str], prepare: impl FnOnce(&Path)) -> Self {
        let directory = Directory::new();
        let user = User::unprivileged("postgres").unwrap_or_else(|said| fail(&said));
        if let Some(User { uid, gid }) = user {
            chown(directory.path(), Some(uid), Some(gid)).expect("root may");
        }
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let mut server = Self { settings, port: 0, process: None, user, directory };
        server.init();
        prepare(&server.data());
        for _ in 0..10 {
            server.port = free_port();
            match server.try_start() {
                Ok(()) => return server,
                Err(said) if said.contains("in use") => {}
                Err(said) => fail(&said),
            }
        }
        panic!("no port stays free")
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn init(&self) {
        let mut init = Command::new(program("initdb"));
        init.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        init.args(["--no-sync", "--no-instructions", "--pgdata"]).arg(self.data());
        init.current_dir(self.directory.path());
        if let Some(User { uid, gid }) = self.user {
            init.uid(uid).gid(gid);
        }
        let made = init.output().unwrap_or_else(|error| fail(&error.to_string()));
        if !made.status.success() {
            fail(&String::from_utf8_lossy(&made.stderr));
        }
    }

    fn try_start(&mut self) -> Result<(), String> {
        let (data, port) = (self.data().display().to_string(), self.port.to_string());
        let mut args = vec!["-D".to_owned(), data, "-p".to_owned(), port];
        let own = ["listen_addresses=127.0.0.1", "unix_socket_directories="].map(str::to_owned);
        for setting in own.iter().chain(&self.settings) {
            args.extend(["-c".to_owned(), setting.clone()]);
        }
        let program = program("postgres");
        let path = self.directory.path();
        self.process = Some(Process::start_as(self.user, &program, &args, path, READY)?);
        Ok(())
    }

    /// Where it listens, as a URL.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Its port on the loopback interface.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id of its first process, whose children are all others.
    ///
    /// # Panics
    /// If it does not run.
    pub fn pid(&self) -> i32 {
        self.process.as_ref().expect("the server runs").pid()
    }

    /// Kills it at once, as a crash would.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again after [`kill`](Self::kill) or [`stop_immediately`](Self::stop_immediately), on its
    /// port and with what it kept on disk.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        self.kill();
        let started = Instant::now();
        // Processes of the server that was killed take a moment to notice.
        while let Err(said) = self.try_start() {
            if started.elapsed() > PATIENCE {
                fail(&said);
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops it without a checkpoint, as `pg_ctl stop -m immediate` does.
    ///
    /// # Panics
    /// If it does not run.
    pub fn stop_immediately(&mut self) {
        self.process.take().expect("the server runs").quit();
    }

    /// Stops all of its processes where they are: connections stay open, and nothing answers.
    ///
    /// # Panics
    /// If it does not run.
    pub fn pause(&self) {
        self.process.as_ref().expect("the server runs").pause_all();
    }

    /// Lets paused processes go on.
    ///
    /// # Panics
    /// If it does not run.
    pub fn resume(&self) {
        self.process.as_ref().expect("the server runs").resume_all();
    }

    /// Lets no file of the server grow beyond so many bytes, or any again with `None`: a disk that is full,
    /// without the rights that it takes to mount a small one. Postgres reports a full disk when a write ends
    /// short, so the bound must not be a multiple of its pages of 8 KiB; and it must be above the 16 MiB
    /// of a segment of its log.
    ///
    /// # Panics
    /// If `prlimit` is not installed or the server does not run.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let soft = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        let server = self.process.as_ref().expect("the server runs");
        for pid in server.children().into_iter().chain([self.pid()]) {
            let pid = pid.to_string();
            let mut limit = Command::new("prlimit");
            limit.args(["--pid", &pid, &format!("--fsize={soft}:")]);
            // Even root may need to be the server's user for that.
            if let Some(User { uid, gid }) = self.user {
                limit.uid(uid).gid(gid);
            }
            let status = limit.output().expect("`prlimit` of util-linux").status;
            // A child may have ended since.
            let gone = !Path::new("/proc").join(&pid).exists();
            assert!(status.success() || gone, "the files of {pid} cannot be limited");
        }
    }

    /// Runs SQL by `psql` as the superuser and gives back what it prints, unaligned.
    ///
    /// # Panics
    /// If `psql` is not installed, cannot reach the server, or the SQL is wrong.
    pub fn sql(&self, sql: &str) -> String {
        self.sql_in("postgres", sql)
    }

    /// [`sql`](Self::sql) in another database of the server.
    ///
    /// # Panics
    /// As [`sql`](Self::sql).
    pub fn sql_in(&self, database: &str, sql: &str) -> String {
        let url = format!("postgres://postgres@127.0.0.1:{}/{database}", self.port);
        let run = Command::new(program("psql"))
            .args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-d", &url, "-c", sql])
            .output();
        let output = run.unwrap_or_else(|error| fail(&error.to_string()));
        assert!(output.status.success(), "{sql}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Waits until `sql` prints something that satisfies `condition`.
    ///
    /// # Panics
    /// If it does not within 30 s.
    pub fn until(&self, sql: &str, condition: impl Fn(&str) -> bool) {
        let started = Instant::now();
        loop {
            let printed = self.sql(sql);
            if condition(&printed) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{sql} still prints {printed}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for PostgresServer {
    /// Processes that are paused would never learn that their server is gone.
    fn drop(&mut self) {
        self.process.iter().for_each(Process::resume_all);
    }
}

/// Where a program of Postgres is: Debian keeps each version's apart, and only some on the path.
fn program(name: &str) -> String {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.max_by_key(|version| {
        version.file_name().to_str().and_then(|name| name.parse::<u32>().ok())
    });
    let path = newest.map(|version| version.path().join("bin").join(name));
    match path.filter(|path| path.exists()) {
        Some(path) => path.display().to_string(),
        None => name.to_owned(),
    }
}

fn fail(said: &str) -> ! {
    panic!("Postgres does not start; `apt-get install postgresql` installs it. It said: {said}")
}
