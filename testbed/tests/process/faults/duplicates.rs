//! Many at once, and clocks that disagree (rows 47 and 72).

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{Answer, Bed, Problem, Server};

pub(crate) async fn fault_47_two_hundred_at_once(bed: &Bed) {
    let server = bed.start().await;
    storm(&[&server]).await;
}

pub(crate) async fn fault_47_two_hundred_at_two_processes(bed: &Bed) {
    let (first, second) = (bed.start().await, bed.start().await);
    storm(&[&first, &second]).await;
}

async fn storm(servers: &[&Server]) {
    for path in ["/payments", "/wait"] {
        let key = path.trim_start_matches('/');
        let pays = (0..200).map(|n| {
            let server = servers[n % servers.len()];
            server.pay_with(path, key, &json!({ "delay_ms": 100 }))
        });
        let pays: Vec<_> = pays.collect();
        let answers = join_all(pays.iter().map(super::super::support::Request::send)).await;
        let ran: Vec<_> = answers.iter().filter(|answer| ran(answer)).collect();
        assert_eq!(ran.len(), 1, "one runs");
        ran[0].assert_executed(201);
        for answer in answers.iter().filter(|answer| answer.is_replay()) {
            answer.assert_replay_of(ran[0]);
        }
        servers[0].assert_counts(key, 1, 1).await;
    }
}

fn ran(answer: &Answer) -> bool {
    !answer.is(Problem::InProgress) && !answer.is_replay()
}

pub(crate) async fn fault_72_clocks_that_are_wrong(bed: &Bed) {
    let right = bed.start().await;
    for (n, offset) in ["-1d", "-1h", "+1h", "+1d"].into_iter().enumerate() {
        let wrong = [("LD_PRELOAD", FAKETIME), ("FAKETIME", offset), ("DONT_FAKE_MONOTONIC", "1")];
        let wrong = bed.start_on(&bed.url(), &[], &wrong).await;
        let key = format!("k{n}");
        let pay = wrong.pay_with("/hold", &key, &json!({ "delay_ms": 1500 }));
        let sent = pay.start();
        right.until(&key, 1, 1).await;
        pay.to(&right).send().await.assert_problem(Problem::InProgress);
        let first = sent.await.unwrap().expect("it is answered");
        pay.to(&right).send().await.assert_replay_of(first.assert_executed(201));
        let other = format!("other{n}");
        let first = right.pay("/payments", &other).send().await;
        right.pay("/payments", &other).to(&wrong).send().await.assert_replay_of(&first);
        right.assert_counts(&key, 1, 1).await;
        let hour = |answer: &Answer| answer.headers["date"].to_str().unwrap()[..19].to_owned();
        let (told, true_time) = (wrong.pay("/payments", &other), right.pay("/payments", &other));
        let (told, true_time) = (told.send().await, true_time.send().await);
        assert_ne!(hour(&told), hour(&true_time), "`apt-get install faketime` installs it");
    }
}

/// Where Debian puts it; the loader looks for it in its own folders too.
const FAKETIME: &str = "/usr/$LIB/faketime/libfaketime.so.1";
