#[idempotent(ttl = "7d", scope = "event.tenant", key = "event.id", guarantee = "at-least-once")]
async fn on_order_placed(
    idempotency: &Idempotency,
    event: &OrderPlaced,
    app: &App,
) -> Result<Receipt, OrderError> {
    app.place(event).await
}
