#[idempotent(ttl = "24h", scope = "tenant")]
async fn close(tenant: Tenant, Path(id): Path<u64>) {
    tenant.close(id).await;
}
