//! The explanation of a [mismatch](crate::rules::semantics#fingerprint-mismatch) for operators.

use std::sync::Arc;

use tracing::Instrument;

use super::retry::ATTEMPT_TIMEOUT;
use super::{Call, Idempotency};
use crate::detach::spawn_on_runtime;
use crate::http::{Differences, Outline};
use crate::model::{RecordId, Rejection};
use crate::observe::Event;
use crate::store::IdempotencyStore;

impl Idempotency {
    /// If the call was refused because its key belongs to another request, and outlines are on, reports in the background
    /// which parts differ.
    pub(super) fn explain_refusal(&self, call: &Call, rejection: &Rejection) {
        let (Rejection::KeyReused, Some(outline)) = (rejection, &call.outline) else { return };
        let (store, watch) = (Arc::clone(&self.0.store), self.0.watch.clone());
        let (id, extras, outline) = (call.id, call.extras.clone(), outline.clone());
        let explaining = async move {
            let Some(Differences { parts, only_in_first }) = compare(&*store, id, &outline).await
            else {
                return;
            };
            let operation = extras.operation();
            tracing::warn!(operation, record = %id, differs = ?parts, only_in_first, "the key was reused for another request");
            watch.emit(|| Event::Mismatch {
                operation,
                record: id,
                differs: &parts,
                only_in_first,
            });
        };
        spawn_on_runtime(
            self.0.abandonments.track_future(explaining.instrument(call.span.clone())),
        );
    }
}

/// Compares a request with the outline in the record of its key, if there is one.
async fn compare(
    store: &dyn IdempotencyStore,
    id: RecordId,
    outline: &Outline,
) -> Option<Differences> {
    let found = store.records()?.find(id).bounded(ATTEMPT_TIMEOUT).await.ok()??;
    outline.differences(found.extras.outline()?)
}
