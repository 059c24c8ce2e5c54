//! A full disk, simulated by a limit on the size of the server's files; see `limit_files`.

use idem_core::store::{ClaimOutcome, IdempotencyStore, StoreErrorKind, Update};
use idem_testkit::servers::PostgresServer;

use crate::support::{HOUR, claim_new, completed, completion, error_kind, new_id, request, store};

/// The size of the table in bytes. It is larger than a segment of the server's log, so that the limit affects
/// only the table.
const ENOUGH: u64 = 20 << 20;
/// Half of a page. A write that succeeds in part reports a full disk.
const HALF: u64 = 4096;

/// Fills the table with records of `bytes` each, and returns the size of its file.
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

/// New keys are refused. Stored responses replay, and a run can complete on the page of its claim.
#[tokio::test]
async fn fault_postgres_disk_full_at_claim() {
    let server = PostgresServer::start(&["autovacuum=off"]);
    let store = store(&server).await;
    // Two records fill a page, so that claims find no room on the existing pages.
    let size = fill(&server, 1_860, "'idem_records'");
    let runs = claim_new(&store).await;
    // The page of that claim has room for a few more claims.
    server.limit_files(Some(size + 8192 + HALF));
    let mut refused = None;
    for _ in 0..200 {
        match store.claim(new_id(), request()).await {
            Ok(ClaimOutcome::Acquired(_)) => {}
            Ok(other) => panic!("{other:?}"),
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
    }
    let refused = refused.expect("a page has room for fewer than 200 claims");
    assert_eq!(refused.kind(), StoreErrorKind::NotDone, "{refused:?}");
    assert_eq!(error_kind(store.claim(new_id(), request()).await), StoreErrorKind::NotDone);

    assert_eq!(store.complete(runs, completion("kept"), HOUR).await.unwrap(), Update::Applied);
    assert_eq!(store.claim(runs.id, request()).await.unwrap(), completed("kept"));
    server.limit_files(None);
    claim_new(&store).await;
}

/// The claim stays valid, and the same completion succeeds when there is room again.
#[tokio::test]
async fn fault_postgres_disk_full_at_completion() {
    let server = PostgresServer::start(&["autovacuum=off"]);
    let store = store(&server).await;
    // Large responses are in the TOAST file of the table.
    let toast = "(SELECT reltoastrelid FROM pg_class WHERE relname = 'idem_records')";
    let size = fill(&server, 100 << 10, toast);
    let claim = claim_new(&store).await;
    server.limit_files(Some(size + HALF));
    let large = || completion(vec![7; 200 << 10]);
    for _ in 0..3 {
        assert_eq!(error_kind(store.complete(claim, large(), HOUR).await), StoreErrorKind::NotDone);
    }
    assert!(matches!(store.claim(claim.id, request()).await.unwrap(), ClaimOutcome::Exists(_)));
    claim_new(&store).await;
    server.limit_files(None);
    assert_eq!(store.complete(claim, large(), HOUR).await.unwrap(), Update::Applied);
}
