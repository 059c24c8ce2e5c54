//! A call of the engine, from its start to its response.

use actix_web::HttpResponse;
use futures_util::FutureExt;
use idem_core::Idempotency;
use idem_core::http::{Call, Executed, Run, Served, Start};

use crate::body::FromBytes;
use crate::rejection;
use crate::request::Echo;
use crate::response::{self, echoed};

/// A call that has not started.
pub(crate) struct Pending {
    pub(crate) idempotency: Idempotency,
    pub(crate) call: Call,
    /// The key header, if the response repeats it.
    pub(crate) echo: Echo,
}

/// A run of the engine that may begin.
pub(crate) struct GuardedRun {
    run: Run,
    idempotency: Idempotency,
    echo: Echo,
}

impl Pending {
    /// Starts the call. `S` is the run or an `Option` of it, and `Err` is the response to a call that does not run.
    ///
    /// Combinators, because an `async` block has room for the futures that it awaits twice.
    pub(crate) fn start<S, R>(self) -> impl Future<Output = Result<S, HttpResponse<R>>>
    where
        S: From<GuardedRun>,
        R: FromBytes,
    {
        let Self { idempotency, call, echo } = self;
        idempotency.start(call).map(|started| {
            let response = match started {
                Ok(Start::Run(run)) => return Ok(GuardedRun { run, idempotency, echo }.into()),
                Ok(Start::Replay(stored)) => response::replay(stored, idempotency.response_rules()),
                Err(refusal) => rejection::into_response(&idempotency, &refusal),
            };
            Err(echoed(response, echo))
        })
    }
}

impl GuardedRun {
    /// Polls `handling` to its end, and stores the result. `reply` gets the reply of the handler, or the response that replaces
    /// it, and the key header that it repeats.
    pub(crate) fn finish<T, R, S>(
        self,
        handling: impl Future<Output = Executed<T>> + 'static,
        on_panic: impl FnOnce() -> Executed<T> + 'static,
        reply: impl FnOnce(Result<T, HttpResponse<R>>, Echo) -> S,
    ) -> impl Future<Output = S>
    where
        T: 'static,
        R: FromBytes,
    {
        let Self { run, idempotency, echo } = self;
        run.finish_local(handling, on_panic).map(move |served| {
            let response = match served {
                Ok(Served::Executed(executed)) => return reply(Ok(executed), echo),
                Ok(Served::Replayed(stored)) => {
                    response::replay(stored, idempotency.response_rules())
                }
                Err(refusal) => rejection::into_response(&idempotency, &refusal),
            };
            reply(Err(response), echo)
        })
    }
}
