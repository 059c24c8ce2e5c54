#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once")]
async fn r#move(idempotency: &Idempotency, id: u64) -> Result<(), E> {
    Ok(())
}
