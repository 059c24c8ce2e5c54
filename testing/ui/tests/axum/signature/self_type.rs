use axum::Json;
use axum::extract::Path;
use idem_axum::idempotent;

#[derive(serde::Serialize, serde::Deserialize)]
struct Payment;

impl Payment {
    #[idempotent(ttl = "24h", scope = "tenant")]
    async fn create(Path(tenant): Path<String>, Json(payment): Json<Self>) -> Json<Self> {
        drop(tenant);
        Json(payment)
    }
}

fn main() {}
