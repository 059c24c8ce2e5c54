//! Keys and typed answers, on the request builder that users already have.

use std::future::Future;
use std::mem;

use reqwest::Response;
use reqwest_middleware::{Error, RequestBuilder};

use crate::answer::{Answer, Failure, Last, NotSent, Stop};
use crate::key::IdempotencyKey;
use crate::key_store::KeyStore;
use crate::middleware::{Attached, DEFAULT_HEADER, WantsKey};
use crate::report::{Progress, Report};
use crate::verdict::{Cause, Verdict};

/// What this crate adds to the [`RequestBuilder`] of `reqwest-middleware`.
pub trait IdempotentRequest: Sized {
    /// Gives the request this key.
    #[must_use]
    fn idempotency_key(self, key: &IdempotencyKey) -> Self;

    /// Gives the request the key that `keys` holds for `operation`: the one of an earlier try, be it before
    /// a crash, or a new one, which is then kept before anything is sent.
    ///
    /// # Errors
    /// If the key could not be kept. Then nothing may be sent.
    fn idempotency_key_from<K: KeyStore>(
        self,
        keys: &K,
        operation: &str,
    ) -> impl Future<Output = Result<Self, K::Error>> + Send;

    /// Sends the request until there is a final answer, and says what kind of answer it is. A request
    /// without a key gets a random one.
    ///
    /// When this future is dropped no attempt follows; one that was sent may still be carried out, so go on
    /// with the same key. Only a key that you gave can be known then: a random one is gone with the future.
    ///
    /// # Errors
    /// [`Failure`] has a variant for each way to end without a final answer. A bad status alone is none,
    /// unless it leaves open whether the operation was carried out: see [`Failure::Unsettled`].
    fn send_idempotent(self) -> impl Future<Output = Result<Answer, Failure>> + Send;
}

impl IdempotentRequest for RequestBuilder {
    fn idempotency_key(mut self, key: &IdempotencyKey) -> Self {
        let attached = self.extensions().get::<Attached>();
        let header = attached.map_or(DEFAULT_HEADER, |attached| attached.header.clone());
        self.header(header, key)
    }

    async fn idempotency_key_from<K: KeyStore>(
        self,
        keys: &K,
        operation: &str,
    ) -> Result<Self, K::Error> {
        Ok(self.idempotency_key(&keys.key_of(operation).await?))
    }

    async fn send_idempotent(mut self) -> Result<Answer, Failure> {
        let mut extensions = mem::take(self.extensions());
        let (client, request) = self.build_split();
        if extensions.get::<Attached>().is_none() {
            return Err(Failure::NotSent(NotSent::NoMiddleware));
        }
        let request = request.map_err(|error| Failure::NotSent(NotSent::Request(error)))?;
        let url = request.url().clone();
        let progress = Progress::default();
        extensions.insert(WantsKey);
        extensions.insert(progress.clone());
        let result = client.execute_with_extensions(request, &mut extensions).await;
        match (progress.report(), result) {
            // Of another address it would be a redirect's, which is known only when something was sent.
            (_, Err(Error::Reqwest(error))) if error.is_builder() && error.url() == Some(&url) => {
                Err(Failure::NotSent(NotSent::Request(error)))
            }
            (Some(report), result) => report.sort(result),
            // Another middleware stood before ours and had an answer of its own.
            (None, Ok(response)) => Ok(Answer::Fresh(response)),
            (None, Err(error)) => Err(refusal(error)),
        }
    }
}

fn refusal(error: Error) -> Failure {
    match error {
        Error::Middleware(error) => error
            .downcast()
            .map_or_else(|error| Failure::Outside(Error::Middleware(error)), Failure::NotSent),
        error @ Error::Reqwest(_) => Failure::Outside(error),
    }
}

impl Report {
    fn sort(self, result: Result<Response, Error>) -> Result<Answer, Failure> {
        match (self.verdict, result) {
            (Some(Verdict::Fresh), Ok(response)) if self.is_settled_by(response.status()) => {
                Ok(Answer::Fresh(response))
            }
            (Some(Verdict::Replayed), Ok(response)) => Ok(Answer::Replayed(response)),
            (_, last) => Err(self.failure(last.into())),
        }
    }

    fn failure(self, last: Last) -> Failure {
        let Self { key, attempts, verdict, limit, .. } = self;
        let stop = Box::new(Stop { key, attempts, limit, last });
        match verdict {
            Some(Verdict::OutcomeUnknown) => Failure::OutcomeUnknown(stop),
            Some(Verdict::ResultUnavailable) => Failure::ResultUnavailable(stop),
            Some(Verdict::KeyReused) => Failure::KeyReused(stop),
            Some(Verdict::InProgress | Verdict::Retry(Cause::InProgress)) => {
                Failure::InProgress(stop)
            }
            Some(Verdict::Retry(Cause::ServerError | Cause::Transient)) => Failure::Exhausted(stop),
            Some(Verdict::Unretryable) => Failure::Unretryable(stop),
            Some(Verdict::Fresh | Verdict::Replayed) | None => Failure::Unsettled(stop),
        }
    }
}
