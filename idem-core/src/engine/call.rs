//! One request under a key, as the engine sees it, and how adapters build it.

use std::num::NonZeroU32;

use tracing::Span;

use super::config::Config;
use super::duplicate::RequestIdentity;
use super::operations::extras_of;
use super::{Idempotency, trace};
use crate::hash::Secret;
use crate::http::{Outline, RequestParts};
use crate::model::{
    Extras, Fingerprint, FingerprintInput, FingerprintMode, IdempotencyKey, KeyError, KeySource,
    KeySyntax, Policy, RecordId, Refusal, Rejection, Scope, ScopeId,
};
use crate::store::{ClaimRequest, Quota, TransactionSlot};

/// One request under a key. Made by [`Idempotency::call`], or for HTTP requests by
/// [`Idempotency::call_for`] and [`CallBuilder::finish`].
#[derive(Debug)]
pub struct Call {
    pub(super) id: RecordId,
    pub(super) scope: ScopeId,
    pub(super) policy: &'static Policy,
    pub(super) fingerprint: Option<Fingerprint>,
    max_keys: Option<NonZeroU32>,
    pub(super) transaction: Option<TransactionSlot>,
    /// Whether the handler has `recover`.
    pub(super) recoverable: bool,
    pub(super) extras: Extras,
    /// The outline of the request, if the service keeps outlines.
    pub(super) outline: Option<Box<Outline>>,
    pub(super) span: Span,
}

impl Call {
    /// Sets the label of the record, for operators. It is cut to 64 bytes at a character boundary, and control characters
    /// become `·`. Do not put personal data into it.
    #[must_use]
    pub fn with_label(mut self, label: &str) -> Self {
        self.extras = Extras::new(&[self.extras.operation()], Some(label));
        self
    }

    /// Compares duplicates by `fingerprint`. A call without one matches every stored request.
    #[must_use]
    pub const fn with_fingerprint(mut self, fingerprint: Fingerprint) -> Self {
        self.fingerprint = Some(fingerprint);
        self
    }

    fn with_outline(mut self, outline: Option<Box<Outline>>) -> Self {
        if let Some(outline) = &outline {
            self.extras = self.extras.with_outline(outline.digests());
        }
        self.outline = outline;
        self
    }

    /// If `slot` is `Some`, runs the handler in one transaction with its record, and passes the transaction
    /// to the handler through `slot`. The guarantee of the policy is then replaced by
    /// [exactly once effect](crate::rules::guarantees#exactly-once-effect), and there is no lease.
    #[must_use]
    pub fn in_transaction(mut self, slot: Option<TransactionSlot>) -> Self {
        self.transaction = slot;
        self
    }

    /// The record of the key.
    pub(crate) const fn record(&self) -> RecordId {
        self.id
    }

    /// The fields of the record with the name of the operation.
    pub(crate) const fn extras(&self) -> &Extras {
        &self.extras
    }

    /// Marks that the handler has `recover`. A call in a transaction leaves no unknown outcome, so it stays as it is.
    pub(crate) fn recoverable(self) -> Self {
        Self { recoverable: self.transaction.is_none(), ..self }
    }

    pub(super) const fn request(&self) -> RequestIdentity {
        RequestIdentity { fingerprint: self.fingerprint, recoverable: self.recoverable }
    }

    pub(super) fn claim_request(&self, config: &Config) -> ClaimRequest {
        let secret = config.secret.as_ref();
        let quota = |max_keys| Quota { scope: self.scope.keyed(secret), max_keys };
        ClaimRequest::new(self.policy)
            .with_fingerprint(self.fingerprint)
            .with_quota(self.max_keys.map(quota))
            .with_recoverable(self.recoverable)
            .with_extras(self.extras.clone())
    }
}

/// Builds the [`Call`] of one HTTP request. Made by [`Idempotency::call_for`] from the head of the
/// request, completed while the body and the handler's arguments arrive, and consumed by
/// [`finish`](Self::finish).
#[derive(Debug)]
#[must_use = "a call is only made by `finish`"]
pub struct CallBuilder {
    idempotency: Idempotency,
    policy: &'static Policy,
    key: Option<Result<IdempotencyKey, KeyError>>,
    label: Option<String>,
    fingerprint: Result<Option<Fingerprint>, serde_json::Error>,
    outline: Option<Box<Outline>>,
}

