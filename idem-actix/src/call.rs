//! A guarded call: the extractor in place of the handler's parameters, and the run of the handler.

#![expect(
    clippy::result_large_err,
    reason = "a response ends the call early, and a box would cost each replay an allocation"
)]

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, Responder};
use futures_util::FutureExt;
use futures_util::future::{Either, LocalBoxFuture};
use idem_core::http::{
    self, CallBuilder, Executed, FingerprintInput, ResponseRules, Scope, Served,
};
use idem_core::store::TransactionSlot;
use idem_core::{Idempotency, IdempotencyKey, KeyError, Policy, Recovery, Refusal, Rejection};

use crate::body::GuardedBody;
use crate::middleware::GuardedByMiddleware;
use crate::request::{self, BodyError, Echo};
use crate::run::{GuardedRun, Pending};
use crate::{rejection, response, state};

/// The request of a guarded handler, before its arguments are extracted. Nothing is read before the handler's
/// policy is known.
pub struct Guarded {
    request: HttpRequest,
    payload: Payload,
}

impl FromRequest for Guarded {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Ok(Self { request: request.clone(), payload: payload.take() }))
    }
}

impl Guarded {
    /// Reads the key, buffers the body and extracts the handler's arguments `T`, in this order. A request that fails
    /// one of these steps never reaches the store.
    ///
    /// # Errors
    /// The response to a request that was refused.
    pub async fn admit<T: FromRequest>(
        self,
        policy: &'static Policy,
    ) -> Result<Call<T>, HttpResponse> {
        let Self { request, payload } = self;
        let (payload, admission) = admit(&request, payload, policy).await?;
        let (arguments, slot) = extract(&request, payload).await?;
        let (rules, guard) = admission.into_guard(&request, slot)?;
        Ok(Call { request, arguments, rules, guard })
    }
}

/// A request that may reach the extractors of its handler.
struct Admission {
    idempotency: Idempotency,
    policy: &'static Policy,
    /// `None` if the request bypasses the guard.
    builder: Option<CallBuilder>,
    echo: Echo,
}

/// Reads the key, and buffers the body of a request that is guarded.
async fn admit(
    request: &HttpRequest,
    mut payload: Payload,
    policy: &'static Policy,
) -> Result<(Payload, Admission), HttpResponse> {
    let idempotency =
        state::idempotency(request).ok_or_else(|| HttpResponse::InternalServerError().finish())?;
    let refuse =
        |rejection: Rejection| rejection::refuse(&idempotency, policy, request, &rejection.into());
    if request.extensions().contains::<GuardedByMiddleware>() {
        return Err(refuse(Rejection::GuardedTwice));
    }
    let mut builder = call_for(request, &idempotency, policy).map_err(refuse)?;
    let mut echo = None;
    if let Some(builder) = &mut builder {
        let body = request::buffer(request, payload, None).await.map_err(|error| match error {
            BodyError::TooLarge => refuse(Rejection::BodyTooLarge),
            BodyError::Broken(error) => HttpResponse::from_error(error),
        })?;
        builder.request(&request::parts(request, &body.bytes));
        echo = request::echo(request, &idempotency);
        payload = body.payload;
    }
    Ok((payload, Admission { idempotency, policy, builder, echo }))
}

impl Admission {
    /// Returns the rules for the response, and the guard of the call, if it is guarded. `slot` is that of a transaction that an extractor asked for.
    ///
    /// # Errors
    /// The response, if the handler needs a transaction and the request bypasses the guard.
    fn into_guard(
        self,
        request: &HttpRequest,
        slot: Option<TransactionSlot>,
    ) -> Result<(ResponseRules, Option<Guard>), HttpResponse> {
        let Self { idempotency, policy, builder, echo } = self;
        let rules = idempotency.response_rules().clone();
        match builder {
            Some(builder) => Ok((rules, Some(Guard { idempotency, builder, slot, echo }))),
            None if slot.is_none() => Ok((rules, None)),
            None => {
                let refusal = Rejection::Unguarded.into();
                Err(rejection::refuse(&idempotency, policy, request, &refusal))
            }
        }
    }
}

/// Extracts all arguments. Also returns the slot of a transaction, if one of them asked for a transaction.
async fn extract<T: FromRequest>(
    request: &HttpRequest,
    mut payload: Payload,
) -> Result<(T, Option<TransactionSlot>), HttpResponse> {
    let begin = || T::from_request(request, &mut payload);
    let (arguments, slot) = TransactionSlot::offer(begin).await;
    Ok((arguments.map_err(HttpResponse::from_error)?, slot))
}

