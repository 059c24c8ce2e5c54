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
use crate::report::{Progress, Report};
use crate::retry_after::retry_after;
use crate::verdict::{Cause, Verdict};

pub(crate) struct Operation<'a> {
    config: &'a IdempotencyMiddleware,
    progress: Progress,
    report: Report,
    pauses: Pauses,
    /// `None` where it is too far away to be a point in time.
    deadline: Option<Instant>,
    failures: u32,
    server_errors: u32,
    /// Whether the last answer said so; an attempt without an answer says nothing else.
    is_in_progress: bool,
}

/// What follows an attempt.
#[derive(Clone, Copy)]
enum Step {
    /// Another one, after this pause.
    Again(Duration),
    /// Nothing: it was final.
    Final,
    /// Nothing, although another one would make sense.
    Stopped(Limit),
}

impl Step {
    const fn limit(self) -> Option<Limit> {
        match self {
            Self::Stopped(limit) => Some(limit),
            Self::Again(_) | Self::Final => None,
        }
    }
}

impl<'a> Operation<'a> {
    /// `progress` is that of the request: one that was sent before goes on where it stood.
    pub(crate) fn new(
        config: &'a IdempotencyMiddleware,
        key: IdempotencyKey,
        progress: Progress,
    ) -> Self {
        let earlier = progress.report().filter(|report| report.key == key);
        Self {
            config,
            progress,
            report: earlier.unwrap_or_else(|| Report::new(key)),
            pauses: Pauses::new(&config.policy),
            deadline: Instant::now().checked_add(config.policy.deadline),
            failures: 0,
            server_errors: 0,
            is_in_progress: false,
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
            let step = self.step(verdict, &result);
            self.tell(step, verdict, &result);
            let Step::Again(pause) = step else {
                *extensions = own;
                return result;
            };
            debug!(?pause, "trying again after a pause");
            sleep(pause).await;
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
        self.report.attempts += 1;
        self.progress.tell(self.report.under_way());
        let time = self.config.policy.attempt_timeout.min(self.left());
        let max_answer = self.config.max_answer;
        let number = self.report.attempts;
        let (mut result, verdict) =
            attempt(number, request, extensions, next, time, max_answer).await;
        if let Ok(response) = &mut result {
            self.config.hide_key(response);
        }
        Ok((result, verdict))
    }

    fn tell(&mut self, step: Step, verdict: Verdict, result: &Result<Response, Error>) {
        self.report.attempt_ended(verdict, result);
        self.report.limit = step.limit();
        if self.is_in_progress && self.report.limit.is_some() {
            self.report.verdict = Some(Verdict::Retry(Cause::InProgress));
        }
        self.progress.tell(self.report.clone());
    }

    /// How much time is left.
    fn left(&self) -> Duration {
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        self.deadline.map_or(Duration::MAX, left)
    }

    fn step(&mut self, verdict: Verdict, result: &Result<Response, Error>) -> Step {
        let Verdict::Retry(cause) = verdict else { return Step::Final };
        self.count(cause, result.is_ok());
        if self.failures >= self.config.policy.attempts.max(1) || self.server_errors > 1 {
            return Step::Stopped(Limit::Attempts);
        }
        let headers = result.as_ref().ok().map(Response::headers);
        let asked = headers.and_then(|headers| retry_after(headers, SystemTime::now()));
        let pause = self.pauses.next(asked);
        if pause >= self.left() {
            return Step::Stopped(Limit::Deadline);
        }
        if !self.config.budget.take_one() {
            return Step::Stopped(Limit::Budget);
        }
        Step::Again(pause)
    }

    /// Waiting for an attempt that still runs is no failure of one.
    fn count(&mut self, cause: Cause, is_answer: bool) {
        let is_in_progress = cause == Cause::InProgress;
        self.failures += u32::from(!is_in_progress);
        self.server_errors += u32::from(cause == Cause::ServerError);
        if is_answer {
            self.is_in_progress = is_in_progress;
        }
    }
}
