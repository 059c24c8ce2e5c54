#[idempotent(ttl = "24h", scope = "tenant")]
async fn create_payment<R: Repo, const N: usize>(
    State(app): State<App<R>>,
    tenant: Tenant,
    Json(payment): Json<NewPayment<N>>,
) -> Receipt
where
    R: Clone,
{
    app.pay(tenant, payment).await
}
