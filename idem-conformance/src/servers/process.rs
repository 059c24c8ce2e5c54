//! A server process that outlives neither its handle nor this process.

use std::io::{BufRead, BufReader, Lines, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Starts the server behind a shell that reads its input. A word there stops the server; the end of it
/// means that this process is gone, in whatever way, and then the directory goes too.
const WATCHED: &str = r#"
"$@" </dev/null 2>&1 &
echo "$!"
read -r word || gone="$PWD"
kill -9 "$!"
wait
[ -z "$gone" ] || rm -rf "$gone"
"#;

pub(super) struct Process {
    shell: Child,
    server: Pid,
}

impl Process {
    /// Starts `program` in `directory` and waits until a line that it prints contains `ready`. Gives back
    /// what it printed if it ends before.
    pub(super) fn start(
        program: &str,
        args: &[String],
        directory: &Path,
        ready: &str,
    ) -> Result<Self, String> {
        let mut shell = Command::new("sh")
            .args(["-c", WATCHED, "sh", program])
            .args(args)
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let stdout = shell.stdout.take().expect("piped");
        let mut lines = BufReader::new(stdout).lines();
        let pid = lines.next().expect("the shell says the pid").expect("text");
        let server = Pid::from_raw(pid.parse().expect("a pid"));
        let process = Self { shell, server };
        process.await_ready(lines, ready)?;
        Ok(process)
    }

    fn await_ready(
        &self,
        mut lines: Lines<BufReader<ChildStdout>>,
        ready: &str,
    ) -> Result<(), String> {
        let mut said = String::new();
        for line in lines.by_ref().map_while(Result::ok) {
            if line.contains(ready) {
                // Read on, or the server would block on a full pipe.
                std::thread::spawn(move || lines.for_each(drop));
                return Ok(());
            }
            said += &line;
            said.push('\n');
            if said.contains("ddress already in use") || said.contains("not found") {
                break;
            }
        }
        Err(said)
    }

    /// Stops the process where it is, as a paused machine would.
    pub(super) fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on.
    pub(super) fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        kill(self.server, signal).expect("the server runs");
    }
}

impl Drop for Process {
    /// Kills the server, and returns once it is gone.
    fn drop(&mut self) {
        if let Some(mut stdin) = self.shell.stdin.take() {
            drop(stdin.write_all(b"stop\n"));
        }
        drop(self.shell.wait());
    }
}

/// A directory that goes with its handle.
pub(super) struct Directory(PathBuf);

impl Directory {
    pub(super) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("idem-server-{:016x}", rand::random::<u64>()));
        std::fs::create_dir(&path).expect("a directory for temporary files");
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A port that was free a moment ago, and low enough that a Redis bus port, 10,000 above, exists.
pub(super) fn free_port() -> u16 {
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        if port < 55_000 {
            return port;
        }
    }
}
