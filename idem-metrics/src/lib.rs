//! Metrics of `idem`, on the [`metrics`] facade: calls by outcome, prevented duplicates, unknown outcomes, late completions,
//! and the times of calls and of the store.
//!
//! ```
//! use std::time::Duration;
//!
//! use idem_core::{Idempotency, MemoryStore};
//! use idem_metrics::Metrics;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // First install an exporter, such as metrics-exporter-prometheus.
//! let metrics = Metrics::new();
//! let idempotency = Idempotency::builder(MemoryStore::new()).observer(metrics.clone()).build();
//! let gauges = metrics.poll(&idempotency, Duration::from_secs(15));
//! # gauges.abort();
//! # }
//! ```
//!
//! Install the exporter before the first request: a handle belongs to the recorder that was installed when it was made.
//! Exporters are `metrics-exporter-prometheus` and others. Histograms are in seconds.
//!
//! # Metrics
//!
//! | Metric | Labels | Meaning |
//! |---|---|---|
//! | `idem_calls_total` | operation, outcome, result | calls. `outcome` is `executed` after a run, `replayed`, or the slug of a refusal. `result` of a run is `success`, `failed`, `panicked` or `released`, and otherwise empty |
//! | `idem_duplicates_prevented_total` | operation | duplicates that did not run: replayed, or refused with `in-progress`; also those that waited |
//! | `idem_call_seconds` | operation, outcome | the time of a call. `outcome` is `executed`, `replayed` or `refused` |
//! | `idem_wait_seconds` | operation, outcome | the time for which duplicates waited. `outcome` is `woken` or `timed-out` |
//! | `idem_store_seconds` | store, call, result | the time of store calls. `result` is `ok`, `not-done`, `unknown` or `corrupt` |
//! | `idem_running`, `idem_waiting`, `idem_unsettled` | | active runs; waiting duplicates; ended runs whose end the store has not accepted |
//! | `idem_delayed_completions_total` | operation | ends of runs that the store did not accept in time |
//! | `idem_late_completions_total` | operation | runs that ended after another run took their key; two effects may exist |
//! | `idem_timed_out_total` | operation, reason | runs that were given up: `timed-out` at `max_run`, or `drained` |
//! | `idem_held_after_acting_total` | operation | failures whose key is held because the run may have had an effect |
//! | `idem_recoveries_total` | operation, verdict | `recover` hooks that ended |
//! | `idem_resolutions_total` | operation, action | records that were changed by hand in this process |
//! | `idem_store_healthy` | store | 1 if the store replies and its check finds nothing, otherwise 0 |
//! | `idem_sweep_lag_seconds` | store | the time since the oldest record expired that is not deleted yet (Postgres, SQLite) |
//! | `idem_unknown` | operation | records whose outcome is unknown, from [`Metrics::count_unknown`] |
//!
//! [`METRICS`] has the same table as data. No label contains a key, a scope, a path with values, a label of a record or a
//! record id.
//!
//! Counters and histograms are written as events arrive. Gauges are read by [`Metrics::sample`] or [`Metrics::poll`].
//!
//! # Cost
//!
//! The handles of an operation are registered with its first call. After that, a call allocates nothing here and needs less
//! than half a microsecond. At most 1,000 operations have metrics of their own; all others are `other`.

mod names;
mod operation;
mod sample;
mod store;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use idem_core::observe::{Event, Observer};
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

pub use names::{ALL as METRICS, Kind, Metric};
use operation::Operation;
use store::Store;

/// The maximum number of operations that have metrics of their own.
const MAX_OPERATIONS: usize = 1_000;

/// The name under which all other operations are counted.
const OTHER: &str = "other";

/// An observer that exports metrics. Clones share everything. See the [crate documentation](crate).
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

#[derive(Default)]
struct Inner {
    operations: RwLock<HashMap<Box<str>, Operation>>,
    stores: RwLock<Vec<Store>>,
    /// The operations whose `idem_unknown` was set.
    unknown: Mutex<HashSet<Box<str>>>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("operations", &self.operations().len()).finish()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Creates the observer, and describes all metrics to the installed recorder.
    pub fn new() -> Self {
        for Metric { name, kind, help, .. } in METRICS.iter().copied() {
            match kind {
                Kind::Counter => describe_counter!(name, Unit::Count, help),
                Kind::Gauge if name.ends_with("_seconds") => {
                    describe_gauge!(name, Unit::Seconds, help);
                }
                Kind::Gauge => describe_gauge!(name, Unit::Count, help),
                Kind::Histogram => describe_histogram!(name, Unit::Seconds, help),
            }
        }
        Self(Arc::default())
    }

    fn operations(&self) -> RwLockReadGuard<'_, HashMap<Box<str>, Operation>> {
        self.0.operations.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns `operation`, or `other` if too many operations are known.
    fn label<'a>(&self, operation: &'a str) -> &'a str {
        let operations = self.operations();
        match operations.contains_key(operation) || operations.len() < MAX_OPERATIONS {
            true => operation,
            false => OTHER,
        }
    }

    fn count(&self, operation: &str, event: &Event<'_>) {
        if let Some(known) = self.operations().get(operation) {
            return known.count(event);
        }
        let mut operations = self.0.operations.write().unwrap_or_else(PoisonError::into_inner);
        let is_full = operations.len() >= MAX_OPERATIONS && !operations.contains_key(operation);
        let name = if is_full { OTHER } else { operation };
        operations.entry(name.into()).or_insert_with(|| Operation::register(name)).count(event);
    }

    fn time_store(&self, name: &'static str, time: impl Fn(&Store)) {
        let stores = self.0.stores.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = stores.iter().find(|store| store.is(name)) {
            return time(store);
        }
        drop(stores);
        let mut stores = self.0.stores.write().unwrap_or_else(PoisonError::into_inner);
        if !stores.iter().any(|store| store.is(name)) {
            stores.push(Store::register(name));
        }
        stores.iter().filter(|store| store.is(name)).for_each(time);
    }
}

impl Observer for Metrics {
    fn observe(&self, event: &Event<'_>) {
        match *event {
            Event::StoreCall { store, call, took, error, .. } => self.time_store(store, |store| {
                if let Some(seconds) = store.seconds(call, error) {
                    seconds.record(took);
                }
            }),
            Event::Call { operation, .. }
            | Event::Wait { operation, .. }
            | Event::LateCompletion { operation, .. }
            | Event::HeldAfterActing { operation, .. }
            | Event::TimedOut { operation, .. }
            | Event::CompletionDelayed { operation, .. }
            | Event::Recovered { operation, .. }
            | Event::Resolution { operation, .. } => self.count(operation, event),
            _ => {}
        }
    }
}
