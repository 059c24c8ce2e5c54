#[idempotent(ttl = "24h", scope = "tenant", syntax = "lenient")]
async fn create_payment(
    State(app): State<App>,
    tenant: Tenant,
    Json(payment): Json<NewPayment>,
) -> Result<(StatusCode, Json<Payment>), ApiError> {
    app.pay(tenant, payment).await
}
