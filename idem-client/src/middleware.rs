//! The middleware, which users attach to a client.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use http::Extensions;
use http::header::{HeaderName, HeaderValue};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Error, Extension, Middleware, Next};

use crate::budget::RetryBudget;
use crate::config::Config;
use crate::failure::NotSent;
use crate::key::{IdempotencyKey, KeyError};
use crate::operation::Operation;
use crate::policy::RetryPolicy;
use crate::report::Progress;

/// Middleware that retries requests with an idempotency key, within the [rules](crate#when-it-retries).
/// Requests without a key are sent once, unchanged.
///
/// Attach it last, so that other middleware sees one operation. Middleware that must see every attempt is
/// attached after it. Attach it only once: two would multiply the attempts.
///
/// ```
/// use idem_client::{IdempotencyMiddleware, RetryPolicy};
///
/// // Do not follow redirects: they would send the key to another service.
/// let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
/// let client = IdempotencyMiddleware::new()
///     .policy(RetryPolicy::new().attempts(3))
///     .attach(reqwest_middleware::ClientBuilder::new(http))
///     .build();
/// # Ok::<(), reqwest::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct IdempotencyMiddleware {
    config: Config,
    make_key: Arc<MakeKey>,
}

type MakeKey = dyn Fn(&Request) -> Option<IdempotencyKey> + Send + Sync;

impl IdempotencyMiddleware {
    /// Creates middleware with the default settings, which are documented at each method.
    pub fn new() -> Self {
        Self { config: Config::default(), make_key: Arc::new(|_| None) }
    }

    /// Sets the number, the timing and the duration of attempts. Default: [`RetryPolicy::new`].
    pub fn policy(mut self, policy: RetryPolicy) -> Self {
        self.config.policy = policy;
        self
    }

    /// Sets the budget for retries. Default: [`RetryBudget::default`], not shared with other middleware.
    pub fn budget(mut self, budget: RetryBudget) -> Self {
        self.config.budget = budget;
        self
    }

    /// Sets the header from which the service reads the key. Default `Idempotency-Key`.
    pub fn header(mut self, header: HeaderName) -> Self {
        self.config.header = header;
        self
    }

    /// Sets a function that makes keys for requests without one. If it returns `None`, the request stays
    /// without a key. Default: no such request gets a key.
    ///
    /// Each call of `send` is a separate operation: a second call after a failure gets another key. The same
    /// holds for each call of `execute_with_extensions` with new extensions. The key is stored among the
    /// extensions, for middleware that sends a request again.
    ///
    /// ```
    /// # use idem_client::{IdempotencyKey, IdempotencyMiddleware};
    /// # use reqwest::Method;
    /// IdempotencyMiddleware::new()
    ///     .key_unkeyed(|request| (request.method() == Method::POST).then(IdempotencyKey::random));
    /// ```
    pub fn key_unkeyed(
        mut self,
        make_key: impl Fn(&Request) -> Option<IdempotencyKey> + Send + Sync + 'static,
    ) -> Self {
        self.make_key = Arc::new(make_key);
        self
    }

    /// Sets the maximum size, in bytes, of a response body that is read within its attempt. Default 1 MiB.
    /// The caller reads the rest of a longer body, and a connection that is lost meanwhile is not retried.
    pub const fn max_response(mut self, bytes: usize) -> Self {
        self.config.max_response = bytes;
        self
    }

    /// Adds this middleware to a client builder.
    pub fn attach(self, client: ClientBuilder) -> ClientBuilder {
        client.with_init(Extension(KeyHeader(self.config.header.clone()))).with(self)
    }

    /// Determines the key of the request and writes it to the header; `None` if the request gets no key.
    /// `known` is the key of an earlier pass of the same request: another key would start another operation.
    fn key(
        &self,
        request: &mut Request,
        is_required: bool,
        known: Option<IdempotencyKey>,
    ) -> Result<Option<IdempotencyKey>, NotSent> {
        let header = &self.config.header;
        let mut lines = request.headers().get_all(header).iter();
        let key = match (lines.next(), lines.next()) {
            (Some(line), None) => Some(parse(line)?),
            (Some(_), Some(_)) => return Err(NotSent::SeveralKeys),
            (None, _) => {
                let made = (self.make_key)(request);
                let made = made.or_else(|| is_required.then(IdempotencyKey::random));
                made.map(|made| known.unwrap_or(made))
            }
        };
        // Rewrite a supplied key too: a later request with the key from the failure must send the same bytes.
        if let Some(key) = &key {
            request.headers_mut().insert(header.clone(), key.into());
        }
        Ok(key)
    }
}

impl fmt::Debug for IdempotencyMiddleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdempotencyMiddleware")
            .field("policy", &self.config.policy)
            .field("budget", &self.config.budget)
            .field("max_response", &self.config.max_response)
            .field("header", &self.config.header)
            .finish_non_exhaustive()
    }
}

fn parse(line: &HeaderValue) -> Result<IdempotencyKey, KeyError> {
    IdempotencyKey::from_header(line.to_str().map_err(|_| KeyError::Character)?)
}

/// An extension of every request of a client with this middleware: the name of the key header.
#[derive(Clone)]
pub(crate) struct KeyHeader(pub(crate) HeaderName);

/// An extension of a request that must get a random key if it has no other.
#[derive(Clone)]
pub(crate) struct RequireKey;

#[async_trait]
impl Middleware for IdempotencyMiddleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response, Error> {
        let is_required = extensions.get::<RequireKey>().is_some();
        let progress = Progress::of(extensions);
        let known = progress.report().map(|report| report.key);
        match self.key(&mut request, is_required, known).map_err(Error::middleware)? {
            Some(key) => {
                Operation::new(&self.config, key, progress).run(&request, extensions, next).await
            }
            None => next.run(request, extensions).await,
        }
    }
}

impl Default for IdempotencyMiddleware {
    fn default() -> Self {
        Self::new()
    }
}
