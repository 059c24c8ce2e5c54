//! The span of a call, and the log lines of replays and refusals.

use std::error::Error;

use tracing::field::{Empty, display};
use tracing::level_filters::LevelFilter;
use tracing::{Level, Span, info_span};

use super::report::CallReport;
use crate::model::{Extras, RecordId, Rejection, UnknownReason};

/// Returns the span of a call, or [`Span::none`] if no subscriber wants it. With tracing's feature `log`,
/// which other crates can enable, a disabled span would still format its fields.
pub(super) fn span(names: &Extras, record: Option<&RecordId>) -> Span {
    if LevelFilter::current() < LevelFilter::INFO {
        return Span::none();
    }
    info_span!(
        "idempotent",
        operation = %names.operation(),
        record = record.map(|record| display(record.short())),
        attempt = Empty,
        outcome = Empty,
        status = Empty,
        result = Empty,
    )
}

/// The level of the log line of a refusal.
const fn level(rejection: &Rejection) -> Level {
    match rejection {
        Rejection::InProgress
        | Rejection::KeyMissing
        | Rejection::KeyInvalid(_)
        | Rejection::BodyTooLarge
        // Every deployment refuses some requests in this way.
        | Rejection::Draining => Level::INFO,
        Rejection::KeyReused
        | Rejection::OutcomeUnknown { .. }
        | Rejection::ResultUnavailable { .. }
        // The operator set these limits.
        | Rejection::TooManyKeys(_)
        | Rejection::TooManyRuns => Level::WARN,
        _ => Level::ERROR,
    }
}

/// Logs a refusal. `reason` is that of an unknown outcome.
pub(super) fn log_refusal(
    call: &CallReport<'_>,
    rejection: &Rejection,
    reason: Option<UnknownReason>,
) {
    let (outcome, operation) = (rejection.slug(), call.names.operation());
    let (record, reason) = (call.record.map(display), reason.map(UnknownReason::name));
    let level = level(rejection);
    // The texts of these rejections say no more than the outcome.
    let error = (level == Level::ERROR || rejection.source().is_some())
        .then_some(rejection as &(dyn Error + 'static));
    macro_rules! log {
        ($level:ident) => {
            tracing::$level!(
                outcome,
                operation,
                record,
                reason,
                error,
                "a guarded call was refused"
            )
        };
    }
    match level {
        Level::ERROR => log!(error),
        Level::WARN => log!(warn),
        _ => log!(info),
    }
}

/// Logs a replay.
pub(super) fn log_replay(call: &CallReport<'_>) {
    tracing::info!(
        outcome = "replayed",
        operation = call.names.operation(),
        record = call.record.map(display),
        "a stored response was replayed"
    );
}
