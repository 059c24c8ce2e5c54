//! Extension methods for the request builder of `reqwest-middleware`.

use std::future::Future;
use std::mem;

use reqwest_middleware::{Error, RequestBuilder};

use crate::config::DEFAULT_HEADER;
use crate::failure::{Failure, NotSent};
use crate::key::IdempotencyKey;
use crate::key_store::KeyStore;
use crate::middleware::{KeyHeader, RequireKey};
use crate::reply::Reply;
use crate::report::Progress;

/// Extension methods of this crate for the [`RequestBuilder`] of `reqwest-middleware`.
pub trait IdempotentRequest: Sized {
    /// Adds this key to the request.
    #[must_use]
    fn idempotency_key(self, key: &IdempotencyKey) -> Self;

    /// Adds the key that `keys` holds for `operation` to the request. This is the key of an earlier try, also
    /// of one before a crash, or a new key that is stored before anything is sent.
    ///
    /// # Errors
    /// If the key could not be read or stored. The request must not be sent in that case.
    fn idempotency_key_from<K: KeyStore>(
        self,
        keys: &K,
        operation: &str,
    ) -> impl Future<Output = Result<Self, K::Error>> + Send;

    /// Sends the request until there is a final reply, and returns whether it is fresh or replayed. A request
    /// without a key gets a random one.
    ///
    /// # Cancel safety
    /// When this future is dropped, no further attempt is made. An attempt that was sent may still be carried
    /// out, so continue with the same key. This is only possible with a key that the caller supplied: a
    /// random key is lost with the future.
    ///
    /// # Errors
    /// [`Failure`] has a variant for each way to end without a final reply. An error status alone is not a
    /// failure, unless it leaves open whether the operation was carried out: see [`Failure::Indeterminate`].
    fn send_idempotent(self) -> impl Future<Output = Result<Reply, Failure>> + Send;
}

impl IdempotentRequest for RequestBuilder {
    fn idempotency_key(mut self, key: &IdempotencyKey) -> Self {
        let configured = self.extensions().get::<KeyHeader>();
        let header = configured.map_or(DEFAULT_HEADER, |KeyHeader(name)| name.clone());
        self.header(header, key)
    }

    async fn idempotency_key_from<K: KeyStore>(
        self,
        keys: &K,
        operation: &str,
    ) -> Result<Self, K::Error> {
        Ok(self.idempotency_key(&keys.key_of(operation).await?))
    }

    async fn send_idempotent(mut self) -> Result<Reply, Failure> {
        let mut extensions = mem::take(self.extensions());
        let (client, request) = self.build_split();
        if extensions.get::<KeyHeader>().is_none() {
            return Err(Failure::NotSent(NotSent::NoMiddleware));
        }
        let request = request.map_err(|error| Failure::NotSent(NotSent::Request(error)))?;
        let url = request.url().clone();
        let progress = Progress::default();
        extensions.insert(RequireKey);
        extensions.insert(progress.clone());
        let result = client.execute_with_extensions(request, &mut extensions).await;
        match (progress.report(), result) {
            // A builder error with another URL comes from a redirect, so the request was sent.
            (_, Err(Error::Reqwest(error))) if error.is_builder() && error.url() == Some(&url) => {
                Err(Failure::NotSent(NotSent::Request(error)))
            }
            (Some(report), result) => report.into_result(result),
            // Other middleware replied before this one was called.
            (None, Ok(response)) => Ok(Reply::Fresh(response)),
            (None, Err(error)) => Err(failure_before_attempts(error)),
        }
    }
}

fn failure_before_attempts(error: Error) -> Failure {
    match error {
        Error::Middleware(error) => error
            .downcast()
            .map_or_else(|error| Failure::Outside(Error::Middleware(error)), Failure::NotSent),
        error @ Error::Reqwest(_) => Failure::Outside(error),
    }
}
