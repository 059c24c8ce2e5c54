//! One operation: attempts until an answer is final, or nothing allows another.

use std::time::{Duration, SystemTime};

use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Next};
use tokio::time::{Instant, sleep};
use tracing::debug;

use crate::answer::{Limit, NotSent};
use crate::attempt::attempt;
use crate::key::IdempotencyKey;
use crate::middleware::IdempotencyMiddleware;
use crate::pause::Pauses;
use crate::retry_after::retry_after;
use crate::verdict::{Cause, Verdict};

pub(crate) struct Operation<'a> {
    config: &'a IdempotencyMiddleware,
    key: IdempotencyKey,
    pauses: Pauses,
    /// `None` where it is too far away to be a point in time.
    deadline: Option<Instant>,
    attempts: u32,
    failures: u32,
    server_errors: u32,
}

/// How an operation ended, left among the request's extensions for whoever wants to know.
#[derive(Clone)]
pub(crate) struct Report {
    pub(crate) key: IdempotencyKey,
    pub(crate) attempts: u32,
    pub(crate) verdict: Verdict,
    pub(crate) limit: Option<Limit>,
}

impl<'a> Operation<'a> {
    pub(crate) fn new(config: &'a IdempotencyMiddleware, key: IdempotencyKey) -> Self {
        Self {
            config,
            key,
            pauses: Pauses::new(&config.policy),
            deadline: Instant::now().checked_add(config.policy.deadline),
            attempts: 0,
            failures: 0,
            server_errors: 0,
        }
    }

    pub(crate) async fn run(
        mut self,
        request: &Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response, Error> {
        self.config.budget.pay_in();
        loop {
            // Each attempt begins with what the caller gave, not with what the one before left there.
            let mut own = extensions.clone();
            let (result, verdict) = self.attempt(request, &mut own, next.clone()).await?;
            let limit = match self.pause(verdict, &result) {
                Ok(Some(pause)) => {
                    debug!(?pause, "trying again after a pause");
                    sleep(pause).await;
                    continue;
                }
                Ok(None) => None,
                Err(limit) => Some(limit),
            };
            *extensions = own;
            let Self { key, attempts, .. } = self;
            extensions.insert(Report { key, attempts, verdict, limit });
            return result;
        }
    }

    /// Makes one attempt. Fails only if the body is a stream, which is found out before the first is sent.
    async fn attempt(
        &mut self,
        request: &Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<(Result<Response, Error>, Verdict), Error> {
        let request = request.try_clone().ok_or_else(|| Error::middleware(NotSent::Stream))?;
        self.attempts += 1;
        let time = self.config.policy.attempt_timeout.min(self.left());
        let max_answer = self.config.max_answer;
        Ok(attempt(self.attempts, request, extensions, next, time, max_answer).await)
    }

    /// How much time is left.
    fn left(&self) -> Duration {
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        self.deadline.map_or(Duration::MAX, left)
    }

    /// How long to wait before another attempt; `None` if the last one was final.
    fn pause(
        &mut self,
        verdict: Verdict,
        result: &Result<Response, Error>,
    ) -> Result<Option<Duration>, Limit> {
        let Verdict::Retry(cause) = verdict else { return Ok(None) };
        self.count(cause)?;
        let headers = result.as_ref().ok().map(Response::headers);
        let asked = headers.and_then(|headers| retry_after(headers, SystemTime::now()));
        let pause = self.pauses.next(asked);
        if pause >= self.left() {
            return Err(Limit::Deadline);
        }
        self.config.budget.take_one().then_some(Some(pause)).ok_or(Limit::Budget)
    }

    /// Waiting for an attempt that still runs is no failure of one.
    fn count(&mut self, cause: Cause) -> Result<(), Limit> {
        if cause == Cause::InProgress {
            return Ok(());
        }
        self.failures += 1;
        self.server_errors += u32::from(cause == Cause::ServerError);
        let spent = self.failures >= self.config.policy.attempts || self.server_errors > 1;
        if spent { Err(Limit::Attempts) } else { Ok(()) }
    }
}
