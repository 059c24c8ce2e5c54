#[allow(dead_code)]
async fn create_payment_unguarded(
    app: web::Data<App>,
    tenant: Tenant,
    web::Json(payment): web::Json<NewPayment>,
) -> Result<(web::Json<Payment>, StatusCode), ApiError> {
    let _ = &tenant;
    let _ = &payment;
    '__body: { app.pay(tenant, payment).await }
}
async fn create_payment(
    __call: ::idem_actix::__private::Guarded,
) -> ::idem_actix::__private::Response {
    async fn create_payment(
        app: web::Data<App>,
        tenant: Tenant,
        web::Json(payment): web::Json<NewPayment>,
    ) -> Result<(web::Json<Payment>, StatusCode), ApiError> {
        let _ = &tenant;
        let _ = &payment;
        '__body: { app.pay(tenant, payment).await }
    }
    let __policy = const {
        &::idem_actix::__private::Policy::new(
                ::core::time::Duration::from_millis(86400000u64),
                ::idem_actix::__private::Guarantee::AtMostOnce,
            )
            .with_argument_key()
    };
    let __call = match __call
        .admit::<(web::Data<App>, Tenant, web::Json<NewPayment>)>(__policy)
        .await
    {
        ::core::result::Result::Ok(__call) => __call,
        ::core::result::Result::Err(__refused) => return __refused,
    };
    let __scope = {
        let tenant = &__call.arguments().1;
        ::idem_actix::__private::Scope::of(&::idem_actix::__private::scope_part(tenant))
    };
    let __key = {
        let web::Json(payment) = &__call.arguments().2;
        ::idem_actix::__private::IdempotencyKey::of(&(payment.id))
    };
    let __call = __call.with_key(__key);
    __call
        .run(
            __scope,
            move |(__arg0, __arg1, __arg2)| create_payment(__arg0, __arg1, __arg2),
        )
        .await
}
