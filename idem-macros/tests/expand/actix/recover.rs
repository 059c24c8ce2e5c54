#[idempotent(
    ttl = "24h",
    scope = "tenant",
    recover = "find_charge(app, &payment.order)",
    settle = "0s",
    hold = "90d",
    label = "payment.order",
)]
async fn create_payment(
    app: web::Data<App>,
    tenant: Tenant,
    web::Json(payment): web::Json<NewPayment>,
) -> Result<HttpResponse, ApiError> {
    app.pay(tenant, payment).await
}
