//! The log of a test program.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// The log of this process. All tests share it, because `tracing` remembers which statements are enabled.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

static LOG: LazyLock<Log> = LazyLock::new(|| {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).init();
    log
});

impl Log {
    /// Collects everything that the process logs from the first call on.
    pub fn collect() -> &'static Self {
        &LOG
    }

    /// Asserts that an error with both texts is in the log.
    ///
    /// # Panics
    /// If no such line exists.
    #[track_caller]
    pub fn assert_error(&self, one: &str, other: &str) {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let log = String::from_utf8_lossy(&log);
        let is_it =
            |line: &str| line.contains("ERROR") && line.contains(one) && line.contains(other);
        assert!(log.lines().any(is_it), "no error with {one:?} and {other:?} in:\n{log}");
    }
}

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
