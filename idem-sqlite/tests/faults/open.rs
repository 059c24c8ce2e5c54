//! Files and options with which a store refuses to start.

use std::path::Path;

use idem_sqlite::sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use idem_sqlite::{HealthIssue, OpenError, SqliteStore};
use idem_testkit::servers::{SqliteFile, run_sql};

use crate::support::{builder, chain, store};

async fn refused(path: impl AsRef<Path>) -> (OpenError, String) {
    let error = SqliteStore::open(path).await.unwrap_err();
    let text = chain(&error);
    (error, text)
}

#[tokio::test]
async fn databases_in_memory_are_refused() {
    let urls = ["", ":memory:", "sqlite::memory:", "sqlite://a.db?mode=memory", "a.db?mode=memory"];
    for url in urls {
        let (error, text) = refused(url).await;
        assert!(matches!(error, OpenError::InMemory { .. }), "{url}: {text}");
        assert!(text.contains("use `MemoryStore`"), "{text}");
    }
    let pool = SqlitePoolOptions::new().connect_lazy("sqlite::memory:").unwrap();
    let error = builder().on_pool(pool).await.unwrap_err();
    assert!(matches!(error, OpenError::InMemory { .. }), "{error:?}");
}

#[tokio::test]
async fn fault_sqlite_unusable_is_refused_if_read_only() {
    let file = SqliteFile::new();
    let url = format!("sqlite:{}?mode=ro", file.path().display());
    drop(store(&file).await);
    let (error, text) = refused(&url).await;
    assert!(matches!(error, OpenError::ReadOnly { .. }), "{text}");
    assert!(text.contains("writable") && text.contains("idem.db"), "{text}");
    let options = SqliteConnectOptions::new().filename(file.path()).read_only(true);
    let pool = SqlitePoolOptions::new().connect_lazy_with(options);
    let error = builder().on_pool(pool).await.unwrap_err();
    assert!(matches!(error, OpenError::ReadOnly { .. }), "{}", chain(&error));
}

#[tokio::test]
async fn fault_sqlite_unusable_is_refused_without_a_directory() {
    let file = SqliteFile::new();
    let (_, text) = refused(file.path().join("missing/idem.db")).await;
    assert!(text.contains("check that its directory exists"), "{text}");
    assert!(text.contains("missing/idem.db"), "{text}");
}

#[tokio::test]
async fn fault_sqlite_unusable_is_refused_if_it_is_another_kind_of_file() {
    let file = SqliteFile::new();
    std::fs::write(file.path(), "not a database, but long enough to have a header ".repeat(40))
        .unwrap();
    let (_, text) = refused(file.path()).await;
    assert!(text.contains("is a SQLite database") && text.contains("idem.db"), "{text}");
}

#[tokio::test]
async fn fault_sqlite_unusable_is_refused_with_another_schema_version() {
    let file = SqliteFile::new();
    let running = store(&file).await;
    run_sql(&file.path(), "UPDATE idem_store SET version = 99");
    let issue = HealthIssue::Schema { found: 99, needed: 1 };
    assert_eq!(running.check().await.unwrap(), [issue]);
    let (_, text) = refused(file.path()).await;
    assert!(text.contains("version 99, and this store needs version 1"), "{text}");
    assert!(text.contains("idem.db"), "{text}");
}

/// This VFS has no shared memory, like a network file system.
#[tokio::test]
async fn fault_sqlite_unusable_is_refused_without_wal() {
    let file = SqliteFile::new();
    let options = SqliteConnectOptions::new().filename(file.path()).create_if_missing(true);
    let pool = SqlitePoolOptions::new().connect_lazy_with(options.vfs("unix-dotfile"));
    let error = builder().on_pool(pool).await.unwrap_err();
    assert!(chain(&error).contains("WAL needs a local disk"), "{}", chain(&error));
}

#[tokio::test]
async fn fault_sqlite_unusable_is_refused_with_a_pool_that_does_not_flush() {
    let file = SqliteFile::new();
    let options = SqliteConnectOptions::new().filename(file.path()).create_if_missing(true);
    let pool =
        |level| SqlitePoolOptions::new().connect_lazy_with(options.clone().synchronous(level));
    let error = builder().on_pool(pool(SqliteSynchronous::Off)).await.unwrap_err();
    assert!(chain(&error).contains("`synchronous` is `OFF`"), "{}", chain(&error));
    builder().on_pool(pool(SqliteSynchronous::Normal)).await.unwrap();
}

/// A link that a backup makes is reported while the store runs, and the next start is refused. Nothing opens the file by
/// the link, which would create a second log.
#[tokio::test]
#[cfg(unix)]
async fn fault_sqlite_unusable_is_refused_with_several_hard_links() {
    let file = SqliteFile::new();
    let running = store(&file).await;
    let link = file.path().with_file_name("backup.db");
    std::fs::hard_link(file.path(), &link).unwrap();
    let path = file.path().canonicalize().unwrap().display().to_string().into();
    let issue = HealthIssue::HardLinks { path, links: 2 };
    assert_eq!(running.check().await.unwrap(), [issue]);
    for (path, name) in [(file.path(), "idem.db"), (link.clone(), "backup.db")] {
        let (_, text) = refused(path).await;
        assert!(text.contains("2 hard links lead to") && text.contains(name), "{text}");
    }
    assert!(!link.with_file_name("backup.db-wal").exists(), "the link was opened");
    std::fs::remove_file(&link).unwrap();
    assert_eq!(running.check().await.unwrap(), []);
    drop(store(&file).await);
}

/// Processes that start together create the tables once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stores_that_open_a_new_file_together_wait_for_each_other() {
    let file = SqliteFile::new();
    let opening: Vec<_> = (0..8)
        .map(|_| {
            let path = file.path();
            tokio::spawn(async move { builder().open(path).await })
        })
        .collect();
    for opened in opening {
        opened.await.unwrap().unwrap();
    }
}
