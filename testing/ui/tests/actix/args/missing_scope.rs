use idem_actix::idempotent;

#[idempotent(ttl = "24h")]
async fn create_payment(tenant: String) -> String {
    tenant
}

fn main() {}
