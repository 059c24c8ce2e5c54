/// Creates a payment.
#[cfg(feature = "payments")]
#[deprecated = "use `pay`"]
#[must_use]
#[allow(clippy::too_many_arguments)]
#[expect(unused_mut, reason = "shows it")]
#[deny(clippy::pedantic)]
pub(crate) async fn create_payment(
    call: ::idem_actix::__private::Guarded,
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
        { HttpResponse::Ok() }
    }
    let policy = const {
        &::idem_actix::__private::Policy::new(
            ::core::time::Duration::from_millis(86400000u64),
            ::idem_actix::__private::Guarantee::AtMostOnce,
        )
    };
    let call = match call.admit::<(Tenant, web::Json<NewPayment>)>(policy).await {
        ::core::result::Result::Ok(call) => call,
        ::core::result::Result::Err(refused) => return refused,
    };
    let scope = {
        let tenant = &call.arguments().0;
        ::idem_actix::__private::Scope::of(tenant)
    };
    call.run(scope, move |(arg0, arg1)| create_payment(arg0, arg1)).await
}
