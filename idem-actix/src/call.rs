//! A guarded call: the extractor that stands in for all of a handler's parameters, and what follows it.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder};
use futures_util::FutureExt;
use futures_util::future::Either;
use idem_core::http::{self, CallBuilder, FingerprintInput, Scope, Served};
use idem_core::store::TransactionSlot;
use idem_core::{Idempotency, IdempotencyKey, KeyError, Policy, Rejection};

use crate::request::{self, BodyError};
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
        let mut builder = match call_for(&request, &idempotency, policy) {
            Ok(Some(builder)) => builder,
            Ok(None) => {
                let (arguments, slot) = extract(&request, payload).await?;
                if slot.is_some() {
                    return Err(rejection::refuse(&idempotency, &Rejection::Unguarded));
                }
                return Ok(Call { request, arguments, guard: None });
            }
            Err(refused) => return Err(rejection::refuse(&idempotency, &refused)),
        };
        let body = match request::buffer(&request, payload).await {
            Ok(body) => body,
            Err(BodyError::TooLarge) => {
                return Err(rejection::refuse(&idempotency, &Rejection::BodyTooLarge));
            }
            Err(BodyError::Broken(response)) => return Err(response),
        };
        builder.request(&request::parts(&request, &body.bytes));
        let (arguments, slot) = extract(&request, body.payload).await?;
        Ok(Call { request, arguments, guard: Some(Guard { idempotency, builder, slot }) })
    }
}

/// All arguments, and the slot of a transaction that one of them wants.
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
    let lines = request::lines(request, idempotency.header());
    idempotency.call_for(policy, request.method().as_str(), lines)
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
    builder: CallBuilder,
    /// Through which the handler gets a transaction, if it takes one.
    slot: Option<TransactionSlot>,
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
            guard.builder.key(key);
        }
        self
    }

    /// The request is compared by an expression of the attribute.
    #[must_use]
    pub fn with_fingerprint(
        mut self,
        material: Result<FingerprintInput, serde_json::Error>,
    ) -> Self {
        if let Some(guard) = &mut self.guard {
            guard.builder.fingerprint(material);
        }
        self
    }
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
        let asked = request.clone();
        let handle = move || {
            let respond =
                move |answer: Fut::Output| answer.respond_to(&request).map_into_boxed_body();
            handler(arguments).map(respond)
        };
        match guard {
            None => Either::Left(handle().map(response::unmarked)),
            Some(guard) => Either::Right(guard.run(scope, &asked, handle)),
        }
    }
}

impl Guard {
    fn run<H, Fut>(
        self,
        scope: Scope,
        request: &HttpRequest,
        handle: H,
    ) -> impl Future<Output = HttpResponse> + use<H, Fut>
    where
        H: FnOnce() -> Fut + 'static,
        Fut: Future<Output = HttpResponse> + 'static,
    {
        let Self { idempotency, builder, slot } = self;
        let operation = [request.method().as_str(), &request::pattern(request)];
        let call = match builder.finish(scope, &operation) {
            Ok(call) => call.in_transaction(slot),
            Err(refused) => return Either::Left(ready(rejection::refuse(&idempotency, &refused))),
        };
        let max_response = idempotency.max_response();
        let execute =
            move |_claim| handle().then(move |response| response::record(response, max_response));
        let served = idempotency.run_local(call, execute, || http::panicked(response::from_answer));
        Either::Right(served.map(move |served| match served {
            Ok(Served::Executed(response)) => response,
            Ok(Served::Replayed(answer)) => response::replay(answer),
            Err(refused) => rejection::into_response(&idempotency, &refused),
        }))
    }
}
