use axum::http::StatusCode;
use idem_axum::idempotent;

struct Api;

impl Api {
    #[idempotent(ttl = "24h", scope = "tenant")]
    async fn create_payment(&self, tenant: String) -> StatusCode {
        drop(tenant);
        StatusCode::CREATED
    }
}

fn main() {}
