use idem_axum::idempotent;

#[idempotent(ttl = "24h", scope = "tenant")]
mod payments {}

fn main() {}
