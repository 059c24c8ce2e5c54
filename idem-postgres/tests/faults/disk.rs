//! A disk that is full: no file of the server may grow. `limit_files` says why that is as good.

use idem_core::store::{ClaimOutcome, IdempotencyStore, StoreErrorKind, Update};
use idem_testkit::servers::PostgresServer;

use crate::support::{HOUR, answered, completed, failure, key, request, store, won};

/// More than a segment of the server's log, which may be written to its end.
const ENOUGH: u64 = 20 << 20;
/// Half of a page: the server is told of a full disk when it can write only a part of one.
const HALF: u64 = 4096;

/// Fills a table with records of `bytes` each, and tells how large its file is.
fn fill(server: &PostgresServer, bytes: usize, file: &str) -> u64 {
    server.sql(&format!(
        "INSERT INTO idem_records SELECT sha256(n::text::bytea), now(), now(), 'infinity', 'infinity', 1, 1,
             1, 2, 1, 0, false, '', '', decode(repeat('07', {bytes}), 'hex')
         FROM generate_series(1, {ENOUGH} / {bytes}) AS n"
    ));
    let size: u64 = server.sql(&format!("SELECT pg_relation_size({file})")).parse().unwrap();
    assert!(size > ENOUGH, "{size}");
    size
}

/// New keys are refused; what is stored replays, and what runs can end on the page of its claim.
#[tokio::test]
async fn fault_postgres_disk_full_at_claim() {
    let server = PostgresServer::start(&["autovacuum=off"]);
    let store = store(&server).await;
    // Two to a page, which leave no room for a claim in the half that claims may use.
    let size = fill(&server, 1_860, "'idem_records'");
    let runs = won(&store).await;
    // The page of that claim has room for a few more.
    server.limit_files(Some(size + 8192 + HALF));
    let mut refused = None;
    for _ in 0..200 {
        match store.claim(key(), request()).await {
            Ok(ClaimOutcome::Acquired(_)) => {}
            Ok(other) => panic!("{other:?}"),
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
    }
    let refused = refused.expect("a page takes fewer than 200 claims");
    assert_eq!(refused.kind(), StoreErrorKind::NotDone, "{refused:?}");
    assert_eq!(failure(store.claim(key(), request()).await), StoreErrorKind::NotDone);

    assert_eq!(store.complete(runs, answered("kept"), HOUR).await.unwrap(), Update::Applied);
    assert_eq!(store.claim(runs.id, request()).await.unwrap(), completed("kept"));
    server.limit_files(None);
    won(&store).await;
}

/// The claim holds, and the same completion is taken when there is room again.
#[tokio::test]
async fn fault_postgres_disk_full_at_completion() {
    let server = PostgresServer::start(&["autovacuum=off"]);
    let store = store(&server).await;
    // Large answers are in a file of their own.
    let toast = "(SELECT reltoastrelid FROM pg_class WHERE relname = 'idem_records')";
    let size = fill(&server, 100 << 10, toast);
    let claim = won(&store).await;
    server.limit_files(Some(size + HALF));
    let large = || answered(vec![7; 200 << 10]);
    for _ in 0..3 {
        assert_eq!(failure(store.complete(claim, large(), HOUR).await), StoreErrorKind::NotDone);
    }
    assert!(matches!(store.claim(claim.id, request()).await.unwrap(), ClaimOutcome::Exists(_)));
    won(&store).await;
    server.limit_files(None);
    assert_eq!(store.complete(claim, large(), HOUR).await.unwrap(), Update::Applied);
}
