#[idempotent(ttl = "24h", scope = "tenant")]
async fn close(tenant: Tenant) -> StatusCode {
    tenant.close().await
}
