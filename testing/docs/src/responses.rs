//! The guide's chapter on responses.

use axum::Extension;
use axum::http::StatusCode;
use idem_axum::{Execution, Outcome, RefusalDetails, StoredResponse};
use serde_json::json;

async fn charged_but_not_booked() -> (StatusCode, Extension<Outcome>, &'static str) {
    (StatusCode::SERVICE_UNAVAILABLE, Extension(Outcome::Final), "charged; booked later")
}

struct Provider;

impl Provider {
    async fn charge(&self, _amount: u64, _key: &str) {}
}

async fn charge(provider: &Provider, amount: u64) {
    let key = Execution::current().downstream_key("charge");
    provider.charge(amount, key.as_str()).await;
}

fn refusal(refusal: &RefusalDetails) -> serde_json::Result<StoredResponse> {
    let error = json!({ "code": refusal.slug, "message": refusal.detail });
    StoredResponse::json(refusal.status, &json!({ "error": error }))
}
