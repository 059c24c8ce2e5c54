use axum::{Extension, Json};
use idem_axum::idempotent;

#[derive(serde::Serialize, serde::Deserialize)]
struct Payment;

impl Payment {
    #[idempotent(ttl = "24h", scope = "tenant")]
    async fn create(Extension(tenant): Extension<String>, Json(payment): Json<Self>) -> Json<Self> {
        drop(tenant);
        Json(payment)
    }
}

fn main() {}
