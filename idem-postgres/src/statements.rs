//! The statements, one file each, with the names of one store in them.

use std::sync::Arc;

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres};

use crate::names::Names;

pub(crate) struct Statements {
    pub(crate) claim: Statement,
    pub(crate) claims: Statement,
    pub(crate) read: Statement,
    pub(crate) renew: Statement,
    pub(crate) complete: Statement,
    pub(crate) completes: Statement,
    pub(crate) release: Statement,
    pub(crate) abandon: Statement,
    pub(crate) listen: Statement,
    pub(crate) ended: Statement,
    pub(crate) sweep: Statement,
    pub(crate) lag: Statement,
    pub(crate) health: Statement,
    pub(crate) version: Statement,
    pub(crate) versions_exist: Statement,
}

impl Statements {
    /// `prepared`: whether connections keep them prepared.
    pub(crate) fn new(names: &Names, prepared: bool) -> Self {
        let statement = |sql: &str| Statement { sql: names.write_into(sql).into(), prepared };
        Self {
            claim: statement(include_str!("queries/claim.sql")),
            claims: statement(include_str!("queries/claims.sql")),
            read: statement(include_str!("queries/read.sql")),
            renew: statement(include_str!("queries/renew.sql")),
            complete: statement(include_str!("queries/complete.sql")),
            completes: statement(include_str!("queries/completes.sql")),
            release: statement(include_str!("queries/release.sql")),
            abandon: statement(include_str!("queries/abandon.sql")),
            ended: statement(include_str!("queries/ended.sql")),
            listen: statement(include_str!("queries/listen.sql")),
            sweep: statement(include_str!("queries/sweep.sql")),
            lag: statement(include_str!("queries/lag.sql")),
            health: statement(include_str!("queries/health.sql")),
            version: statement(include_str!("queries/version.sql")),
            versions_exist: statement(include_str!("queries/versions_exist.sql")),
        }
    }
}

pub(crate) struct Statement {
    sql: Arc<str>,
    prepared: bool,
}

impl Statement {
    /// A call of the statement, whose arguments are to be bound.
    pub(crate) fn call(&self) -> Query<'_, Postgres, PgArguments> {
        // Safe: only names that were quoted were put into the text.
        sqlx::query(AssertSqlSafe(Arc::clone(&self.sql))).persistent(self.prepared)
    }
}
