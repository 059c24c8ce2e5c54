//! Runs whose clients have disconnected, and the limits on them.

use serde_json::json;

use crate::support::{Problem, Request, Server, TestEnv};

const CLIENTS: usize = 40;

fn pay(server: &Server, client: usize) -> Request {
    server.pay_with("/payments", &client.to_string(), &json!({ "gate": true }))
}

/// Sends a request, and disconnects once its handler runs.
async fn hang_up(server: &Server, client: usize) {
    let connection = pay(server, client).raw().await;
    server.until(&client.to_string(), 1, 1).await;
    connection.set_zero_linger().unwrap();
    drop(connection);
}

/// The outer limit is 1. Each request is admitted once the client before it has disconnected, although its run
/// continues.
pub(crate) async fn fault_runs_without_clients_behind_an_outer_limit(env: &TestEnv) {
    let server = env.start_with(&["--max-requests", "1"]).await;
    for client in 0..CLIENTS {
        hang_up(&server, client).await;
    }
    assert_eq!(active(env), CLIENTS);
    settle(&server, 0..CLIENTS).await;
    assert_eq!(active(env), 0);
}

pub(crate) async fn fault_runs_without_clients_are_limited(env: &TestEnv) {
    const MAX_RUNS: usize = 4;
    let server = env.start_with(&["--max-requests", "1", "--max-runs", "4"]).await;
    for client in 0..MAX_RUNS {
        hang_up(&server, client).await;
    }
    for client in MAX_RUNS..CLIENTS {
        pay(&server, client).send().await.assert_problem(Problem::TooManyRuns);
    }
    pay(&server, 0).send().await.assert_problem(Problem::InProgress);
    assert_eq!(active(env), MAX_RUNS);
    settle(&server, 0..MAX_RUNS).await;

    for client in MAX_RUNS..CLIENTS {
        server.open_gate(&client.to_string()).await;
        let executed = |response: &crate::support::Response| response.status == 201;
        pay(&server, client).until(executed).await.assert_executed(201);
        server.assert_counts(&client.to_string(), 1, 1).await;
    }
}

/// The number of runs that have begun and have not ended.
fn active(env: &TestEnv) -> usize {
    let notes = (0..CLIENTS).map(|client| client.to_string());
    notes.map(|note| env.runs(&note).len() - env.finished(&note)).sum()
}

/// Lets runs end, and checks that a retry of each gets its response.
async fn settle(server: &Server, clients: std::ops::Range<usize>) {
    for client in clients {
        server.open_gate(&client.to_string()).await;
        pay(server, client).until_settled().await.assert_replay();
        server.assert_counts(&client.to_string(), 1, 1).await;
    }
}
