#[idempotent(
    ttl = "24h",
    scope = "tenant",
    recover = "find_charge(app, &payment.order)",
    settle = "0s",
    hold = "90d",
    label = "payment.order",
)]
async fn create_payment(
    State(app): State<App>,
    tenant: Tenant,
    Json(payment): Json<NewPayment>,
) -> Result<(StatusCode, Json<Payment>), ApiError> {
    app.pay(tenant, payment).await
}
