use idem_axum::idempotent;

struct Payment;

#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment(tenant: String) -> Payment {
    drop(tenant);
    Payment
}

fn main() {}
