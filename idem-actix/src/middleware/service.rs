//! The service around the routes that are guarded.

use std::fmt;
use std::pin::Pin;
use std::rc::Rc;

use actix_service::{Service, forward_ready};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::{Error, HttpMessage, HttpResponse};
use idem_core::http::{
    CallBuilder, Executed, RequestOperation, ResponseRules, Scope, is_grpc, panicked,
};
use idem_core::{Refusal, Rejection};

use super::IdempotencyMiddleware;
use super::source::{OperationSource, ScopeSource};
use crate::body::{FromBytes, GuardedBody};
use crate::request::{self, BodyError};
use crate::run::{GuardedRun, Pending};
use crate::{rejection, response};

/// The mark that a middleware leaves in the extensions of a request, so that no second guard is inside it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GuardedByMiddleware;

/// The service that an [`IdempotencyMiddleware`] makes of `I`.
pub struct GuardedService<I, S, O> {
    pub(super) inner: Rc<I>,
    pub(super) middleware: IdempotencyMiddleware<S, O>,
}

impl<I, S: fmt::Debug, O: fmt::Debug> fmt::Debug for GuardedService<I, S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedService")
            .field("middleware", &self.middleware)
            .finish_non_exhaustive()
    }
}

type Reply<B> = Result<ServiceResponse<GuardedBody<B>>, Error>;

impl<I, S, O, B> Service<ServiceRequest> for GuardedService<I, S, O>
where
    S: ScopeSource,
    O: OperationSource,
    I: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    I::Future: 'static,
    B: MessageBody + Unpin + 'static,
{
    type Response = ServiceResponse<GuardedBody<B>>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Reply<B>>>>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        Box::pin(serve(self.middleware.clone(), Rc::clone(&self.inner), request))
    }
}

/// A request that is guarded, before its body has arrived.
struct Admission {
    builder: CallBuilder,
    scope: Scope,
}

async fn serve<I, S, O, B>(
    middleware: IdempotencyMiddleware<S, O>,
    inner: Rc<I>,
    mut request: ServiceRequest,
) -> Reply<B>
where
    S: ScopeSource,
    O: OperationSource,
    I: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    I::Future: 'static,
    B: MessageBody + Unpin + 'static,
{
    let rules = middleware.idempotency.response_rules().clone();
    let admission = match middleware.admit(&request) {
        Ok(Some(admission)) => admission,
        Ok(None) => {
            let (request, response) = inner.call(request).await?.into_parts();
            let response = response::unmarked(response, &rules);
            let response = response.map_body(|_, body| GuardedBody::untouched(body));
            return Ok(ServiceResponse::new(request, response));
        }
        Err(refused) => return Ok(request.into_response(refused)),
    };
    let payload = request.take_payload();
    let body = match request::buffer(request.request(), payload, middleware.max_body).await {
        Ok(body) => body,
        Err(BodyError::TooLarge) => {
            let refused = middleware.refuse(&request, Rejection::BodyTooLarge);
            return Ok(request.into_response(refused));
        }
        Err(BodyError::Broken(error)) => return Err(error),
    };
    request.set_payload(body.payload);
    let pending = match middleware.pending(admission, &request, &body.bytes) {
        Ok(pending) => pending,
        Err(refused) => return Ok(request.into_response(refused)),
    };
    match pending.start::<GuardedRun, _>().await {
        Ok(run) => execute(run, rules, inner, request).await,
        Err(response) => Ok(request.into_response(response)),
    }
}

