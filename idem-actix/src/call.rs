//! A guarded call: the extractor that stands in for all of a handler's parameters, and what follows it.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::HeaderValue;
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder};
use idem_core::http::{self, Identity};
use idem_core::{
    Idempotency, IdempotencyKey, KeyError, Material, Policy, Rejection, Scope, Served,
    TransactionSlot,
};

use crate::request::{self, CaptureError, Captured};
use crate::{rejection, response, state};

/// The request as it reaches a guarded handler. Nothing is read before the handler's policy is known.
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
    /// Reads the key, buffers the body and extracts the handler's arguments `T` from it, in this order. A
    /// request that any of them refuses never touches the store.
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
        let slot = offer(&request);
        let identity = match identity(&request, &idempotency, policy) {
            Ok(Some(identity)) => identity,
            Ok(None) => {
                let call = Call::extract(request, payload, None).await?;
                if slot.is_some_and(|slot| slot.is_wanted()) {
                    return Err(rejection::refuse(&idempotency, &Rejection::Unguarded));
                }
                return Ok(call);
            }
            Err(refused) => return Err(rejection::refuse(&idempotency, &refused)),
        };
        let (captured, payload) = match request::capture(&request, payload).await {
            Ok(captured) => captured,
            Err(CaptureError::TooLarge) => {
                return Err(rejection::refuse(&idempotency, &Rejection::BodyTooLarge));
            }
            Err(CaptureError::Broken(response)) => return Err(response),
        };
        let guard = Guard { idempotency, identity, request: captured, slot };
        Call::extract(request, payload, Some(guard)).await
    }
}

#[cfg(feature = "postgres")]
fn offer(request: &HttpRequest) -> Option<TransactionSlot> {
    Some(crate::tx::offer(request))
}

#[cfg(not(feature = "postgres"))]
const fn offer(_: &HttpRequest) -> Option<TransactionSlot> {
    None
}

fn identity(
    request: &HttpRequest,
    idempotency: &Idempotency,
    policy: &'static Policy,
) -> Result<Option<Identity>, Rejection> {
    let lines = request.headers().get_all(idempotency.header()).map(HeaderValue::as_bytes);
    idempotency.identity(policy, request.method().as_str(), lines)
}

/// A request that passed all extractors.
pub struct Call<T> {
    /// What a [`Responder`] answers.
    request: HttpRequest,
    arguments: T,
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

impl<T: FromRequest> Call<T> {
    async fn extract(
        request: HttpRequest,
        mut payload: Payload,
        guard: Option<Guard>,
    ) -> Result<Self, HttpResponse> {
        match T::from_request(&request, &mut payload).await {
            Ok(arguments) => Ok(Self { request, arguments, guard }),
            Err(error) => Err(HttpResponse::from_error(error)),
        }
    }
}

impl<T> Call<T> {
    /// The handler's arguments, for the expressions of the attribute.
    pub const fn arguments(&self) -> &T {
        &self.arguments
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
enum Identified {
    Unguarded,
    Guarded(Idempotency, idem_core::Call),
    Refused(HttpResponse),
}

impl<T: 'static> Call<T> {
    /// Answers the request, running `handler` if its key is new in `scope`.
    ///
    /// All that can be known at once is found out at once: the body need not live as long as its run.
    pub fn run<H, Fut>(
        self,
        scope: Scope,
        handler: H,
    ) -> impl Future<Output = HttpResponse> + use<T, H, Fut>
    where
        H: FnOnce(T) -> Fut + 'static,
        Fut: Future<Output: Responder> + 'static,
    {
        let Self { request, arguments, guard } = self;
        let identified = guard.map_or(Identified::Unguarded, |guard| guard.identify(scope));
        let handle =
            async move || handler(arguments).await.respond_to(&request).map_into_boxed_body();
        async move {
            match identified {
                Identified::Unguarded => response::unmarked(handle().await),
                Identified::Guarded(idempotency, call) => serve(idempotency, call, handle).await,
                Identified::Refused(response) => response,
            }
        }
    }
}

impl Guard {
    fn identify(self, scope: Scope) -> Identified {
        let Self { idempotency, identity, request, slot } = self;
        let slot = slot.filter(TransactionSlot::is_wanted);
        let (operation, parts) = (request.operation(), request.parts());
        match idempotency.identified_call(identity, scope, &operation, &parts) {
            Ok(call) => Identified::Guarded(idempotency, call.in_transaction(slot)),
            Err(refused) => Identified::Refused(rejection::refuse(&idempotency, &refused)),
        }
    }
}

async fn serve(
    idempotency: Idempotency,
    call: idem_core::Call,
    handle: impl AsyncFnOnce() -> HttpResponse + 'static,
) -> HttpResponse {
    let max_response = idempotency.max_response();
    let execute = move |_claim| async move { response::record(handle().await, max_response).await };
    match idempotency.run_local(call, execute, || http::panicked(response::from_answer)).await {
        Ok(Served::Executed(response)) => response,
        Ok(Served::Replayed(answer)) => response::replay(answer),
        Err(refused) => rejection::into_response(&idempotency, &refused),
    }
}
