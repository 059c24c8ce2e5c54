//! The metrics of one operation. All handles are registered with its first event.

use std::time::Duration;

use idem_core::UnknownReason;
use idem_core::observe::{Event, RunResult};
use metrics::{Counter, Histogram, SharedString, counter, histogram};

use crate::names;

/// The outcomes without a run: a replay, and the slugs of refusals.
const OUTCOMES: [&str; 12] = [
    "replayed",
    "key-missing",
    "key-invalid",
    "key-reused",
    "in-progress",
    "outcome-unknown",
    "result-unavailable",
    "store-unavailable",
    "too-many-keys",
    "too-many-runs",
    "body-too-large",
    "internal-error",
];

const GIVEN_UP: [UnknownReason; 2] = [UnknownReason::TimedOut, UnknownReason::Drained];

/// The handles of one operation. Counters that start at zero before the first event make its increase visible.
pub(crate) struct Operation {
    name: SharedString,
    results: [Counter; RunResult::ALL.len()],
    outcomes: [Counter; OUTCOMES.len()],
    prevented: Counter,
    executed: Histogram,
    replayed: Histogram,
    refused: Histogram,
    woken: Histogram,
    wait_over: Histogram,
    late: Counter,
    delayed: Counter,
    held: Counter,
    given_up: [Counter; GIVEN_UP.len()],
}

impl Operation {
    pub(crate) fn register(name: &str) -> Self {
        let name = SharedString::from(name.to_owned());
        let call = |outcome: &'static str, result: &'static str| counter!(names::CALLS, "operation" => name.clone(), "outcome" => outcome, "result" => result);
        let time = |metric: &'static str, outcome: &'static str| histogram!(metric, "operation" => name.clone(), "outcome" => outcome);
        let of_operation = |metric: &'static str| counter!(metric, "operation" => name.clone());
        let given_up = |reason: UnknownReason| counter!(names::TIMED_OUT, "operation" => name.clone(), "reason" => reason.name());
        Self {
            results: RunResult::ALL.map(|result| call("executed", result.name())),
            outcomes: OUTCOMES.map(|outcome| call(outcome, "")),
            prevented: of_operation(names::DUPLICATES_PREVENTED),
            executed: time(names::CALL_SECONDS, "executed"),
            replayed: time(names::CALL_SECONDS, "replayed"),
            refused: time(names::CALL_SECONDS, "refused"),
            woken: time(names::WAIT_SECONDS, "woken"),
            wait_over: time(names::WAIT_SECONDS, "timed-out"),
            late: of_operation(names::LATE_COMPLETIONS),
            delayed: of_operation(names::DELAYED_COMPLETIONS),
            held: of_operation(names::HELD_AFTER_ACTING),
            given_up: GIVEN_UP.map(given_up),
            name,
        }
    }

    /// Counts an event of this operation.
    pub(crate) fn count(&self, event: &Event<'_>) {
        match *event {
            Event::Call { outcome, result, attempt, took, record, .. } => {
                self.count_call(outcome, result);
                // The client of a late run can get a replay too, but that run was not prevented.
                if attempt == 0 && matches!(outcome, "replayed" | "in-progress") {
                    self.prevented.increment(1);
                }
                // Without a record, nothing was claimed.
                if record.is_some() {
                    self.time(outcome).record(took);
                }
            }
            Event::Wait { took, woken, .. } => self.waited(took, woken),
            Event::LateCompletion { .. } => self.late.increment(1),
            Event::CompletionDelayed { .. } => self.delayed.increment(1),
            Event::HeldAfterActing { .. } => self.held.increment(1),
            Event::TimedOut { reason, .. } => {
                if let Some(index) = GIVEN_UP.iter().position(|known| *known == reason) {
                    self.given_up[index].increment(1);
                }
            }
            // These are rare, so their handles need not be kept.
            Event::Recovered { verdict, .. } => {
                let name = self.name.clone();
                counter!(names::RECOVERIES, "operation" => name, "verdict" => verdict).increment(1);
            }
            Event::Resolution { entry, .. } => {
                let (name, action) = (self.name.clone(), entry.action.name());
                counter!(names::RESOLUTIONS, "operation" => name, "action" => action).increment(1);
            }
            _ => {}
        }
    }

    fn count_call(&self, outcome: &'static str, result: Option<RunResult>) {
        if let Some(result) = result {
            if let Some(index) = RunResult::ALL.iter().position(|known| *known == result) {
                self.results[index].increment(1);
            }
        } else if let Some(index) = OUTCOMES.iter().position(|known| *known == outcome) {
            self.outcomes[index].increment(1);
        } else {
            let name = self.name.clone();
            counter!(names::CALLS, "operation" => name, "outcome" => outcome, "result" => "")
                .increment(1);
        }
    }

    fn time(&self, outcome: &str) -> &Histogram {
        match outcome {
            "executed" => &self.executed,
            "replayed" => &self.replayed,
            _ => &self.refused,
        }
    }

    fn waited(&self, took: Duration, woken: bool) {
        if woken { &self.woken } else { &self.wait_over }.record(took);
    }
}
