//! The number of statements, counted by the server, and their cost.

use idem_core::store::{ClaimOutcome, IdempotencyStore, Update};
use idem_testkit::servers::PostgresServer;

use crate::support::{HOUR, claim_new, completed, completion, new_id, request, store};

const COUNTING: &[&str] = &["shared_preload_libraries=pg_stat_statements"];

/// The number of distinct top-level statements that name the records, and the number of their calls.
fn sent(server: &PostgresServer) -> (usize, u64) {
    let calls = server.sql(
        "SELECT calls FROM pg_stat_statements WHERE query LIKE '%idem_records%'
         AND query NOT LIKE '%pg_stat%'",
    );
    let calls: Vec<u64> = calls.lines().map(|calls| calls.parse().unwrap()).collect();
    (calls.len(), calls.iter().sum())
}

fn counting() -> PostgresServer {
    let server = PostgresServer::start(COUNTING);
    server.sql("CREATE EXTENSION pg_stat_statements");
    server
}

#[tokio::test]
async fn first_execution_sends_two_statements_and_a_replay_one() {
    let server = counting();
    let store = store(&server).await;
    for size in [0, 1 << 10, 1 << 20] {
        server.sql("SELECT pg_stat_statements_reset()");
        let id = new_id();
        let ClaimOutcome::Acquired(claim) = store.claim(id, request()).await.unwrap() else {
            panic!("the key is not free")
        };
        let update = store.complete(claim, completion(vec![7; size]), HOUR).await;
        assert_eq!(update.unwrap(), Update::Applied);
        assert_eq!(sent(&server), (2, 2), "the claim and the completion");
        for _ in 0..5 {
            assert!(matches!(store.claim(id, request()).await.unwrap(), ClaimOutcome::Exists(_)));
        }
        assert_eq!(sent(&server), (2, 7), "five more claims");
    }
}

/// A replay writes no log, no transaction id, no row version and no row lock.
#[tokio::test]
async fn replay_writes_nothing() {
    let server = PostgresServer::start(&["autovacuum=off", "bgwriter_lru_maxpages=0"]);
    let store = store(&server).await;
    let claim = claim_new(&store).await;
    assert_eq!(store.complete(claim, completion("kept"), HOUR).await.unwrap(), Update::Applied);
    server.sql("CHECKPOINT");
    // The first read after a checkpoint sets hint bits, which can be logged.
    assert_eq!(store.claim(claim.id, request()).await.unwrap(), completed("kept"));
    let row = "SELECT xmin, xmax, ctid FROM idem_records";
    let state = || {
        let next_xid = "SELECT pg_snapshot_xmax(pg_current_snapshot())";
        (server.sql(row), server.sql(next_xid))
    };
    let written = |from: &str| {
        server.sql(&format!("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '{from}')"))
    };
    let (before, from) = (state(), server.sql("SELECT pg_current_wal_insert_lsn()"));
    for _ in 0..100 {
        assert_eq!(store.claim(claim.id, request()).await.unwrap(), completed("kept"));
    }
    assert_eq!(state(), before);
    // The server sometimes logs the running transactions by itself, in about 50 bytes.
    let bytes: u64 = written(&from).parse().unwrap();
    assert!(bytes < 500, "{bytes} bytes for 100 replays");
}

/// At least 80 % of the renewals and completions are HOT updates: they stay on the page of their claim.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn completion_touches_no_index() {
    const RUNS: u64 = 500;
    let server = PostgresServer::start(&["autovacuum=off"]);
    let store = store(&server).await;
    for _ in 0..RUNS {
        let claim = claim_new(&store).await;
        assert_eq!(store.renew(claim, HOUR, HOUR).await.unwrap(), Update::Applied);
        let update = store.complete(claim, completion(vec![7; 500]), HOUR).await.unwrap();
        assert_eq!(update, Update::Applied);
    }
    let query = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables
                 WHERE relname = 'idem_records'";
    // Postgres 14 publishes the last counters of a connection when it ends, and later versions after about a second.
    drop(store);
    server.until(query, |counts| counts.starts_with(&format!("{}|", 2 * RUNS)));
    let counts = server.sql(query);
    let (_, hot) = counts.split_once('|').unwrap();
    let hot: u64 = hot.parse().unwrap();
    assert!(hot * 10 >= 2 * RUNS * 8, "updates | HOT updates: {counts}");
}
