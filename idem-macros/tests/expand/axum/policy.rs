#[idempotent(policy = "crate::PAYMENTS", scope = "tenant", wait = "5s", recover = "find_charge(app)")]
async fn create_payment(State(app): State<App>, tenant: Tenant) -> Receipt {
    app.pay(tenant).await
}
