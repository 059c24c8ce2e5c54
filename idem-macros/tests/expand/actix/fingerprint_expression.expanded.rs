async fn create_payment(
    call: ::idem_actix::__private::Guarded,
) -> ::idem_actix::__private::Response {
    async fn create_payment(
        app: web::Data<App>,
        tenant: Tenant,
        web::Json(payment): web::Json<NewPayment>,
    ) -> Result<(web::Json<Payment>, StatusCode), ApiError> {
        let _ = &tenant;
        let _ = &payment;
        { app.pay(tenant, payment).await }
    }
    let policy = const {
        &::idem_actix::__private::Policy::new(
                ::core::time::Duration::from_millis(86400000u64),
                ::idem_actix::__private::Guarantee::AtMostOnce,
            )
            .with_argument_fingerprint()
    };
    let call = match call
        .admit::<(web::Data<App>, Tenant, web::Json<NewPayment>)>(policy)
        .await
    {
        ::core::result::Result::Ok(call) => call,
        ::core::result::Result::Err(refused) => return refused,
    };
    let scope = {
        let tenant = &call.arguments().1;
        ::idem_actix::__private::Scope::of(tenant)
    };
    let material = {
        let tenant = &call.arguments().1;
        let web::Json(payment) = &call.arguments().2;
        ::idem_actix::__private::Material::of(&((&payment.amount, tenant)))
    };
    let call = call.with_fingerprint(material);
    call.run(scope, move |(arg0, arg1, arg2)| create_payment(arg0, arg1, arg2)).await
}
