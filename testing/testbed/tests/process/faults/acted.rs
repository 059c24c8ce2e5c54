//! Runs that took a downstream key or confirmed their claim before they failed.

use serde_json::json;

use crate::support::TestEnv;

pub(crate) async fn fault_acted_run_returns_releasing_status(env: &TestEnv) {
    let server = env.start().await;
    for status in [401, 403, 407, 408, 421, 425, 429, 503] {
        for act in ["downstream", "confirm"] {
            let key = format!("{act}-{status}");
            let pay = server.pay_with("/acted", &key, &json!({ "act": act, "status": status }));
            let first = pay.send().await;
            pay.until_settled().await.assert_replay_of(first.assert_executed(status));
            server.assert_counts(&key, 1, 1).await;
        }
        for (name, script) in [
            ("none", json!({ "once": true, "act": "none", "status": status })),
            ("declared", json!({ "once": true, "status": status, "outcome": "not-executed" })),
        ] {
            let key = format!("{name}-{status}");
            let pay = server.pay_with("/acted", &key, &script);
            pay.send().await.assert_executed(status);
            let second = pay.until_settled().await;
            pay.until_settled().await.assert_replay_of(second.assert_executed(201));
            server.assert_counts(&key, 2, 2).await;
        }
    }
}
