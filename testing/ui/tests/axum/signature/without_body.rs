use axum::http::StatusCode;
use idem_axum::idempotent;

trait Api {
    #[idempotent(ttl = "24h", scope = "tenant")]
    async fn create_payment(tenant: String) -> StatusCode;
}

fn main() {}
