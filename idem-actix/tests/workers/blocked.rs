//! A handler that blocks its worker, and the other runs on that worker.

use std::time::Duration;

use idem_actix::{Idempotency, MemoryStore};
use idem_conformance::{FaultStore, Kind};
use idem_testkit::app::Counts;
use serde_json::json;

use crate::support::{body, client, order, send, serve};

/// The leases are 12 s, and each is renewed every 3.2 to 4 s. After three renewals of two leases, each was renewed at least
/// once, and 6.4 s have passed. With both advances of the clock, the leases of the claims are then over. Each advance leaves
/// a busy machine five seconds until a lease ends.
const RENEWALS: u32 = 3;
const ADVANCE: Duration = Duration::from_secs(3);

/// No other process takes over either run, and both responses are stored.
#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_worker_keeps_its_leases_and_responses() {
    let records = MemoryStore::new();
    let (store, faults) = FaultStore::new(records.clone());
    let server = serve(1, Idempotency::new(store)).await;
    let sibling = serve(1, Idempotency::new(records.clone())).await;
    let (client, other) = (client(), client());
    let waiting = body("waiting", &json!({ "gate": true }));
    let blocking = body("blocking", &json!({ "block_ms": 9_000 }));

    let first = tokio::spawn(send(order(&client, &server, "/takeover", "waiting").json(&waiting)));
    let gate = server.service.gate("waiting");
    gate.reached().await;
    let second =
        tokio::spawn(send(order(&client, &server, "/takeover", "blocking").json(&blocking)));
    faults.until_answered(Kind::Claim, 2).await;
    let renewed = faults.answered().renew;
    records.advance_clock(ADVANCE);
    faults.until_answered(Kind::Renew, renewed + RENEWALS).await;
    records.advance_clock(ADVANCE);
    for (note, body) in [("waiting", &waiting), ("blocking", &blocking)] {
        let retry = send(order(&other, &sibling, "/takeover", note).json(body)).await;
        // On a busy machine, the run that blocks may have ended.
        let has_ended = note == "blocking" && retry.replayed;
        assert!(has_ended || retry.status == 409, "{retry:?}");
    }
    gate.open();

    for (note, body, run) in [("waiting", waiting, first), ("blocking", blocking, second)] {
        let run = run.await.unwrap();
        assert_eq!((run.status, run.replayed), (201, false));
        let retry = send(order(&other, &sibling, "/takeover", note).json(&body)).await;
        assert_eq!((retry.replayed, retry.body), (true, run.body));
        assert_eq!(server.ledger.counts(note), Counts { attempts: 1, effects: 1, hooks: 0 });
        assert_eq!(sibling.ledger.counts(note), Counts::default());
    }
    server.control.stop(false).await;
    sibling.control.stop(false).await;
}
