//! The service around the one that is guarded.

use std::fmt;
use std::mem::replace;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use idem_core::http::{
    CallBuilder, Executed, RequestOperation, ResponseRules, Scope, is_grpc, panicked,
};
use idem_core::{Refusal, Rejection};
use tower_service::Service;

use crate::body::GuardedBody;
use crate::call::{GuardedRun, Pending};
use crate::layer::GuardLayer;
use crate::operation::{Framework, OperationSource};
use crate::request::{self, BodyError, BoxError};
use crate::response;
use crate::scope::ScopeSource;

/// The mark that a layer leaves in the extensions of a request, so that no second guard is inside it.
#[derive(Clone, Copy, Debug)]
pub struct GuardedByLayer;

/// The service that a [`GuardLayer`] makes of `I`.
pub struct IdempotencyService<I, F, S, O> {
    pub(crate) inner: I,
    pub(crate) layer: GuardLayer<F, S, O>,
}

impl<I: Clone, F, S: Clone, O: Clone> Clone for IdempotencyService<I, F, S, O> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<I: fmt::Debug, F, S: fmt::Debug, O: fmt::Debug> fmt::Debug for IdempotencyService<I, F, S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdempotencyService")
            .field("inner", &self.inner)
            .field("layer", &self.layer)
            .finish()
    }
}

/// The inner service is [`Clone`], because it is called after the body has arrived, in a run that can outlive the request.
/// Bodies are [`Unpin`], because they are read in place; a body that is not needs a box, such as
/// [`BoxBody`](http_body_util::combinators::BoxBody).
impl<I, F, S, O, B, R> Service<Request<B>> for IdempotencyService<I, F, S, O>
where
    I: Service<Request<GuardedBody<B>>, Response = Response<R>> + Clone + Send + 'static,
    I::Future: Send + 'static,
    I::Error: Send + 'static,
    F: Framework,
    S: ScopeSource,
    O: OperationSource<F>,
    B: Body<Data = Bytes, Error: Into<BoxError> + Send> + Send + Unpin + 'static,
    R: Body<Data = Bytes, Error: Send> + Send + Unpin + 'static,
{
    type Response = Response<GuardedBody<R>>;
    type Error = I::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, I::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), I::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that is ready is the one that must be called.
        let next = self.inner.clone();
        let ready = replace(&mut self.inner, next);
        Box::pin(serve(self.layer.clone(), ready, request))
    }
}

/// The reply of a guarded service.
type Reply<R, E> = Result<Response<GuardedBody<R>>, E>;

/// A request that is guarded, before its body has arrived.
struct Admission {
    builder: CallBuilder,
    scope: Scope,
}

async fn serve<I, F, S, O, B, R>(
    layer: GuardLayer<F, S, O>,
    mut inner: I,
    request: Request<B>,
) -> Result<Response<GuardedBody<R>>, I::Error>
where
    I: Service<Request<GuardedBody<B>>, Response = Response<R>> + Send + 'static,
    I::Future: Send + 'static,
    I::Error: Send + 'static,
    F: Framework,
    S: ScopeSource,
    O: OperationSource<F>,
    B: Body<Data = Bytes, Error: Into<BoxError> + Send> + Send + Unpin + 'static,
    R: Body<Data = Bytes, Error: Send> + Send + Unpin + 'static,
{
    let (mut head, body) = request.into_parts();
    let admission = match layer.admit(&mut head) {
        Ok(Some(admission)) => admission,
        Ok(None) => {
            let passing = Request::from_parts(head, GuardedBody::untouched(body));
            let response = inner.call(passing).await?;
            let rules = layer.idempotency.response_rules();
            return Ok(response::unmarked(response, rules).map(GuardedBody::untouched));
        }
        Err(refused) => return Ok(refused),
    };
    if request::waits_with_more(&head.headers, &body, layer.max_body) {
        return Ok(layer.refuse(&head, Rejection::BodyTooLarge));
    }
    let (body, trailers) = match request::buffer(body, layer.max_body).await {
        Ok(buffered) => buffered,
        Err(error) => return Ok(layer.refuse_body(&head, &error)),
    };
    let pending = match layer.pending(admission, &head, &body) {
        Ok(pending) => pending,
        Err(refused) => return Ok(refused),
    };
    let run = match pending.start::<GuardedRun, _>().await {
        Ok(run) => run,
        Err(response) => return Ok(response),
    };
    let guarded = Request::from_parts(head, GuardedBody::whole(body, trailers));
    execute(run, layer.idempotency.response_rules().clone(), inner, guarded).await
}

