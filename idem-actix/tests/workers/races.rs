//! One key, used on all workers concurrently.

use futures_util::future::join_all;
use idem_actix::{Idempotency, MemoryStore};
use idem_testkit::app::Counts;
use serde_json::json;

use crate::support::{body, client, order, send, serve};

const WORKERS: usize = 4;
const CLIENTS: usize = 64;
const ROUNDS: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_concurrent_requests_runs_across_workers() {
    let server = serve(WORKERS, Idempotency::new(MemoryStore::new())).await;
    let clients: Vec<_> = (0..CLIENTS).map(|_| client()).collect();
    for round in 0..ROUNDS {
        let note = format!("round-{round}");
        let body = body(&note, &json!({}));
        let requests = clients
            .iter()
            .map(|client| send(order(client, &server, "/payments", &note).json(&body)));
        let responses = join_all(requests).await;
        let (done, early): (Vec<_>, Vec<_>) =
            responses.iter().partition(|response| response.status == 201);
        let (replays, runs): (Vec<_>, Vec<_>) =
            done.into_iter().partition(|response| response.replayed);
        let [run] = runs[..] else { panic!("{} runs in {note}", runs.len()) };
        assert!(replays.iter().all(|replay| replay.body == run.body), "{replays:?}");
        assert!(early.iter().all(|response| response.status == 409), "{early:?}");
        assert_eq!(server.ledger.counts(&note), Counts { attempts: 1, effects: 1, hooks: 0 });
    }
    assert_eq!(server.workers.count(), WORKERS);
    server.control.stop(false).await;
}
