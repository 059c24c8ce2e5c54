//! The provider behind the service: charges under downstream keys, and the lookup of a lost charge.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use idem_core::{Execution, LeaseLost, Recovery};
use tokio::runtime::Handle;

use super::{Act, Charge, Effect, Entry, HandlerScript, Hook, Payment, Reply, Service};

/// The time for which a slow hook waits.
pub const SLOW_HOOK: Duration = Duration::from_secs(3);

/// The amount that the handler of [`Service::validate`] refuses.
const UNLUCKY: u64 = 13;

/// The label of the downstream key.
const CHARGE: &str = "charge";

impl Service {
    /// Creates a payment as [`pay`](Self::pay) does, with its effect under the downstream key `charge`.
    ///
    /// # Panics
    /// If the script contains a panic, or outside of a run.
    pub async fn charge(&self, payment: Payment) -> Reply {
        self.pay_as(payment, |_| Act::Downstream, &mut Arc::clone(&self.ledger)).await
    }

    /// Creates a payment as [`pay`](Self::pay) does, after the step that the script names.
    ///
    /// # Panics
    /// If the script contains a panic, or outside of a run.
    pub async fn act(&self, payment: Payment) -> Reply {
        let act = |script: &HandlerScript| script.act.unwrap_or(Act::Downstream);
        self.pay_as(payment, act, &mut Arc::clone(&self.ledger)).await
    }

    /// Creates a payment as [`pay`](Self::pay) does, and validates it in the handler: 400 for the amount 13, after the
    /// step that the script names.
    ///
    /// # Panics
    /// If the script contains a panic, or outside of a run.
    pub async fn validate(&self, mut payment: Payment) -> Reply {
        if payment.amount.get() == UNLUCKY {
            payment.script.effect = Effect::None;
            payment.script.status = Some(400);
        }
        let act = |script: &HandlerScript| script.act.unwrap_or(Act::None);
        self.pay_as(payment, act, &mut Arc::clone(&self.ledger)).await
    }

    /// Looks the charge of a lost run up: the hook of [`charge`](Self::charge).
    ///
    /// # Panics
    /// If the script contains a panic of the hook, or outside of a run.
    pub async fn find_charge(&self, payment: &Payment) -> Recovery<Reply> {
        if self.ledger.hook(&payment.note).await.is_err() {
            return Recovery::Inconclusive;
        }
        match payment.script.hook {
            Hook::Ask => {}
            Hook::Unknown => return Recovery::Inconclusive,
            Hook::Disputed => return Recovery::Disputed("the amount differs".to_owned()),
            Hook::Panic => panic!("the hook panics as instructed"),
            Hook::Slow => tokio::time::sleep(SLOW_HOOK).await,
        }
        let key = Execution::current().downstream_key(CHARGE);
        match self.ledger.find(&payment.note, key.as_str()).await {
            Ok(Some(payment)) => Recovery::Happened(Reply::json(201, &payment)),
            Ok(None) => Recovery::NotHappened,
            Err(_) => Recovery::Inconclusive,
        }
    }

    /// Queues an effect at the provider, which applies it this many milliseconds after the returned value is dropped.
    pub(super) fn queued(
        &self,
        after: u64,
        note: &str,
        entry: &Entry,
        charge: Option<&Charge>,
    ) -> Queued {
        let after = Duration::from_millis(after);
        let (ledger, note) = (Arc::clone(&self.ledger), note.to_owned());
        let (entry, charge) = (entry.clone(), charge.cloned());
        let apply = async move {
            tokio::time::sleep(after).await;
            // An effect that the ledger does not record did not happen.
            drop(ledger.effect(&note, &entry, charge.as_ref()).await);
        };
        Queued(Some(apply.boxed()))
    }
}

/// Takes the step that marks the current run as acted. Returns the downstream key, if it takes one.
pub(super) async fn take(act: Act) -> Result<Option<String>, LeaseLost> {
    match act {
        Act::None => Ok(None),
        Act::Downstream => {
            Ok(Some(Execution::current().downstream_key(CHARGE).as_str().to_owned()))
        }
        Act::Confirm => Execution::current().confirm().await.map(|_| None),
    }
}

/// An effect in the queue of the provider. Dropping it is the end of the handler, also by a panic or a cancellation.
pub(super) struct Queued(Option<BoxFuture<'static, ()>>);

impl Drop for Queued {
    fn drop(&mut self) {
        // There is no runtime if the process is ending.
        if let (Some(apply), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(apply);
        }
    }
}
