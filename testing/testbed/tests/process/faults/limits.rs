//! Responses around the size limit, and bodies that do not end normally.

use idem_testkit::app::MAX_RESPONSE;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use crate::support::{Problem, Server, TestEnv};

pub(crate) async fn fault_response_at_size_limit(env: &TestEnv) {
    let server = env.start().await;
    let more = length(&server, "probe", &json!({ "size": 1000 })).await - 1000;
    for chunks in [None, Some(7)] {
        for over in [-1_i64, 0, 1] {
            let size = MAX_RESPONSE.checked_add_signed(over as isize).unwrap() - more;
            let key = format!("{over}-{chunks:?}");
            let pay =
                server.pay_with("/payments", &key, &json!({ "size": size, "chunks": chunks }));
            let first = pay.send().await;
            assert_eq!(first.assert_executed(201).body.len(), size + more);
            let again = pay.send().await;
            match over {
                1 => again.assert_problem(Problem::ResultUnavailable),
                _ => again.assert_replay_of(&first),
            }
            server.assert_counts(&key, 1, 1).await;
        }
    }
}

async fn length(server: &Server, key: &str, script: &Value) -> usize {
    server.pay_with("/payments", key, script).send().await.body.len()
}

pub(crate) async fn fault_response_body_incomplete(env: &TestEnv) {
    let server = env.start().await;
    let broken = json!({ "chunks": 3, "size": 3000, "ends": "broken", "once": true });
    let pay = server.pay_with("/payments", "broken", &broken);
    assert!(pay.try_send().await.is_none(), "the response is incomplete");
    pay.send().await.assert_problem(Problem::ResultUnavailable);
    server.assert_counts("broken", 1, 1).await;
    let pay = server.pay_with("/release", "freed", &broken);
    assert!(pay.try_send().await.is_none(), "the response is incomplete");
    pay.send().await.assert_executed(201);

    let endless =
        server.pay_with("/payments", "endless", &json!({ "chunks": 1, "ends": "endless" }));
    let mut connection = endless.raw().await;
    connection.read_exact(&mut vec![0; 4 * MAX_RESPONSE]).await.unwrap();
    endless.send().await.assert_problem(Problem::ResultUnavailable);
    server.assert_counts("endless", 1, 1).await;

    let never = server.pay_with("/max-run", "never", &json!({ "chunks": 1, "ends": "never" }));
    never.send().await.assert_problem(Problem::OutcomeUnknown);
    never.until_settled().await.assert_problem(Problem::OutcomeUnknown);
    server.assert_counts("never", 1, 1).await;
}
