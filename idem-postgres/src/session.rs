//! Connections, and how statements are sent on them.

use std::sync::Arc;
use std::time::Duration;

use idem_core::store::PerRuntime;
use idem_core::store::StoreError;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Connection, PgConnection, PgPool, Postgres};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::connections::{Connections, Kept};
use crate::error;

pub(crate) type Call<'q> = Query<'q, Postgres, PgArguments>;

/// Where the connections of one store come from.
pub(crate) struct Sessions {
    /// For all calls but renewals.
    pub(crate) calls: Source,
    /// For transactions that handlers work in: their statements take as long as they take.
    pub(crate) transactions: PgPool,
    /// Renewals go on while handlers block the runtime that drives the other connections.
    renewals: PerRuntime<Source>,
    /// Whether a pooler may have every transaction on another connection.
    pooled: bool,
    /// How long a statement may take before its connection is thrown away.
    pub(crate) within: Duration,
    /// How long a call may wait before it is sent.
    pub(crate) patience: Duration,
}

/// Who keeps connections.
pub(crate) enum Source {
    /// The store, for itself.
    Own(Connections),
    /// The application, in a pool that it gave.
    Shared(PgPool),
}

impl Sessions {
    pub(crate) fn new(
        calls: Source,
        transactions: PgPool,
        pooled: bool,
        within: Duration,
        patience: Duration,
    ) -> Self {
        Self { calls, transactions, renewals: PerRuntime::default(), pooled, within, patience }
    }

    /// Sends a statement that answers with a row, or with none.
    pub(crate) async fn fetch(&self, call: Call<'_>) -> Result<Option<PgRow>, StoreError> {
        Ok(self.fetch_all(call).await?.pop())
    }

    /// Sends a statement that answers with any number of rows.
    pub(crate) async fn fetch_all(&self, call: Call<'_>) -> Result<Vec<PgRow>, StoreError> {
        self.fetch_from(&self.calls, call).await
    }

    /// [`fetch`](Self::fetch) on a connection that the calling runtime drives.
    pub(crate) async fn fetch_here(&self, call: Call<'_>) -> Result<Option<PgRow>, StoreError> {
        let runtime = Handle::try_current().map_err(StoreError::not_done)?;
        let source = self.renewals.of(&runtime, || self.calls.few());
        Ok(self.fetch_from(&source, call).await?.pop())
    }

    async fn fetch_from(&self, source: &Source, call: Call<'_>) -> Result<Vec<PgRow>, StoreError> {
        // Nothing was sent yet, whatever goes wrong.
        let mut session = source.get().await.map_err(StoreError::not_done)?;
        let connection = session.connection();
        let answer = match self.pooled {
            false => timeout(self.within, call.fetch_all(connection)).await,
            true => timeout(self.within, fetch_in_brackets(connection, call)).await,
        };
        match &answer {
            Ok(Err(failed)) if error::ends_connection(failed) => session.throw_away(),
            Ok(_) => session.give_back(self.within),
            Err(_) => session.throw_away(),
        }
        answer.map_err(StoreError::unknown)?.map_err(error::of_statement)
    }
}

impl Source {
    /// Connects once, and keeps the connection.
    pub(crate) async fn reach(&self) -> sqlx::Result<()> {
        self.get().await?.give_back(Duration::ZERO);
        Ok(())
    }

    /// Closes connections that nobody needs any more.
    pub(crate) fn close_idle(&self) {
        if let Self::Own(connections) = self {
            connections.close_idle();
        }
    }

    async fn get(&self) -> sqlx::Result<Session> {
        Ok(match self {
            Self::Own(connections) => Session::Own(connections.get().await?),
            Self::Shared(pool) => Session::Shared(pool.acquire().await?),
        })
    }

    /// For the few statements of a runtime that has no connections.
    fn few(&self) -> Self {
        Self::Own(match self {
            Self::Own(connections) => connections.few(),
            Self::Shared(pool) => {
                let options = Arc::unwrap_or_clone(pool.connect_options());
                Connections::new(options, 2, pool.options().get_acquire_timeout())
            }
        })
    }
}

/// A connection in use.
enum Session {
    Own(Kept),
    Shared(PoolConnection<Postgres>),
}

impl Session {
    fn connection(&mut self) -> &mut PgConnection {
        match self {
            Self::Own(kept) => kept.begin(),
            Self::Shared(connection) => connection,
        }
    }

    fn give_back(self, within: Duration) {
        match self {
            Self::Own(kept) => kept.give_back(),
            // The client's pool looks at a connection first, and by itself would wait for ever where
            // nothing answers any more, with one connection less for all others.
            Self::Shared(mut connection) => {
                tokio::spawn(async move { timeout(within, connection.return_to_pool()).await });
            }
        }
    }

    /// For a connection that broke, or that owes an answer: the next caller would wait for what is not its
    /// own.
    fn throw_away(self) {
        match self {
            Self::Own(kept) => kept.throw_away(),
            Self::Shared(connection) => drop(connection.detach()),
        }
    }
}

/// The client parses a statement and executes it in two steps. Only inside a transaction does a pooler send
/// both to the same server process.
async fn fetch_in_brackets(session: &mut PgConnection, call: Call<'_>) -> sqlx::Result<Vec<PgRow>> {
    let mut brackets = session.begin().await?;
    match call.fetch_all(&mut *brackets).await {
        Ok(answer) => brackets.commit().await.map(|()| answer),
        Err(failed) => {
            // By itself it would be sent with the next statement, and hold a server process until then.
            drop(brackets.rollback().await);
            Err(failed)
        }
    }
}
