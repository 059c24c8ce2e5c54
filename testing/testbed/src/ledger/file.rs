//! The ledger beside all stores: a file with a line of JSON for every entry and every effect.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use idem_core::Execution;
use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// A file that processes append to.
#[derive(Debug)]
pub struct EffectsFile(File);

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// A handler was entered.
    Attempt,
    /// It had its effect.
    Effect,
    /// It came to its end by itself: neither cut off nor by a panic.
    Finished,
}

/// One line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    pub what: What,
    pub note: String,
    /// The name of the run.
    pub run: String,
    /// The id of the process.
    pub process: u32,
    /// When, in microseconds of the machine's monotonic clock.
    pub at: i64,
    /// What the run knows of itself; nothing if no key was sent.
    pub execution: Option<Known>,
}

/// What a handler knows of its run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Which run of the key it is, from 1.
    pub attempt: u32,
    /// Higher than that of every earlier run of the key.
    pub token: u64,
    /// What a provider would be sent as the key of this payment.
    pub downstream_key: String,
}

impl Known {
    fn current() -> Option<Self> {
        let execution = Execution::try_current()?;
        Some(Self {
            attempt: execution.attempt(),
            token: execution.fencing_token().0,
            downstream_key: execution.downstream_key("charge").as_str().to_owned(),
        })
    }
}

impl EffectsFile {
    /// # Errors
    /// If the file cannot be opened or made.
    pub fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new().append(true).create(true).open(path).map(Self)
    }

    /// Appends by one write, so that the lines of several processes do not mix.
    pub(super) fn append(&self, what: What, note: &str, run: &str) -> io::Result<()> {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC)?;
        let event = Event {
            what,
            note: note.to_owned(),
            run: run.to_owned(),
            process: std::process::id(),
            at: now.tv_sec() * 1_000_000 + now.tv_nsec() / 1000,
            execution: Known::current(),
        };
        let mut line = serde_json::to_vec(&event)?;
        line.push(b'\n');
        (&self.0).write_all(&line)
    }
}
