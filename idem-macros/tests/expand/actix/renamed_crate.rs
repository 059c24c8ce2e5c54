#[idempotent(crate = "my_prelude::guard", ttl = "24h", scope = "tenant")]
async fn create_payment(tenant: Tenant) -> Receipt {
    pay(tenant).await
}
