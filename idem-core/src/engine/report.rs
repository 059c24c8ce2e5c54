//! The reports of a call: the fields of its span, its log line and its events.

use std::time::{Duration, Instant};

use tracing::Span;

use super::served::{Executed, Served};
use super::trace::{log_refusal, log_replay};
use crate::model::{Completion, Extras, Guarantee, Outcome, RecordId, Rejection, UnknownReason};
use crate::observe::{Event, RunResult, Watch};

/// A call, as reports name it.
pub(super) struct CallReport<'a> {
    pub(super) watch: &'a Watch,
    pub(super) span: &'a Span,
    /// The fields with the name of the operation, which is only read if something is reported.
    pub(super) names: &'a Extras,
    /// `None` before key, scope and operation are known.
    pub(super) record: Option<RecordId>,
    /// 0 if no run started for this call.
    pub(super) attempt: u32,
    /// The time before the first claim. `None` if nothing was claimed.
    pub(super) started: Option<Instant>,
}

/// The end of a run.
#[derive(Clone, Copy)]
pub(super) struct RunEnd {
    result: RunResult,
    status: u16,
}

impl RunEnd {
    pub(super) fn of<T>(executed: &Executed<T>, panicked: bool, guarantee: Guarantee) -> Self {
        let status = status_of(&executed.completion);
        let result = match executed.outcome {
            _ if panicked => RunResult::Panicked,
            Outcome::NotExecuted => RunResult::Released,
            Outcome::Ambiguous if guarantee == Guarantee::AtLeastOnce => RunResult::Released,
            Outcome::Final if status < 400 => RunResult::Success,
            Outcome::Final | Outcome::Ambiguous => RunResult::Failed,
        };
        Self { result, status }
    }

    /// The end of a run in a transaction, which is rolled back after an ambiguous failure.
    pub(super) fn in_transaction<T>(executed: &Executed<T>, panicked: bool) -> Self {
        Self::of(executed, panicked, Guarantee::AtLeastOnce)
    }
}

/// The status of the response of a run. The failure of a plain function has none if its outcome is unknown.
pub(super) const fn status_of(completion: &Completion) -> u16 {
    match completion {
        Completion::Response(response) => response.status,
        Completion::NotRetained { status } => *status,
        Completion::Unknown(_) => 500,
    }
}

impl CallReport<'_> {
    /// Reports the end of a call whose handler or hook ran. `end` is the end of the handler.
    pub(super) fn ended<T>(&self, result: &Result<Served<T>, Rejection>, end: Option<RunEnd>) {
        match (result, end) {
            (Ok(Served::Replayed(response)), _) => self.replayed(response.status),
            (Err(rejection), _) => self.refused(rejection, None),
            (Ok(Served::Executed(_)), end) => self.executed(end),
        }
    }

    fn executed(&self, end: Option<RunEnd>) {
        // A hook that found a result without a response has no status of its own.
        let RunEnd { result, status } =
            end.unwrap_or(RunEnd { result: RunResult::Success, status: 200 });
        self.span.record("outcome", "executed");
        self.span.record("status", status);
        self.span.record("result", result.name());
        self.emit("executed", Some(result), status);
    }

    pub(super) fn replayed(&self, status: u16) {
        self.span.record("outcome", "replayed");
        self.span.record("status", status);
        log_replay(self);
        self.emit("replayed", None, status);
    }

    /// Reports a refusal. `reason` is that of an unknown outcome, if the record showed it.
    pub(super) fn refused(&self, rejection: &Rejection, reason: Option<UnknownReason>) {
        self.span.record("outcome", rejection.slug());
        self.span.record("status", rejection.status());
        log_refusal(self, rejection, reason);
        self.emit(rejection.slug(), None, rejection.status());
    }

    fn emit(&self, outcome: &'static str, result: Option<RunResult>, status: u16) {
        self.watch.emit(|| Event::Call {
            operation: self.names.operation(),
            outcome,
            result,
            status,
            attempt: self.attempt,
            record: self.record,
            took: self.started.map_or(Duration::ZERO, |started| started.elapsed()),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_follows_from_outcome_status_and_guarantee() {
        let result = |outcome, status, guarantee| {
            let completion = Completion::NotRetained { status };
            let executed = Executed { reply: (), outcome, completion };
            RunEnd::of(&executed, false, guarantee).result
        };
        for guarantee in [Guarantee::AtMostOnce, Guarantee::AtLeastOnce] {
            assert_eq!(result(Outcome::NotExecuted, 200, guarantee), RunResult::Released);
            assert_eq!(result(Outcome::Final, 399, guarantee), RunResult::Success);
            assert_eq!(result(Outcome::Final, 400, guarantee), RunResult::Failed);
            assert_eq!(result(Outcome::Final, 401, guarantee), RunResult::Failed);
        }
        let ambiguous = |guarantee| result(Outcome::Ambiguous, 502, guarantee);
        assert_eq!(ambiguous(Guarantee::AtMostOnce), RunResult::Failed);
        assert_eq!(ambiguous(Guarantee::AtLeastOnce), RunResult::Released);
    }
}
