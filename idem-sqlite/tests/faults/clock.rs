//! Clocks that jump.

use std::time::Duration;

use idem_core::store::{ClaimOutcome, IdempotencyStore, State, UnknownReason, Update};
use idem_testkit::servers::SqliteFile;

use crate::support::{HOUR, claim_new, completed, completion, existing, request, store};

/// A process whose wall clock is ahead has ended the lease. After it is set back, and after a restart, the lease stays
/// ended, and the run still completes.
#[tokio::test]
async fn fault_store_clock_jumps_back_and_revives_no_lease() {
    let file = SqliteFile::new();
    let first = store(&file).await;
    let claim = claim_new(&first).await;
    let unknown = existing(State::Unknown(UnknownReason::Crashed));
    let running = existing(State::Running);
    assert_eq!(first.claim(claim.id, request()).await.unwrap(), running);
    file.advance(HOUR + Duration::from_secs(1));
    // The wall clocks of these processes are an hour behind the latest time in the file.
    assert_eq!(first.claim(claim.id, request()).await.unwrap(), unknown);
    let second = store(&file).await;
    assert_eq!(second.claim(claim.id, request()).await.unwrap(), unknown);
    assert_eq!(first.complete(claim, completion("kept"), HOUR).await.unwrap(), Update::Applied);
    assert_eq!(second.claim(claim.id, request()).await.unwrap(), completed("kept"));
}

/// Fencing tokens of a new process are higher than those of an earlier one whose clock was ahead.
#[tokio::test]
async fn fault_store_clock_jumps_back_and_tokens_still_grow() {
    let file = SqliteFile::new();
    let first = store(&file).await;
    file.advance(HOUR);
    let earlier = claim_new(&first).await;
    drop(first);
    let later = claim_new(&store(&file).await).await;
    assert!(later.token > earlier.token, "{earlier:?} {later:?}");
}

/// A clock that jumps forward ends the retention of the records that exist early. Later records are kept for their whole
/// retention, also after a restart with a right clock.
#[tokio::test]
async fn fault_sqlite_clock_wrong_shortens_the_retention_of_earlier_records() {
    let file = SqliteFile::new();
    let first = store(&file).await;
    let earlier = claim_new(&first).await;
    let stored = first.complete(earlier, completion("earlier"), HOUR * 3).await.unwrap();
    assert_eq!(stored, Update::Applied);
    file.advance(HOUR * 2);
    assert_eq!(first.claim(earlier.id, request()).await.unwrap(), completed("earlier"));
    file.advance(HOUR * 2);
    let again = first.claim(earlier.id, request()).await.unwrap();
    let is_new = matches!(&again, ClaimOutcome::Acquired(claim) if claim.token > earlier.token);
    assert!(is_new, "{again:?}");
    let later = claim_new(&first).await;
    let stored = first.complete(later, completion("later"), HOUR * 3).await.unwrap();
    assert_eq!(stored, Update::Applied);
    drop(first);
    let second = store(&file).await;
    assert_eq!(second.claim(later.id, request()).await.unwrap(), completed("later"));
}
