//! One operation: makes attempts until a response is final or a limit is reached.

use std::time::{Duration, SystemTime};

use http::Extensions;
use http::header::{Entry, HeaderName};
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Next};
use tokio::time::{Instant, sleep};
use tracing::debug;

use crate::attempt::attempt;
use crate::config::Config;
use crate::failure::{NotSent, RetryLimit};
use crate::key::IdempotencyKey;
use crate::pause::Pauses;
use crate::report::{Progress, Report};
use crate::retry_after::retry_after;
use crate::verdict::{Cause, Verdict};

pub(crate) struct Operation<'a> {
    config: &'a Config,
    progress: Progress,
    report: Report,
    pauses: Pauses,
    /// `None` if it is too far in the future for an `Instant`.
    deadline: Option<Instant>,
    failures: u32,
    server_errors: u32,
    /// The cause of the last response, if it reported that an earlier attempt is not settled. An attempt without a response
    /// does not change it.
    unsettled: Option<Cause>,
}

/// The next step after an attempt.
#[derive(Clone, Copy)]
enum Step {
    /// Another attempt, after this pause.
    Retry(Duration),
    /// None: the result is final.
    Final,
    /// None, although another attempt could help: a limit is reached.
    Stopped(RetryLimit),
}

impl Step {
    const fn limit(self) -> Option<RetryLimit> {
        match self {
            Self::Stopped(limit) => Some(limit),
            Self::Retry(_) | Self::Final => None,
        }
    }
}

impl<'a> Operation<'a> {
    /// Starts an operation. If `progress` holds a report with the same key, outer middleware sent the request
    /// before, and the operation continues from that report.
    pub(crate) fn new(config: &'a Config, key: IdempotencyKey, progress: Progress) -> Self {
        let earlier = progress.report().filter(|report| report.key == key);
        Self {
            config,
            progress,
            report: earlier.unwrap_or_else(|| Report::new(key)),
            pauses: Pauses::new(&config.policy),
            deadline: Instant::now().checked_add(config.policy.deadline),
            failures: 0,
            server_errors: 0,
            unsettled: None,
        }
    }

    pub(crate) async fn run(
        mut self,
        request: &Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response, Error> {
        self.config.budget.deposit();
        loop {
            // Each attempt starts with the caller's extensions, without changes by earlier attempts.
            let mut own = extensions.clone();
            let (result, verdict) = self.attempt(request, &mut own, next.clone()).await?;
            let step = self.step(verdict, &result);
            self.record(step, verdict, &result);
            let Step::Retry(pause) = step else {
                *extensions = own;
                return result;
            };
            debug!(?pause, "trying again after a pause");
            sleep(pause).await;
        }
    }

    /// Makes one attempt. Fails only if the body is a stream, which is detected before the first attempt.
    async fn attempt(
        &mut self,
        request: &Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<(Result<Response, Error>, Verdict), Error> {
        let request = request.try_clone().ok_or_else(|| Error::middleware(NotSent::Stream))?;
        self.report.attempts += 1;
        self.progress.update(self.report.during_attempt());
        let time = self.config.policy.attempt_timeout.min(self.time_left());
        let max_response = self.config.max_response;
        let number = self.report.attempts;
        let (mut result, verdict) =
            attempt(number, request, extensions, next, time, max_response).await;
        if let Ok(response) = &mut result {
            hide_key(response, &self.config.header);
        }
        Ok((result, verdict))
    }

    fn record(&mut self, step: Step, verdict: Verdict, result: &Result<Response, Error>) {
        self.report.attempt_ended(verdict, result);
        self.report.limit = step.limit();
        if let (Some(cause), Some(_)) = (self.unsettled, self.report.limit) {
            self.report.verdict = Some(Verdict::Retry(cause));
        }
        self.progress.update(self.report.clone());
    }

    fn time_left(&self) -> Duration {
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        self.deadline.map_or(Duration::MAX, left)
    }

    fn step(&mut self, verdict: Verdict, result: &Result<Response, Error>) -> Step {
        let Verdict::Retry(cause) = verdict else { return Step::Final };
        self.count(cause, result.is_ok());
        if self.failures >= self.config.policy.attempts.max(1) || self.server_errors > 1 {
            return Step::Stopped(RetryLimit::Attempts);
        }
        let headers = result.as_ref().ok().map(Response::headers);
        let requested = headers.and_then(|headers| retry_after(headers, SystemTime::now()));
        let pause = self.pauses.next(requested);
        if pause >= self.time_left() {
            return Step::Stopped(RetryLimit::Deadline);
        }
        if !self.config.budget.withdraw() {
            return Step::Stopped(RetryLimit::Budget);
        }
        Step::Retry(pause)
    }

    /// Counts a failed attempt.
    fn count(&mut self, cause: Cause, is_response: bool) {
        self.failures += u32::from(!cause.is_unsettled());
        self.server_errors += u32::from(cause == Cause::ServerError);
        if is_response {
            self.unsettled = Some(cause).filter(|cause| cause.is_unsettled());
        }
    }
}

/// Marks the key as sensitive in a response that repeats it, because clients print responses.
fn hide_key(response: &mut Response, header: &HeaderName) {
    if let Entry::Occupied(mut lines) = response.headers_mut().entry(header) {
        lines.iter_mut().for_each(|line| line.set_sensitive(true));
    }
}
