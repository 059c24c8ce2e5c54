#[idempotent(ttl = "24h", scope = "tenant, shop, order")]
async fn ship(
    mut tenant: Tenant,
    Route { shop, mut order }: Route,
    web::Json(Shipment { ref carrier, mut parcels, .. }): web::Json<Shipment>,
) -> impl Responder {
    parcels.push(carrier);
    HttpResponse::Ok()
}