impl CallBuilder {
    /// Returns the policy of the handler.
    pub const fn policy(&self) -> &'static Policy {
        self.policy
    }

    /// Uses the key that the attribute's `key` expression returned. An error is reported by
    /// [`finish`](Self::finish).
    pub fn key(&mut self, key: Result<IdempotencyKey, KeyError>) -> &mut Self {
        self.key = Some(key.and_then(|key| self.idempotency.accepted(key, self.policy)));
        self
    }

    /// Sets the label that the attribute's `label` expression returned.
    pub fn label(&mut self, label: &str) -> &mut Self {
        self.label = Some(label.to_owned());
        self
    }

    /// Takes the fingerprint of `request`, unless the policy takes it from an argument. Call it once the
    /// whole body has arrived.
    ///
    /// Follows [fingerprint input](crate::rules::semantics#fingerprint-input).
    pub fn request(&mut self, request: &RequestParts<'_>) -> &mut Self {
        self.outline = self.idempotency.outline(request).map(Box::new);
        if self.policy.fingerprint != FingerprintMode::Argument {
            let fingerprint = self.idempotency.fingerprint_request(self.policy, request);
            self.fingerprint = Ok(Some(fingerprint));
        }
        self
    }

    /// Takes the fingerprint of the value that the attribute's `fingerprint` expression returned. An
    /// error is reported by [`finish`](Self::finish).
    pub fn fingerprint(&mut self, input: Result<FingerprintInput, serde_json::Error>) -> &mut Self {
        self.fingerprint = input.map(|input| Some(self.idempotency.fingerprint_input(&input)));
        self
    }

    /// Makes the call of a request that passed all extractors. `operation` consists of the method and the
    /// route template ([scope and operation](crate::rules::semantics#scope-and-operation)).
    ///
    /// # Errors
    /// * [`Rejection::KeyMissing`] or [`Rejection::KeyInvalid`] if the key should come from an argument and
    ///   was not set, or is malformed.
    /// * [`Rejection::FingerprintInvalid`] if the value of the `fingerprint` expression cannot be written
    ///   as JSON.
    /// * [`Rejection::ScopeEmpty`] if `scope` is empty.
    pub fn finish(self, scope: Scope, operation: &[&str]) -> Result<Call, Refusal> {
        let key = self.key.transpose().map_err(Rejection::from)?.ok_or(Rejection::KeyMissing)?;
        let call = self.idempotency.call(self.policy, operation, scope, &key)?;
        let fingerprint = self.fingerprint.map_err(|error| {
            Refusal::of(Rejection::FingerprintInvalid(error), call.id, &call.extras)
        })?;
        let call = Call { fingerprint, ..call };
        let call = match self.label {
            None => call,
            Some(label) => call.with_label(&label),
        };
        Ok(call.with_outline(self.outline))
    }
}

impl Idempotency {
    /// Begins the call of an HTTP request with its `method`. `lines` returns the lines of a header with the given name in lower
    /// case; it is called for each of [`headers`](Self::headers). Returns `None` if the request bypasses the guard: its method is
    /// [safe](crate::rules::semantics#safe-methods), or it has no key and the policy does not
    /// [require](crate::rules::semantics#missing-key) one.
    ///
    /// A request with a safe method and a key is probably a mistake. It is logged as a warning, once per operation.
    /// `operation` returns the name of the operation for that.
    ///
    /// # Errors
    /// [`Rejection::KeyMissing`] or [`Rejection::KeyInvalid`] if the header should carry the key and it is
    /// missing or malformed.
    pub fn call_for<'a, L: Iterator<Item = &'a [u8]>>(
        &self,
        policy: &'static Policy,
        method: &str,
        lines: impl Fn(&str) -> L,
        operation: impl FnOnce() -> String,
    ) -> Result<Option<CallBuilder>, Rejection> {
        if is_safe(method) {
            if self.headers().any(|name| lines(name).next().is_some()) {
                self.0.warnings.safe_method(&operation());
            }
            return Ok(None);
        }
        let key = match policy.key {
            KeySource::Argument => None,
            KeySource::Header { syntax, required } => match self.key_from(lines, syntax)? {
                Some(key) => Some(Ok(self.accepted(key, policy)?)),
                None if required => return Err(Rejection::KeyMissing),
                None => return Ok(None),
            },
        };
        Ok(Some(CallBuilder {
            idempotency: self.clone(),
            policy,
            key,
            label: None,
            fingerprint: Ok(None),
            outline: None,
        }))
    }

