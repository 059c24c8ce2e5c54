use idem_axum::idempotent;

struct Payment;

#[idempotent(ttl = "24h", scope = "tenant")]
impl Payment {}

fn main() {}
