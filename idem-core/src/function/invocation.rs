//! A call of a guarded function. The attribute's expansion creates it.

use std::error::Error;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::compare::Equality;
use super::context::CallContext;
use super::{Failure, codec};
use crate::engine::{Call, Executed, Execution, Idempotency, Recovered, Run, Served, Start};
use crate::model::{
    Completion, FingerprintInput, Guarantee, IdempotencyKey, KeyError, Outcome, Policy, Recovery,
    Refusal, Rejection, Scope, StoredResponse, UnknownReason,
};
use crate::store::TransactionSlot;

/// A call of a guarded function whose body has not been polled.
///
/// The attribute's expansion uses it. It is public only for that purpose.
#[derive(Debug)]
pub struct Invocation {
    idempotency: Idempotency,
    policy: &'static Policy,
    stage: Result<Stage, (Refusal, Box<str>)>,
    /// Whether the function has `recover`.
    recoverable: bool,
    /// Whether the function takes a transaction.
    in_transaction: bool,
}

#[derive(Debug)]
enum Stage {
    /// Nothing has been claimed.
    Call(Call),
    /// The key is claimed for a function with `recover`, and there is nothing to recover.
    Run(Run),
    /// The key is done.
    Replay(StoredResponse),
    /// The call was refused, and that was reported.
    Refused(Rejection),
}

impl Invocation {
    /// Creates a call of the function `name` under the value of the `key = "…"` expression.
    pub fn new(
        idempotency: &Idempotency,
        policy: &'static Policy,
        name: &str,
        scope: Scope,
        key: Result<IdempotencyKey, KeyError>,
    ) -> Self {
        let call = key
            .map_err(Rejection::from)
            .and_then(|key| idempotency.call(policy, &[name], scope, &key));
        let stage = call.map(Stage::Call).map_err(|rejection| (rejection.into(), name.into()));
        let idempotency = idempotency.clone();
        Self { idempotency, policy, stage, recoverable: false, in_transaction: false }
    }

    /// Sets the fingerprint to the value of the `fingerprint = "…"` expression.
    #[must_use]
    pub fn with_fingerprint(self, input: Result<FingerprintInput, serde_json::Error>) -> Self {
        let idempotency = self.idempotency.clone();
        self.map_call(|call| {
            let input = input.map_err(Rejection::FingerprintInvalid)?;
            Ok(call.with_fingerprint(idempotency.fingerprint_input(&input)))
        })
    }

    /// Sets the label to the value of the `label = "…"` expression.
    #[must_use]
    pub fn with_label(self, label: &str) -> Self {
        self.map_call(|call| Ok(call.with_label(label)))
    }

    /// Runs the function in a transaction, which its `Tx` parameter gets through `slot`.
    #[must_use]
    pub fn in_transaction(self, slot: TransactionSlot) -> Self {
        let invocation = self.map_call(|call| Ok(call.in_transaction(Some(slot))));
        Self { in_transaction: true, ..invocation }
    }

    fn map_call(self, change: impl FnOnce(Call) -> Result<Call, Rejection>) -> Self {
        let stage = match self.stage {
            Ok(Stage::Call(call)) => {
                let (record, extras) = (call.record(), call.extras().clone());
                let name = Box::from(extras.operation());
                let refused = |rejection| (Refusal::of(rejection, record, &extras), name);
                change(call).map(Stage::Call).map_err(refused)
            }
            stage => stage,
        };
        Self { stage, ..self }
    }

    /// Claims the key for a function with `recover`. If the outcome of an earlier run is unknown, polls `hook` and ends
    /// the recovery as it reports.
    ///
    /// A value that the hook found and that cannot be stored is not returned: the call is refused because the result was
    /// not retained.
    ///
    /// Not cancel safe: if the future is dropped while `hook` runs, the next call begins the recovery again.
    pub async fn recover<T, F>(self, hook: F) -> Self
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Recovery<T>>,
    {
        let max = self.idempotency.max_response();
        let stage = match self.stage {
            Ok(Stage::Call(call)) => {
                let call = call.recoverable();
                let asking = || async {
                    let found = |value| codec::found(&value, max);
                    ((), hook.await.map(found))
                };
                Ok(claim(&self.idempotency, &call, asking).await.unwrap_or_else(Stage::Refused))
            }
            stage => stage,
        };
        Self { stage, recoverable: true, ..self }
    }