fn call_for(
    request: &HttpRequest,
    idempotency: &Idempotency,
    policy: &'static Policy,
) -> Result<Option<CallBuilder>, Rejection> {
    let lines = |name: &str| request::lines(request, name);
    let operation = || [request.method().as_str(), &request::pattern(request)].join(" ");
    idempotency.call_for(policy, request.method().as_str(), lines, operation)
}

/// A request that passed all extractors.
pub struct Call<T> {
    /// The request that the handler's [`Responder`] responds to.
    request: HttpRequest,
    arguments: T,
    rules: ResponseRules,
    /// `None` if the handler runs unguarded.
    guard: Option<Guard>,
}

/// The guard of a call with a key.
struct Guard {
    idempotency: Idempotency,
    builder: CallBuilder,
    /// The slot through which the handler gets its transaction, if it takes a `Tx`.
    slot: Option<TransactionSlot>,
    /// The key header, if the response repeats it.
    echo: Echo,
}

impl<T> Call<T> {
    /// The handler's arguments, for the expressions of the attribute.
    pub const fn arguments(&self) -> &T {
        &self.arguments
    }

    /// Sets the key from the attribute's `key` expression. Has no effect on a call that runs unguarded.
    #[must_use]
    pub fn with_key(mut self, key: Result<IdempotencyKey, KeyError>) -> Self {
        if let Some(guard) = &mut self.guard {
            guard.builder.key(key);
        }
        self
    }

    /// Sets the fingerprint from the attribute's `fingerprint` expression. Has no effect on a call that runs
    /// unguarded.
    #[must_use]
    pub fn with_fingerprint(mut self, input: Result<FingerprintInput, serde_json::Error>) -> Self {
        if let Some(guard) = &mut self.guard {
            guard.builder.fingerprint(input);
        }
        self
    }
}

impl<T> Call<T> {
    /// Sets the label from the attribute's `label` expression. Has no effect on a call that runs unguarded.
    #[must_use]
    pub fn with_label(mut self, label: &str) -> Self {
        if let Some(guard) = &mut self.guard {
            guard.builder.label(label);
        }
        self
    }
}

impl<T: 'static> Call<T> {
    /// Runs `handler` if the key is new in `scope`, and returns the response.
    ///
    /// The handler is the only part that is compiled for each handler. Its future is boxed, and everything that happens
    /// before and after it is the same code for all.
    pub fn run<H, Fut>(
        self,
        scope: Scope,
        handler: H,
    ) -> impl Future<Output = HttpResponse> + use<T, H, Fut>
    where
        H: FnOnce(T) -> Fut + 'static,
        Fut: Future<Output: Responder> + 'static,
    {
        let Self { request, arguments, rules, guard } = self;
        let started = start(guard, &request, scope);
        let handling =
            Box::pin(
                async move { handler(arguments).await.respond_to(&request).map_into_boxed_body() },
            );
        finish_if_started(started, rules, handling)
    }

    /// [`run`](Self::run) for a handler with `recover`. `hook` gets the arguments if the outcome of an earlier run is
    /// unknown, and returns them with its report.
    pub fn run_recoverable<R, K, KFut, H, Fut>(
        self,
        scope: Scope,
        hook: K,
        handler: H,
    ) -> impl Future<Output = HttpResponse> + use<R, T, K, KFut, H, Fut>
    where
        R: Responder + 'static,
        K: FnOnce(T) -> KFut + 'static,
        KFut: Future<Output = (T, Recovery<R>)> + 'static,
        H: FnOnce(T) -> Fut + 'static,
        Fut: Future<Output: Responder> + 'static,
    {
        let Self { request, arguments, rules, guard } = self;
        let responding = request.clone();
        let handle = move |arguments| {
            let respond =
                move |output: Fut::Output| output.respond_to(&responding).map_into_boxed_body();
            handler(arguments).map(respond)
        };
        match guard {
            None => Either::Left(
                handle(arguments).map(move |response| response::unmarked(response, &rules)),
            ),
            Some(guard) => {
                let running = guard.run_recoverable(scope, rules, request, arguments, hook, handle);
                Either::Right(running.boxed_local())
            }
        }
    }
}

