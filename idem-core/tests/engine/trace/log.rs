//! Every event and span of this process, at the finest level.

use std::io::{self, Write};
use std::sync::{Mutex, Once};

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Begins to listen, on all threads, since the keeper of leases has one of its own.
pub(super) fn listen() {
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

pub(super) fn heard() -> String {
    String::from_utf8(LOG.lock().unwrap().clone()).unwrap()
}

/// The fields of the spans of `operation` that were closed, in the order in which they were.
pub(super) fn closed_spans(operation: &str) -> Vec<String> {
    let start = format!("idempotent{{operation={operation} ");
    let fields = |line: &str| Some(line.split_once(&start)?.1.split_once("}: ")?.0.to_owned());
    heard().lines().filter(|line| line.contains(": close ")).filter_map(fields).collect()
}

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
