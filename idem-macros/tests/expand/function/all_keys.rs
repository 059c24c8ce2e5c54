#[idempotent(
    ttl = "7d",
    hold = "90d",
    scope = "event.tenant, event.shop",
    operation = "orders.place",
    key = "event.id",
    guarantee = "at-least-once",
    wait = "3s",
    lease = "10s",
    max_run = "5m",
    max_attempts = 5,
    fingerprint = "event",
    label = "event.id",
    idempotency = "ctx.idempotency",
)]
#[tracing::instrument(skip_all)]
pub async fn on_order_placed(ctx: &Context, event: &OrderPlaced) -> Result<Receipt, OrderError> {
    ctx.app.place(event).await
}
