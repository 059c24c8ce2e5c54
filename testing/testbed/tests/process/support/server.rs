//! A process of the testbed.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use super::history::History;
use super::{Framework, Request};

/// Killed when dropped, and with this process, however that ends.
pub(crate) struct Server {
    pub(super) history: Arc<History>,
    pub(crate) address: SocketAddr,
    pub(crate) client: reqwest::Client,
    child: Mutex<Child>,
    pid: Pid,
}

/// What was counted for a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Counts {
    pub(crate) attempts: u64,
    pub(crate) effects: u64,
}

/// Starts a process; what it said if it does not begin to serve.
pub(super) async fn start(
    history: Arc<History>,
    framework: Framework,
    flags: &[&str],
    environment: &[(&str, &str)],
    log: &Path,
) -> Result<Server, String> {
    let program = match framework {
        Framework::Axum => env!("CARGO_BIN_EXE_testbed-axum"),
        Framework::Actix => env!("CARGO_BIN_EXE_testbed-actix"),
    };
    // It becomes the program, and tells the kernel first whose death is its own.
    let mut child = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "--", program])
        .args(flags)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(log).unwrap())
        .kill_on_drop(true)
        .spawn()
        .expect("`apt-get install util-linux` installs setpriv");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap();
    let Some(line) = line else { return Err(super::bed::read(log)) };
    let address = line.strip_prefix("listening on http://").expect("the one line");
    let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap());
    let (address, child) = (address.parse().unwrap(), Mutex::new(child));
    Ok(Server { history, address, client: client(), child, pid })
}

impl Server {
    /// A payment under a key, which is its note too.
    pub(crate) fn pay(&self, path: &str, key: &str) -> Request {
        self.pay_with(path, key, &json!({}))
    }

    /// A payment with instructions to the handler.
    pub(crate) fn pay_with(&self, path: &str, key: &str, sim: &Value) -> Request {
        Request::pay(self, path, key, sim)
    }

    /// What was counted for a note, asked for until the ledger can say.
    pub(crate) async fn counts(&self, note: &str) -> Counts {
        let url = format!("http://{}/_test/effects?note={note}", self.address);
        loop {
            let answer = self.client.get(&url).send().await.unwrap();
            if answer.status() == 200 {
                return answer.json().await.unwrap();
            }
            pause().await;
        }
    }

    /// Waits until so many handlers were entered and so many had their effect.
    pub(crate) async fn until(&self, note: &str, attempts: u64, effects: u64) {
        let wanted = Counts { attempts, effects };
        while self.counts(note).await != wanted {
            pause().await;
        }
    }

    pub(crate) async fn assert_counts(&self, note: &str, attempts: u64, effects: u64) {
        assert_eq!(self.counts(note).await, Counts { attempts, effects }, "{note}");
    }

    /// Sets how its store behaves from now on.
    pub(crate) async fn set_store(&self, mode: &str) {
        self.control("store", &json!({ "mode": mode })).await.error_for_status().unwrap();
    }

    pub(crate) async fn control(&self, what: &str, body: &Value) -> reqwest::Response {
        let url = format!("http://{}/_test/{what}", self.address);
        self.client.post(url).json(body).send().await.unwrap()
    }

    /// Lets the handlers go on that wait at the gate of a note.
    pub(crate) async fn open_gate(&self, note: &str) {
        self.control("gate", &json!({ "note": note })).await.error_for_status().unwrap();
    }

    /// Waits until its log satisfies `condition`.
    pub(crate) async fn until_logs(&self, condition: impl Fn(&str) -> bool) {
        while !condition(&self.logs().await) {
            pause().await;
        }
    }

    pub(crate) async fn logs(&self) -> String {
        let url = format!("http://{}/_test/logs", self.address);
        self.client.get(url).send().await.unwrap().text().await.unwrap()
    }

    /// SIGKILL.
    pub(crate) async fn kill(self) {
        self.child.into_inner().kill().await.unwrap();
    }

    /// SIGKILL, and no word about it.
    pub(crate) fn kill_now(&self) {
        self.signal(Signal::SIGKILL);
    }

    /// SIGSTOP.
    pub(crate) fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// SIGCONT.
    pub(crate) fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// How it ended.
    pub(crate) async fn ended(&self) -> ExitStatus {
        self.child.lock().await.wait().await.unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill(self.pid, signal).expect("it runs");
    }
}

/// Leaves no connection idle for so long that the server may close it while a request is on its way.
fn client() -> reqwest::Client {
    reqwest::Client::builder().pool_idle_timeout(Duration::from_secs(1)).build().unwrap()
}

/// Between two looks at the same thing, only so as not to spin: what is seen alone ends the wait.
pub(super) async fn pause() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}
