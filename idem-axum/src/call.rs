//! A guarded call: the extractor in place of the handler's last parameter, and the run of the handler.

#![expect(
    clippy::result_large_err,
    reason = "a response ends the call early, and a box would cost each replay an allocation"
)]

use std::convert::Infallible;
use std::future::ready;
use std::marker::PhantomData;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either};
use idem_core::http::{self, CallBuilder, Executed, FingerprintInput, ResponseRules, Scope};
use idem_core::store::TransactionSlot;
use idem_core::{Idempotency, IdempotencyKey, KeyError, Policy, Recovery, Rejection};
use idem_tower::__private::{GuardedRun, Pending, unreadable_body};

use crate::request::{self, BodyError, Echo, GuardedByLayer, Operation};
use crate::state::ProvidesIdempotency;
use crate::{rejection, response};

/// The kind of the extractor `Guarded`, for each kind `M` of the extractor inside it. It lets the last parameter be
/// an extractor of the body or of the head.
pub struct Via<M>(M);

/// Where a handler is mounted: the router's state, the kind of the last extractor, and the place of the `Idempotency`, as
/// the tuple `(S, M, P)`.
pub trait Mount {
    /// The router's state.
    type State;
}

impl<S, M, P> Mount for (S, M, P) {
    type State = S;
}

/// A `Mount` at which a handler with the last parameter `T` can be guarded.
///
/// It is one bound for all that is needed, so that the parameter of a generic handler can be `Guarded<T, impl Admits<T>>`.
/// The handler's own type parameters can then be named: `post(create::<PgRepo>)`.
pub trait Admits<T>: Mount {
    /// Returns the `Idempotency` of the router's state.
    fn idempotency(state: &Self::State) -> Idempotency;

    /// Extracts the last argument, and offers it the slot of a transaction.
    ///
    /// Boxed, because axum boxes the handler's future. With the extractor's future inside, the box would be too large
    /// for an allocator's fast size classes. As a trait object, because a future of the trait's own would have to be
    /// resolved to check that the handler is `Send`: a missing `Idempotency` would be reported as a missing `Handler`.
    fn extract(request: Box<Request>, state: &Self::State) -> Extracting<'_, T>;
}

/// The last argument, and the slot of a transaction if it asked for one.
type Extracting<'a, T> = BoxFuture<'a, (Result<T, Response>, Option<TransactionSlot>)>;

impl<T, S, M, P> Admits<T> for (S, M, P)
where
    S: ProvidesIdempotency<P>,
    M: 'static,
    T: FromRequest<S, M> + 'static,
{
    fn idempotency(state: &S) -> Idempotency {
        state.idempotency()
    }

    fn extract(request: Box<Request>, state: &S) -> Extracting<'_, T> {
        let from_request = || T::from_request(*request, state);
        let extracting = TransactionSlot::offer(from_request);
        Box::pin(extracting.map(|(last, slot)| (last.map_err(IntoResponse::into_response), slot)))
    }
}

/// The request of a guarded handler that is mounted at `A`, before the last argument `T` is extracted from it. Nothing is
/// read before the handler's policy is known.
pub struct Guarded<T, A: Mount> {
    /// Boxed, because every future that it moves through would store it by value.
    request: Box<Request>,
    state: A::State,
    last: PhantomData<fn() -> T>,
}

/// The bounds on the state are only those for storing it. All other bounds are on the handler itself, where rustc
/// reports the one that is not met.
impl<T, S, M, P> FromRequest<S, Via<M>> for Guarded<T, (S, M, P)>
where
    S: Clone + Send + Sync,
{
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &S) -> Result<Self, Infallible> {
        Ok(Self { request: Box::new(request), state: state.clone(), last: PhantomData })
    }
}

impl<T, A: Admits<T>> Guarded<T, A> {
    /// Reads the key, buffers the body and runs the handler's last extractor, in this order. A request that fails
    /// one of these steps never reaches the store.
    ///
    /// # Errors
    /// The response to a request that was refused.
    pub fn admit(
        self,
        policy: &'static Policy,
    ) -> impl Future<Output = Result<Call<T>, Response>> + use<T, A> {
        let Self { request, state, .. } = self;
        async move {
            let (request, admission) = admit(request, A::idempotency(&state), policy).await?;
            let (last, slot) = extract::<T, A>(request, &state).await?;
            let (rules, guard) = admission.into_guard(slot)?;
            Ok(Call { last, rules, guard })
        }
    }
}

