//! Many concurrent duplicates.

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{Bed, Problem, Response, Server};

pub(crate) async fn fault_concurrent_duplicates_one_process(bed: &Bed) {
    let server = bed.start().await;
    storm(&[&server]).await;
}

pub(crate) async fn fault_concurrent_duplicates_two_processes(bed: &Bed) {
    let (first, second) = (bed.start().await, bed.start().await);
    storm(&[&first, &second]).await;
}

async fn storm(servers: &[&Server]) {
    for path in ["/payments", "/wait"] {
        let key = path.trim_start_matches('/');
        let pays = (0..200).map(|n| {
            let server = servers[n % servers.len()];
            let pay = server.pay_with(path, key, &json!({ "delay_ms": 100 }));
            // A machine that is busy answers some too late for the store's timeout; they ask again.
            async move { pay.until(|answer| !answer.is(Problem::StoreUnavailable)).await }
        });
        let answers = join_all(pays).await;
        let ran: Vec<_> = answers.iter().filter(|answer| ran(answer)).collect();
        assert_eq!(ran.len(), 1, "one runs");
        ran[0].assert_executed(201);
        for answer in answers.iter().filter(|answer| answer.is_replay()) {
            answer.assert_replay_of(ran[0]);
        }
        servers[0].assert_counts(key, 1, 1).await;
    }
}

fn ran(answer: &Response) -> bool {
    !answer.is(Problem::InProgress) && !answer.is_replay()
}