    /// Reads the key from the headers that can carry it.
    fn key_from<'a, L: Iterator<Item = &'a [u8]>>(
        &self,
        lines: impl Fn(&str) -> L,
        syntax: KeySyntax,
    ) -> Result<Option<IdempotencyKey>, KeyError> {
        let mut key = None;
        for name in self.headers() {
            let next = IdempotencyKey::from_header(lines(name), syntax)?;
            if key.is_some() && next.is_some() && key != next {
                return Err(KeyError::Contradictory);
            }
            key = key.or(next);
        }
        Ok(key)
    }

    /// Checks a key against the settings of the service and of its handler.
    fn accepted(&self, key: IdempotencyKey, policy: &Policy) -> Result<IdempotencyKey, KeyError> {
        let min = self.0.config.min_key_len;
        if key.as_str().len() < min {
            return Err(KeyError::TooShort(min));
        }
        policy.check_key(&key).map(|()| key)
    }

    /// Makes a call of the operation `operation` under `key`. The parts of an operation's name, such as
    /// method and route template, are hashed separately; a name that the policy sets replaces them.
    ///
    /// # Errors
    /// [`Rejection::ScopeEmpty`] if `scope` is empty ([scope source](crate::rules::semantics#scope-source)).
    pub fn call(
        &self,
        policy: &'static Policy,
        operation: &[&str],
        scope: Scope,
        key: &IdempotencyKey,
    ) -> Result<Call, Rejection> {
        let config = &self.0.config;
        let scope_id = scope.id().ok_or(Rejection::ScopeEmpty)?;
        let operation = policy.operation_or(operation);
        let id = self.record_id(operation, scope_id, key);
        let max_keys = scope.quota().or(config.quota.filter(|_| !scope.is_global()));
        let extras = extras_of(operation);
        let span = trace::span(&extras, Some(&id));
        Ok(Call {
            id,
            scope: scope_id,
            policy,
            fingerprint: None,
            max_keys,
            transaction: None,
            recoverable: false,
            extras,
            outline: None,
            span,
        })
    }

    /// Returns the secret of all digests.
    pub(crate) fn secret(&self) -> Option<&Secret> {
        self.0.config.secret.as_ref()
    }

    /// Returns the id of the record of a key.
    pub(crate) fn record_id(
        &self,
        operation: &[&str],
        scope: ScopeId,
        key: &IdempotencyKey,
    ) -> RecordId {
        let config = &self.0.config;
        RecordId::new(self.secret(), &config.namespace, operation, scope, key)
    }

    /// Returns the fingerprint of an HTTP request under `policy`
    /// ([fingerprint input](crate::rules::semantics#fingerprint-input)).
    pub fn fingerprint_request(&self, policy: &Policy, request: &RequestParts<'_>) -> Fingerprint {
        request.fingerprint(self.secret(), policy.fingerprint)
    }

    /// Returns the outline of an HTTP request, if the service [keeps outlines](crate::IdempotencyBuilder::request_outline).
    fn outline(&self, request: &RequestParts<'_>) -> Option<Outline> {
        self.0.config.keeps_outlines.then(|| Outline::of(request, self.secret()))
    }

    /// Returns the fingerprint of the value of a `fingerprint` expression.
    pub fn fingerprint_input(&self, input: &FingerprintInput) -> Fingerprint {
        Fingerprint::of_input(self.secret(), input)
    }
}

/// Whether a method is safe. Requests with such a method bypass the guard, even with a malformed key
/// (`docs/semantics.md#safe-methods`).
fn is_safe(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE")
}
