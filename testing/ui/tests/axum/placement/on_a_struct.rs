use idem_axum::idempotent;

#[idempotent(ttl = "24h", scope = "tenant")]
struct Payment;

fn main() {}
