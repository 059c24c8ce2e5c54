/// Creates a payment.
#[cfg(feature = "payments")]
#[deprecated = "use `pay`"]
#[must_use]
#[allow(clippy::too_many_arguments)]
#[expect(unused_mut, reason = "shows it")]
#[deny(clippy::pedantic)]
pub(crate) async fn create_payment<
    __State: ::idem_axum::__private::ProvidesIdempotency,
    __Via,
>(
    arg0: Tenant,
    call: ::idem_axum::__private::Guarded<Json<NewPayment>, __State, __Via>,
) -> ::idem_axum::__private::Response
where
    Json<NewPayment>: ::idem_axum::__private::FromRequest<__State, __Via>,
{
    #[cfg_attr(feature = "trace", tracing::instrument)]
    #[tracing::instrument(skip_all)]
    #[inline]
    async fn create_payment(
        #[allow(unused)]
        mut tenant: Tenant,
        Json(payment): Json<NewPayment>,
    ) -> StatusCode {
        let _ = &tenant;
        { StatusCode::OK }
    }
    let policy = const {
        &::idem_axum::__private::Policy::new(
            ::core::time::Duration::from_millis(86400000u64),
            ::idem_axum::__private::Guarantee::AtMostOnce,
        )
    };
    let call = match call.admit(policy).await {
        ::core::result::Result::Ok(call) => call,
        ::core::result::Result::Err(refused) => return refused,
    };
    let scope = {
        let tenant = &arg0;
        ::idem_axum::__private::Scope::of(tenant)
    };
    call.run(scope, move |last| create_payment(arg0, last)).await
}
