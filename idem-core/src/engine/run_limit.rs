//! The limit on concurrent runs ([concurrent runs](crate::rules::semantics#concurrent-runs)).

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::execution::Execution;

/// Limits the number of concurrent runs of the process, if the builder sets a limit.
pub(super) struct RunLimiter(Option<Arc<Semaphore>>);

/// The place of one run. Dropping it frees the place.
///
/// The run holds it, and not the request: a run whose client disconnects still uses resources.
pub(super) struct RunPermit(Option<Arc<Semaphore>>);

impl Drop for RunPermit {
    fn drop(&mut self) {
        if let Some(places) = &self.0 {
            places.add_permits(1);
        }
    }
}

impl RunLimiter {
    pub(super) fn new(max_runs: Option<usize>) -> Self {
        let places = |runs: usize| Arc::new(Semaphore::new(runs.min(Semaphore::MAX_PERMITS)));
        Self(max_runs.map(places))
    }

    /// Whether a run finds a place now. A call inside of a run is part of that run and needs none.
    pub(super) fn has_place(&self) -> bool {
        let full = self.0.as_ref().is_some_and(|places| places.available_permits() == 0);
        !full || Execution::is_nested()
    }

    /// Takes a place for a run. Returns `None` if all are taken.
    pub(super) fn enter(&self) -> Option<RunPermit> {
        let Some(places) = self.0.as_ref().filter(|_| !Execution::is_nested()) else {
            return Some(RunPermit(None));
        };
        // The place is given back by the permit, which is smaller than the one of tokio.
        places.try_acquire().ok()?.forget();
        Some(RunPermit(Some(Arc::clone(places))))
    }
}
