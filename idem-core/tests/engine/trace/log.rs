//! The log of this process, with all events and spans.

use std::io::{self, Write};
use std::sync::{Mutex, Once};

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Starts the log. It is global, because the lease manager runs on a separate thread.
pub(super) fn start_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
            .with_ansi(false)
            .with_writer(|| Log)
            .init();
    });
}

/// The log until now.
pub(super) fn logged() -> String {
    String::from_utf8(LINES.lock().unwrap().clone()).unwrap()
}

/// The fields of the closed spans of `operation`, in the order of their closing.
pub(super) fn closed_spans(operation: &str) -> Vec<String> {
    let start = format!("idempotent{{operation={operation} ");
    let fields = |line: &str| Some(line.split_once(&start)?.1.split_once("}: ")?.0.to_owned());
    logged().lines().filter(|line| line.contains(": close ")).filter_map(fields).collect()
}

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
