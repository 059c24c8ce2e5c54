//! The memory store is bounded and never evicts live records.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use idem_core::store::{
    Capacity, Claim, ClaimOutcome, ClaimRequest, Completion, DeleteExpired, Headers,
    IdempotencyStore, RecordId, StoredResponse, Update,
};
use idem_core::{Guarantee, MemoryStore, Policy};

const FULL: ClaimOutcome = ClaimOutcome::AtCapacity(Capacity::Store);
const MINUTE: Duration = Duration::from_secs(60);

fn request() -> ClaimRequest {
    let policy = Policy::new(MINUTE, Guarantee::AtMostOnce).with_hold(MINUTE).with_lease(MINUTE);
    ClaimRequest::new(&policy)
}

fn key() -> RecordId {
    RecordId::from_bytes(rand::random())
}

async fn claim(store: &MemoryStore, id: RecordId) -> ClaimOutcome {
    store.claim(id, request()).await.unwrap()
}

async fn won(store: &MemoryStore, id: RecordId) -> Claim {
    match claim(store, id).await {
        ClaimOutcome::Acquired(claim) => claim,
        other => panic!("{other:?}"),
    }
}

async fn complete(store: &MemoryStore, claim: Claim, body: usize) -> Update {
    let response = StoredResponse::new(200, Headers::default(), Bytes::from(vec![7; body]));
    store.complete(claim, Completion::Response(response), MINUTE).await.unwrap()
}

#[tokio::test]
async fn full_store_rejects_new_keys_and_keeps_live_records() {
    let store = MemoryStore::with_capacity(2, 1 << 20);
    let (running, done) = (key(), key());
    let held = won(&store, running).await;
    let finished = won(&store, done).await;
    assert_eq!(claim(&store, key()).await, FULL);
    assert_eq!(complete(&store, finished, 1).await, Update::Applied);
    assert_eq!(claim(&store, key()).await, FULL);
    assert!(matches!(claim(&store, done).await, ClaimOutcome::Exists(_)));
    assert!(matches!(claim(&store, running).await, ClaimOutcome::Exists(_)));
    assert_eq!(complete(&store, held, 1).await, Update::Applied);
    assert_eq!(store.len(), 2);
}

#[tokio::test]
async fn freed_key_makes_room() {
    let store = MemoryStore::with_capacity(1, 1 << 20);
    let first = won(&store, key()).await;
    assert_eq!(claim(&store, key()).await, FULL);
    assert_eq!(store.release(first).await.unwrap(), Update::Applied);
    let second = won(&store, key()).await;
    assert_eq!(claim(&store, key()).await, FULL);
    assert_eq!(store.abandon(second.id, second.nonce).await.unwrap(), Update::Applied);
    won(&store, key()).await;
}

#[tokio::test]
async fn expired_keys_make_room_without_being_read() {
    let store = MemoryStore::with_capacity(3, 1 << 20);
    for _ in 0..3 {
        won(&store, key()).await;
    }
    store.advance_clock(MINUTE);
    assert_eq!(claim(&store, key()).await, FULL, "lapsed records are kept for their ttl");
    store.advance_clock(MINUTE * 2);
    for _ in 0..3 {
        won(&store, key()).await;
    }
    assert_eq!(claim(&store, key()).await, FULL);
}

/// The key reuses the room of its expired record.
#[tokio::test]
async fn expired_key_is_claimed_again_in_a_full_store() {
    let store = MemoryStore::with_capacity(2, 1 << 20);
    let old = key();
    won(&store, old).await;
    store.advance_clock(MINUTE * 2 - Duration::from_millis(500));
    won(&store, key()).await;
    assert_eq!(claim(&store, key()).await, FULL, "the store has just been swept");
    store.advance_clock(Duration::from_millis(500));
    assert_eq!(won(&store, old).await.attempt, 1);
    assert_eq!(store.len(), 2);
}

#[tokio::test]
async fn responses_are_bounded_in_bytes() {
    let store = MemoryStore::with_capacity(100, 1_000);
    let (first, second) = (won(&store, key()).await, won(&store, key()).await);
    assert_eq!(complete(&store, first, 1_000).await, Update::Applied);
    assert_eq!(claim(&store, key()).await, FULL);
    assert_eq!(
        complete(&store, second, 1_000).await,
        Update::Applied,
        "an active run stores its response"
    );
    store.advance_clock(MINUTE * 2);
    won(&store, key()).await;
}

/// The bytes of a record are freed whenever the record is removed.
#[tokio::test]
async fn bytes_are_freed() {
    let store = MemoryStore::with_capacity(100, 1_000);
    let id = key();
    for _ in 0..20 {
        let again = won(&store, id).await;
        assert_eq!(complete(&store, again, 500).await, Update::Applied);
        let other = won(&store, key()).await;
        assert_eq!(complete(&store, other, 400).await, Update::Applied);
        store.advance_clock(MINUTE * 2);
        drop(store.delete_expired().await);
        let replaced = won(&store, id).await;
        assert_eq!(complete(&store, replaced, 900).await, Update::Applied);
        store.advance_clock(MINUTE * 2);
    }
}

#[tokio::test]
async fn expired_records_are_removed_as_new_keys_arrive() {
    let store = MemoryStore::new();
    for _ in 0..40_000 {
        won(&store, key()).await;
        store.advance_clock(MINUTE);
    }
    assert!(store.len() <= 64 * 64 * 2, "{} records", store.len());
}

/// Threads that find room concurrently can each take one key beyond the limit.
#[test]
fn race_exceeds_the_limit_by_at_most_one_key_per_thread() {
    const THREADS: usize = 8;
    let store = MemoryStore::with_capacity(100, 1 << 20);
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                (0..100).for_each(|_| drop(store.claim(key(), request())));
            });
        }
    });
    assert!((100..100 + THREADS).contains(&store.len()), "{} records", store.len());
}

#[tokio::test]
async fn clones_share_their_records() {
    let store = MemoryStore::new();
    let id = key();
    won(&store.clone(), id).await;
    assert!(matches!(claim(&store, id).await, ClaimOutcome::Exists(_)));
    assert_eq!(store.len(), 1);
    assert!(MemoryStore::new().is_empty());
}