/// Runs the inner service, and stores its response.
///
/// No clone of the request is kept: actix-web routes only a request that has no other owner.
async fn execute<I, B>(
    run: GuardedRun,
    rules: ResponseRules,
    inner: Rc<I>,
    request: ServiceRequest,
) -> Reply<B>
where
    I: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    I::Future: 'static,
    B: MessageBody + Unpin + 'static,
{
    let handling = async move {
        match inner.call(request).await {
            Ok(response) => {
                let (request, response) = response.into_parts();
                let recorded = response::record(response, &rules, |body| body).await;
                map(recorded, |response| Ok(ServiceResponse::new(request, response)))
            }
            Err(error) => {
                let response = error.error_response();
                let recorded = response::record(response, &rules, GuardedBody::into_box).await;
                map(recorded, |response| Err(InternalError::from_response(error, response).into()))
            }
        }
    };
    let on_panic = || panicked(|stored| Err(as_error(response::from_stored(stored))));
    let ended = run.finish::<Reply<B>, BoxBody, _>(handling, on_panic, |reply, echo| match reply {
        Ok(Ok(response)) => {
            let (request, response) = response.into_parts();
            Ok(ServiceResponse::new(request, response::echoed(response, echo)))
        }
        Ok(Err(error)) => Err(error),
        Err(response) => Err(as_error(response::echoed(response, echo))),
    });
    ended.await
}

fn map<T, R>(executed: Executed<T>, reply: impl FnOnce(T) -> R) -> Executed<R> {
    let Executed { reply: response, outcome, completion, .. } = executed;
    Executed::new(reply(response), outcome, completion)
}

/// Returns a response of idem as an error. A response needs its request, and the run has consumed that.
fn as_error(response: HttpResponse) -> Error {
    InternalError::from_response("the guarded run has no response of its handler", response).into()
}

impl<S: ScopeSource, O: OperationSource> IdempotencyMiddleware<S, O> {
    /// Marks the request, and reads its key and scope. `None` if it bypasses the guard.
    ///
    /// # Errors
    /// The response to a request that is refused.
    fn admit<R: FromBytes>(
        &self,
        request: &ServiceRequest,
    ) -> Result<Option<Admission>, HttpResponse<R>> {
        self.guard(request).map_err(|rejection| self.refuse(request, rejection))
    }

    fn guard(&self, request: &ServiceRequest) -> Result<Option<Admission>, Rejection> {
        if request.extensions_mut().insert(GuardedByMiddleware).is_some() {
            return Err(Rejection::GuardedTwice);
        }
        let method = request.method().as_str();
        let lines = |name: &str| request::lines(request.request(), name);
        let named = || self.reported(request).words(|words| words.join(" "));
        let builder = self.idempotency.call_for(self.policy, method, lines, named);
        if matches!(builder, Ok(None)) {
            return Ok(None);
        }
        if is_grpc(request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes)) {
            return Err(Rejection::Grpc);
        }
        if self.operation_of(request).is_none() {
            return Err(Rejection::OperationMissing);
        }
        let Some(builder) = builder? else { return Ok(None) };
        Ok(Some(Admission { builder, scope: self.scope.scope(request)? }))
    }

    /// Makes the call of a request whose body has arrived.
    ///
    /// # Errors
    /// The response to a request that is refused.
    fn pending<R: FromBytes>(
        &self,
        admission: Admission,
        request: &ServiceRequest,
        body: &[u8],
    ) -> Result<Pending, HttpResponse<R>> {
        let Admission { mut builder, scope } = admission;
        builder.request(&request::parts(request.request(), body));
        let echo = request::echo(request.request(), &self.idempotency);
        match self.reported(request).words(|words| builder.finish(scope, words)) {
            Ok(call) => Ok(Pending { idempotency: self.idempotency.clone(), call, echo }),
            Err(refusal) => Err(response::echoed(self.refuse(request, refusal), echo)),
        }
    }

    fn operation_of<'a>(&self, request: &'a ServiceRequest) -> Option<RequestOperation<'a>> {
        RequestOperation::of_policy(self.policy).or_else(|| self.operation.operation(request))
    }

    /// The operation of a request. If it has none, which is refused, its path is reported.
    fn reported<'a>(&self, request: &'a ServiceRequest) -> RequestOperation<'a> {
        let operation = self.operation_of(request);
        operation
            .unwrap_or_else(|| RequestOperation::route(request.method().as_str(), request.path()))
    }

    fn refuse<R: FromBytes>(
        &self,
        request: &ServiceRequest,
        refusal: impl Into<Refusal>,
    ) -> HttpResponse<R> {
        let refusal = refusal.into();
        self.reported(request).words(|words| {
            rejection::refuse_operation(&self.idempotency, self.policy, words, &refusal)
        })
    }
}