/// A request that may reach the extractors of its handler.
struct Admission {
    idempotency: Idempotency,
    policy: &'static Policy,
    operation: Operation,
    /// `None` if the request bypasses the guard.
    builder: Option<CallBuilder>,
    echo: Echo,
}

/// Reads the key, and buffers the body of a request that is guarded.
async fn admit(
    mut request: Box<Request>,
    idempotency: Idempotency,
    policy: &'static Policy,
) -> Result<(Box<Request>, Admission), Response> {
    let operation = Operation::of(&request);
    let refuse = |rejection: Rejection| {
        rejection::refuse(&idempotency, policy, &operation, &rejection.into())
    };
    if request.extensions().get::<GuardedByLayer>().is_some() {
        return Err(refuse(Rejection::GuardedTwice));
    }
    let mut builder = call_for(&request, &idempotency, policy).map_err(refuse)?;
    let mut echo = None;
    if let Some(builder) = &mut builder {
        let body = request::buffer(&mut request).await.map_err(|error| match error {
            BodyError::TooLarge => refuse(Rejection::BodyTooLarge),
            BodyError::Broken => unreadable_body(),
        })?;
        builder.request(&request::parts(&request, &body));
        echo = request::echo(request.headers(), &idempotency);
        *request.body_mut() = Body::from(body);
    }
    Ok((request, Admission { idempotency, policy, operation, builder, echo }))
}

impl Admission {
    /// Returns the rules for the response, and the guard of the call, if it is guarded. `slot` is that of a transaction that an extractor asked for.
    ///
    /// # Errors
    /// The response, if the handler needs a transaction and the request bypasses the guard.
    fn into_guard(
        self,
        slot: Option<TransactionSlot>,
    ) -> Result<(ResponseRules, Option<Guard>), Response> {
        let Self { idempotency, policy, operation, builder, echo } = self;
        let rules = idempotency.response_rules().clone();
        match builder {
            Some(builder) => {
                let guard = Guard { idempotency, builder, operation, slot, echo };
                Ok((rules, Some(guard)))
            }
            None if slot.is_none() => Ok((rules, None)),
            None => {
                let refusal = Rejection::Unguarded.into();
                Err(rejection::refuse(&idempotency, policy, &operation, &refusal))
            }
        }
    }
}

/// Extracts the last argument. Also returns the slot of a transaction, if this argument or an earlier one asked for
/// a transaction.
async fn extract<T, A: Admits<T>>(
    request: Box<Request>,
    state: &A::State,
) -> Result<(T, Option<TransactionSlot>), Response> {
    let earlier = request.extensions().get::<TransactionSlot>().cloned();
    let (last, slot) = A::extract(request, state).await;
    Ok((last?, earlier.or(slot)))
}

fn call_for(
    request: &Request,
    idempotency: &Idempotency,
    policy: &'static Policy,
) -> Result<Option<CallBuilder>, Rejection> {
    let lines = |name: &str| request::lines(request.headers(), name);
    let operation = || Operation::of(request).words().join(" ");
    idempotency.call_for(policy, request.method().as_str(), lines, operation)
}

/// A request that passed all extractors.
pub struct Call<T> {
    last: T,
    rules: ResponseRules,
    /// `None` if the handler runs unguarded.
    guard: Option<Guard>,
}

/// The guard of a call with a key.
struct Guard {
    idempotency: Idempotency,
    builder: CallBuilder,
    operation: Operation,
    /// The slot through which the handler gets its transaction, if it takes a `Tx`.
    slot: Option<TransactionSlot>,
    /// The key header, if the response repeats it.
    echo: Echo,
}

