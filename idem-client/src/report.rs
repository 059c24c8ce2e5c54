//! Where an operation stands, for those around it: who cuts it off, sends it again, or wants to know its end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{Extensions, StatusCode};
use reqwest::Response;
use reqwest_middleware::Error;

use crate::answer::Limit;
use crate::key::IdempotencyKey;
use crate::verdict::Verdict;

#[derive(Clone)]
pub(crate) struct Report {
    pub(crate) key: IdempotencyKey,
    pub(crate) attempts: u32,
    /// What the end of the last attempt means; `None` where that is not known.
    pub(crate) verdict: Option<Verdict>,
    pub(crate) limit: Option<Limit>,
    /// Whether an attempt may have been carried out, and its answer lost.
    may_be_done: bool,
}

impl Report {
    pub(crate) const fn new(key: IdempotencyKey) -> Self {
        Self { key, attempts: 0, verdict: None, limit: None, may_be_done: false }
    }

    /// What there is to say while another attempt is under way, and if it is cut off.
    pub(crate) fn under_way(&self) -> Self {
        Self { verdict: None, limit: None, may_be_done: true, ..self.clone() }
    }

    pub(crate) fn attempt_ended(&mut self, verdict: Verdict, result: &Result<Response, Error>) {
        self.verdict = Some(verdict);
        self.may_be_done |= may_be_done(verdict, result);
    }

    /// Whether a fresh answer of this status says what became of the operation. A refusal does not if it is
    /// of the last attempt only: who is turned away at the door learns nothing of an earlier visit.
    pub(crate) fn is_settled_by(&self, status: StatusCode) -> bool {
        status.is_success() || !self.may_be_done
    }
}

fn may_be_done(verdict: Verdict, result: &Result<Response, Error>) -> bool {
    match result {
        Ok(response) => match response.status().as_u16() {
            // Turned away, by their definition.
            425 | 429 => false,
            code => verdict != Verdict::Fresh || code >= 500,
        },
        Err(Error::Reqwest(error)) => !error.is_connect(),
        Err(Error::Middleware(_)) => true,
    }
}

/// The report on a request's operation, left among its extensions. Shared, so that it is not lost with an
/// attempt that another middleware cuts off.
#[derive(Clone, Default)]
pub(crate) struct Progress(Arc<Mutex<Option<Report>>>);

impl Progress {
    pub(crate) fn of(extensions: &mut Extensions) -> Self {
        extensions.get_or_insert_default::<Self>().clone()
    }

    pub(crate) fn report(&self) -> Option<Report> {
        self.lock().clone()
    }

    pub(crate) fn tell(&self, report: Report) {
        *self.lock() = Some(report);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Report>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
