//! The observers of one handle, as the engine calls them.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Event, Observer};

/// The observers that a builder collects.
#[derive(Default)]
pub(crate) struct Observers(Vec<Box<dyn Observer>>);

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} observers", self.0.len())
    }
}

impl Observers {
    pub(crate) fn push(&mut self, observer: impl Observer) {
        self.0.push(Box::new(observer));
    }

    pub(crate) fn watch(self) -> Watch {
        let is_observed = !self.0.is_empty();
        Watch(
            is_observed
                .then(|| Arc::new(Watched { observers: self, panicked: AtomicBool::new(false) })),
        )
    }
}

/// Passes events to the observers, if there are any. Otherwise an event costs one check.
#[derive(Clone, Default)]
pub(crate) struct Watch(Option<Arc<Watched>>);

struct Watched {
    observers: Observers,
    /// Whether a panic of an observer was logged.
    panicked: AtomicBool,
}

impl Watch {
    /// Whether there is an observer.
    pub(crate) const fn is_observed(&self) -> bool {
        self.0.is_some()
    }

    /// Passes the event that `make` returns to each observer.
    pub(crate) fn emit<'a>(&self, make: impl FnOnce() -> Event<'a>) {
        if let Some(watched) = &self.0 {
            watched.observe(&make());
        }
    }
}

impl Watched {
    fn observe(&self, event: &Event<'_>) {
        for observer in &self.observers.0 {
            // Nothing of the engine is changed inside of the observer.
            let observed = catch_unwind(AssertUnwindSafe(|| observer.observe(event)));
            if observed.is_err() && !self.panicked.swap(true, Ordering::Relaxed) {
                tracing::error!("an observer panicked; later panics of observers are not logged");
            }
        }
    }
}
