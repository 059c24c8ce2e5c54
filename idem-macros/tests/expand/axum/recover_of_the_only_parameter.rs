#[idempotent(ttl = "24h", scope = "tenant", recover = "tenant.find_charge()")]
async fn create_payment(tenant: Tenant) -> StatusCode {
    tenant.charge().await
}
