#[idempotent(ttl = "24h", scope = "global")]
async fn tick() -> StatusCode {
    StatusCode::NO_CONTENT
}
