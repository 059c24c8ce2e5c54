#[idempotent(ttl = "7d", scope = "event.tenant", key = "event.id")]
async fn place(idempotency: &Idempotency, mut tx: Tx, event: &Event) -> Result<Receipt, OrderError> {
    event.write(&mut tx).await
}
