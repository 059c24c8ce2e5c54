//! One key, used on all workers concurrently.

use futures_util::future::join_all;
use idem_actix::{Idempotency, MemoryStore};
use idem_testkit::app::{Counts, MemoryLedger, Service};
use idem_testkit::http::{client, payment};
use tokio::sync::oneshot;

use crate::app::serve;

const WORKERS: usize = 4;
const CLIENTS: usize = 32;
const ROUNDS: usize = 50;

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_concurrent_requests_runs_across_workers() {
    let ledger = MemoryLedger::default();
    let service = Service::new(ledger.clone());
    let (started, start) = oneshot::channel();
    let served = std::thread::spawn(|| {
        actix_web::rt::System::new().block_on(async {
            let idempotency = Idempotency::new(MemoryStore::new());
            let (address, server) = serve(idempotency, service, WORKERS);
            assert!(started.send((address, server.handle())).is_ok());
            server.await.unwrap();
        });
    });
    let (address, handle) = start.await.unwrap();
    let clients: Vec<_> = (0..CLIENTS).map(|_| client().build().unwrap()).collect();
    for round in 0..ROUNDS {
        let note = format!("round-{round}");
        let responses = join_all(clients.iter().map(async |client| {
            let request = client.post(format!("http://{address}/payments")).bearer_auth("alice");
            let request = request.header("idempotency-key", &note).json(&payment(100, &note));
            let response = request.send().await.unwrap();
            let replayed = response.headers().contains_key("idempotent-replayed");
            (response.status().as_u16(), replayed, response.text().await.unwrap())
        }));
        let responses = responses.await;
        let runs: Vec<_> = responses.iter().filter(|it| it.0 == 201 && !it.1).collect();
        let [run] = runs[..] else { panic!("{} runs in {note}", runs.len()) };
        for (status, replayed, body) in &responses {
            assert!(*status == 409 || *status == 201 && (!replayed || *body == run.2), "{body}");
        }
        assert_eq!(ledger.counts(&note), Counts { attempts: 1, effects: 1, hooks: 0 });
    }
    handle.stop(false).await;
    served.join().unwrap();
}
