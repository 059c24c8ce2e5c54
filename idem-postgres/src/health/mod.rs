//! Checks the server's configuration for settings that can lose acknowledged writes.

mod monitor;

use idem_core::store::StoreError;

use crate::error::UnexpectedReply;
use crate::schema;
use crate::shared::Shared;
use crate::sql::row;

pub(crate) use monitor::{log, start};

/// A setting of the server that breaks a promise of the store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HealthIssue {
    /// The server acknowledges commits before they are durable. A crash loses some of them, and a lost claim
    /// runs a second time.
    #[error(
        "`synchronous_commit` is `off`: a crash loses acknowledged commits; set it to `on` for the role, the database or the connections of the store"
    )]
    AsynchronousCommit,
    /// The server does not flush its writes to disk.
    #[error("`fsync` is `off`: a crash of the machine can lose or damage all data; set it to `on`")]
    FsyncOff,
    /// The server is a standby, which accepts no writes.
    #[error("the server is a standby, which accepts no writes; connect to the primary")]
    Standby,
    /// The schema does not belong to this version of the store.
    #[error(
        "the schema of the records has version {found}, but this store needs version {needed}; run the migrations, or deploy the version of idem-postgres that made it"
    )]
    Schema {
        /// The version in the database; 0 if the schema does not exist.
        found: i32,
        /// The version that this store works with.
        needed: i32,
    },
}

/// Reads the server's settings and returns every issue.
pub(crate) async fn check(shared: &Shared) -> Result<Vec<HealthIssue>, StoreError> {
    let row = shared.connections.fetch(shared.statements.health.query()).await?;
    let row = row.ok_or_else(|| StoreError::unknown(UnexpectedReply::NoRow))?;
    let is_off = |setting| Ok::<_, StoreError>(row::get::<&str>(&row, setting)? == "off");
    let found = schema::version(shared).await?;
    let checks = [
        (row::get(&row, "standby")?, HealthIssue::Standby),
        (is_off("synchronous_commit")?, HealthIssue::AsynchronousCommit),
        (is_off("fsync")?, HealthIssue::FsyncOff),
        (found != schema::VERSION, HealthIssue::Schema { found, needed: schema::VERSION }),
    ];
    Ok(checks.into_iter().filter_map(|(failed, issue)| failed.then_some(issue)).collect())
}
