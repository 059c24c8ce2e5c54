use idem_axum::idempotent;

#[async_trait::async_trait]
trait Payments {
    async fn create(&self, tenant: String) -> String;
}

struct Provider;

#[async_trait::async_trait]
impl Payments for Provider {
    #[idempotent(ttl = "24h", scope = "tenant")]
    async fn create(&self, tenant: String) -> String {
        tenant
    }
}

fn main() {}
