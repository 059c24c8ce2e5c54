//! The shared progress of one operation, readable by outer middleware and by `send_idempotent`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{Extensions, StatusCode};
use reqwest::Response;
use reqwest_middleware::Error;

use crate::failure::{Failure, GaveUp, LastAttempt, RetryLimit};
use crate::key::IdempotencyKey;
use crate::reply::Reply;
use crate::verdict::{Cause, Verdict};

/// The state of one operation.
#[derive(Clone)]
pub(crate) struct Report {
    pub(crate) key: IdempotencyKey,
    pub(crate) attempts: u32,
    /// The verdict on the last attempt; `None` while one is running, and if it was cancelled.
    pub(crate) verdict: Option<Verdict>,
    pub(crate) limit: Option<RetryLimit>,
    /// Whether an attempt may have been carried out although its response was lost.
    may_be_executed: bool,
}

impl Report {
    pub(crate) const fn new(key: IdempotencyKey) -> Self {
        Self { key, attempts: 0, verdict: None, limit: None, may_be_executed: false }
    }

    /// The state while another attempt is running. It remains if that attempt is cancelled.
    pub(crate) fn during_attempt(&self) -> Self {
        Self { verdict: None, limit: None, may_be_executed: true, ..self.clone() }
    }

    pub(crate) fn attempt_ended(&mut self, verdict: Verdict, result: &Result<Response, Error>) {
        self.verdict = Some(verdict);
        self.may_be_executed |= may_be_executed(verdict, result);
    }

    /// Converts the state into the final result of the operation.
    pub(crate) fn into_result(self, last: Result<Response, Error>) -> Result<Reply, Failure> {
        match (self.verdict, last) {
            (Some(Verdict::Fresh), Ok(response)) if self.is_settled_by(response.status()) => {
                Ok(Reply::Fresh(response))
            }
            (Some(Verdict::Replayed), Ok(response)) => Ok(Reply::Replayed(response)),
            (_, last) => Err(self.into_failure(last.into())),
        }
    }

    /// Returns whether a fresh response with this status settles the operation. A rejection of the last
    /// attempt says nothing about earlier attempts whose responses were lost.
    fn is_settled_by(&self, status: StatusCode) -> bool {
        status.is_success() || !self.may_be_executed
    }

    fn into_failure(self, last: LastAttempt) -> Failure {
        let Self { key, attempts, verdict, limit, .. } = self;
        let gave_up = Box::new(GaveUp { key, attempts, limit, last });
        match verdict {
            Some(Verdict::OutcomeUnknown | Verdict::Retry(Cause::OutcomeUnknown)) => {
                Failure::OutcomeUnknown(gave_up)
            }
            Some(Verdict::ResultUnavailable) => Failure::ResultUnavailable(gave_up),
            Some(Verdict::KeyReused) => Failure::KeyReused(gave_up),
            Some(Verdict::InProgress | Verdict::Retry(Cause::InProgress)) => {
                Failure::InProgress(gave_up)
            }
            Some(Verdict::Retry(Cause::ServerError | Cause::Transient)) => {
                Failure::Exhausted(gave_up)
            }
            Some(Verdict::Unretryable) => Failure::Unretryable(gave_up),
            Some(Verdict::Fresh | Verdict::Replayed) | None => Failure::Indeterminate(gave_up),
        }
    }
}

fn may_be_executed(verdict: Verdict, result: &Result<Response, Error>) -> bool {
    match result {
        Ok(response) => match response.status().as_u16() {
            // By their definition, these mean that the request was not processed.
            425 | 429 => false,
            code => verdict != Verdict::Fresh || code >= 500,
        },
        Err(Error::Reqwest(error)) => !error.is_connect(),
        Err(Error::Middleware(_)) => true,
    }
}

/// The report on a request's operation, stored among the extensions of the request. It is shared, so that it
/// survives when other middleware cancels an attempt.
#[derive(Clone, Default)]
pub(crate) struct Progress(Arc<Mutex<Option<Report>>>);

impl Progress {
    pub(crate) fn of(extensions: &mut Extensions) -> Self {
        extensions.get_or_insert_default::<Self>().clone()
    }

    pub(crate) fn report(&self) -> Option<Report> {
        self.lock().clone()
    }

    pub(crate) fn update(&self, report: Report) {
        *self.lock() = Some(report);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Report>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
