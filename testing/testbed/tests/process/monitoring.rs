//! What can be seen of a process from outside: metrics, health and the log.

use serde_json::Value;

use crate::support::{Problem, Server, TestEnv};

async fn get(server: &Server, path: &str) -> (u16, String) {
    let url = format!("http://{}{path}", server.address);
    let response = server.client.get(url).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// Returns the value of the sample with these labels.
fn sample(metrics: &str, name: &str, labels: &str) -> Option<f64> {
    let line = metrics.lines().find(|line| line.starts_with(&format!("{name}{{{labels}}} ")))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// One run, one replay and one refusal are one sample and, without a run, one log line each. The log line has the record
/// that the refusal names.
pub(crate) async fn a_call_is_seen_in_metrics_and_log(env: &TestEnv) {
    let server = env.start().await;
    let pay = server.pay("/payments", "a-key-of-a-client");
    pay.send().await.assert_executed(201);
    pay.until_settled().await.assert_replay();
    let reused = server.pay("/payments", "a-key-of-a-client").note("other").send().await;
    reused.assert_problem(Problem::KeyReused);
    let document: Value = serde_json::from_slice(&reused.body).unwrap();
    let instance = document["instance"].as_str().unwrap();
    let record = instance.strip_prefix("urn:idem:record:").unwrap();
    assert_eq!(record.len(), 64);
    assert_eq!(reused.headers["idempotency-refused"], "key-reused");

    let (status, metrics) = get(&server, "/metrics").await;
    assert_eq!(status, 200);
    let outcomes = [("executed", "success"), ("replayed", ""), ("key-reused", "")];
    for (outcome, result) in outcomes {
        let labels =
            format!("operation=\"POST /payments\",outcome=\"{outcome}\",result=\"{result}\"");
        assert_eq!(sample(&metrics, "idem_calls_total", &labels), Some(1.0), "{metrics}");
    }
    let gauges = ["idem_running 0", "idem_waiting 0", "idem_unsettled 0"];
    assert!(gauges.iter().all(|gauge| metrics.contains(gauge)), "{metrics}");
    assert!(!metrics.contains("a-key-of-a-client") && !metrics.contains(&record[..8]));

    let logs = server.logs().await;
    assert!(!logs.contains("a-key-of-a-client"));
    for outcome in ["replayed", "key-reused"] {
        let is_line = |line: &&str| {
            line.contains(&format!("outcome=\"{outcome}\""))
                && line.contains("POST /payments")
                && line.contains(record)
        };
        let lines: Vec<_> = logs.lines().filter(is_line).collect();
        assert_eq!(lines.len(), 1, "{lines:?}");
    }
}

pub(crate) async fn health_follows_the_store(env: &TestEnv) {
    let server = env.start().await;
    let (status, health) = get(&server, "/health").await;
    assert_eq!(status, 200, "{health}");
    server.set_store("down").await;
    // A result is kept for a second.
    let down = async {
        loop {
            let (status, health) = get(&server, "/health").await;
            if status == 503 {
                return health;
            }
        }
    };
    let health = down.await;
    assert!(health.contains("\"status\":\"fail\""), "{health}");
    let (_, metrics) = get(&server, "/metrics").await;
    let store = env.store_name();
    let healthy = sample(&metrics, "idem_store_healthy", &format!("store=\"{store}\""));
    assert_eq!(healthy, Some(0.0), "{metrics}");
}
