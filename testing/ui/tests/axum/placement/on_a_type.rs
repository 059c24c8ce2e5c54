use idem_axum::idempotent;

#[idempotent(ttl = "24h", scope = "tenant")]
type Handler = fn();

fn main() {}
