#[idempotent(
    ttl = "24h",
    hold = "90d",
    scope = "tenant",
    operation = "payments.create",
    optional,
    guarantee = "at-least-once",
    wait = "3s",
    lease = "10s",
    max_run = "5m",
    max_attempts = 3,
    fingerprint = "payment",
    label = "payment.order",
    syntax = "strict",
    format = "uuidv7",
    max_age = "12h",
)]
async fn create_payment(
    State(app): State<App>,
    tenant: Tenant,
    Json(payment): Json<NewPayment>,
) -> Result<(StatusCode, Json<Payment>), ApiError> {
    app.pay(tenant, payment).await
}
