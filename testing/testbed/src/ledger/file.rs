//! The ledger file, independent of all stores: one JSON line for every entry and every effect.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use idem_core::Execution;
use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// A file to which all processes append.
#[derive(Debug)]
pub struct EffectsFile(File);

/// The kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// A handler was entered.
    Attempt,
    /// A handler had its effect.
    Effect,
    /// A handler ended regularly, without being cancelled or panicking.
    Finished,
    /// A handler ended before its effect, in a way that frees its key.
    Withdrawn,
}

/// One line of the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    #[serde(rename = "what")]
    pub kind: EventKind,
    pub note: String,
    /// The name of the run.
    pub run: String,
    /// The id of the process.
    pub process: u32,
    /// The time in microseconds of the machine's monotonic clock.
    pub at: i64,
    /// The execution context of the run. `None` if no key was sent, and after the end of the handler.
    pub execution: Option<ExecutionContext>,
    /// The downstream key of an effect, if the handler took one.
    pub downstream_key: Option<String>,
}

/// The execution context of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionContext {
    /// The attempt number, counted from 1.
    pub attempt: u32,
    /// The fencing token. It is higher than those of all earlier runs of the key.
    #[serde(alias = "fence")] // its name in the files of earlier versions
    pub token: u64,
}

impl ExecutionContext {
    fn current() -> Option<Self> {
        let execution = Execution::try_current()?;
        Some(Self { attempt: execution.attempt(), token: execution.fencing_token().0 })
    }
}

impl EffectsFile {
    /// Opens the file, and creates it if it is missing.
    ///
    /// # Errors
    /// If the file can be neither opened nor created.
    pub fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new().append(true).create(true).open(path).map(Self)
    }

    /// Appends with a single write, so that the lines of several processes do not mix.
    pub(super) fn append(
        &self,
        kind: EventKind,
        note: &str,
        run: &str,
        downstream_key: Option<&str>,
    ) -> io::Result<()> {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC)?;
        let event = Event {
            kind,
            note: note.to_owned(),
            run: run.to_owned(),
            process: std::process::id(),
            at: now.tv_sec() * 1_000_000 + now.tv_nsec() / 1000,
            execution: ExecutionContext::current(),
            downstream_key: downstream_key.map(str::to_owned),
        };
        let mut line = serde_json::to_vec(&event)?;
        line.push(b'\n');
        (&self.0).write_all(&line)
    }
}
