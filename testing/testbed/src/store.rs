//! The stores, selected by the scheme of their URL.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use idem_conformance::{FaultStore, Faults};
use idem_core::http::{AcpFormat, IcebergFormat, StripeFormat};
use idem_core::store::IdempotencyStore;
use idem_core::{Idempotency, IdempotencyBuilder, MemoryStore};
use idem_postgres::PostgresStore;
use idem_redis::RedisStore;
use idem_sqlite::SqliteStore;
use idem_testkit::app::{MAX_RESPONSE, Service};

use crate::App;
use crate::control::Control;
use crate::flags::{Flags, Format};
use crate::ledger::{Backend, EffectsFile, StoreLedger};
use crate::logs::Logs;
use crate::metrics::Exporter;

/// The shortest time limit of a Postgres statement, and of the wait for the lock of a SQLite file.
const MIN_STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// The time after which an inconclusive `recover` hook is asked again.
const RECHECK: Duration = Duration::from_secs(1);

/// Connects the store and the ledger that the flags select.
///
/// # Errors
/// If the store or the ledger cannot be reached, or has an unknown scheme.
pub async fn open(flags: &Flags, logs: Logs) -> Result<App> {
    let ledger = ledger(flags).await?;
    let exporter = Exporter::install()?;
    let (url, namespace) = (flags.store.as_str(), flags.namespace.as_str());
    // Half of the time limit of a call, so that a call can be sent again.
    let limit = flags.store_timeout() / 2;
    let statement_limit = limit.max(MIN_STATEMENT_TIMEOUT);
    let (idempotency, faults, clock) = match scheme(url) {
        "memory" => {
            let store = MemoryStore::new();
            let (idempotency, faults) = faulty(store.clone(), flags, &exporter);
            (idempotency, faults, Some(store))
        }
        "sqlite" => {
            let store = SqliteStore::builder().wait_timeout(statement_limit).open(url).await?;
            let (idempotency, faults) = faulty(store, flags, &exporter);
            (idempotency, faults, None)
        }
        "redis" => {
            let builder = RedisStore::builder().namespace(namespace).connect_timeout(limit);
            let builder = builder.wait_timeout(limit).command_timeout(limit);
            let store = builder.connect(url).await?;
            let (idempotency, faults) = faulty(store, flags, &exporter);
            (idempotency, faults, None)
        }
        "postgres" => {
            let builder = PostgresStore::builder().wait_timeout(limit);
            let store = builder.statement_timeout(statement_limit).connect(url).await?;
            let (idempotency, faults) = faulty(store, flags, &exporter);
            (idempotency, faults, None)
        }
        other => {
            bail!(
                "unknown store `{other}:`; expected `memory:`, `sqlite:…`, `redis://…` or `postgres://…`"
            )
        }
    };
    let has_transactions = scheme(url) == "postgres";
    let service = Service::new(ledger.clone());
    let control = Control { ledger, service: service.clone(), faults, clock, logs, exporter };
    Ok(App { idempotency, has_transactions, service, control })
}

async fn ledger(flags: &Flags) -> Result<StoreLedger> {
    let url = flags.ledger.as_deref().unwrap_or(&flags.store);
    let backend = match scheme(url) {
        "memory" => Backend::in_memory(),
        "sqlite" => Backend::in_sqlite(url).await?,
        "redis" => Backend::in_redis(url, &flags.namespace)?,
        "postgres" => Backend::in_postgres(url, &flags.namespace).await?,
        other => bail!("cannot count effects in `{other}:`"),
    };
    let file = flags.effects.as_deref().map(EffectsFile::open).transpose();
    Ok(StoreLedger::new(backend, file.context("cannot open the effects file")?))
}

fn scheme(url: &str) -> &str {
    url.split(':').next().unwrap_or_default()
}

fn faulty(
    store: impl IdempotencyStore,
    flags: &Flags,
    exporter: &Exporter,
) -> (Idempotency, Faults) {
    let (store, faults) = FaultStore::new(store);
    let mut builder = Idempotency::builder(store)
        .namespace(flags.namespace.as_str())
        .store_timeout(flags.store_timeout())
        .recheck(RECHECK)
        .max_response(MAX_RESPONSE)
        .observer(exporter.observer.clone());
    if let Some(max_runs) = flags.max_runs {
        builder = builder.max_runs(max_runs);
    }
    (formatted(builder, flags.refusal_format).build(), faults)
}

fn formatted(builder: IdempotencyBuilder, format: Format) -> IdempotencyBuilder {
    match format {
        Format::Problem => builder,
        // The protocol requires that the key is echoed.
        Format::Acp => builder.refusal_format(AcpFormat).echo_key(true),
        Format::Iceberg => builder.refusal_format(IcebergFormat),
        Format::Stripe => builder.refusal_format(StripeFormat),
    }
}
