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
    web::Json(payment): web::Json<NewPayment>,
) -> impl Responder {
    let _ = &tenant;
    '__body: { HttpResponse::Ok() }
}
/// Creates a payment.
#[cfg(feature = "payments")]
#[deprecated = "use `pay`"]
#[must_use]
#[allow(clippy::too_many_arguments)]
#[expect(unused_mut, reason = "shows it")]
#[deny(clippy::pedantic)]
pub(crate) async fn create_payment(
    __call: ::idem_actix::__private::Guarded,
) -> ::idem_actix::__private::Response {
    #[cfg_attr(feature = "trace", tracing::instrument)]
    #[tracing::instrument(skip_all)]
    #[inline]
    async fn create_payment(
        #[allow(unused)]
        mut tenant: Tenant,
        web::Json(payment): web::Json<NewPayment>,
    ) -> impl Responder {
        let _ = &tenant;
        '__body: { HttpResponse::Ok() }
    }
    let __policy = const {
        &::idem_actix::__private::Policy::new(
            ::core::time::Duration::from_millis(86400000u64),
            ::idem_actix::__private::Guarantee::AtMostOnce,
        )
    };
    let __call = match __call.admit::<(Tenant, web::Json<NewPayment>)>(__policy).await {
        ::core::result::Result::Ok(__call) => __call,
        ::core::result::Result::Err(__refused) => return __refused,
    };
    let __scope = {
        let tenant = &__call.arguments().0;
        ::idem_actix::__private::Scope::of(&::idem_actix::__private::scope_part(tenant))
    };
    __call.run(__scope, move |(__arg0, __arg1)| create_payment(__arg0, __arg1)).await
}
