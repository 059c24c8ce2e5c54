async fn create_payment<__State: ::idem_axum::__private::ProvidesIdempotency, __Via>(
    arg0: State<App>,
    arg1: Tenant,
    call: ::idem_axum::__private::Guarded<Json<NewPayment>, __State, __Via>,
) -> ::idem_axum::__private::Response
where
    Json<NewPayment>: ::idem_axum::__private::FromRequest<__State, __Via>,
{
    async fn create_payment(
        State(app): State<App>,
        tenant: Tenant,
        Json(payment): Json<NewPayment>,
    ) -> Result<(StatusCode, Json<Payment>), ApiError> {
        let _ = &tenant;
        let _ = &payment;
        { app.pay(tenant, payment).await }
    }
    let policy = const {
        &::idem_axum::__private::Policy::new(
                ::core::time::Duration::from_millis(86400000u64),
                ::idem_axum::__private::Guarantee::AtMostOnce,
            )
            .with_argument_fingerprint()
    };
    let call = match call.admit(policy).await {
        ::core::result::Result::Ok(call) => call,
        ::core::result::Result::Err(refused) => return refused,
    };
    let scope = {
        let tenant = &arg1;
        ::idem_axum::__private::Scope::of(tenant)
    };
    let material = {
        let tenant = &arg1;
        let Json(payment) = call.last();
        ::idem_axum::__private::Material::of(&((&payment.amount, tenant)))
    };
    let call = call.with_fingerprint(material);
    call.run(scope, move |last| create_payment(arg0, arg1, last)).await
}
