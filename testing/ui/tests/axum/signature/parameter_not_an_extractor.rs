use axum::Extension;
use axum::http::StatusCode;
use axum::routing::post;
use idem_axum::idempotent;

struct Payment;

#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment(Extension(tenant): Extension<String>, payment: Payment) -> StatusCode {
    drop((tenant, payment));
    StatusCode::CREATED
}

fn main() {
    let _: axum::Router = axum::Router::new().route("/", post(create_payment));
}
