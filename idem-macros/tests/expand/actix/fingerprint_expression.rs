#[idempotent(ttl = "24h", scope = "tenant", fingerprint = "(&payment.amount, tenant)")]
async fn create_payment(
    app: web::Data<App>,
    tenant: Tenant,
    web::Json(payment): web::Json<NewPayment>,
) -> Result<(web::Json<Payment>, StatusCode), ApiError> {
    app.pay(tenant, payment).await
}
