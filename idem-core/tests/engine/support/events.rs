//! An observer that keeps the events as text.

use std::sync::{Arc, Mutex};

use idem_core::observe::{Event, Observer};

/// Keeps each event as text, without times.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Vec<String>>>);

impl Events {
    /// The events until now that contain `part`.
    pub(crate) fn with(&self, part: &str) -> Vec<String> {
        let events = self.0.lock().unwrap();
        events.iter().filter(|event| event.contains(part)).cloned().collect()
    }

    /// All events until now, except those of store calls.
    pub(crate) fn all(&self) -> Vec<String> {
        let events = self.0.lock().unwrap();
        events.iter().filter(|event| !event.starts_with("store ")).cloned().collect()
    }
}

impl Observer for Events {
    fn observe(&self, event: &Event<'_>) {
        let text = match event {
            Event::Call { operation, outcome, result, status, attempt, record, .. } => {
                let result = result.map_or("-", |result| result.name());
                let record = record.map_or_else(|| "-".to_owned(), |record| record.to_string());
                format!("call {operation} {outcome} {result} {status} attempt={attempt} {record}")
            }
            Event::StoreCall { store, call, error, .. } => {
                format!("store {store} {} {error:?}", call.name())
            }
            Event::Wait { operation, woken, .. } => format!("wait {operation} woken={woken}"),
            Event::LateCompletion { operation, attempt, status, .. } => {
                format!("late {operation} {status} attempt={attempt}")
            }
            Event::HeldAfterActing { operation, status, .. } => {
                format!("held {operation} {status}")
            }
            Event::TimedOut { operation, reason, .. } => format!("given up {operation} {reason}"),
            Event::CompletionDelayed { operation, .. } => format!("delayed {operation}"),
            Event::Recovered { operation, verdict, .. } => {
                format!("recovery {operation} {verdict}")
            }
            Event::Mismatch { operation, differs, only_in_first, .. } => {
                format!("mismatch {operation} {differs:?} {only_in_first}")
            }
            Event::Resolution { operation, entry, .. } => {
                format!("resolution {operation} {}", entry.action.name())
            }
            other => format!("unknown {other:?}"),
        };
        self.0.lock().unwrap().push(text);
    }
}
