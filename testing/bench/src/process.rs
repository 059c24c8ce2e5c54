//! A server in a process of its own, whose CPU time can be read.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;

/// The core for servers and the core for the load, where `taskset` is there to pin them.
pub const SERVER_CORE: &str = "0";
/// See [`SERVER_CORE`].
pub const LOAD_CORE: &str = "1";

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: String,
}

impl Server {
    /// Starts this very program again as `PROGRAM serve VARIANT`, on the server's core.
    ///
    /// # Errors
    /// If it cannot be started or does not say where it listens.
    pub fn start(variant: &str) -> anyhow::Result<Self> {
        Self::start_on(variant, "")
    }

    /// The same for a variant on the store at `store_url`.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_on(variant: &str, store_url: &str) -> anyhow::Result<Self> {
        let mut child = again()?
            .args(["serve", variant])
            .env("STORE_URL", store_url)
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the server")?;
        let mut address = String::new();
        let stdout = child.stdout.take().context("no output of the server")?;
        BufReader::new(stdout).read_line(&mut address).context("the server said nothing")?;
        Ok(Self { child, address: address.trim_end().to_owned() })
    }

    /// How long its threads have run so far, by the scheduler's own count. Linux only.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn cpu_time(&self) -> anyhow::Result<Duration> {
        let tasks = format!("/proc/{}/task", self.child.id());
        let mut total = 0;
        for task in fs::read_dir(&tasks)
            .with_context(|| format!("cannot read {tasks}; the HTTP benchmark needs Linux"))?
        {
            let schedstat = fs::read_to_string(task?.path().join("schedstat"))?;
            let ran = schedstat.split_whitespace().next().context("an empty schedstat")?;
            total += ran.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(total))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            drop(self.child.wait());
        }
    }
}

/// This very program again, on the server's core.
///
/// # Errors
/// If the system does not tell where it is.
pub fn again() -> anyhow::Result<Command> {
    let program = std::env::current_exe().context("no path to this program")?;
    if !can_pin() {
        return Ok(Command::new(program));
    }
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", SERVER_CORE]).arg(program);
    Ok(pinned)
}

/// Keeps this process off the server's core.
pub fn pin_load() {
    let pid = std::process::id().to_string();
    drop(Command::new("taskset").args(["-cp", LOAD_CORE, &pid]).stdout(Stdio::null()).status());
}

fn can_pin() -> bool {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let taskset = Command::new("taskset").arg("--version").stdout(Stdio::null()).status();
    // A process that was pinned already sees one core.
    taskset.is_ok_and(|status| status.success())
        && (cores > 1 || fs::metadata("/sys/devices/system/cpu/cpu1").is_ok())
}
