//! Quotas: the count of a scope costs the same for any number of keys, and includes what the previous version
//! of the store writes.

use std::num::NonZeroU32;

use idem_core::store::{Capacity, ClaimOutcome, IdempotencyStore, Quota, ScopeId};
use idem_postgres::PostgresStore;
use idem_testkit::servers::PostgresServer;

use crate::support::{builder, new_id, request, store};

const SCOPE: [u8; 32] = [7; 32];

fn quota(max_keys: u32) -> Quota {
    Quota { scope: ScopeId::from_bytes(SCOPE), max_keys: NonZeroU32::new(max_keys).unwrap() }
}

async fn claim(store: &PostgresStore, max_keys: u32) -> ClaimOutcome {
    store.claim(new_id(), request().with_quota(Some(quota(max_keys)))).await.unwrap()
}

fn is_acquired(outcome: &ClaimOutcome) -> bool {
    matches!(outcome, ClaimOutcome::Acquired(_))
}

const FULL: ClaimOutcome = ClaimOutcome::AtCapacity(Capacity::Scope);

/// A claim by the previous version of the store, in a scope with a quota of three.
const OLD_CLAIM: &str = "SELECT acquired FROM idem_records_claim_1(
    sha256(gen_random_uuid()::text::bytea), '\\x01', '1 h', '1 h', 1::smallint, 1::smallint, 0::smallint, '', 1, NULL,
    decode(repeat('07', 32), 'hex'), 3)";

/// The rows that the server has read from the records and their indexes, once it has counted `inserted` new records.
fn rows_read(server: &PostgresServer, inserted: u32) -> u64 {
    let counted = "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'idem_records'";
    server.until(counted, |rows| rows.parse().is_ok_and(|rows: u32| rows >= inserted));
    let read = "SELECT sum(seq_tup_read) + sum(coalesce(idx_tup_fetch, 0)) + (
                    SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname LIKE 'idem_%'
                ) FROM pg_stat_user_tables WHERE relname LIKE 'idem_%'";
    server.sql(read).parse().unwrap()
}

/// The server counts the rows that claims read, refused ones included.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cost_of_a_quota_does_not_grow_with_its_live_keys() {
    const LIVE: u32 = 20_000;
    let server = PostgresServer::start(&["autovacuum=off"]);
    let store = store(&server).await;
    assert!(is_acquired(&claim(&store, LIVE).await));
    server.sql(&format!(
        "ALTER TABLE idem_records DISABLE TRIGGER USER;
         INSERT INTO idem_records SELECT sha256(n::text::bytea), created_at, lease_until, expires_at, sweep_at, fence,
             attempt, format, state, guarantee, rule, awaited, owner, fingerprint, answer, scope
         FROM idem_records, generate_series(2, {LIVE}) AS n;
         ALTER TABLE idem_records ENABLE TRIGGER USER;
         UPDATE idem_records_scopes SET keys = {LIVE}"
    ));
    // The connections of the store still count its first claim, and report their counts later.
    let before = rows_read(&server, LIVE - 1);
    for _ in 0..20 {
        assert!(is_acquired(&claim(&store, LIVE + 20).await));
        assert_eq!(claim(&store, LIVE).await, FULL);
    }
    assert_eq!(claim(&store, LIVE + 20).await, FULL);
    drop(store);
    // A connection reports all of its counts when it closes.
    let open = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle'";
    server.until(open, |count| count == "0");
    let read = rows_read(&server, LIVE + 20) - before;
    assert!(read < 2_000, "the claims read {read} rows");
}

#[tokio::test]
async fn previous_version_works_beside_the_new_schema() {
    let server = PostgresServer::start(&[]);
    let text = builder().migration_sql().unwrap();
    let (first, _) = text.split_once("VALUES (1);").unwrap();
    server.sql(&format!("{first} VALUES (1);"));
    assert_eq!(server.sql(OLD_CLAIM), "t");
    let store = store(&server).await;
    assert_eq!(server.sql(OLD_CLAIM), "t");
    assert!(is_acquired(&claim(&store, 3).await));
    assert_eq!(claim(&store, 3).await, FULL);
    assert_eq!(server.sql(OLD_CLAIM), "f");
    // The previous version releases and sweeps by DELETE statements, like an operator.
    server.sql("DELETE FROM idem_records WHERE owner = '\\x01'");
    assert!(is_acquired(&claim(&store, 3).await));
    assert_eq!(server.sql("SELECT sum(keys), count(*) FROM idem_records_scopes"), "2|1");
    server.sql("TRUNCATE idem_records");
    assert_eq!(server.sql("SELECT count(*) FROM idem_records_scopes"), "0");
}

/// Keys that nothing sweeps make room when they have expired, and their scope leaves no counts behind.
#[tokio::test]
async fn expired_keys_of_a_full_scope_are_deleted() {
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    for _ in 0..5 {
        assert!(is_acquired(&claim(&store, 5).await));
    }
    assert_eq!(claim(&store, 5).await, FULL);
    server.sql("UPDATE idem_records SET expires_at = now(), sweep_at = now()");
    assert!(is_acquired(&claim(&store, 5).await));
    assert_eq!(server.sql("SELECT count(*) FROM idem_records"), "1");
    server.sql("DELETE FROM idem_records");
    assert_eq!(server.sql("SELECT count(*) FROM idem_records_scopes"), "0");
}

/// An open transaction holds the count that it wrote. Other claims do not wait for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_transaction_does_not_delay_the_count() {
    use idem_core::store::{OpenOutcome, TransactionSlot};
    let server = PostgresServer::start(&[]);
    let store = store(&server).await;
    assert!(is_acquired(&claim(&store, 5).await));
    let request = request().with_quota(Some(quota(5)));
    let transactions = store.transactions().unwrap();
    let mut open = Vec::new();
    for _ in 0..3 {
        let opened =
            transactions.open(new_id(), request.clone(), TransactionSlot::default()).await.unwrap();
        assert!(matches!(opened, OpenOutcome::Opened(_)));
        open.push(opened);
    }
    for _ in 0..4 {
        assert!(is_acquired(&claim(&store, 5).await));
    }
    assert_eq!(claim(&store, 5).await, FULL);
    drop(open);
    server.until("SELECT sum(keys) FROM idem_records_scopes", |keys| keys == "5");
}
