//! Many concurrent duplicates.

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{Problem, Response, Server, TestEnv};

pub(crate) async fn fault_concurrent_duplicates_one_process(env: &TestEnv) {
    let server = env.start().await;
    send_many(&[&server]).await;
}

pub(crate) async fn fault_concurrent_duplicates_two_processes(env: &TestEnv) {
    let (first, second) = (env.start().await, env.start().await);
    send_many(&[&first, &second]).await;
}

async fn send_many(servers: &[&Server]) {
    for path in ["/payments", "/wait"] {
        let key = path.trim_start_matches('/');
        let pays = (0..200).map(|n| {
            let server = servers[n % servers.len()];
            let pay = server.pay_with(path, key, &json!({ "delay_ms": 100 }));
            // On a busy machine, some store calls exceed their timeout. These requests are repeated.
            async move { pay.until(|response| !response.is(Problem::StoreUnavailable)).await }
        });
        let responses = join_all(pays).await;
        let ran: Vec<_> = responses.iter().filter(|response| ran(response)).collect();
        assert_eq!(ran.len(), 1, "exactly one request runs");
        ran[0].assert_executed(201);
        for response in responses.iter().filter(|response| response.is_replay()) {
            response.assert_replay_of(ran[0]);
        }
        servers[0].assert_counts(key, 1, 1).await;
    }
}

fn ran(response: &Response) -> bool {
    !response.is(Problem::InProgress) && !response.is_replay()
}