impl<T> Call<T> {
    /// The handler's last argument, for the expressions of the attribute.
    pub const fn last(&self) -> &T {
        &self.last
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

impl<T: Send + 'static> Call<T> {
    /// Runs `handler` if the key is new in `scope`, and returns the response.
    ///
    /// The handler is the only part that is compiled for each handler. Its future is boxed, and everything that happens
    /// before and after it is the same code for all.
    pub fn run<H, Fut>(
        self,
        scope: Scope,
        handler: H,
    ) -> impl Future<Output = Response> + use<T, H, Fut>
    where
        H: FnOnce(T) -> Fut + Send + 'static,
        Fut: Future<Output: IntoResponse> + Send + 'static,
    {
        let Self { last, rules, guard } = self;
        let handling = Box::pin(async move { handler(last).await.into_response() });
        finish_if_started(start(guard, scope), rules, handling)
    }

    /// [`run`](Self::run) for a handler with `recover`. `hook` gets the arguments if the outcome of an earlier run is
    /// unknown, and returns them with its report.
    pub fn run_recoverable<A, R, K, KFut, H, Fut>(
        self,
        scope: Scope,
        first: A,
        hook: K,
        handler: H,
    ) -> impl Future<Output = Response> + use<A, R, T, K, KFut, H, Fut>
    where
        A: Send + 'static,
        R: IntoResponse + Send + 'static,
        K: FnOnce((A, T)) -> KFut + Send + 'static,
        KFut: Future<Output = ((A, T), Recovery<R>)> + Send + 'static,
        H: FnOnce((A, T)) -> Fut + Send + 'static,
        Fut: Future<Output: IntoResponse> + Send + 'static,
    {
        let Self { last, rules, guard } = self;
        let arguments = (first, last);
        let handle = move |arguments| handler(arguments).map(IntoResponse::into_response);
        match guard {
            None => Either::Left(
                handle(arguments).map(move |response| response::unmarked(response, &rules)),
            ),
            Some(guard) => {
                Either::Right(guard.run_recoverable(scope, rules, arguments, hook, handle).boxed())
            }
        }
    }
}

/// Polls a handler if its call may run.
fn finish_if_started(
    started: impl Future<Output = Result<Option<GuardedRun>, Response>>,
    rules: ResponseRules,
    handling: BoxFuture<'static, Response>,
) -> impl Future<Output = Response> {
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
    scope: Scope,
) -> impl Future<Output = Result<Option<GuardedRun>, Response>> {
    let Some(guard) = guard else { return Either::Left(ready(Ok(None))) };
    match guard.into_pending(scope) {
        Ok(pending) => Either::Right(pending.start()),
        Err(refused) => Either::Left(ready(Err(refused))),
    }
}

/// Polls a handler that may run, and stores its response.
fn finish(
    run: Option<GuardedRun>,
    rules: ResponseRules,
    handling: BoxFuture<'static, Response>,
) -> impl Future<Output = Response> {
    let Some(run) = run else {
        return Either::Left(handling.map(move |response| response::unmarked(response, &rules)));
    };
    let recorded = handling.then(move |response| response::record(response, &rules));
    Either::Right(run.finish(recorded, on_panic, |response, echo| {
        response::echoed(response.unwrap_or_else(|replaced| replaced), echo)
    }))
}

fn on_panic() -> Executed<Response> {
    http::panicked(response::from_stored)
}

impl Guard {
    /// Makes the call.
    ///
    /// # Errors
    /// The response, if the call was refused.
    fn into_pending(self, scope: Scope) -> Result<Pending, Response> {
        let Self { idempotency, builder, operation, slot, echo } = self;
        let policy = builder.policy();
        match builder.finish(scope, &operation.words()) {
            Ok(call) => Ok(Pending { idempotency, call: call.in_transaction(slot), echo }),
            Err(refusal) => {
                let refused = rejection::refuse(&idempotency, policy, &operation, &refusal);
                Err(response::echoed(refused, echo))
            }
        }
    }

    async fn run_recoverable<A, R, K, KFut, H, Fut>(
        self,
        scope: Scope,
        rules: ResponseRules,
        arguments: A,
        hook: K,
        handle: H,
    ) -> Response
    where
        A: Send + 'static,
        R: IntoResponse + Send + 'static,
        K: FnOnce(A) -> KFut + Send + 'static,
        KFut: Future<Output = (A, Recovery<R>)> + Send + 'static,
        H: FnOnce(A) -> Fut + Send + 'static,
        Fut: Future<Output = Response> + Send + 'static,
    {
        let Pending { idempotency, call, echo } = match self.into_pending(scope) {
            Ok(pending) => pending,
            Err(refused) => return refused,
        };
        let record = move |response| response::record(response, &rules);
        let record_found = record.clone();
        let hook = move |arguments| async move {
            let (arguments, report) = hook(arguments).await;
            (arguments, report.map(IntoResponse::into_response).then(record_found).await)
        };
        let execute = move |arguments| handle(arguments).then(record);
        let served = idempotency.run_recoverable(call, arguments, hook, execute, on_panic).await;
        response::echoed(response::into_response(&idempotency, served), echo)
    }
}
