//! The stores, by the scheme of their URL: the only place that knows which there are.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use idem_conformance::{FaultStore, Faults};
use idem_core::store::IdempotencyStore;
use idem_core::{Idempotency, MemoryStore};
use idem_postgres::PostgresStore;
use idem_redis::RedisStore;

use crate::control::Control;
use crate::flags::Flags;
use crate::ledger::{EffectsFile, Kept, Ledger};
use crate::logs::Logs;
use crate::service::Service;
use crate::{App, MAX_RESPONSE};

/// How long a store call may take.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

/// Connects what the flags name.
///
/// # Errors
/// If the store or the ledger cannot be reached, or has an unknown scheme.
pub async fn open(flags: &Flags, logs: Logs) -> Result<App> {
    let ledger = ledger(flags).await?;
    let (url, namespace) = (flags.store.as_str(), flags.namespace.as_str());
    let (idempotency, faults, clock) = match scheme(url) {
        "memory" => {
            let store = MemoryStore::new();
            let (idempotency, faults) = faulty(store.clone(), namespace);
            (idempotency, faults, Some(store))
        }
        "redis" => {
            let store = RedisStore::builder().namespace(namespace).connect(url).await?;
            let (idempotency, faults) = faulty(store, namespace);
            (idempotency, faults, None)
        }
        "postgres" => {
            let store = PostgresStore::connect(url).await?;
            let (idempotency, faults) = faulty(store, namespace);
            (idempotency, faults, None)
        }
        other => {
            bail!("there is no store `{other}:`; write `memory:`, `redis://…` or `postgres://…`")
        }
    };
    let transacts = scheme(url) == "postgres";
    let service = Service::new(ledger.clone());
    let control = Control { ledger, service: service.clone(), faults, clock, logs };
    Ok(App { idempotency, transacts, service, control })
}

async fn ledger(flags: &Flags) -> Result<Ledger> {
    let url = flags.ledger.as_deref().unwrap_or(&flags.store);
    let kept = match scheme(url) {
        "memory" => Kept::in_memory(),
        "redis" => Kept::in_redis(url, &flags.namespace)?,
        "postgres" => Kept::in_postgres(url, &flags.namespace).await?,
        other => bail!("effects cannot be counted in `{other}:`"),
    };
    let file = flags.effects.as_deref().map(EffectsFile::open).transpose();
    Ok(Ledger::new(kept, file.context("the effects file cannot be opened")?))
}

fn scheme(url: &str) -> &str {
    url.split(':').next().unwrap_or_default()
}

fn faulty(store: impl IdempotencyStore, namespace: &str) -> (Idempotency, Faults) {
    let (store, faults) = FaultStore::new(store);
    let idempotency = Idempotency::builder(store)
        .namespace(namespace)
        .store_timeout(STORE_TIMEOUT)
        .max_response(MAX_RESPONSE)
        .build();
    (idempotency, faults)
}
