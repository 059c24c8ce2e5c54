#[allow(dead_code)]
async fn create_payment_unguarded(
    State(app): State<App>,
    tenant: Tenant,
    Json(payment): Json<NewPayment>,
) -> Result<(StatusCode, Json<Payment>), ApiError> {
    let _ = &app;
    let _ = &tenant;
    let _ = &payment;
    '__body: { app.pay(tenant, payment).await }
}
async fn create_payment<
    __State: ::idem_axum::__private::ProvidesIdempotency<__Place>,
    __Via: 'static,
    __Place,
>(
    ::idem_axum::__private::First(__arg0): ::idem_axum::__private::First<State<App>>,
    __arg1: Tenant,
    __call: ::idem_axum::__private::Guarded<Json<NewPayment>, (__State, __Via, __Place)>,
) -> ::idem_axum::__private::Response
where
    Json<NewPayment>: ::idem_axum::__private::FromRequest<__State, __Via>,
{
    async fn create_payment(
        State(app): State<App>,
        tenant: Tenant,
        Json(payment): Json<NewPayment>,
    ) -> Result<(StatusCode, Json<Payment>), ApiError> {
        let _ = &app;
        let _ = &tenant;
        let _ = &payment;
        '__body: { app.pay(tenant, payment).await }
    }
    let __policy = const {
        &::idem_axum::__private::Policy::new(
                ::core::time::Duration::from_millis(86400000u64),
                ::idem_axum::__private::Guarantee::AtMostOnce,
            )
            .with_hold(::core::time::Duration::from_millis(7776000000u64))
            .with_settle(::core::time::Duration::from_millis(0u64))
    };
    let __call = match __call.admit(__policy).await {
        ::core::result::Result::Ok(__call) => __call,
        ::core::result::Result::Err(__refused) => return __refused,
    };
    let __scope = {
        let tenant = &__arg1;
        ::idem_axum::__private::Scope::of(&::idem_axum::__private::scope_part(tenant))
    };
    let __label = {
        let Json(payment) = __call.last();
        ::std::string::ToString::to_string(&(payment.order))
    };
    let __call = __call.with_label(&__label);
    __call
        .run_recoverable(
            __scope,
            (__arg0, __arg1),
            |__args| async move {
                let __recovery = {
                    let State(app) = &__args.0.0;
                    let Json(payment) = &__args.1;
                    ::idem_axum::__private::recovery(
                        (find_charge(app, &payment.order)).await,
                    )
                };
                (__args, __recovery)
            },
            |((__arg0, __arg1), __last)| create_payment(__arg0, __arg1, __last),
        )
        .await
}
