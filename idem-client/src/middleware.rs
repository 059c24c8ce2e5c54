//! What is attached to a client.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use http::Extensions;
use http::header::{Entry, HeaderName, HeaderValue};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Error, Extension, Middleware, Next};

use crate::answer::NotSent;
use crate::budget::RetryBudget;
use crate::key::{IdempotencyKey, KeyError};
use crate::operation::Operation;
use crate::policy::RetryPolicy;
use crate::report::Progress;

/// The header that carries the key, unless a service has a name of its own for it (R7).
pub(crate) const DEFAULT_HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// Retries requests that carry an idempotency key, as long as the [rules](crate#the-rules) allow; requests
/// without a key pass through it once, untouched.
///
/// Attach it last, so that other middleware sees one operation, or first of those that should see every
/// attempt. Attach one only: two would multiply attempts.
///
/// ```
/// use idem_client::{IdempotencyMiddleware, RetryPolicy};
///
/// // The key is for the service that was asked, not for where it points.
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
    pub(crate) policy: RetryPolicy,
    pub(crate) budget: RetryBudget,
    pub(crate) max_answer: usize,
    header: HeaderName,
    make_key: Arc<MakeKey>,
}

type MakeKey = dyn Fn(&Request) -> Option<IdempotencyKey> + Send + Sync;

impl IdempotencyMiddleware {
    /// The defaults that each method names.
    pub fn new() -> Self {
        Self {
            policy: RetryPolicy::new(),
            budget: RetryBudget::default(),
            max_answer: 1024 * 1024,
            header: DEFAULT_HEADER,
            make_key: Arc::new(|_| None),
        }
    }

    /// How often and how long to try.
    pub fn policy(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// What retries may cost. Default: a budget of this middleware's own.
    pub fn budget(mut self, budget: RetryBudget) -> Self {
        self.budget = budget;
        self
    }

    /// The header that the service reads the key from. Default `Idempotency-Key`.
    pub fn header(mut self, header: HeaderName) -> Self {
        self.header = header;
        self
    }

    /// Keys requests that have no key of their own; `None` leaves one unkeyed. Each call of `send` is then
    /// an operation of its own: sending again after it failed is another one, with another key. So is each
    /// call of `execute_with_extensions`, if it gets extensions of its own: a key is kept among them, for
    /// middleware that sends a request again. Default: none is keyed.
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

    /// The longest answer, in bytes, that is read within its attempt. Default 1 MiB. Of a longer one the
    /// rest is read by the caller, and a connection lost meanwhile is not retried.
    pub const fn max_answer(mut self, bytes: usize) -> Self {
        self.max_answer = bytes;
        self
    }

    /// Adds this to a client under construction.
    pub fn attach(self, client: ClientBuilder) -> ClientBuilder {
        client.with_init(Extension(Attached { header: self.header.clone() })).with(self)
    }

    /// The request's key, which it then carries; `None` for a request that is not to be keyed. `known` is
    /// what an earlier pass of the same request made: another key would be another operation.
    fn key(
        &self,
        request: &mut Request,
        is_wanted: bool,
        known: Option<IdempotencyKey>,
    ) -> Result<Option<IdempotencyKey>, NotSent> {
        let mut lines = request.headers().get_all(&self.header).iter();
        let key = match (lines.next(), lines.next()) {
            (Some(line), None) => Some(parse(line)?),
            (Some(_), Some(_)) => return Err(NotSent::SeveralKeys),
            (None, _) => {
                let made = (self.make_key)(request);
                let made = made.or_else(|| is_wanted.then(IdempotencyKey::random));
                made.map(|made| known.unwrap_or(made))
            }
        };
        // One that was there too: what is sent now and what goes on with it later must be the same bytes.
        if let Some(key) = &key {
            request.headers_mut().insert(self.header.clone(), key.into());
        }
        Ok(key)
    }

    /// Some services name the key in their answers, which their clients print.
    pub(crate) fn hide_key(&self, response: &mut Response) {
        if let Entry::Occupied(mut lines) = response.headers_mut().entry(&self.header) {
            lines.iter_mut().for_each(|line| line.set_sensitive(true));
        }
    }
}

impl fmt::Debug for IdempotencyMiddleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdempotencyMiddleware")
            .field("policy", &self.policy)
            .field("budget", &self.budget)
            .field("max_answer", &self.max_answer)
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

fn parse(line: &HeaderValue) -> Result<IdempotencyKey, KeyError> {
    IdempotencyKey::from_header(line.to_str().map_err(|_| KeyError::Character)?)
}

/// Tells a request builder that its client retries, and where keys go.
#[derive(Clone)]
pub(crate) struct Attached {
    pub(crate) header: HeaderName,
}

/// On a request that is to get a random key if nothing else gives it one.
#[derive(Clone)]
pub(crate) struct WantsKey;

#[async_trait]
impl Middleware for IdempotencyMiddleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response, Error> {
        let is_wanted = extensions.get::<WantsKey>().is_some();
        let progress = Progress::of(extensions);
        let known = progress.report().map(|report| report.key);
        match self.key(&mut request, is_wanted, known).map_err(Error::middleware)? {
            Some(key) => Operation::new(self, key, progress).run(&request, extensions, next).await,
            None => next.run(request, extensions).await,
        }
    }
}

impl Default for IdempotencyMiddleware {
    fn default() -> Self {
        Self::new()
    }
}
