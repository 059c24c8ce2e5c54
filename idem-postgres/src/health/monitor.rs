//! The health check, at start and while the store exists.

use std::error::Error;
use std::sync::Weak;
use std::time::Duration;

use idem_core::store::StoreError;
use tokio::time::sleep;

use super::issue::HealthIssue;
use crate::conn::Purpose;
use crate::error::UnexpectedReply;
use crate::schema;
use crate::shared::Shared;
use crate::sql::row;

/// Time between two checks.
const CHECK_INTERVAL: Duration = Duration::from_secs(60);

/// Checks the server now, and returns every issue.
pub(crate) async fn check(shared: &Shared) -> Result<Vec<HealthIssue>, StoreError> {
    let row = shared.connections.fetch(shared.statements.health.query()).await?;
    let row = row.ok_or_else(|| StoreError::unknown(UnexpectedReply::NoRow))?;
    let is_off = |setting| Ok::<_, StoreError>(row::get::<&str>(&row, setting)? == "off");
    let grants = missing_grants(shared).await?;
    // Without a privilege on the schema, its version cannot be read.
    let found = match grants.is_empty() {
        true => schema::version(shared).await?,
        false => schema::VERSION,
    };
    let checks = [
        (row::get(&row, "standby")?, HealthIssue::Standby),
        (is_off("synchronous_commit")?, HealthIssue::AsynchronousCommit),
        (is_off("fsync")?, HealthIssue::FsyncOff),
        (!grants.is_empty(), HealthIssue::Privileges { grants: grants.into() }),
        (found != schema::VERSION, HealthIssue::Schema { found, needed: schema::VERSION }),
    ];
    Ok(checks.into_iter().filter_map(|(failed, issue)| failed.then_some(issue)).collect())
}

/// The commands that grant the privileges which the role lacks, separated by `; `.
async fn missing_grants(shared: &Shared) -> Result<String, StoreError> {
    let query = shared.statements.grants.query();
    let rows = shared.connections.fetch_all(query, Purpose::Other).await?;
    let commands: Result<Vec<&str>, _> = rows.iter().map(|row| row::get(row, "command")).collect();
    Ok(commands?.join("; "))
}

/// Checks the server every minute, until the store is dropped.
pub(crate) async fn watch(shared: Weak<Shared>) {
    loop {
        sleep(CHECK_INTERVAL).await;
        let Some(shared) = shared.upgrade() else { return };
        shared.connections.close_idle();
        match check(&shared).await {
            Ok(issues) => log(&shared, &issues),
            Err(error) => {
                let server = &*shared.connections.server;
                let error = &error as &dyn Error;
                tracing::warn!(server, error, "Postgres health check failed");
            }
        }
    }
}

/// Logs the issues in spite of which the store starts or continues.
pub(crate) fn log(shared: &Shared, issues: &[HealthIssue]) {
    let server = &*shared.connections.server;
    for issue in issues {
        tracing::error!(server, "{issue}");
    }
}
