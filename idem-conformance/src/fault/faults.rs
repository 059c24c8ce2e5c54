//! The handle of a fault store.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::watch;

use super::kind::{Calls, Kind};
use super::plan::{Fault, Plan};

/// Says what goes wrong in a [`FaultStore`](super::FaultStore), and tells what was called. Clones share
/// everything.
///
/// Faults are drawn when a call is made. Tests wait on the handle and never sleep: it tells when a call
/// was made, answered or held.
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
    /// From now on `fault` happens to all calls of these kinds.
    pub fn inject(&self, kinds: impl IntoIterator<Item = Kind>, fault: Fault) {
        self.plan(kinds, |plan| plan.standing = Some(fault));
    }

    /// `fault` happens to the next `calls` calls of each of these kinds, before what else is injected.
    pub fn inject_next(&self, calls: u32, kinds: impl IntoIterator<Item = Kind>, fault: Fault) {
        self.plan(kinds, |plan| {
            plan.next = Some(fault);
            plan.left = calls;
        });
    }

    /// From now on all is well. Calls that are held stay held until [`deliver`](Self::deliver). Returns
    /// what was answered before.
    pub fn heal(&self) -> Calls {
        let mut answered = Calls::default();
        self.0.send_modify(|state| {
            state.plans = Default::default();
            answered = state.answered;
        });
        answered
    }

    /// Lets the calls go on that are [held](Fault::Late) now.
    pub fn deliver(&self) {
        self.0.send_modify(|state| {
            state.held = 0;
            state.deliveries += 1;
        });
    }

    /// How many calls were made.
    pub fn calls(&self) -> Calls {
        self.0.borrow().called
    }

    /// How many calls were answered, also by an error.
    pub fn answered(&self) -> Calls {
        self.0.borrow().answered
    }

    /// Resolves when `calls` calls of `kind` were made. Cancel safe, like those below.
    pub async fn until_called(&self, kind: Kind, calls: u32) {
        self.until(|state| state.called.of(kind) >= calls).await;
    }

    /// Resolves when `calls` calls of `kind` were answered, also by an error.
    pub async fn until_answered(&self, kind: Kind, calls: u32) {
        self.until(|state| state.answered.of(kind) >= calls).await;
    }

    /// Resolves when `calls` calls are [held](Fault::Late).
    pub async fn until_held(&self, calls: usize) {
        self.until(|state| state.held >= calls).await;
    }

    /// Counts a call and says what happens to it.
    pub(super) fn call(&self, kind: Kind) -> Option<Fault> {
        let mut drawn = None;
        self.0.send_modify(|state| {
            state.called.count(kind);
            drawn = state.plans[kind as usize].draw();
        });
        drawn
    }

    pub(super) fn answer(&self, kind: Kind) {
        self.0.send_modify(|state| state.answered.count(kind));
    }

    /// Holds a call, from now until the next delivery.
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
        #[expect(clippy::expect_used, reason = "only a dropped sender ends the wait")]
        waited.expect("the sender lives in this handle");
    }
}
