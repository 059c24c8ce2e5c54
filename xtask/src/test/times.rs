//! The durations of the last run, by which the slowest programs start first.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use cargo_metadata::MetadataCommand;

/// The durations in milliseconds of the slowest programs, for the first run.
const SLOWEST: [(&str, u64); 6] = [
    ("testbed process", 200_000),
    ("ui ui", 100_000),
    ("idem-redis topology", 50_000),
    ("idem-postgres faults", 45_000),
    ("idem-axum http_postgres", 40_000),
    ("idem-postgres transaction", 30_000),
];

/// The duration of other programs in the first run.
const DEFAULT: u64 = 20_000;

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

    /// The duration of a program in milliseconds.
    pub(super) fn of(&self, program: &str) -> u64 {
        let slowest = SLOWEST.iter().find(|(name, _)| *name == program).map(|(_, millis)| millis);
        self.millis.get(program).or(slowest).copied().unwrap_or(DEFAULT)
    }

    pub(super) fn set(&mut self, program: String, duration: Duration) {
        self.millis.insert(program, u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    }

    pub(super) fn write(&self) -> Result<()> {
        Ok(fs::write(&self.file, serde_json::to_string(&self.millis)?)?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::Times;

    #[test]
    fn slowest_programs_start_first_in_the_first_run() {
        let millis = HashMap::from([("new slow".to_owned(), 300_000)]);
        let times = Times { file: "unused".into(), millis };
        let mut programs = ["idem-core engine", "ui ui", "new slow", "testbed process"];
        programs.sort_by_key(|program| std::cmp::Reverse(times.of(program)));
        assert_eq!(programs, ["new slow", "testbed process", "ui ui", "idem-core engine"]);
    }
}
