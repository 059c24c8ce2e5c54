//! A call of the engine, from its start to its response.

use bytes::Bytes;
use futures_util::FutureExt;
use http::Response;
use idem_core::Idempotency;
use idem_core::http::{Call, Executed, Run, Served, Start};

use crate::request::Echo;
use crate::response::{echoed, into_response};

/// A call that has not started.
#[derive(Debug)]
pub struct Pending {
    /// The engine.
    pub idempotency: Idempotency,
    /// The call.
    pub call: Call,
    /// The key header, if the response repeats it.
    pub echo: Echo,
}

/// A run of the engine that may begin.
#[derive(Debug)]
pub struct GuardedRun {
    run: Run,
    idempotency: Idempotency,
    echo: Echo,
}

impl Pending {
    /// Starts the call. `R` is the run or an `Option` of it, and `Err` is the response to a call that does not run.
    ///
    /// Combinators, because an `async` block has room for the futures that it awaits twice.
    pub fn start<R, B>(self) -> impl Future<Output = Result<R, Response<B>>>
    where
        R: From<GuardedRun>,
        B: From<Bytes>,
    {
        let Self { idempotency, call, echo } = self;
        idempotency.start(call).map(|started| {
            let served = match started {
                Ok(Start::Run(run)) => return Ok(GuardedRun { run, idempotency, echo }.into()),
                Ok(Start::Replay(stored)) => Ok(Served::Replayed(stored)),
                Err(refusal) => Err(refusal),
            };
            Err(echoed(into_response(&idempotency, served), echo))
        })
    }
}

impl GuardedRun {
    /// Polls `handling` to its end, and stores the result. `reply` gets the reply of the handler, or the response that replaces
    /// it, and the key header that it repeats.
    pub fn finish<T, B, R>(
        self,
        handling: impl Future<Output = Executed<T>> + Send + 'static,
        on_panic: impl FnOnce() -> Executed<T> + Send + 'static,
        reply: impl FnOnce(Result<T, Response<B>>, Echo) -> R,
    ) -> impl Future<Output = R>
    where
        T: Send + 'static,
        B: From<Bytes>,
    {
        let Self { run, idempotency, echo } = self;
        run.finish(handling, on_panic).map(move |served| {
            let served = match served {
                Ok(Served::Executed(executed)) => return reply(Ok(executed), echo),
                Ok(Served::Replayed(stored)) => Ok(Served::Replayed(stored)),
                Err(refusal) => Err(refusal),
            };
            reply(Err(into_response(&idempotency, served)), echo)
        })
    }
}
