#[idempotent(ttl = "24h", scope = "p0, p15")]
async fn many(
    p0: P,
    p1: P,
    p2: P,
    p3: P,
    p4: P,
    p5: P,
    p6: P,
    p7: P,
    p8: P,
    p9: P,
    p10: P,
    p11: P,
    p12: P,
    p13: P,
    p14: P,
    p15: P,
) -> impl Responder {
    HttpResponse::Ok()
}
