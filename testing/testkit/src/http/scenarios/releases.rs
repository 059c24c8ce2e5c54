//! The statuses of a policy that free the key: 400 and 422 on `/releases`.

use serde_json::{Value, json};

use crate::http::{Request, Server};

fn order(server: &Server, note: &str, script: &Value) -> Request {
    server.order("/releases", note).key(note).order_with(note, script)
}

/// A handler that validates the request itself leaves the key to the corrected request.
pub async fn a_released_status_frees_the_key(server: &Server) {
    for status in [400, 422] {
        let note = format!("corrected-{status}");
        let wrong = order(server, &note, &json!({ "act": "none", "status": status }));
        wrong.send().await.assert_executed(status);
        let corrected = order(server, &note, &json!({ "act": "none" }));
        let second = corrected.send().await;
        corrected.send().await.assert_replay_of(second.assert_executed(201));
        server.assert_runs(&note, 2);
    }
}

/// A 4xx that the policy does not name is stored.
pub async fn another_status_is_stored(server: &Server) {
    let order = order(server, "not-released", &json!({ "act": "none", "status": 409 }));
    let first = order.send().await;
    order.send().await.assert_replay_of(first.assert_executed(409));
    server.assert_runs("not-released", 1);
}

/// The run may have had an effect, so its response is stored and replayed.
pub async fn no_released_status_frees_the_key_of_an_acted_run(server: &Server) {
    for act in ["downstream", "confirm"] {
        let note = format!("acted-{act}");
        let order = order(server, &note, &json!({ "act": act, "status": 400 }));
        let first = order.send().await;
        order.send().await.assert_replay_of(first.assert_executed(400));
        server.assert_runs(&note, 1);
    }
}
