//! A process of the testbed.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use idem_testkit::http::client;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use super::history::History;
use super::{Framework, Request};

/// The program of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// The testbed of this build.
    Current(Framework),
    /// The testbed of an earlier commit.
    Earlier(PathBuf),
}

impl Program {
    fn path(&self) -> &Path {
        match self {
            Self::Current(Framework::Axum) => Path::new(env!("CARGO_BIN_EXE_testbed-axum")),
            Self::Current(Framework::Actix) => Path::new(env!("CARGO_BIN_EXE_testbed-actix")),
            Self::Earlier(path) => path,
        }
    }
}

/// A process of the testbed. It is killed when it is dropped and when the test process ends.
pub(crate) struct Server {
    pub(crate) program: Program,
    pub(super) history: Arc<History>,
    pub(crate) address: SocketAddr,
    pub(crate) client: reqwest::Client,
    child: Mutex<Child>,
    pid: Pid,
}

/// The counts of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Counts {
    pub(crate) attempts: u64,
    pub(crate) effects: u64,
    pub(crate) hooks: u64,
}

/// Starts a process. If it does not begin to serve, the error is its log.
pub(super) async fn start(
    history: Arc<History>,
    program: &Program,
    flags: &[&str],
    environment: &[(&str, &str)],
    log: &Path,
) -> Result<Server, String> {
    // `setpriv` becomes the program, by way of `env`. Before that, it asks the kernel to kill the program with this process.
    let mut child = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "--"])
        // A file that reaches its size limit then fails like a full disk, and does not end the process.
        .args(["env", "--ignore-signal=XFSZ"])
        .arg(program.path())
        .args(flags)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(log).unwrap())
        .kill_on_drop(true)
        .spawn()
        .expect("`setpriv` (install it with `apt-get install util-linux`)");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap();
    let Some(line) = line else { return Err(super::env::read(log)) };
    let address = line.strip_prefix("listening on http://").expect("the readiness line");
    let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap());
    let (address, child) = (address.parse().unwrap(), Mutex::new(child));
    Ok(Server {
        program: program.clone(),
        history,
        address,
        client: client().build().unwrap(),
        child,
        pid,
    })
}

impl Server {
    /// Returns a payment whose note equals its key.
    pub(crate) fn pay(&self, path: &str, key: &str) -> Request {
        self.pay_with(path, key, &json!({}))
    }

    /// Returns a payment with a handler script.
    pub(crate) fn pay_with(&self, path: &str, key: &str, script: &Value) -> Request {
        Request::pay(self, path, key, script)
    }

    /// Returns the counts of a note, and retries while the ledger is down.
    pub(crate) async fn counts(&self, note: &str) -> Counts {
        let url = format!("http://{}/_test/effects?note={note}", self.address);
        loop {
            let response = self.client.get(&url).send().await.unwrap();
            if response.status() == 200 {
                return response.json().await.unwrap();
            }
            pause().await;
        }
    }

    /// Waits until the note has exactly these counts of handler entries and effects.
    pub(crate) async fn until(&self, note: &str, attempts: u64, effects: u64) {
        self.until_counted(note, |counts| (counts.attempts, counts.effects) == (attempts, effects))
            .await;
    }

    /// Waits until the `recover` hook was entered this often for the note.
    pub(crate) async fn until_hooks(&self, note: &str, hooks: u64) {
        self.until_counted(note, |counts| counts.hooks == hooks).await;
    }

    async fn until_counted(&self, note: &str, condition: impl Fn(Counts) -> bool) {
        while !condition(self.counts(note).await) {
            pause().await;
        }
    }

    /// Asserts the number of handler entries and effects.
    pub(crate) async fn assert_counts(&self, note: &str, attempts: u64, effects: u64) {
        let counts = self.counts(note).await;
        assert_eq!((counts.attempts, counts.effects), (attempts, effects), "{note}");
    }

    /// Sets the behaviour of the store.
    pub(crate) async fn set_store(&self, mode: &str) {
        self.control("store", &json!({ "mode": mode })).await.error_for_status().unwrap();
    }

    pub(crate) async fn control(&self, what: &str, body: &Value) -> reqwest::Response {
        let url = format!("http://{}/_test/{what}", self.address);
        self.client.post(url).json(body).send().await.unwrap()
    }

    /// Opens the gate of a note.
    pub(crate) async fn open_gate(&self, note: &str) {
        self.control("gate", &json!({ "note": note })).await.error_for_status().unwrap();
    }

    /// Waits until the log satisfies `condition`.
    pub(crate) async fn until_logs(&self, condition: impl Fn(&str) -> bool) {
        while !condition(&self.logs().await) {
            pause().await;
        }
    }

    pub(crate) async fn logs(&self) -> String {
        let url = format!("http://{}/_test/logs", self.address);
        self.client.get(url).send().await.unwrap().text().await.unwrap()
    }

    /// Returns the largest amount of memory that the process has used so far, in bytes.
    pub(crate) fn peak_memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kilobytes: usize = line.trim().trim_end_matches(" kB").parse().unwrap();
        kilobytes << 10
    }

    /// Sends SIGKILL and waits for the end of the process.
    pub(crate) async fn kill(self) {
        self.child.into_inner().kill().await.unwrap();
    }

    /// Sends SIGKILL without waiting.
    pub(crate) fn kill_now(&self) {
        self.signal(Signal::SIGKILL);
    }

    /// Sends SIGSTOP.
    pub(crate) fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Sends SIGCONT.
    pub(crate) fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Limits the size of the files that the process writes, in bytes, as a full disk does.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        let limit = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        let pid = self.pid.to_string();
        let set = std::process::Command::new("prlimit")
            .args(["--pid", &pid, &format!("--fsize={limit}:unlimited")])
            .status();
        assert!(set.expect("`prlimit` (install `util-linux`)").success());
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Waits for the end of the process and returns its exit status.
    pub(crate) async fn ended(&self) -> ExitStatus {
        self.child.lock().await.wait().await.unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill(self.pid, signal).expect("the process is running");
    }
}

/// Pauses between two polls, to avoid a busy loop.
pub(super) async fn pause() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}