    /// Returns the function's result. Polls `body` if the call acquires the key. `equality` has the comparisons of the types of the
    /// result, where they have `PartialEq`.
    ///
    /// Not cancel safe: if the future is dropped while `body` runs, the record is treated as after a crash. See
    /// [`Idempotency::run_borrowed`].
    ///
    /// # Errors
    /// The error that the function returns, or the stored one; or a [`Rejected`](super::Rejected) as the function's error
    /// type.
    pub async fn run<T, E, F>(self, body: F, equality: (Equality<T>, Equality<E>)) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        E: Failure,
        F: Future<Output = Result<T, E>>,
    {
        let Self { idempotency, policy, stage, recoverable, in_transaction } = self;
        let nested = Execution::is_nested();
        let context = CallContext { policy, retry_after: idempotency.retry_after(), nested };
        let max = idempotency.max_response();
        // Atomic only to make the future `Send`, so that callers can spawn it.
        let ran = AtomicBool::new(false);
        let execute = async {
            ran.store(true, Ordering::Relaxed);
            codec::encode(body.await, max, equality)
        };
        let after_panic = match in_transaction {
            // The rollback frees the key.
            true => Rejection::Panicked,
            false => after_panic(policy.guarantee, recoverable),
        };
        let on_panic = || panicked(E::from(context.reject(after_panic, false)));
        let served = match stage {
            Ok(Stage::Call(call)) => {
                let served = idempotency.run_borrowed(call, |_claim| execute, on_panic).await;
                served.map_err(Rejection::from)
            }
            Ok(Stage::Run(run)) => run.execute(execute, on_panic).await.map_err(Rejection::from),
            Ok(Stage::Replay(response)) => Ok(Served::Replayed(response)),
            Ok(Stage::Refused(rejection)) => Err(rejection),
            Err((refusal, name)) => {
                idempotency.report_refusal(policy, &[&*name], &refusal);
                Err(refusal.rejection)
            }
        };
        match served {
            Ok(Served::Executed(result)) => result,
            Ok(Served::Replayed(response)) => codec::decode(&response)
                .unwrap_or_else(|error| Err(E::from(context.reject(unreadable(error), false)))),
            Err(rejection) => Err(E::from(context.reject(rejection, ran.load(Ordering::Relaxed)))),
        }
    }
}

fn unreadable(error: serde_json::Error) -> Rejection {
    let source = &error as &dyn Error;
    tracing::error!(
        error = source,
        "a stored result cannot be read as the return type of its function"
    );
    Rejection::ResultUnreadable(error)
}

/// Claims the key of a call, and ends its recovery if there is one.
async fn claim<F>(
    idempotency: &Idempotency,
    call: &Call,
    hook: impl FnOnce() -> F,
) -> Result<Stage, Rejection>
where
    F: Future<Output = ((), Recovery<Executed<()>>)>,
{
    let run = match idempotency.start_call(call).await? {
        Start::Replay(response) => return Ok(Stage::Replay(response)),
        Start::Run(run) => run,
    };
    match run.recover((), |()| hook()).await {
        Recovered::MayRun(run, ()) => Ok(Stage::Run(run)),
        Recovered::Ended(served) => match served? {
            Served::Replayed(response) => Ok(Stage::Replay(response)),
            Served::Executed(()) => Err(Rejection::ResultUnavailable { status: codec::OK }),
        },
    }
}

/// The rejection after a panic. At most once holds the key, at least once frees it, and `recover` looks up the outcome.
const fn after_panic(guarantee: Guarantee, recoverable: bool) -> Rejection {
    match guarantee {
        Guarantee::AtMostOnce if recoverable => {
            Rejection::OutcomeUnknown { retry_after: Some(Duration::ZERO) }
        }
        Guarantee::AtMostOnce => Rejection::OutcomeUnknown { retry_after: None },
        Guarantee::AtLeastOnce => Rejection::Panicked,
    }
}

fn panicked<T, E>(error: E) -> Executed<Result<T, E>> {
    let unknown = Completion::unknown(UnknownReason::Ambiguous);
    Executed { reply: Err(error), outcome: Outcome::Ambiguous, completion: unknown }
}
