//! The guide's chapter on unknown outcomes: resolving them by hand.

use std::time::Duration;

use idem_axum::idem_core::http::Scope;
use idem_axum::idem_core::records::{
    Actor, Filter, Operation, RecordHandle, Records, RecordsError,
};
use idem_axum::idem_core::store::{StoredResponse, Update};
use idem_axum::{Idempotency, IdempotencyKey, ScopeParts, ScopeValue};

struct Tenant(String);

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(&self.0);
    }
}

/// Stands for the client of a payment provider.
struct Provider;

struct NoAnswer;

impl Provider {
    #[expect(clippy::unused_async, reason = "a real one is asynchronous")]
    async fn find(&self, key: &str) -> Result<Option<u64>, NoAnswer> {
        if key.is_empty() { Err(NoAnswer) } else { Ok(None) }
    }
}

async fn reconcile(idempotency: &Idempotency, provider: &Provider) -> Result<(), RecordsError> {
    let records = idempotency.records()?;
    let filter = Filter::unknown().operation("POST /payments");
    let mut unknown = records.list(filter.older_than(Duration::from_secs(60)));
    let actor = Actor::new("reconciler").reason("looked up at the provider");
    while let Some(record) = unknown.try_next().await? {
        let key = record.downstream_key("charge"); // the same key as in the lost run
        let update = match provider.find(key.as_str()).await {
            Ok(Some(payment)) => {
                record.complete(StoredResponse::json(201, &payment)?, &actor).await?
            }
            Ok(None) => record.release(&actor).await?,
            Err(NoAnswer) => continue,
        };
        if let Update::Stale(_) = update {
            println!("{record} has changed meanwhile");
        }
    }
    Ok(())
}

async fn record_of(
    records: &Records,
    tenant: &Tenant,
    key: &IdempotencyKey,
) -> Result<Option<RecordHandle>, RecordsError> {
    let operation = Operation::route("POST", "/payments");
    records.by_key(&operation, Scope::of(tenant), key).await
}
