//! A full disk, simulated by a limit on the size of the server's files; see `limit_files`.

use std::error::Error;

use idem_core::store::{ClaimOutcome, IdempotencyStore, StoreError, StoreErrorKind, Update};
use idem_testkit::servers::PostgresServer;

use crate::support::{HOUR, claim_new, completed, completion, new_id, request, store};

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

/// Whether the server refused to write. Since version 16, Postgres reports the limit itself, which is not one of the errors
/// that a full disk causes.
fn is_full(error: &StoreError) -> bool {
    let reason = error.source().map(ToString::to_string).unwrap_or_default();
    error.kind() == StoreErrorKind::NotDone || reason.contains("File too large")
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
    assert!(is_full(&refused), "{refused:?}");
    assert!(store.claim(new_id(), request()).await.is_err_and(|error| is_full(&error)));

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
        let refused = store.complete(claim, large(), HOUR).await;
        assert!(refused.as_ref().is_err_and(is_full), "{refused:?}");
    }
    assert!(matches!(store.claim(claim.id, request()).await.unwrap(), ClaimOutcome::Exists(_)));
    claim_new(&store).await;
    server.limit_files(None);
    assert_eq!(store.complete(claim, large(), HOUR).await.unwrap(), Update::Applied);
}
