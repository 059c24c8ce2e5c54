//! A guarded call: the extractor in place of the handler's parameters, and the run of the handler.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder};
use futures_util::FutureExt;
use futures_util::future::Either;
use idem_core::http::{self, CallBuilder, FingerprintInput, ResponseRules, Scope, Served};
use idem_core::store::TransactionSlot;
use idem_core::{Idempotency, IdempotencyKey, KeyError, Policy, Recovery, Refusal, Rejection};

use crate::request::{self, BodyError};
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
        let Some(idempotency) = state::idempotency(&request) else {
            return Err(HttpResponse::InternalServerError().finish());
        };
        let mut builder = match call_for(&request, &idempotency, policy) {
            Ok(Some(builder)) => builder,
            Ok(None) => {
                let (arguments, slot) = extract(&request, payload).await?;
                if slot.is_some() {
                    let refusal = Rejection::Unguarded.into();
                    return Err(rejection::refuse(&idempotency, policy, &request, &refusal));
                }
                return Ok(Call {
                    request,
                    arguments,
                    rules: idempotency.response_rules().clone(),
                    guard: None,
                });
            }
            Err(rejection) => {
                let refusal = rejection.into();
                return Err(rejection::refuse(&idempotency, policy, &request, &refusal));
            }
        };
        let body = match request::buffer(&request, payload).await {
            Ok(body) => body,
            Err(BodyError::TooLarge) => {
                let refusal = Rejection::BodyTooLarge.into();
                return Err(rejection::refuse(&idempotency, builder.policy(), &request, &refusal));
            }
            Err(BodyError::Broken(response)) => return Err(response),
        };
        builder.request(&request::parts(&request, &body.bytes));
        let (arguments, slot) = extract(&request, body.payload).await?;
        let echo = request::echo(&request, &idempotency);
        let rules = idempotency.response_rules().clone();
        let guard = Guard { idempotency, builder, slot, echo };
        Ok(Call { request, arguments, rules, guard: Some(guard) })
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

type Echo = Option<Box<(HeaderName, HeaderValue)>>;

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
    /// The call is built before the first poll, so that the returned future does not hold the parts of the request.
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
        let responding = request.clone();
        let handle = move || {
            let respond =
                move |output: Fut::Output| output.respond_to(&responding).map_into_boxed_body();
            handler(arguments).map(respond)
        };
        match guard {
            None => {
                Either::Left(handle().map(move |response| response::unmarked(response, &rules)))
            }
            Some(guard) => Either::Right(guard.run(scope, rules, &request, handle)),
        }
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

impl Guard {
    fn run<H, Fut>(
        self,
        scope: Scope,
        rules: ResponseRules,
        request: &HttpRequest,
        handle: H,
    ) -> impl Future<Output = HttpResponse> + use<H, Fut>
    where
        H: FnOnce() -> Fut + 'static,
        Fut: Future<Output = HttpResponse> + 'static,
    {
        let Self { idempotency, builder, slot, echo } = self;
        let operation = [request.method().as_str(), &request::pattern(request)];
        let policy = builder.policy();
        let call = match builder.finish(scope, &operation) {
            Ok(call) => call.in_transaction(slot),
            Err(refusal) => {
                let refused = rejection::refuse(&idempotency, policy, request, &refusal);
                return Either::Left(ready(echoed(refused, echo)));
            }
        };
        let execute =
            move |_claim| handle().then(move |response| response::record(response, &rules));
        let served = idempotency.run_local(call, execute, || http::panicked(response::from_stored));
        Either::Right(served.map(move |served| echoed(into_response(&idempotency, served), echo)))
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
        let Self { idempotency, builder, slot, echo } = self;
        let operation = [request.method().as_str(), &request::pattern(&request)];
        let policy = builder.policy();
        let call = match builder.finish(scope, &operation) {
            Ok(call) => call.in_transaction(slot),
            Err(refusal) => {
                let refused = rejection::refuse(&idempotency, policy, &request, &refusal);
                return echoed(refused, echo);
            }
        };
        let record = move |response| response::record(response, &rules);
        let record_found = record.clone();
        let hook = move |arguments| async move {
            let (arguments, report) = hook(arguments).await;
            let respond = |found: R| found.respond_to(&request).map_into_boxed_body();
            (arguments, report.map(respond).then(record_found).await)
        };
        let execute = move |arguments| handle(arguments).then(record);
        let on_panic = || http::panicked(response::from_stored);
        let served =
            idempotency.run_recoverable_local(call, arguments, hook, execute, on_panic).await;
        echoed(into_response(&idempotency, served), echo)
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

/// Repeats the key header in a response.
fn echoed(mut response: HttpResponse, echo: Echo) -> HttpResponse {
    if let Some(header) = echo {
        let (name, value) = *header;
        response.headers_mut().insert(name, value);
    }
    response
}
