#[idempotent(ttl = "7d", scope = "global", key = "id", guarantee = "at-most-once", operation = "handle")]
async fn handle<'a, T>(
    mut id: String,
    Message { body, .. }: Message<'a, T>,
    idempotency: idem_core::Idempotency,
) -> Result<T, E>
where
    T: Handle,
{
    body.handle(id).await
}
