//! Faults of the SQLite store: its file, its disk and the clocks of its processes.

use std::fs;

use serde_json::json;

use super::time::FAKETIME;
use crate::support::{IMPATIENT, Problem, Response, TestEnv};

/// A killed process leaves a log, which the next one recovers.
pub(crate) async fn fault_sqlite_restarts_with_its_records(env: &TestEnv) {
    let first = env.start().await;
    let paid = first.pay("/payments", "paid");
    let response = paid.send().await;
    response.assert_executed(201);
    let running = first.pay_with("/hold", "running", &json!({ "gate": true }));
    let sent = running.start_run(&first, 1).await;
    first.kill().await;
    assert!(sent.await.unwrap().is_none(), "the killed process sent no response");
    let second = env.start().await;
    paid.to(&second).until_settled().await.assert_replay_of(&response);
    running.to(&second).until_settled().await.assert_problem(Problem::OutcomeUnknown);
    second.assert_counts("paid", 1, 1).await;
    second.assert_counts("running", 1, 1).await;
}

/// The latest clock of all processes counts. A clock that is behind changes nothing. One that is ahead ends leases early:
/// the outcome of a live run is unknown until it completes.
pub(crate) async fn fault_sqlite_clock_wrong(env: &TestEnv) {
    let right = env.start().await;
    for (n, offset) in ["-1d", "-1h", "+1h", "+1d"].into_iter().enumerate() {
        let (key, other) = (format!("k{n}"), format!("other{n}"));
        let pay = right.pay_with("/hold", &key, &json!({ "gate": true }));
        let sent = pay.start_run(&right, 1).await;
        let wrong = [("LD_PRELOAD", FAKETIME), ("FAKETIME", offset), ("DONT_FAKE_MONOTONIC", "1")];
        let wrong = env.start_on(&env.url(), &[], &wrong).await;
        let first = wrong.pay("/payments", &other).send().await;
        first.assert_executed(201);
        let duplicate = pay.to(&wrong).send().await;
        let expected = if offset.starts_with('-') {
            duplicate.is(Problem::InProgress)
        } else {
            duplicate.is(Problem::InProgress) || duplicate.is(Problem::OutcomeUnknown)
        };
        assert!(expected, "{offset}: {duplicate:?}");
        right.open_gate(&key).await;
        let response = sent.await.unwrap().expect("a response");
        pay.to(&wrong).until_settled().await.assert_replay_of(response.assert_executed(201));
        right.pay("/payments", &other).until_settled().await.assert_replay_of(&first);
        right.assert_counts(&key, 1, 1).await;
        right.assert_counts(&other, 1, 1).await;
    }
}

/// Half of a page of the log.
const HALF: u64 = 2048;

pub(crate) async fn fault_sqlite_disk_full(env: &TestEnv) {
    let server = env.start_with(&IMPATIENT).await;
    let pay = server.pay_with("/hold", "k", &json!({ "gate": true }));
    let sent = pay.start_run(&server, 1).await;
    let log = env.database_file().with_extension("db-wal");
    server.limit_files(Some(fs::metadata(log).unwrap().len() + HALF));
    server.pay("/payments", "new").send().await.assert_problem(Problem::StoreUnavailable);
    server.open_gate("k").await;
    // The client gets the real response. Its completion is retried until the disk has room.
    let response = sent.await.unwrap().expect("a response");
    response.assert_executed(201);
    assert!(!pay.send().await.is_replay(), "the completion cannot be stored");
    server.limit_files(None);
    pay.until(Response::is_replay).await.assert_replay_of(&response);
    server.pay("/payments", "new").until_settled().await.assert_executed(201);
    server.assert_counts("k", 1, 1).await;
    server.assert_counts("new", 1, 1).await;
}

/// A process that still has the previous file refuses new keys. Otherwise a key would run once per file.
pub(crate) async fn fault_sqlite_file_replaced(env: &TestEnv) {
    let first = env.start_with(&IMPATIENT).await;
    let paid = first.pay("/payments", "paid");
    paid.send().await.assert_executed(201);
    let file = env.database_file();
    for suffix in ["", "-wal", "-shm"] {
        let path = file.with_file_name(format!("records.db{suffix}"));
        fs::rename(&path, path.with_extension(format!("old{suffix}"))).unwrap();
    }
    let pay = first.pay("/payments", "k");
    pay.send().await.assert_problem(Problem::StoreUnavailable);
    let second = env.start().await;
    pay.send().await.assert_problem(Problem::StoreUnavailable);
    let response = pay.to(&second).send().await;
    response.assert_executed(201);
    first.kill().await;
    let third = env.start().await;
    pay.to(&third).until_settled().await.assert_replay_of(&response);
    third.assert_counts("k", 1, 1).await;
}

/// The number of times that a process is paused under load. Some of them are inside a commit.
const PAUSES: usize = 20;

/// A process that is paused while it holds the lock of the file delays the others. They refuse and never respond falsely.
pub(crate) async fn fault_sqlite_process_paused_in_commit(env: &TestEnv) {
    let first = env.start_with(&IMPATIENT).await;
    let second = env.start_with(&IMPATIENT).await;
    for n in 0..PAUSES {
        let (key, other) = (format!("k{n}"), format!("other{n}"));
        let pay = first.pay("/payments", &key);
        let sent = pay.start();
        first.pause();
        let own = second.pay("/payments", &other).send().await;
        assert!(own.status == 201 || own.is(Problem::StoreUnavailable), "{own:?}");
        first.resume();
        let response = sent.await.unwrap().expect("the resumed process responds");
        // The time limit of a store call can pass during the pause.
        let known = response.status == 201 || response.is(Problem::StoreUnavailable);
        assert!(known, "{response:?}");
        assert_eq!(pay.to(&second).until_settled().await.status, 201);
        second.pay("/payments", &other).until_settled().await;
        second.assert_counts(&key, 1, 1).await;
        second.assert_counts(&other, 1, 1).await;
    }
}
