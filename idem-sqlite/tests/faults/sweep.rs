//! Deletion of expired records.

use std::num::NonZeroU32;
use std::time::Duration;

use idem_core::store::{
    Capacity, ClaimOutcome, DeleteExpired, IdempotencyStore, Quota, ScopeId, Update,
};
use idem_testkit::servers::{SqliteFile, run_sql};
use tokio::task::JoinSet;

use crate::support::{HOUR, completion, new_id, request, store};

/// The number of expired records, which is more than one transaction deletes.
const MANY: usize = 2_500;
/// The number of calls at a time. More of them would wait too long for their turn on a busy machine.
const TASKS: usize = 25;

/// Expired records are deleted with their responses, and make room in their scope. The pages are returned.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expired_records_of_a_full_scope_are_deleted() {
    let file = SqliteFile::new();
    let store = store(&file).await;
    let max_keys = NonZeroU32::new(MANY as u32).unwrap();
    let quota = Some(Quota { scope: ScopeId::from_bytes(rand::random()), max_keys });
    let mut runs = JoinSet::new();
    for _ in 0..TASKS {
        let store = store.clone();
        runs.spawn(async move {
            for _ in 0..MANY / TASKS {
                let claimed = store.claim(new_id(), request().with_quota(quota)).await.unwrap();
                let ClaimOutcome::Acquired(claim) = claimed else { panic!("{claimed:?}") };
                let done = store.complete(claim, completion(vec![7; 2_000]), HOUR).await.unwrap();
                assert_eq!(done, Update::Applied);
            }
        });
    }
    runs.join_all().await;
    let full = ClaimOutcome::AtCapacity(Capacity::Scope);
    let refused = store.claim(new_id(), request().with_quota(quota)).await.unwrap();
    assert_eq!(refused, full);
    let count = |table: &str| run_sql(&file.path(), &format!("SELECT count(*) FROM {table}"));
    let pages = || run_sql(&file.path(), "PRAGMA page_count").unwrap();
    let before = pages();
    file.advance(HOUR + Duration::from_secs(1));
    let claimed = store.claim(new_id(), request().with_quota(quota)).await.unwrap();
    assert!(matches!(claimed, ClaimOutcome::Acquired(_)), "{claimed:?}");
    let left = count("idem_records").unwrap() - 1;
    assert_eq!(store.delete_expired().await.unwrap(), left.unsigned_abs());
    assert_eq!((count("idem_records"), count("idem_responses")), (Some(1), Some(0)));
    assert_eq!(run_sql(&file.path(), "SELECT keys FROM idem_scopes"), Some(1));
    assert!(pages() < before / 2, "{before} pages before, and {} after", pages());
    assert_eq!(store.sweep_lag().await.unwrap(), Duration::ZERO);
}
