//! The limits on concurrent runs ([concurrent runs](crate::rules::semantics#concurrent-runs)).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::counts::KeyedCounts;
use super::execution::Execution;
use crate::model::ScopeId;

/// The maximum numbers of concurrent runs of a process. `None` is no limit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RunLimits {
    pub(super) total: Option<usize>,
    pub(super) per_scope: Option<usize>,
}

/// Limits the number of concurrent runs of the process, if the builder sets a limit.
pub(super) struct RunLimiter(Option<Arc<Places>>);

struct Places {
    limits: RunLimits,
    taken: Mutex<TakenPlaces>,
}

#[derive(Default)]
struct TakenPlaces {
    total: usize,
    per_scope: KeyedCounts<ScopeId>,
}

/// The place of one run. Dropping it frees the place. It is small, because every run holds one.
///
/// The run holds it, and not the request: a run whose client disconnects still uses resources.
pub(super) struct RunPermit {
    _place: Option<Box<Place>>,
}

struct Place {
    places: Arc<Places>,
    scope: ScopeId,
}

impl RunLimiter {
    pub(super) fn new(limits: RunLimits) -> Self {
        let is_limited = limits.total.is_some() || limits.per_scope.is_some();
        Self(is_limited.then(|| Arc::new(Places { limits, taken: Mutex::default() })))
    }

    /// Whether a run of this scope finds a place now. A call inside of a run is part of that run and needs none.
    pub(super) fn has_place(&self, scope: ScopeId) -> bool {
        let is_full = |places: &Places| !places.limits.allow_another(&places.taken(), scope);
        let full = self.0.as_deref().is_some_and(is_full);
        !full || Execution::is_nested()
    }

    /// Takes a place for a run of this scope. Returns `None` if all are taken.
    pub(super) fn enter(&self, scope: ScopeId) -> Option<RunPermit> {
        let Some(places) = self.0.as_ref().filter(|_| !Execution::is_nested()) else {
            return Some(RunPermit { _place: None });
        };
        let mut taken = places.taken();
        if !places.limits.allow_another(&taken, scope) {
            return None;
        }
        taken.total += 1;
        taken.per_scope.increment(scope);
        drop(taken);
        let place = Place { places: Arc::clone(places), scope };
        Some(RunPermit { _place: Some(Box::new(place)) })
    }
}

impl RunLimits {
    fn allow_another(self, taken: &TakenPlaces, scope: ScopeId) -> bool {
        let is_below = |count, limit: Option<usize>| limit.is_none_or(|limit| count < limit);
        is_below(taken.total, self.total) && is_below(taken.per_scope.of(&scope), self.per_scope)
    }
}

impl Places {
    fn taken(&self) -> MutexGuard<'_, TakenPlaces> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.total -= 1;
        taken.per_scope.decrement(self.scope);
    }
}
