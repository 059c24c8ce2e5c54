//! A server in a separate process, and its CPU time.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;

/// The core of servers. The load runs on [`LOAD_CORE`]. Pinning requires `taskset`.
pub const SERVER_CORE: &str = "0";
/// The core of the load.
pub const LOAD_CORE: &str = "1";

/// A running server. It is killed when dropped.
pub struct Server {
    child: Child,
    /// The address of the server.
    pub address: String,
}

impl Server {
    /// Starts this program again as `PROGRAM serve VARIANT`, on the core of servers.
    ///
    /// # Errors
    /// If the server cannot be started or does not print its address.
    pub fn start(variant: &str) -> anyhow::Result<Self> {
        Self::start_on(variant, "")
    }

    /// Like [`start`](Self::start), for a variant on the store at `store_url`.
    ///
    /// # Errors
    /// Like [`start`](Self::start).
    pub fn start_on(variant: &str, store_url: &str) -> anyhow::Result<Self> {
        Self::start_in(this_program()?, variant, store_url)
    }

    /// Like [`start_on`](Self::start_on), for a variant of the given benchmark program.
    ///
    /// # Errors
    /// Like [`start`](Self::start).
    pub fn start_in(mut program: Command, variant: &str, store_url: &str) -> anyhow::Result<Self> {
        let mut child = program
            .args(["serve", variant])
            .env("STORE_URL", store_url)
            // The server ends when this input is closed, even if this process is killed.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the server")?;
        let mut address = String::new();
        let stdout = child.stdout.take().context("no output of the server")?;
        BufReader::new(stdout).read_line(&mut address).context("the server printed no address")?;
        Ok(Self { child, address: address.trim_end().to_owned() })
    }

    /// Returns the CPU time of the server.
    ///
    /// # Errors
    /// If the CPU time cannot be read.
    pub fn cpu_time(&self) -> anyhow::Result<Duration> {
        cpu_time(self.child.id())
    }

    /// Returns the resident memory of the server, in bytes.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn resident_bytes(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = resident.and_then(|line| line.split_whitespace().next()).context("no VmRSS")?;
        Ok(kib.parse::<u64>()? << 10)
    }
}

/// Returns the CPU time of all threads of a process, as counted by the scheduler. Linux only.
///
/// # Errors
/// If the CPU time cannot be read.
pub fn cpu_time(pid: u32) -> anyhow::Result<Duration> {
    let tasks = format!("/proc/{pid}/task");
    let mut total = 0;
    for task in fs::read_dir(&tasks)
        .with_context(|| format!("cannot read {tasks}: the benchmark requires Linux"))?
    {
        let schedstat = fs::read_to_string(task?.path().join("schedstat"))?;
        let ran = schedstat.split_whitespace().next().context("an empty schedstat")?;
        total += ran.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(total))
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            drop(self.child.wait());
        }
    }
}

/// Returns a command that runs this program again, on the core of servers.
///
/// # Errors
/// If the path of this program is unknown.
pub fn this_program() -> anyhow::Result<Command> {
    Ok(pinned(&std::env::current_exe().context("no path to this program")?))
}

/// Returns a command that runs `program` on the core of servers.
pub fn pinned(program: &Path) -> Command {
    if !can_pin() {
        return Command::new(program);
    }
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", SERVER_CORE]).arg(program);
    pinned
}

/// Pins this process to the core of the load.
pub fn pin_load() {
    let pid = std::process::id().to_string();
    drop(Command::new("taskset").args(["-cp", LOAD_CORE, &pid]).stdout(Stdio::null()).status());
}

fn can_pin() -> bool {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let taskset = Command::new("taskset").arg("--version").stdout(Stdio::null()).status();
    // A process that is already pinned sees only one core.
    taskset.is_ok_and(|status| status.success())
        && (cores > 1 || fs::metadata("/sys/devices/system/cpu/cpu1").is_ok())
}
