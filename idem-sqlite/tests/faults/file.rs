//! A file that is deleted or replaced, and a disk without room.

use idem_core::store::{IdempotencyStore, StoreErrorKind, Update};
use idem_sqlite::HealthIssue;
use idem_sqlite::sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use idem_testkit::servers::SqliteFile;

use crate::support::{
    HOUR, builder, claim_new, completed, completion, error_kind, new_id, request, store,
};

#[tokio::test]
async fn fault_sqlite_file_replaced_refuses_changes() {
    let file = SqliteFile::new();
    let store = store(&file).await;
    assert_eq!(store.check().await.unwrap(), []);
    let claim = claim_new(&store).await;
    let aside = file.path().with_extension("aside");
    std::fs::rename(file.path(), &aside).unwrap();
    assert_eq!(store.check().await.unwrap(), [HealthIssue::FileMissing]);
    std::fs::write(file.path(), "").unwrap();
    assert_eq!(store.check().await.unwrap(), [HealthIssue::FileReplaced]);
    assert_eq!(error_kind(store.claim(new_id(), request()).await), StoreErrorKind::NotDone);
    let late = store.complete(claim, completion("late"), HOUR).await;
    assert_eq!(error_kind(late), StoreErrorKind::NotDone);
    std::fs::rename(&aside, file.path()).unwrap();
    let kept = store.complete(claim, completion("kept"), HOUR).await.unwrap();
    assert_eq!(kept, Update::Applied);
    assert_eq!(store.claim(claim.id, request()).await.unwrap(), completed("kept"));
}

/// What is written to a deleted log is lost at the next start, so nothing is.
#[tokio::test]
#[cfg(unix)]
async fn fault_sqlite_file_replaced_refuses_changes_without_its_log() {
    let file = SqliteFile::new();
    let store = store(&file).await;
    let claim = claim_new(&store).await;
    assert_eq!(store.check().await.unwrap(), []);
    let log = file.path().with_file_name("idem.db-wal");
    std::fs::remove_file(&log).unwrap();
    assert_eq!(store.check().await.unwrap(), [HealthIssue::LogReplaced]);
    assert_eq!(error_kind(store.claim(new_id(), request()).await), StoreErrorKind::NotDone);
    std::fs::write(&log, "").unwrap();
    assert_eq!(store.check().await.unwrap(), [HealthIssue::LogReplaced]);
    let late = store.complete(claim, completion("late"), HOUR).await;
    assert_eq!(error_kind(late), StoreErrorKind::NotDone);
}

/// A limit on the pages of the database stands for a full disk. Nothing is written, replays are served, and the claim that
/// was made before stays valid.
#[tokio::test]
async fn fault_sqlite_disk_full_refuses_new_keys() {
    let file = SqliteFile::new();
    let options = SqliteConnectOptions::new().filename(file.path()).create_if_missing(true);
    let pool = SqlitePoolOptions::new().connect_lazy_with(options.pragma("max_page_count", "64"));
    let store = builder().on_pool(pool).await.unwrap();
    let (done, running) = (claim_new(&store).await, claim_new(&store).await);
    let stored = store.complete(done, completion("done"), HOUR).await.unwrap();
    assert_eq!(stored, Update::Applied);
    let large = || completion(vec![7; 1 << 20]);
    for _ in 0..3 {
        let refused = store.complete(running, large(), HOUR).await;
        assert_eq!(error_kind(refused), StoreErrorKind::NotDone);
    }
    assert_eq!(store.claim(done.id, request()).await.unwrap(), completed("done"));
    let smaller = store.complete(running, completion("fits"), HOUR).await.unwrap();
    assert_eq!(smaller, Update::Applied);
}
