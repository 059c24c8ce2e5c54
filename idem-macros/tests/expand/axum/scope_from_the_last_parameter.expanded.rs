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
        let _ = &payment;
        { app.pay(tenant, payment).await }
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
        let Json(payment) = call.last();
        ::idem_axum::__private::Scope::of(&(payment.account))
    };
    call.run(scope, move |last| create_payment(arg0, arg1, last)).await
}
