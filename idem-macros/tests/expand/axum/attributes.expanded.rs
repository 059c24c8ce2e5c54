/// Creates a payment.
#[cfg(feature = "payments")]
#[cfg_attr(feature = "trace", tracing::instrument)]
#[deprecated = "use `pay`"]
#[must_use]
#[allow(clippy::too_many_arguments)]
#[allow(unused_mut, reason = "shows it")]
#[deny(clippy::pedantic)]
#[tracing::instrument(skip_all)]
#[inline]
#[allow(dead_code)]
pub(crate) async fn create_payment_unguarded(
    #[allow(unused)]
    mut tenant: Tenant,
    Json(payment): Json<NewPayment>,
) -> StatusCode {
    let _ = &tenant;
    '__body: { StatusCode::OK }
}
/// Creates a payment.
#[cfg(feature = "payments")]
#[deprecated = "use `pay`"]
#[must_use]
#[allow(clippy::too_many_arguments)]
#[expect(unused_mut, reason = "shows it")]
#[deny(clippy::pedantic)]
pub(crate) async fn create_payment<
    __State: ::idem_axum::__private::ProvidesIdempotency<__Place>,
    __Via: 'static,
    __Place,
>(
    ::idem_axum::__private::First(__arg0): ::idem_axum::__private::First<Tenant>,
    __call: ::idem_axum::__private::Guarded<Json<NewPayment>, (__State, __Via, __Place)>,
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
        '__body: { StatusCode::OK }
    }
    let __policy = const {
        &::idem_axum::__private::Policy::new(
            ::core::time::Duration::from_millis(86400000u64),
            ::idem_axum::__private::Guarantee::AtMostOnce,
        )
    };
    let __call = match __call.admit(__policy).await {
        ::core::result::Result::Ok(__call) => __call,
        ::core::result::Result::Err(__refused) => return __refused,
    };
    let __scope = {
        let tenant = &__arg0;
        ::idem_axum::__private::Scope::of(&::idem_axum::__private::scope_part(tenant))
    };
    __call.run(__scope, move |__last| create_payment(__arg0, __last)).await
}
