//! A call of a guarded function: what the attribute's expansion makes.

use std::error::Error;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::rejected::Terms;
use super::{Failure, error_storage};
use crate::engine::{Call, Executed, Execution, Idempotency, Served};
use crate::model::{
    Completion, FingerprintInput, Guarantee, IdempotencyKey, KeyError, Outcome, Policy, Rejection,
    Scope,
};

/// A call of a guarded function whose body has not been polled.
#[derive(Debug)]
pub struct Invocation {
    idempotency: Idempotency,
    policy: &'static Policy,
    call: Result<Call, Rejection>,
}

impl Invocation {
    /// A call of the function `name` under the key that an expression of the attribute yielded.
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

    /// The call is compared by an expression of the attribute.
    #[must_use]
    pub fn with_fingerprint(self, material: Result<FingerprintInput, serde_json::Error>) -> Self {
        let call = self.call.and_then(|call| {
            let material = material.map_err(Rejection::FingerprintInvalid)?;
            Ok(call.with_fingerprint(self.idempotency.fingerprint_input(&material)))
        });
        Self { call, ..self }
    }

    /// Yields the function's result, by polling `body` if its key is new.
    ///
    /// Dropped in mid-run, the body is cut off as by a crash: see [`Idempotency::run_borrowed`].
    ///
    /// # Errors
    /// The function's own, now or stored; or what the toolkit answers itself.
    pub async fn run<T, E, F>(self, body: F) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        E: Failure,
        F: Future<Output = Result<T, E>>,
    {
        let Self { idempotency, policy, call } = self;
        let nested = Execution::try_current().is_some();
        let terms = Terms { policy, retry_after: idempotency.retry_after(), nested };
        let max = idempotency.max_response();
        // Atomic only because whoever spawns the call needs it to be `Send`.
        let ran = AtomicBool::new(false);
        let execute = |_claim| {
            ran.store(true, Ordering::Relaxed);
            async move { error_storage::record(body.await, max) }
        };
        let on_panic = || panicked(E::from(terms.refuse(after_panic(policy.guarantee), false)));
        let served = match call {
            Ok(call) => idempotency.run_borrowed(call, execute, on_panic).await,
            Err(rejection) => {
                idempotency.refuse(&rejection);
                Err(rejection)
            }
        };
        match served {
            Ok(Served::Executed(result)) => result,
            Ok(Served::Replayed(answer)) => error_storage::read(&answer)
                .unwrap_or_else(|error| Err(E::from(terms.refuse(unreadable(error), false)))),
            Err(rejection) => Err(E::from(terms.refuse(rejection, ran.load(Ordering::Relaxed)))),
        }
    }
}

fn unreadable(error: serde_json::Error) -> Rejection {
    let source = &error as &dyn Error;
    tracing::error!(
        error = source,
        "a stored result is no value of the type that its function returns"
    );
    Rejection::ResultUnreadable(error)
}

/// The key is freed or held, as after any other ambiguous failure.
const fn after_panic(guarantee: Guarantee) -> Rejection {
    match guarantee {
        Guarantee::AtMostOnce => Rejection::OutcomeUnknown,
        Guarantee::AtLeastOnce => Rejection::Panicked,
    }
}

fn panicked<T, E>(error: E) -> Executed<Result<T, E>> {
    Executed { reply: Err(error), outcome: Outcome::Ambiguous, completion: Completion::Unknown }
}
