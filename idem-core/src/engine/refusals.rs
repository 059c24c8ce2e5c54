//! Refusals as clients and layers see them.

use std::time::Duration;

use super::operations::extras_of;
use super::report::CallReport;
use super::{Idempotency, trace};
use crate::http::{RefusalDetails, refusal};
use crate::model::{Policy, Refusal, StoredResponse};

impl Idempotency {
    /// Reports a request that was refused before it became a [`Call`](super::Call), and returns the details of its refusal. `operation` has
    /// the parts of the operation's name; a name that the policy sets replaces them.
    pub fn refuse(&self, policy: &Policy, operation: &[&str], refusal: &Refusal) -> RefusalDetails {
        self.report_refusal(policy, operation, refusal);
        self.details_of(refusal, extras_of(policy.operation_or(operation)).operation())
    }

    /// Reports a request that was refused before it became a [`Call`](super::Call).
    pub(crate) fn report_refusal(&self, policy: &Policy, operation: &[&str], refusal: &Refusal) {
        let names = extras_of(policy.operation_or(operation));
        let record = refusal.record;
        let (watch, span) = (&self.0.watch, &trace::span(&names, record.as_ref()));
        CallReport { watch, span, names: &names, record, attempt: 0, started: None }
            .refused(&refusal.rejection, None);
    }

    /// Returns the details of a refusal that [`run`](Self::run) returned, for [`render`](Self::render) and for layers.
    pub fn details(&self, refusal: &Refusal) -> RefusalDetails {
        self.details_of(refusal, refusal.operation().unwrap_or_default())
    }

    fn details_of(&self, refusal: &Refusal, operation: &str) -> RefusalDetails {
        let (config, rejection) = (&self.0.config, &refusal.rejection);
        let (slug, status) = (rejection.slug(), rejection.status());
        // Rounded up, so that a client does not retry too early.
        let whole =
            |delay: Duration| Duration::from_secs(delay.as_millis().div_ceil(1_000).max(1) as u64);
        let problem_type = match status {
            500 => "about:blank".into(),
            _ => format!("{}{slug}", config.problem_base).into(),
        };
        RefusalDetails {
            slug,
            status,
            title: refusal::title(rejection),
            detail: refusal::detail(rejection, &config.header),
            retryable: rejection.retryable(),
            retry_after: rejection.retry_after(config.retry_after).map(whole),
            record: refusal.record,
            header: config.header.clone(),
            operation: operation.into(),
            problem_type,
        }
    }

    /// Returns the response for a refusal, in the [format](crate::IdempotencyBuilder::refusal_format) of the service.
    pub fn render(&self, details: &RefusalDetails) -> StoredResponse {
        self.0.config.format.render(details)
    }
}
