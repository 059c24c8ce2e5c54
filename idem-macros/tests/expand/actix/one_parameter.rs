#[idempotent(ttl = "24h", scope = "tenant")]
async fn close(tenant: Tenant) -> impl Responder {
    tenant.close().await
}
