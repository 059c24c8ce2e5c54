//! The SQL statements, loaded from `queries/` with the schema and table names filled in.

use std::sync::Arc;
use std::time::Duration;

use sqlx::AssertSqlSafe;
use sqlx::postgres::types::PgInterval;

use super::names::Names;
use super::values::{Query, interval};

/// The statements of one store.
pub(crate) struct Statements {
    /// The time after which a claim must not take effect.
    pub(crate) claim_timeout: PgInterval,
    pub(crate) claim: Statement,
    pub(crate) claim_batch: Statement,
    pub(crate) read: Statement,
    pub(crate) find: Statement,
    pub(crate) renew: Statement,
    pub(crate) resume_run: Statement,
    pub(crate) complete: Statement,
    pub(crate) complete_batch: Statement,
    pub(crate) release: Statement,
    pub(crate) abandon: Statement,
    pub(crate) listen: Statement,
    pub(crate) found: Statement,
    pub(crate) scan: Statement,
    pub(crate) resolve: Statement,
    pub(crate) audit: Statement,
    pub(crate) append_audit: Statement,
    pub(crate) prune_audit: Statement,
    pub(crate) transaction_ended: Statement,
    pub(crate) sweep: Statement,
    pub(crate) sweep_lag: Statement,
    pub(crate) health: Statement,
    pub(crate) grants: Statement,
    pub(crate) schema_exists: Statement,
    pub(crate) schema_version: Statement,
}

impl Statements {
    /// `prepared` selects whether connections keep them as prepared statements.
    pub(crate) fn new(names: &Names, prepared: bool, timeout: Duration) -> Self {
        let statement = |sql: &str| Statement { sql: names.fill_in(sql).into(), prepared };
        Self {
            claim_timeout: interval(timeout),
            claim: statement(include_str!("../queries/claim.sql")),
            claim_batch: statement(include_str!("../queries/claim_batch.sql")),
            find: statement(include_str!("../queries/find.sql")),
            read: statement(include_str!("../queries/read.sql")),
            renew: statement(include_str!("../queries/renew.sql")),
            resume_run: statement(include_str!("../queries/resume_run.sql")),
            complete: statement(include_str!("../queries/complete.sql")),
            complete_batch: statement(include_str!("../queries/complete_batch.sql")),
            release: statement(include_str!("../queries/release.sql")),
            abandon: statement(include_str!("../queries/abandon.sql")),
            listen: statement(include_str!("../queries/listen.sql")),
            found: statement(include_str!("../queries/found.sql")),
            scan: statement(include_str!("../queries/scan.sql")),
            resolve: statement(include_str!("../queries/resolve.sql")),
            audit: statement(include_str!("../queries/audit.sql")),
            append_audit: statement(include_str!("../queries/append_audit.sql")),
            prune_audit: statement(include_str!("../queries/prune_audit.sql")),
            transaction_ended: statement(include_str!("../queries/transaction_ended.sql")),
            sweep: statement(include_str!("../queries/sweep.sql")),
            sweep_lag: statement(include_str!("../queries/sweep_lag.sql")),
            grants: statement(include_str!("../queries/grants.sql")),
            health: statement(include_str!("../queries/health.sql")),
            schema_exists: statement(include_str!("../queries/schema_exists.sql")),
            schema_version: statement(include_str!("../queries/schema_version.sql")),
        }
    }
}

/// The text of one statement.
pub(crate) struct Statement {
    sql: Arc<str>,
    prepared: bool,
}

impl Statement {
    /// The statement without arguments.
    pub(crate) fn query(&self) -> Query<'_> {
        // Safe, because the only parts that vary are quoted names.
        sqlx::query(AssertSqlSafe(Arc::clone(&self.sql))).persistent(self.prepared)
    }
}
