//! Checks of the file, at start and while the store exists.

use std::error::Error;
use std::path::Path;
use std::sync::Weak;
use std::time::Duration;

use idem_core::store::StoreError;
use sqlx::{Row, SqlitePool, query, query_scalar};
use tokio::time::sleep;

use crate::alias;
use crate::file::{self, Misplaced};
use crate::schema;
use crate::shared::Shared;

/// Time between two checks.
const CHECK_INTERVAL: Duration = Duration::from_secs(60);

/// The free space of the disk below which the check reports an issue, in bytes.
const MIN_FREE_SPACE: u64 = 64 << 20;

/// A state of the file that breaks a promise of the store, or soon will.
///
/// [Store checks](idem_core::rules::guarantees#store-checks) lists how the store reacts to each of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HealthIssue {
    /// The file is on a network file system, or SQLite could not switch it to a write-ahead log.
    #[error(
        "the file cannot have a write-ahead log; WAL needs a local disk, so move the file to one"
    )]
    NoWal,
    /// The given pool does not flush what it copies from the log into the database file.
    #[error(
        "`synchronous` is `OFF` in the given pool: a power failure can damage the database; set it to `FULL` or `NORMAL`"
    )]
    SynchronousOff,
    /// The file was deleted or moved while the store had it open. Changes are refused until the process restarts.
    #[error("the file was deleted or moved while the store had it open; restart the process")]
    FileMissing,
    /// Another file has replaced the file while the store had it open. Changes are refused until the process restarts.
    #[error("the file was replaced while the store had it open; restart the process")]
    FileReplaced,
    /// The log of the file was deleted or replaced while the store had it open. Changes are refused until the process
    /// restarts.
    #[error(
        "the write-ahead log was deleted or replaced while the store had it open; stop all processes that use the file, and start them again"
    )]
    LogReplaced,
    /// The file has several hard links. Each of them has its own log, so processes that use different ones do not see each
    /// other's records.
    #[error(
        "{links} hard links lead to `{path}`, and each has its own write-ahead log, so a key can run once for each; stop the processes that use the file, and delete the other links"
    )]
    HardLinks {
        /// The path of the file.
        path: Box<str>,
        /// The number of links, including the path.
        links: u64,
    },
    /// The file is mounted without its directory. Its log stays outside of the mount, where other processes on the file do
    /// not see it. A container loses it when it is removed.
    #[error(
        "`{path}` is mounted without its directory, so its write-ahead log is neither shared nor kept; mount the directory of the file"
    )]
    FileMount {
        /// The path of the file.
        path: Box<str>,
    },
    /// The tables do not belong to this version of the store.
    #[error(
        "the tables of the records have version {found}, and this store needs version {needed}; deploy the version of idem-sqlite that made them"
    )]
    Schema {
        /// The version in the file.
        found: i64,
        /// The version that this store works with.
        needed: i64,
    },
    /// The disk is almost full. A full disk refuses new keys and the ends of runs.
    #[error("the disk of the file has {free} bytes left; free at least 64 MiB")]
    LowSpace {
        /// The free space, in bytes.
        free: u64,
    },
}

impl HealthIssue {
    /// Whether a store with this issue refuses to start.
    pub(crate) const fn prevents_start(&self) -> bool {
        !matches!(self, Self::LowSpace { .. })
    }
}

/// Checks the file now, and returns every issue.
pub(crate) async fn check(shared: &Shared) -> Result<Vec<HealthIssue>, StoreError> {
    let file = &shared.connector.file;
    match file.verify() {
        Err(Misplaced::Missing(_)) => return Ok(vec![HealthIssue::FileMissing]),
        Err(Misplaced::Replaced(_)) => return Ok(vec![HealthIssue::FileReplaced]),
        Err(Misplaced::LogReplaced(_)) => return Ok(vec![HealthIssue::LogReplaced]),
        Ok(()) => {}
    }
    let mut issues = Vec::from_iter(path_issue(&file.path));
    let rows = shared.side.fetch_all(query("PRAGMA journal_mode")).await?;
    let mode: Option<String> = rows.first().and_then(|row| row.try_get(0).ok());
    if mode.as_deref() != Some("wal") {
        issues.push(HealthIssue::NoWal);
    }
    let rows = shared.side.fetch_all(query("SELECT version FROM idem_store")).await?;
    let found = rows.first().and_then(|row| row.try_get(0).ok()).unwrap_or(0);
    if found != schema::VERSION {
        issues.push(HealthIssue::Schema { found, needed: schema::VERSION });
    }
    if let Some(pool) = &shared.pool
        && is_synchronous_off(pool).await.map_err(StoreError::not_done)?
    {
        issues.push(HealthIssue::SynchronousOff);
    }
    let free = file::free_space(&file.path).filter(|free| *free < MIN_FREE_SPACE);
    issues.extend(free.map(|free| HealthIssue::LowSpace { free }));
    Ok(issues)
}

/// The issue of a path that is not the only one to its file. The path must be canonical.
pub(crate) fn path_issue(path: &Path) -> Option<HealthIssue> {
    let name = || -> Box<str> { path.display().to_string().into() };
    let links = alias::hard_links(path);
    if links > 1 {
        Some(HealthIssue::HardLinks { path: name(), links })
    } else if alias::is_mount_point(path) {
        Some(HealthIssue::FileMount { path: name() })
    } else {
        None
    }
}

async fn is_synchronous_off(pool: &SqlitePool) -> sqlx::Result<bool> {
    const OFF: i64 = 0;
    let level: i64 = query_scalar("PRAGMA synchronous").fetch_one(pool).await?;
    Ok(level == OFF)
}

/// Checks the file every minute, until the store is dropped.
pub(crate) async fn watch(shared: Weak<Shared>) {
    loop {
        sleep(CHECK_INTERVAL).await;
        let Some(shared) = shared.upgrade() else { return };
        match check(&shared).await {
            Ok(issues) => log(&shared, &issues),
            Err(error) => {
                let (path, error) = (&*shared.connector.file.name(), &error as &dyn Error);
                tracing::warn!(path, error, "SQLite health check failed");
            }
        }
    }
}

/// Logs the issues in spite of which the store starts or continues.
pub(crate) fn log(shared: &Shared, issues: &[HealthIssue]) {
    let path = &*shared.connector.file.name();
    for issue in issues {
        tracing::error!(path, "{issue}");
    }
}
