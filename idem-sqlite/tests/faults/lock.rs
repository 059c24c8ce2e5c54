//! Another process that keeps the file locked.

use std::time::Duration;

use idem_core::store::{IdempotencyStore, StoreErrorKind, Update};
use idem_sqlite::sqlx::sqlite::SqliteConnectOptions;
use idem_sqlite::sqlx::{ConnectOptions, query};
use idem_testkit::servers::{SqliteFile, eventually};

use crate::support::{
    HOUR, builder, claim_new, completed, completion, error_kind, new_id, request,
};

/// Changes are refused, and replays are served. Nothing of the refused calls is written later.
#[tokio::test]
async fn fault_sqlite_locked_refuses_changes() {
    let file = SqliteFile::new();
    let patient = crate::support::store(&file).await;
    let builder = builder().wait_timeout(Duration::from_secs(2));
    let store = builder.open(file.path()).await.unwrap();
    let (done, running) = (claim_new(&patient).await, claim_new(&patient).await);
    let stored = patient.complete(done, completion("done"), HOUR).await.unwrap();
    assert_eq!(stored, Update::Applied);
    let options = SqliteConnectOptions::new().filename(file.path());
    let mut other = options.connect().await.unwrap();
    query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let refused = new_id();
    assert_eq!(error_kind(store.claim(refused, request()).await), StoreErrorKind::NotDone);
    let late = store.complete(running, completion("late"), HOUR).await;
    assert_eq!(error_kind(late), StoreErrorKind::NotDone);
    // On a busy machine, the short limit can end these calls too.
    let replay = async || store.claim(done.id, request()).await.ok();
    assert_eq!(eventually("replay", replay).await, completed("done"));
    query("ROLLBACK").execute(&mut other).await.unwrap();
    let complete = async || store.complete(running, completion("kept"), HOUR).await.ok();
    assert_eq!(eventually("completion", complete).await, Update::Applied);
    let found = patient.records().unwrap().find(refused).await.unwrap();
    assert_eq!(found, None, "a refused claim was made later");
}
