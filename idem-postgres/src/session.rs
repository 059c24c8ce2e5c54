//! Connections, and how statements are sent on them.

use std::sync::Arc;
use std::time::Duration;

use idem_core::StoreError;
use idem_core::store::PerRuntime;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgPoolOptions, PgRow};
use sqlx::query::Query;
use sqlx::{Connection, PgConnection, PgPool, Postgres};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::error;

pub(crate) type Call<'q> = Query<'q, Postgres, PgArguments>;

/// A connection, unless it is not to be used again.
type Session = Option<PoolConnection<Postgres>>;

/// The pools of one store.
pub(crate) struct Sessions {
    /// For all calls but renewals.
    pub(crate) pool: PgPool,
    /// For transactions that handlers work in: their statements take as long as they take.
    pub(crate) transactions: PgPool,
    /// Renewals go on while handlers block the runtime that drives the pool.
    renewals: PerRuntime<PgPool>,
    /// Whether a pooler may have every transaction on another connection.
    pooled: bool,
    /// How long a statement may take before its connection is thrown away.
    pub(crate) within: Duration,
}

impl Sessions {
    pub(crate) fn new(pool: PgPool, transactions: PgPool, pooled: bool, within: Duration) -> Self {
        Self { pool, transactions, renewals: PerRuntime::default(), pooled, within }
    }

    /// Sends a statement that answers with a row, or with none.
    pub(crate) async fn fetch(&self, call: Call<'_>) -> Result<Option<PgRow>, StoreError> {
        self.fetch_on(&self.pool, call).await
    }

    /// [`fetch`](Self::fetch) on a connection that the calling runtime drives.
    pub(crate) async fn fetch_here(&self, call: Call<'_>) -> Result<Option<PgRow>, StoreError> {
        let runtime = Handle::try_current().map_err(StoreError::not_done)?;
        let pool = self.renewals.of(&runtime, || small_pool(&self.pool));
        self.fetch_on(&pool, call).await
    }

    async fn fetch_on(&self, pool: &PgPool, call: Call<'_>) -> Result<Option<PgRow>, StoreError> {
        let mut connection = self.check_out(pool).await?;
        let answer = match self.pooled {
            false => timeout(self.within, call.fetch_optional(&mut *connection)).await,
            true => timeout(self.within, fetch_in_brackets(&mut connection, call)).await,
        };
        let mut session = Some(connection);
        let answer = settle(&mut session, answer);
        give_back(session, self.within);
        answer
    }

    /// Nothing was sent yet, whatever goes wrong.
    async fn check_out(&self, pool: &PgPool) -> Result<PoolConnection<Postgres>, StoreError> {
        pool.acquire().await.map_err(StoreError::not_done)
    }
}

/// The client parses a statement and executes it in two steps. Only inside a transaction does a pooler send
/// both to the same server process.
async fn fetch_in_brackets(
    session: &mut PgConnection,
    call: Call<'_>,
) -> sqlx::Result<Option<PgRow>> {
    let mut brackets = session.begin().await?;
    let answer = call.fetch_optional(&mut *brackets).await?;
    brackets.commit().await?;
    Ok(answer)
}

/// What an answer means. A connection that broke, or that owes an answer, is not to be used again: the
/// next caller would wait for what is not its own.
fn settle<T>(
    session: &mut Session,
    answer: Result<sqlx::Result<T>, tokio::time::error::Elapsed>,
) -> Result<T, StoreError> {
    match answer {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(failed)) => {
            if error::ends_connection(&failed) {
                drop(session.take().map(PoolConnection::detach));
            }
            Err(error::of_statement(failed))
        }
        Err(elapsed) => {
            drop(session.take().map(PoolConnection::detach));
            Err(StoreError::unknown(elapsed))
        }
    }
}

/// Gives a connection back. The pool looks at it first, and by itself would wait for ever where nothing
/// answers any more, with one connection less for all others.
fn give_back(session: Session, within: Duration) {
    if let Some(mut session) = session {
        tokio::spawn(async move { timeout(within, session.return_to_pool()).await });
    }
}

/// A pool for the few statements of a runtime that has none.
fn small_pool(like: &PgPool) -> PgPool {
    let options = PgPoolOptions::new()
        .max_connections(2)
        .acquire_timeout(like.options().get_acquire_timeout())
        .idle_timeout(Duration::from_secs(60));
    options.connect_lazy_with(Arc::unwrap_or_clone(like.connect_options()))
}
