//! What the engine must know of one request under a key.

use std::fmt;

use tracing::field::Empty;
use tracing::level_filters::LevelFilter;
use tracing::{Span, info_span};

use super::Idempotency;
use crate::http::RequestParts;
use crate::model::{
    Fingerprint, FingerprintInput, IdempotencyKey, Policy, RecordId, Rejection, Scope,
};
use crate::store::{ClaimRequest, Quota, TransactionSlot};

/// One request under a key: all that the engine must know of it. Made by [`Idempotency::call`].
#[derive(Debug)]
pub struct Call {
    pub(super) id: RecordId,
    pub(super) policy: &'static Policy,
    pub(super) fingerprint: Option<Fingerprint>,
    quota: Option<Quota>,
    pub(super) transaction: Option<TransactionSlot>,
    pub(super) span: Span,
}

impl Call {
    /// Compares the request by `fingerprint`; without one nothing is compared.
    #[must_use]
    pub const fn with_fingerprint(mut self, fingerprint: Fingerprint) -> Self {
        self.fingerprint = Some(fingerprint);
        self
    }

    /// If there is a `slot`, runs the handler in one transaction with its record, which is passed through it
    /// (P5). The guarantee is then an exactly-once effect, whatever the policy says, and there is no lease.
    #[must_use]
    pub fn in_transaction(mut self, slot: Option<TransactionSlot>) -> Self {
        self.transaction = slot;
        self
    }

    pub(super) fn claim_request(&self) -> ClaimRequest {
        ClaimRequest::new(self.policy).with_fingerprint(self.fingerprint).with_quota(self.quota)
    }
}

impl Idempotency {
    /// A call of the operation whose name is `operation`, in parts that are kept apart: method and route
    /// template, or a name (R14).
    ///
    /// # Errors
    /// [`Rejection::ScopeEmpty`] if `scope` is empty (R15).
    pub fn call(
        &self,
        policy: &'static Policy,
        operation: &[&str],
        scope: Scope,
        key: &IdempotencyKey,
    ) -> Result<Call, Rejection> {
        let config = &self.0.config;
        let secret = config.secret.as_ref();
        let scope_id = scope.id().ok_or(Rejection::ScopeEmpty)?;
        let operation = policy.operation.as_slice().first().map_or(operation, std::slice::from_ref);
        let id = RecordId::new(secret, &config.namespace, operation, scope_id, key);
        let max_keys = scope.quota().or(config.quota.filter(|_| !scope.is_global()));
        let quota = max_keys.map(|max_keys| Quota { scope: scope_id.keyed(secret), max_keys });
        let span = span(operation, &id);
        Ok(Call { id, policy, fingerprint: None, quota, transaction: None, span })
    }

    /// The fingerprint of an HTTP request under `policy` (R11).
    pub fn fingerprint_request(&self, policy: &Policy, request: &RequestParts<'_>) -> Fingerprint {
        request.fingerprint(self.0.config.secret.as_ref(), policy.fingerprint)
    }

    /// The fingerprint of a value that an annotation named.
    pub fn fingerprint_material(&self, material: &FingerprintInput) -> Fingerprint {
        Fingerprint::of_input(self.0.config.secret.as_ref(), material)
    }
}

/// The span of a call; where nobody listens, none at all. With tracing's feature `log`, which other crates
/// turn on, a disabled one would still offer its fields to a logger.
fn span(operation: &[&str], record: &RecordId) -> Span {
    if LevelFilter::current() < LevelFilter::INFO {
        return Span::none();
    }
    info_span!(
        "idempotent",
        operation = %Words(operation),
        %record,
        attempt = Empty,
        outcome = Empty,
    )
}

/// The parts of an operation's name as traces show it. Written only where somebody listens.
struct Words<'a>(&'a [&'a str]);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}
