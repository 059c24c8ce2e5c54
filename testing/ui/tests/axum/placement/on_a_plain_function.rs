use idem_axum::{Idempotency, idempotent};

#[idempotent(ttl = "24h", scope = "tenant", key = "order")]
async fn charge(idempotency: &Idempotency, tenant: &str, order: u64) -> Result<(), std::io::Error> {
    drop((idempotency, tenant, order));
    Ok(())
}

fn main() {}
