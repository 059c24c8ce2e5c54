//! A call of a guarded function. The attribute's expansion creates it.

use std::error::Error;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::compare::Equality;
use super::context::CallContext;
use super::{Failure, codec};
use crate::engine::{Call, Executed, Execution, Idempotency, Served};
use crate::model::{
    Completion, FingerprintInput, Guarantee, IdempotencyKey, KeyError, Outcome, Policy, Rejection,
    Scope, UnknownOutcome, UnknownReason,
};

/// A call of a guarded function whose body has not been polled.
///
/// The attribute's expansion uses it. It is public only for that purpose.
#[derive(Debug)]
pub struct Invocation {
    idempotency: Idempotency,
    policy: &'static Policy,
    call: Result<Call, Rejection>,
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
        Self { idempotency: idempotency.clone(), policy, call }
    }

    /// Sets the fingerprint to the value of the `fingerprint = "…"` expression.
    #[must_use]
    pub fn with_fingerprint(self, input: Result<FingerprintInput, serde_json::Error>) -> Self {
        let call = self.call.and_then(|call| {
            let input = input.map_err(Rejection::FingerprintInvalid)?;
            Ok(call.with_fingerprint(self.idempotency.fingerprint_input(&input)))
        });
        Self { call, ..self }
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
        let Self { idempotency, policy, call } = self;
        let nested = Execution::try_current().is_some();
        let context = CallContext { policy, retry_after: idempotency.retry_after(), nested };
        let max = idempotency.max_response();
        // Atomic only to make the future `Send`, so that callers can spawn it.
        let ran = AtomicBool::new(false);
        let execute = |_claim| {
            ran.store(true, Ordering::Relaxed);
            async move { codec::encode(body.await, max, equality) }
        };
        let on_panic = || panicked(E::from(context.reject(after_panic(policy.guarantee), false)));
        let served = match call {
            Ok(call) => idempotency.run_borrowed(call, execute, on_panic).await,
            Err(rejection) => {
                idempotency.refuse(&rejection);
                Err(rejection)
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

/// The rejection after a panic. At most once holds the key, at least once frees it.
const fn after_panic(guarantee: Guarantee) -> Rejection {
    match guarantee {
        Guarantee::AtMostOnce => Rejection::OutcomeUnknown { retry_after: None },
        Guarantee::AtLeastOnce => Rejection::Panicked,
    }
}

fn panicked<T, E>(error: E) -> Executed<Result<T, E>> {
    let unknown = UnknownOutcome::new(UnknownReason::Ambiguous);
    Executed {
        reply: Err(error),
        outcome: Outcome::Ambiguous,
        completion: Completion::Unknown(unknown),
    }
}