/// Polls a handler if its call may run.
fn finish_if_started(
    started: impl Future<Output = Result<Option<GuardedRun>, HttpResponse>>,
    rules: ResponseRules,
    handling: LocalBoxFuture<'static, HttpResponse>,
) -> impl Future<Output = HttpResponse> {
    started.then(move |started| match started {
        Ok(run) => Either::Left(finish(run, rules, handling)),
        Err(response) => Either::Right(ready(response)),
    })
}

/// Starts the call of a guard. `Ok(None)` is a call that runs unguarded, and `Err` is the response to one that does not run.
///
/// The call is built before the first poll, so that the returned future does not hold the parts of the request.
fn start(
    guard: Option<Guard>,
    request: &HttpRequest,
    scope: Scope,
) -> impl Future<Output = Result<Option<GuardedRun>, HttpResponse>> + use<> {
    let Some(guard) = guard else { return Either::Left(ready(Ok(None))) };
    match guard.into_pending(request, scope) {
        Ok(pending) => Either::Right(pending.start()),
        Err(refused) => Either::Left(ready(Err(refused))),
    }
}

/// Polls a handler that may run, and stores its response.
fn finish(
    run: Option<GuardedRun>,
    rules: ResponseRules,
    handling: LocalBoxFuture<'static, HttpResponse>,
) -> impl Future<Output = HttpResponse> {
    let Some(run) = run else {
        return Either::Left(handling.map(move |response| response::unmarked(response, &rules)));
    };
    let recorded = handling.then(move |response| record(response, &rules));
    Either::Right(run.finish(recorded, on_panic, |response, echo| {
        response::echoed(response.unwrap_or_else(|replaced| replaced), echo)
    }))
}

fn record(
    response: HttpResponse,
    rules: &ResponseRules,
) -> impl Future<Output = Executed<HttpResponse>> + use<> {
    response::record(response, rules, GuardedBody::into_box)
}

fn on_panic() -> Executed<HttpResponse> {
    http::panicked(response::from_stored)
}

impl Guard {
    /// Makes the call.
    ///
    /// # Errors
    /// The response, if the call was refused.
    fn into_pending(self, request: &HttpRequest, scope: Scope) -> Result<Pending, HttpResponse> {
        let Self { idempotency, builder, slot, echo } = self;
        let operation = [request.method().as_str(), &request::pattern(request)];
        let policy = builder.policy();
        match builder.finish(scope, &operation) {
            Ok(call) => Ok(Pending { idempotency, call: call.in_transaction(slot), echo }),
            Err(refusal) => {
                let refused = rejection::refuse(&idempotency, policy, request, &refusal);
                Err(response::echoed(refused, echo))
            }
        }
    }

    async fn run_recoverable<A, R, K, KFut, H, Fut>(
        self,
        scope: Scope,
        rules: ResponseRules,
        request: HttpRequest,
        arguments: A,
        hook: K,
        handle: H,
    ) -> HttpResponse
    where
        A: 'static,
        R: Responder + 'static,
        K: FnOnce(A) -> KFut + 'static,
        KFut: Future<Output = (A, Recovery<R>)> + 'static,
        H: FnOnce(A) -> Fut + 'static,
        Fut: Future<Output = HttpResponse> + 'static,
    {
        let Pending { idempotency, call, echo } = match self.into_pending(&request, scope) {
            Ok(pending) => pending,
            Err(refused) => return refused,
        };
        let record = move |response| record(response, &rules);
        let record_found = record.clone();
        let hook = move |arguments| async move {
            let (arguments, report) = hook(arguments).await;
            let respond = |found: R| found.respond_to(&request).map_into_boxed_body();
            (arguments, report.map(respond).then(record_found).await)
        };
        let execute = move |arguments| handle(arguments).then(record);
        let served =
            idempotency.run_recoverable_local(call, arguments, hook, execute, on_panic).await;
        response::echoed(into_response(&idempotency, served), echo)
    }
}

fn into_response(
    idempotency: &Idempotency,
    served: Result<Served<HttpResponse>, Refusal>,
) -> HttpResponse {
    match served {
        Ok(Served::Executed(response)) => response,
        Ok(Served::Replayed(response)) => response::replay(response, idempotency.response_rules()),
        Err(refusal) => rejection::into_response(idempotency, &refusal),
    }
}
