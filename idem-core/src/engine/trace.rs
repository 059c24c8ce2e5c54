//! The span of a call, and what is recorded in it.

use std::error::Error;
use std::fmt;

use tracing::field::Empty;
use tracing::level_filters::LevelFilter;
use tracing::{Span, info_span};

use super::served::Served;
use crate::model::{RecordId, Rejection};

/// Returns the span of a call, or [`Span::none`] if no subscriber wants it. With tracing's feature `log`,
/// which other crates can enable, a disabled span would still format its fields.
pub(super) fn span(operation: &[&str], record: &RecordId) -> Span {
    if LevelFilter::current() < LevelFilter::INFO {
        return Span::none();
    }
    info_span!(
        "idempotent",
        operation = %OperationName(operation),
        %record,
        attempt = Empty,
        outcome = Empty,
    )
}

/// The parts of an operation's name, joined by spaces when a subscriber formats them.
struct OperationName<'a>(&'a [&'a str]);

impl fmt::Display for OperationName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// Records the result of a call in its span.
pub(super) fn record_result<T>(span: &Span, result: &Result<Served<T>, Rejection>) {
    let outcome = match result {
        Ok(Served::Executed(_)) => "executed",
        Ok(Served::Replayed(_)) => "replayed",
        Err(rejection) => return record_rejection(span, rejection),
    };
    span.record("outcome", outcome);
}

/// Records a rejection in the span, and logs it if an operator should see it.
pub(super) fn record_rejection(span: &Span, rejection: &Rejection) {
    span.record("outcome", rejection.slug());
    let error = rejection as &dyn Error;
    if matches!(rejection, Rejection::TooManyRuns) {
        // The operator set this limit.
        span.in_scope(|| {
            tracing::warn!(error, "a run was refused at the limit of concurrent runs");
        });
    } else if rejection.status() >= 500 {
        span.in_scope(|| tracing::error!(error, "a guarded call was refused"));
    }
}
