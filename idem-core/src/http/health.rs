//! The health of the store as a response, in the format of the draft *Health Check Response Format for HTTP APIs*.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::engine::{Health, HealthStatus, StoreHealth};
use crate::model::StoredResponse;

/// Returns the response of a health endpoint: `application/health+json`, with 200 for `pass` and `warn`, and 503 for `fail`.
///
/// It names the settings that the check of the store found, and neither addresses nor the causes of errors.
pub fn health_response(health: &Health) -> StoredResponse {
    let status = health.status();
    let mut store = Map::new();
    match &health.store {
        StoreHealth::Up { took } => {
            let state =
                if health.issues.is_empty() { HealthStatus::Pass } else { HealthStatus::Warn };
            store.insert("status".to_owned(), json!(state.to_string()));
            store.insert("observedValue".to_owned(), json!(took.as_secs_f64() * 1_000.0));
            store.insert("observedUnit".to_owned(), json!("ms"));
        }
        StoreHealth::Down(reason) => {
            store.insert("status".to_owned(), json!(HealthStatus::Fail.to_string()));
            store.insert("output".to_owned(), json!(reason));
        }
    }
    let mut document = Map::new();
    document.insert("status".to_owned(), json!(status.to_string()));
    let mut notes: Vec<String> = health.issues.iter().map(ToString::to_string).collect();
    if health.draining {
        notes.push("the process is shutting down".to_owned());
    }
    if !notes.is_empty() {
        document.insert("notes".to_owned(), json!(notes));
    }
    document.insert("checks".to_owned(), json!({ "store:responseTime": [store] }));
    StoredResponse {
        status: if status == HealthStatus::Fail { 503 } else { 200 },
        headers: [("content-type", "application/health+json"), ("cache-control", "no-store")]
            .into_iter()
            .map(|(name, value)| (name, value.as_bytes()))
            .collect(),
        body: Bytes::from(Value::Object(document).to_string()),
    }
}
