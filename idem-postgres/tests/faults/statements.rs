//! What is sent, counted by the server, and what it costs there.

use idem_core::store::{ClaimOutcome, IdempotencyStore, Update};
use idem_testkit::servers::PostgresServer;

use crate::support::{HOUR, answered, completed, key, request, store, won};

const COUNTING: &[&str] = &["shared_preload_libraries=pg_stat_statements"];

/// How often each top-level statement ran that names the records, and with it their number.
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
        let id = key();
        let ClaimOutcome::Acquired(claim) = store.claim(id, request()).await.unwrap() else {
            panic!("a new key")
        };
        let concluded = store.complete(claim, answered(vec![7; size]), HOUR).await;
        assert_eq!(concluded.unwrap(), Update::Applied);
        assert_eq!(sent(&server), (2, 2), "the claim and the completion");
        for _ in 0..5 {
            assert!(matches!(store.claim(id, request()).await.unwrap(), ClaimOutcome::Exists(_)));
        }
        assert_eq!(sent(&server), (2, 7), "five more claims");
    }
}

/// A replay writes nothing: no log, no transaction id, no version of the row, no lock in it.
#[tokio::test]
async fn replay_writes_nothing() {
    let server = PostgresServer::start(&["autovacuum=off", "bgwriter_lru_maxpages=0"]);
    let store = store(&server).await;
    let claim = won(&store).await;
    assert_eq!(store.complete(claim, answered("kept"), HOUR).await.unwrap(), Update::Applied);
    server.sql("CHECKPOINT");
    // The first read after a checkpoint sets hint bits, and those may be logged.
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
    // A record of running transactions, which the server itself writes now and then, has some 50 bytes.
    let bytes: u64 = written(&from).parse().unwrap();
    assert!(bytes < 500, "{bytes} bytes for 100 replays");
}

/// The end of a run stays on the page of its claim and touches no index (RELIABILITY M14).
#[tokio::test]
async fn completion_touches_no_index() {
    const RUNS: u64 = 500;
    let server = PostgresServer::start(&["autovacuum=off"]);
    let store = store(&server).await;
    for _ in 0..RUNS {
        let claim = won(&store).await;
        assert_eq!(store.renew(claim, HOUR, HOUR).await.unwrap(), Update::Applied);
        let concluded = store.complete(claim, answered(vec![7; 500]), HOUR).await.unwrap();
        assert_eq!(concluded, Update::Applied);
    }
    let query = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables
                 WHERE relname = 'idem_records'";
    // The server publishes its counters about once a second.
    server.until(query, |counts| counts.starts_with(&format!("{}|", 2 * RUNS)));
    let counts = server.sql(query);
    let (_, hot) = counts.split_once('|').unwrap();
    let hot: u64 = hot.parse().unwrap();
    assert!(hot * 10 >= 2 * RUNS * 8, "{counts}: of the updates, those that touch no index");
}
