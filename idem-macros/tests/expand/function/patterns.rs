#[idempotent(ttl = "7d", scope = "tenant", key = "(*id, shop)", guarantee = "at-most-once")]
async fn handle(
    idempotency: &Idempotency,
    &Event { id, ref tenant, .. }: &Event,
    Shop(shop): Shop,
) -> Result<(), E> {
    act(id, tenant, shop).await
}
