//! The handle of a fault store.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::watch;

use super::kind::{Calls, Kind};
use super::plan::{Fault, Plan};
use crate::watchdog::{LIMIT, within};

/// Selects the faults of a [`FaultStore`](super::FaultStore) and counts its calls. Clones share one state.
///
/// The fault of a call is selected when the call is made. Tests need not sleep: the methods `until_…`
/// resolve when calls were made, answered or held. Those methods are cancel safe, and panic if that does not happen
/// within 30 s of real time.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<watch::Sender<State>>);

#[derive(Debug, Default)]
struct State {
    plans: [Plan; Kind::ALL.len()],
    called: Calls,
    answered: Calls,
    held: usize,
    deliveries: u64,
}

impl Faults {
    /// Injects `fault` into all future calls of these kinds.
    pub fn inject(&self, kinds: impl IntoIterator<Item = Kind>, fault: Fault) {
        self.plan(kinds, |plan| plan.permanent = Some(fault));
    }

    /// Injects `fault` into the next `calls` calls of each of these kinds, in place of the fault that
    /// [`inject`](Self::inject) selected.
    pub fn inject_next(&self, calls: u32, kinds: impl IntoIterator<Item = Kind>, fault: Fault) {
        self.plan(kinds, |plan| {
            plan.next = Some(fault);
            plan.left = calls;
        });
    }

    /// Removes all faults. Calls that are [held](Fault::Late) stay held until
    /// [`deliver`](Self::deliver). Returns the number of calls that were answered before.
    pub fn heal(&self) -> Calls {
        let mut answered = Calls::default();
        self.0.send_modify(|state| {
            state.plans = Default::default();
            answered = state.answered;
        });
        answered
    }

    /// Releases the calls that are [held](Fault::Late) now.
    pub fn deliver(&self) {
        self.0.send_modify(|state| {
            state.held = 0;
            state.deliveries += 1;
        });
    }

    /// Returns the number of calls that were made.
    pub fn calls(&self) -> Calls {
        self.0.borrow().called
    }

    /// Returns the number of calls that were answered, successfully or with an error.
    pub fn answered(&self) -> Calls {
        self.0.borrow().answered
    }

    /// Resolves when at least `calls` calls of `kind` were made.
    pub async fn until_called(&self, kind: Kind, calls: u32) {
        let event = format!("call {calls} of {kind:?}");
        within(LIMIT, &event, self.until(|state| state.called.of(kind) >= calls)).await;
    }

    /// Resolves when at least `calls` calls of `kind` were answered, successfully or with an error.
    pub async fn until_answered(&self, kind: Kind, calls: u32) {
        let event = format!("the answer to {calls} calls of {kind:?}");
        within(LIMIT, &event, self.until(|state| state.answered.of(kind) >= calls)).await;
    }

    /// Resolves when at least `calls` calls are [held](Fault::Late).
    pub async fn until_held(&self, calls: usize) {
        let event = format!("the hold of {calls} calls");
        within(LIMIT, &event, self.until(|state| state.held >= calls)).await;
    }

    /// Counts a call and returns its fault.
    pub(super) fn call(&self, kind: Kind) -> Option<Fault> {
        let mut drawn = None;
        self.0.send_modify(|state| {
            state.called.count(kind);
            drawn = state.plans[kind as usize].draw();
        });
        drawn
    }

    pub(super) fn count_reply(&self, kind: Kind) {
        self.0.send_modify(|state| state.answered.count(kind));
    }

    /// Holds a call until the next delivery.
    pub(super) fn hold(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut delivery = 0;
        self.0.send_modify(|state| {
            state.held += 1;
            delivery = state.deliveries + 1;
        });
        let faults = self.clone();
        async move { faults.until(|state| state.deliveries >= delivery).await }
    }

    fn plan(&self, kinds: impl IntoIterator<Item = Kind>, change: impl Fn(&mut Plan)) {
        self.0.send_modify(|state| {
            for kind in kinds {
                change(&mut state.plans[kind as usize]);
            }
        });
    }

    async fn until(&self, reached: impl Fn(&State) -> bool) {
        let waited = self.0.subscribe().wait_for(reached).await.map(drop);
        #[expect(clippy::expect_used, reason = "waiting fails only if the sender is dropped")]
        waited.expect("this handle owns the sender");
    }
}
