//! A server process that outlives neither its handle nor this process.

use std::io::{BufRead, BufReader, Lines, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

/// Who a server runs as that refuses to run as root.
#[derive(Clone, Copy)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl User {
    /// The user of this name if this process is root's; any other runs servers as itself.
    pub(super) fn unprivileged(name: &str) -> Result<Option<Self>, String> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        match nix::unistd::User::from_name(name) {
            Ok(Some(user)) => Ok(Some(Self { uid: user.uid.as_raw(), gid: user.gid.as_raw() })),
            _ => Err(format!("there is no user `{name}`, and the server does not run as root")),
        }
    }
}

/// Starts the server behind a shell that reads its input. A signal's name there stops the server; the end
/// of it means that this process is gone, in whatever way, and then the directory goes too. The server's own
/// process says its pid before it becomes the server, so that nothing the server prints comes first.
const WATCHED: &str = r#"
sh -c 'echo "$$"; exec "$@"' sh "$@" </dev/null 2>&1 &
read -r signal || gone="$PWD"
kill "-${signal:-KILL}" "$!"
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
        Self::start_as(None, program, args, directory, ready)
    }

    /// [`start`](Self::start) as another user.
    pub(super) fn start_as(
        user: Option<User>,
        program: &str,
        args: &[String],
        directory: &Path,
        ready: &str,
    ) -> Result<Self, String> {
        let mut shell = Command::new("sh");
        if let Some(User { uid, gid }) = user {
            shell.uid(uid).gid(gid);
        }
        let mut shell = shell
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

    pub(super) fn pid(&self) -> i32 {
        self.server.as_raw()
    }

    /// Stops the process where it is, as a paused machine would.
    pub(super) fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on.
    pub(super) fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Asks it to stop at once, and returns once it is gone.
    pub(super) fn quit(mut self) {
        self.stop("QUIT");
    }

    fn stop(&mut self, signal: &str) {
        if let Some(mut stdin) = self.shell.stdin.take() {
            drop(writeln!(stdin, "{signal}"));
        }
        drop(self.shell.wait());
    }

    /// Stops the process and those that it started where they are.
    pub(super) fn pause_all(&self) {
        self.pause();
        self.signal_children(Signal::SIGSTOP);
    }

    /// Lets all of them go on.
    pub(super) fn resume_all(&self) {
        self.signal_children(Signal::SIGCONT);
        // It may have ended by itself.
        kill(self.server, Signal::SIGCONT).ok();
    }

    /// The processes that it started.
    pub(super) fn children(&self) -> Vec<i32> {
        let list = format!("/proc/{0}/task/{0}/children", self.server);
        let children = std::fs::read_to_string(list).unwrap_or_default();
        children.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
    }

    fn signal_children(&self, signal: Signal) {
        for child in self.children() {
            // It may have ended since.
            kill(Pid::from_raw(child), signal).ok();
        }
    }

    fn signal(&self, signal: Signal) {
        kill(self.server, signal).expect("the server runs");
    }
}

impl Drop for Process {
    /// Kills the server, and returns once it is gone.
    fn drop(&mut self) {
        self.stop("KILL");
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
