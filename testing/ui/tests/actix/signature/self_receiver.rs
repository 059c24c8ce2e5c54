use idem_actix::idempotent;

struct Api;

impl Api {
    #[idempotent(ttl = "24h", scope = "tenant")]
    async fn create_payment(&self, tenant: String) -> String {
        tenant
    }
}

fn main() {
    let _ = Api;
}
