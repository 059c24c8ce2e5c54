use idem_actix::idempotent;

#[idempotent(ttl = "24h", scope = "tenant")]
#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment(tenant: String) -> String {
    tenant
}

fn main() {}
