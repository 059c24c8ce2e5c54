//! What a server says of itself, and what is wrong with that.

use std::sync::{Arc, Weak};
use std::time::Duration;

use idem_core::store::StoreError;
use tokio::time::sleep;

use crate::error::UnexpectedReply;
use crate::row;
use crate::schema;
use crate::store::Inner;

/// How often a store looks at its server.
const PERIOD: Duration = Duration::from_secs(60);

/// Something about a server that breaks what the store promises.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HealthIssue {
    /// It acknowledges commits that a crash forgets; a claim among them runs a second time.
    #[error(
        "`synchronous_commit` is `off`: a crash forgets what was acknowledged; set it to `on` for the store's role, database or connections"
    )]
    CommitsLate,
    /// It does not force what it writes to disk.
    #[error(
        "`fsync` is `off`: a crash of the machine may forget or damage everything; set it to `on`"
    )]
    NoFsync,
    /// It is a standby, which takes no writes.
    #[error("the server is a standby; connect to the primary")]
    Standby,
    /// The schema is not that of this version of the store.
    #[error(
        "the schema of the records is of version {found}, and this store needs {needed}; run the migrations, or deploy the version that made it"
    )]
    Schema {
        /// What stands there; 0 if nothing does.
        found: i32,
        /// What this version of the store works with.
        needed: i32,
    },
}

impl Inner {
    /// Looks at the server.
    pub(crate) async fn look(&self) -> Result<Vec<HealthIssue>, StoreError> {
        let answer = self.sessions.fetch(self.statements.health.call()).await?;
        let server = answer.ok_or_else(|| StoreError::unknown(UnexpectedReply))?;
        let off = |setting| Ok::<_, StoreError>(row::get::<&str>(&server, setting)? == "off");
        let found = schema::version(self).await?;
        let alarms = [
            (row::get(&server, "standby")?, HealthIssue::Standby),
            (off("synchronous_commit")?, HealthIssue::CommitsLate),
            (off("fsync")?, HealthIssue::NoFsync),
            (found != schema::CURRENT, HealthIssue::Schema { found, needed: schema::CURRENT }),
        ];
        Ok(alarms.into_iter().filter_map(|(wrong, alarm)| wrong.then_some(alarm)).collect())
    }
}

/// Looks every minute, for as long as the store lives.
pub(crate) async fn watch(inner: Weak<Inner>) {
    loop {
        sleep(PERIOD).await;
        let Some(store) = inner.upgrade() else { return };
        store.sessions.calls.close_idle();
        match store.look().await {
            Ok(alarms) => report(&alarms),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot look at Postgres");
            }
        }
    }
}

/// Logs all that the store goes on in spite of.
pub(crate) fn report(alarms: &[HealthIssue]) {
    for alarm in alarms {
        tracing::error!("{alarm}");
    }
}

/// Begins to watch.
pub(crate) fn start(inner: &Arc<Inner>) {
    tokio::spawn(watch(Arc::downgrade(inner)));
}
