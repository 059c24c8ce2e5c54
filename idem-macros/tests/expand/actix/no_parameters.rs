#[idempotent(ttl = "24h", scope = "global")]
async fn tick() -> impl Responder {
    HttpResponse::NoContent()
}
