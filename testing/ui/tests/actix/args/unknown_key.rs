use idem_actix::idempotent;

#[idempotent(ttl = "24h", scope = "tenant", leese = "30s")]
async fn create_payment(tenant: String) -> String {
    tenant
}

fn main() {}
