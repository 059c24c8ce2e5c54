#[idempotent(ttl = "24h", scope = "tenant")]
/// Creates a payment.
#[cfg(feature = "payments")]
#[cfg_attr(feature = "trace", tracing::instrument)]
#[deprecated = "use `pay`"]
#[must_use]
#[allow(clippy::too_many_arguments)]
#[expect(unused_mut, reason = "shows it")]
#[deny(clippy::pedantic)]
#[tracing::instrument(skip_all)]
#[inline]
pub(crate) async fn create_payment(
    #[allow(unused)] mut tenant: Tenant,
    Json(payment): Json<NewPayment>,
) -> StatusCode {
    StatusCode::OK
}