/// Runs the inner service, and stores its response. An error of the service is the reply to its own caller.
fn execute<I, B, R>(
    run: GuardedRun,
    rules: ResponseRules,
    mut inner: I,
    request: Request<GuardedBody<B>>,
) -> impl Future<Output = Reply<R, I::Error>>
where
    I: Service<Request<GuardedBody<B>>, Response = Response<R>> + Send + 'static,
    I::Future: Send + 'static,
    I::Error: Send + 'static,
    B: Body<Error: Send> + Send + 'static,
    R: Body<Data = Bytes, Error: Send> + Send + Unpin + 'static,
{
    let handling = async move {
        match inner.call(request).await {
            Ok(response) => {
                let Executed { reply, outcome, completion, .. } =
                    response::record(response, &rules, |body| body).await;
                Executed::new(Ok(reply), outcome, completion)
            }
            // It may have had an effect, like a panic. This caller gets the error itself.
            Err(error) => panicked(|_| Err(error)),
        }
    };
    let on_panic = || panicked(|stored| Ok(response::from_stored(stored)));
    run.finish(handling, on_panic, |reply, echo| match reply {
        Ok(Ok(response)) | Err(response) => Ok(response::echoed(response, echo)),
        Ok(Err(error)) => Err(error),
    })
}

impl<F: Framework, S: ScopeSource, O: OperationSource<F>> GuardLayer<F, S, O> {
    /// Marks the request, and reads its key and scope. `None` if it bypasses the guard.
    ///
    /// # Errors
    /// The response to a request that is refused.
    fn admit<B: From<Bytes>>(&self, head: &mut Parts) -> Result<Option<Admission>, Response<B>> {
        let outer = head.extensions.insert(GuardedByLayer);
        self.guard(head, outer).map_err(|rejection| self.refuse(head, rejection))
    }

    fn guard(
        &self,
        head: &Parts,
        outer: Option<GuardedByLayer>,
    ) -> Result<Option<Admission>, Rejection> {
        if outer.is_some() {
            return Err(Rejection::GuardedTwice);
        }
        let lines = |name: &str| request::lines(&head.headers, name);
        let named = || self.reported(head).words(|words| words.join(" "));
        let builder = self.idempotency.call_for(self.policy, head.method.as_str(), lines, named);
        if matches!(builder, Ok(None)) {
            return Ok(None);
        }
        if is_grpc(request::content_type(&head.headers)) {
            return Err(Rejection::Grpc);
        }
        if self.operation_of(head).is_none() {
            return Err(Rejection::OperationMissing);
        }
        let Some(builder) = builder? else { return Ok(None) };
        Ok(Some(Admission { builder, scope: self.scope.scope(head)? }))
    }

    /// Makes the call of a request whose body has arrived.
    ///
    /// # Errors
    /// The response to a request that is refused.
    fn pending<B: From<Bytes>>(
        &self,
        admission: Admission,
        head: &Parts,
        body: &[u8],
    ) -> Result<Pending, Response<B>> {
        let Admission { mut builder, scope } = admission;
        builder.request(&request::parts(&head.method, F::uri(head), &head.headers, body));
        let echo = request::echo(&head.headers, &self.idempotency);
        match self.reported(head).words(|words| builder.finish(scope, words)) {
            Ok(call) => Ok(Pending { idempotency: self.idempotency.clone(), call, echo }),
            Err(refusal) => Err(response::echoed(self.refuse(head, refusal), echo)),
        }
    }

    fn operation_of<'a>(&self, head: &'a Parts) -> Option<RequestOperation<'a>> {
        RequestOperation::of_policy(self.policy).or_else(|| self.operation.operation(head))
    }

    /// The operation of a request. If it has none, which is refused, its path is reported.
    fn reported<'a>(&self, head: &'a Parts) -> RequestOperation<'a> {
        let operation = self.operation_of(head);
        operation
            .unwrap_or_else(|| RequestOperation::route(head.method.as_str(), F::uri(head).path()))
    }

    fn refuse<B: From<Bytes>>(&self, head: &Parts, refusal: impl Into<Refusal>) -> Response<B> {
        let refusal = refusal.into();
        let operation = self.reported(head);
        operation.words(|words| response::refuse(&self.idempotency, self.policy, words, &refusal))
    }

    fn refuse_body<B: From<Bytes>>(&self, head: &Parts, error: &BodyError) -> Response<B> {
        match error {
            BodyError::TooLarge => self.refuse(head, Rejection::BodyTooLarge),
            BodyError::Broken => response::unreadable_body(),
        }
    }
}
