#[idempotent(ttl = "24h", scope = "tenant, shop, order")]
async fn ship(
    mut tenant: Tenant,
    Path((shop, mut order)): Path<(Shop, Order)>,
    Json(Shipment { ref carrier, mut parcels, .. }): Json<Shipment>,
) -> StatusCode {
    parcels.push(carrier);
    StatusCode::OK
}
