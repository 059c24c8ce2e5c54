//! A server process that ends with its handle and with this process.

use std::fs::Permissions;
use std::io::{self, BufRead, BufReader, Lines, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use tempfile::TempDir;

use super::wait::MAX_WAIT;

/// The user for a server that refuses to run as root.
#[derive(Clone, Copy)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl User {
    /// Returns the user of this name if this process runs as root. Otherwise servers run as the current user.
    pub(super) fn unprivileged(name: &str) -> Result<Option<Self>, String> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        match nix::unistd::User::from_name(name) {
            Ok(Some(user)) => Ok(Some(Self { uid: user.uid.as_raw(), gid: user.gid.as_raw() })),
            _ => Err(format!("the server does not run as root, and there is no user `{name}`")),
        }
    }
}

/// Gives a file to the user, if it is not the current one.
pub(super) fn own(path: &Path, user: Option<User>) -> io::Result<()> {
    user.map_or(Ok(()), |User { uid, gid }| chown(path, Some(uid), Some(gid)))
}

/// Lets a command run as the user, if it is not the current one.
pub(super) fn run_as(user: Option<User>, command: &mut Command) -> &mut Command {
    match user {
        Some(User { uid, gid }) => command.uid(uid).gid(gid),
        None => command,
    }
}

/// Starts the server from a shell that waits for input. A signal name in the input stops the server. The end
/// of the input means that this process has ended, so the shell also removes the directory. The child prints
/// its pid before it becomes the server, so that the pid is the first line of the output.
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
    /// Starts `program` in `directory` and waits until a line of its output contains `ready`. If it ends
    /// before, or takes longer than 30 s, the error contains its output.
    pub(super) fn start(
        program: &str,
        args: &[String],
        directory: &Path,
        ready: &str,
    ) -> Result<Self, String> {
        Self::start_as(None, program, args, directory, ready)
    }

    /// Like [`start`](Self::start), as another user.
    pub(super) fn start_as(
        user: Option<User>,
        program: &str,
        args: &[String],
        directory: &Path,
        ready: &str,
    ) -> Result<Self, String> {
        let mut shell = run_as(user, &mut Command::new("sh"))
            .args(["-c", WATCHED, "sh", program])
            .args(args)
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let stdout = shell.stdout.take().expect("piped");
        let mut lines = BufReader::new(stdout).lines();
        let pid = lines.next().expect("the shell prints the pid").expect("text");
        let server = Pid::from_raw(pid.parse().expect("a pid"));
        let process = Self { shell, server };
        await_ready(&read(lines), program, ready)?;
        Ok(process)
    }

    pub(super) fn pid(&self) -> i32 {
        self.server.as_raw()
    }

    /// Pauses the process with SIGSTOP.
    pub(super) fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Resumes the process.
    pub(super) fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Stops the process immediately with SIGQUIT, and waits until it has ended.
    pub(super) fn quit(mut self) {
        self.stop("QUIT");
    }

    fn stop(&mut self, signal: &str) {
        if let Some(mut stdin) = self.shell.stdin.take() {
            drop(writeln!(stdin, "{signal}"));
        }
        drop(self.shell.wait());
    }

    /// Pauses the process and its children.
    pub(super) fn pause_all(&self) {
        self.pause();
        self.signal_children(Signal::SIGSTOP);
    }

    /// Resumes the process and its children.
    pub(super) fn resume_all(&self) {
        self.signal_children(Signal::SIGCONT);
        // The process may have ended.
        kill(self.server, Signal::SIGCONT).ok();
    }

    /// Returns the process ids of the children.
    pub(super) fn children(&self) -> Vec<i32> {
        let list = format!("/proc/{0}/task/{0}/children", self.server);
        let children = std::fs::read_to_string(list).unwrap_or_default();
        children.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
    }

    fn signal_children(&self, signal: Signal) {
        for child in self.children() {
            // The child may have ended since.
            kill(Pid::from_raw(child), signal).ok();
        }
    }

    fn signal(&self, signal: Signal) {
        kill(self.server, signal).expect("the server runs");
    }
}

impl Drop for Process {
    /// Kills the server and waits until it has ended.
    fn drop(&mut self) {
        self.stop("KILL");
    }
}

/// Sends each line. The thread reads until the server ends, because the server would block on a full pipe.
fn read(lines: Lines<BufReader<ChildStdout>>) -> Receiver<String> {
    let (sender, received) = mpsc::channel();
    // The channel is closed after the start, and a line may not be UTF-8.
    thread::spawn(move || lines.for_each(|line| drop(sender.send(line.unwrap_or_default()))));
    received
}

fn await_ready(lines: &Receiver<String>, program: &str, ready: &str) -> Result<(), String> {
    let deadline = Instant::now() + MAX_WAIT;
    let mut output = String::new();
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) if line.contains(ready) => return Ok(()),
            Ok(line) => {
                output += &line;
                output.push('\n');
            }
            Err(RecvTimeoutError::Disconnected) => return Err(output),
            Err(RecvTimeoutError::Timeout) => {
                return Err(format!(
                    "`{program}` did not print \"{ready}\" within {MAX_WAIT:?}, but \"{output}\""
                ));
            }
        }
        if output.contains("ddress already in use") || output.contains("not found") {
            return Err(output);
        }
    }
}

/// Returns an empty directory that is removed with its handle.
pub(super) fn directory() -> TempDir {
    // Some servers run as users of their own.
    let for_all = Permissions::from_mode(0o755);
    let directory = tempfile::Builder::new().prefix("idem-server-").permissions(for_all).tempdir();
    directory.expect("a directory for temporary files")
}

/// Starts a server on a free port. Another process can take the port first, so this tries several.
pub(super) fn on_free_port<T>(
    mut start: impl FnMut(u16) -> Result<T, String>,
) -> Result<T, String> {
    for _ in 0..10 {
        match start(free_port()) {
            Err(output) if output.contains("in use") => {}
            started => return started,
        }
    }
    Err("each of 10 free ports was taken before the server started".to_owned())
}

/// Returns a port that was free a moment ago. It is low enough that the Redis cluster bus port, 10,000 above,
/// exists.
fn free_port() -> u16 {
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        if port < 55_000 {
            return port;
        }
    }
}
