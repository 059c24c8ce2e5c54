//! A guarded call: the extractor that stands in for a handler's last parameter, and what follows it.

use std::convert::Infallible;
use std::marker::PhantomData;

use axum::extract::{FromRequest, Request};
use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};
use idem_core::http::{self, Identity};
use idem_core::{
    Idempotency, IdempotencyKey, KeyError, Material, Policy, Rejection, Scope, Served,
    TransactionSlot,
};

use crate::request::{self, CaptureError, Captured};
use crate::state::ProvidesIdempotency;
use crate::{rejection, response};

/// Marks `Guarded` as an extractor of its own kind for each kind `M` of the extractor inside it, so that
/// the last parameter may be one that takes the body or one that takes only the head.
pub struct Via<M>(M);

/// The request as it reaches a guarded handler, whose last argument `T` is still to be extracted from it.
/// Nothing is read before the handler's policy is known.
pub struct Guarded<T, S, M> {
    request: Request,
    state: S,
    last: PhantomData<fn() -> (T, M)>,
}

/// Asks nothing of the state but that it can be kept: what a guarded handler needs of it, and of its last
/// argument, are bounds on the handler itself, where rustc can say what is missing.
impl<T, S, M> FromRequest<S, Via<M>> for Guarded<T, S, M>
where
    S: Clone + Send + Sync,
{
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &S) -> Result<Self, Infallible> {
        Ok(Self { request, state: state.clone(), last: PhantomData })
    }
}

impl<T, S, M> Guarded<T, S, M>
where
    S: ProvidesIdempotency,
    T: FromRequest<S, M>,
{
    /// Reads the key, buffers the body and runs the handler's last extractor on it, in this order. A
    /// request that any of them refuses never touches the store.
    ///
    /// # Errors
    /// The response to a request that was refused.
    pub async fn admit(self, policy: &'static Policy) -> Result<Call<T>, Response> {
        let Self { mut request, state, .. } = self;
        let slot = offer(&mut request);
        let idempotency = state.idempotency();
        let identity = match identity(&request, &idempotency, policy) {
            Ok(Some(identity)) => identity,
            Ok(None) => {
                let last = extract(request, &state).await?;
                if slot.is_some_and(|slot| slot.is_wanted()) {
                    return Err(rejection::refuse(&idempotency, &Rejection::Unguarded));
                }
                return Ok(Call { last, guard: None });
            }
            Err(refused) => return Err(rejection::refuse(&idempotency, &refused)),
        };
        let (captured, request) = match request::capture(request).await {
            Ok(captured) => captured,
            Err(CaptureError::TooLarge) => {
                return Err(rejection::refuse(&idempotency, &Rejection::BodyTooLarge));
            }
            Err(CaptureError::Broken(response)) => return Err(response),
        };
        let last = extract(request, &state).await?;
        let slot = slot.filter(TransactionSlot::is_wanted);
        Ok(Call { last, guard: Some(Guard { idempotency, identity, request: captured, slot }) })
    }
}

#[cfg(feature = "postgres")]
fn offer(request: &mut Request) -> Option<TransactionSlot> {
    Some(crate::tx::slot(request.extensions_mut()))
}

#[cfg(not(feature = "postgres"))]
const fn offer(_: &mut Request) -> Option<TransactionSlot> {
    None
}

async fn extract<T, S, M>(request: Request, state: &S) -> Result<T, Response>
where
    T: FromRequest<S, M>,
{
    T::from_request(request, state).await.map_err(IntoResponse::into_response)
}

fn identity(
    request: &Request,
    idempotency: &Idempotency,
    policy: &'static Policy,
) -> Result<Option<Identity>, Rejection> {
    let lines = request.headers().get_all(idempotency.header());
    let lines = lines.into_iter().map(HeaderValue::as_bytes);
    idempotency.identity(policy, request.method().as_str(), lines)
}

/// A request that passed all extractors.
pub struct Call<T> {
    last: T,
    /// `None`: it runs unguarded.
    guard: Option<Guard>,
}

struct Guard {
    idempotency: Idempotency,
    identity: Identity,
    request: Captured,
    /// Through which the handler gets a transaction, if it takes one.
    slot: Option<TransactionSlot>,
}

impl<T> Call<T> {
    /// The handler's last argument, for the expressions of the attribute.
    pub const fn last(&self) -> &T {
        &self.last
    }

    /// The key comes from an expression of the attribute.
    #[must_use]
    pub fn with_key(mut self, key: Result<IdempotencyKey, KeyError>) -> Self {
        if let Some(guard) = &mut self.guard {
            guard.identity.set_key(key);
        }
        self
    }

    /// The request is compared by an expression of the attribute.
    #[must_use]
    pub fn with_fingerprint(mut self, material: Result<Material, serde_json::Error>) -> Self {
        if let Some(guard) = &mut self.guard {
            guard.identity.set_fingerprint(material);
        }
        self
    }
}

/// What a call came to before its handler.
enum Identified<T> {
    Unguarded(T),
    Guarded(Idempotency, idem_core::Call, T),
    Refused(Response),
}

impl<T: Send + 'static> Call<T> {
    /// Answers the request, running `handler` if its key is new in `scope`.
    ///
    /// All that can be known at once is found out at once: what the request was need not live as long as
    /// its run.
    pub fn run<H, Fut>(
        self,
        scope: Scope,
        handler: H,
    ) -> impl Future<Output = Response> + use<T, H, Fut>
    where
        H: FnOnce(T) -> Fut + Send + 'static,
        Fut: Future<Output: IntoResponse> + Send + 'static,
    {
        let identified = self.identify(scope);
        async move {
            match identified {
                Identified::Unguarded(last) => {
                    response::unmarked(handler(last).await.into_response())
                }
                Identified::Guarded(idempotency, call, last) => {
                    serve(idempotency, call, last, handler).await
                }
                Identified::Refused(response) => response,
            }
        }
    }

    fn identify(self, scope: Scope) -> Identified<T> {
        let Self { last, guard: Some(guard) } = self else {
            return Identified::Unguarded(self.last);
        };
        let Guard { idempotency, identity, request, slot } = guard;
        let (operation, parts) = (request.operation(), request.parts());
        match idempotency.identified_call(identity, scope, &operation, &parts) {
            Ok(call) => Identified::Guarded(idempotency, call.in_transaction(slot), last),
            Err(refused) => Identified::Refused(rejection::refuse(&idempotency, &refused)),
        }
    }
}

async fn serve<T, H, Fut>(
    idempotency: Idempotency,
    call: idem_core::Call,
    last: T,
    handler: H,
) -> Response
where
    T: Send + 'static,
    H: FnOnce(T) -> Fut + Send + 'static,
    Fut: Future<Output: IntoResponse> + Send + 'static,
{
    let max_response = idempotency.max_response();
    let execute = move |_claim| async move {
        response::record(handler(last).await.into_response(), max_response).await
    };
    match idempotency.run(call, execute, || http::panicked(response::from_answer)).await {
        Ok(Served::Executed(response)) => response,
        Ok(Served::Replayed(answer)) => response::replay(answer),
        Err(refused) => rejection::into_response(&idempotency, &refused),
    }
}
