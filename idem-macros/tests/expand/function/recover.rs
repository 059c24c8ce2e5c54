#[idempotent(
    ttl = "7d",
    scope = "event.tenant",
    key = "event.id",
    guarantee = "at-most-once",
    recover = "app.find_order(event)",
    settle = "1m",
    hold = "90d",
    label = "event.id",
)]
async fn place(
    idempotency: &Idempotency,
    app: &App,
    event: &OrderPlaced,
) -> Result<Receipt, OrderError> {
    app.place(event).await
}
