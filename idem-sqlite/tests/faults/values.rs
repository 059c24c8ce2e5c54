//! Damaged records, and calls that the database rejects, in one transaction with others.

use idem_core::store::{Filter, IdempotencyStore, RecordId, StoreErrorKind, Update};
use idem_testkit::servers::{SqliteFile, run_sql};
use tokio::task::JoinSet;

use crate::support::{HOUR, claim_new, completed, completion, error_kind, request, store};

fn hex(id: RecordId) -> String {
    id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The key of a damaged record stays held. Other keys are not affected.
#[tokio::test]
async fn fault_record_changed_externally_deleted_or_damaged() {
    let file = SqliteFile::new();
    let store = store(&file).await;
    let (damaged, cut, deleted, whole) = (
        claim_new(&store).await,
        claim_new(&store).await,
        claim_new(&store).await,
        claim_new(&store).await,
    );
    drop(store.complete(cut, completion("a response"), HOUR).await.unwrap());
    let run = |sql: String| run_sql(&file.path(), &sql);
    run(format!("UPDATE idem_records SET head = x'ff00' WHERE id = x'{}'", hex(damaged.id)));
    run("UPDATE idem_responses SET tail = substr(tail, 1, 12)".to_owned());
    run(format!("DELETE FROM idem_records WHERE id = x'{}'", hex(deleted.id)));
    for id in [damaged.id, cut.id] {
        assert_eq!(error_kind(store.claim(id, request()).await), StoreErrorKind::Corrupt);
    }
    let late = store.complete(damaged, completion("late"), HOUR).await;
    assert_eq!(error_kind(late), StoreErrorKind::Corrupt);
    let late = store.complete(deleted, completion("late"), HOUR).await.unwrap();
    assert_eq!(late, Update::Stale(None), "a deleted record is not created again");
    let kept = store.complete(whole, completion("kept"), HOUR).await.unwrap();
    assert_eq!(kept, Update::Applied);
    let listed = store.records().unwrap().list(Filter::all(), None, 10).await.unwrap();
    assert_eq!(listed.records.len(), 2, "the damaged record is left out");
}

/// A call whose row is rejected fails alone. The calls that shared its transaction are applied.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejected_call_does_not_affect_the_others_of_its_transaction() {
    let file = SqliteFile::new();
    let store = store(&file).await;
    let rejected = claim_new(&store).await;
    let trigger = format!(
        "CREATE TRIGGER reject BEFORE INSERT ON idem_records WHEN NEW.id = x'{}'
         BEGIN SELECT RAISE(ABORT, 'rejected by the test'); END",
        hex(rejected.id)
    );
    run_sql(&file.path(), &trigger);
    let mut calls = JoinSet::new();
    for n in 0..200 {
        let store = store.clone();
        calls.spawn(async move {
            if n % 20 == 0 {
                let refused = store.complete(rejected, completion("no"), HOUR).await;
                assert_eq!(error_kind(refused), StoreErrorKind::NotDone);
                return;
            }
            let claim = claim_new(&store).await;
            let done = store.complete(claim, completion("kept"), HOUR).await.unwrap();
            assert_eq!(done, Update::Applied);
            assert_eq!(store.claim(claim.id, request()).await.unwrap(), completed("kept"));
        });
    }
    calls.join_all().await;
}
