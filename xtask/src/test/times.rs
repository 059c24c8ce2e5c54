//! The durations of the last run, by which the slowest programs start first.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use cargo_metadata::MetadataCommand;

pub(super) struct Times {
    file: PathBuf,
    millis: HashMap<String, u64>,
}

impl Times {
    /// Reads the durations. Before the first run there are none.
    pub(super) fn read() -> Result<Self> {
        let metadata = MetadataCommand::new().no_deps().exec()?;
        let file = metadata.target_directory.join("test-times.json").into();
        let text = fs::read_to_string(&file).unwrap_or_default();
        Ok(Self { file, millis: serde_json::from_str(&text).unwrap_or_default() })
    }

    /// The duration of a program. One that never ran counts as the slowest.
    pub(super) fn of(&self, program: &str) -> u64 {
        self.millis.get(program).copied().unwrap_or(u64::MAX)
    }

    pub(super) fn set(&mut self, program: String, duration: Duration) {
        self.millis.insert(program, u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    }

    pub(super) fn write(&self) -> Result<()> {
        Ok(fs::write(&self.file, serde_json::to_string(&self.millis)?)?)
    }
}
